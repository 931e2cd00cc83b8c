/* envelope.h - what crosses between two worker processes: batches of envelopes, one batch a
 * message.
 *
 * A batch is written by the process that sends it and read by its peer on the same machine,
 * which trusts no byte of it. Writer and reader live in memory of the caller; one thread at a
 * time.
 *
 * Numbers are in the machine's own order. All that is not named here is zero, and checked to
 * be.
 *
 *   batch       0  u32  magic, "TRP1"                  envelope  0  u8   kind
 *               4  u32  version, 7                               1  u8   flags
 *               8  u32  envelopes in the batch                   2  u16  status; CALL: window
 *              12  u32  bytes of the batch, this included
 *              16  u64  sequence number of the first             4  u32  bytes of payload
 *              24       sender: struct process                   8  u64  hash
 *              32       receiver: struct process                16  u32  from: slot
 *              40       zero                                    20  u32  from: generation
 *              48       the envelopes                           24  u32  to: slot
 *                                                               28  u32  to: generation
 *                                                               where there is a call:
 *                                                               +0  u64  call; ROOM: credit
 *                                                               +8  u64  deadline
 *                                                               where FORWARDED is set:
 *                                                               +0       from: struct process
 *                                                               +8  u32  unread replies
 *                                                               +12 u32  their bytes
 *                                                               payload, then zeros to a
 *                                                               multiple of 16
 *
 * So each payload is at a multiple of 16 from the start of the batch. The two processes are
 * named once, in the batch's head: `from` lives at the sender, unless the envelope is
 * FORWARDED, and `to` at the receiver. Envelopes are numbered from the batch's first sequence
 * number on; a reader that keeps the number it expects sees gaps.
 *
 * Which kind has what ('-': zero):
 *
 *             hash   call  deadline  from     to       flags      payload
 *   SEND      type   -     -         yes      yes      FORW., L.  wire block
 *   CALL      type   yes   yes       yes      yes      MORE, F L  wire block
 *     TEXT    -      yes   yes       yes      yes      MORE, LENT wire block of text_call.h
 *   REPLY     type   yes   -         callee   caller   CONT., L.  wire block
 *   ERROR     type   yes   -         callee   caller   LENT       wire block of the error
 *   FAILURE   -      yes   -         callee   caller   -          - or i32 code, text; and
 *                                                                 status
 *   CANCEL    -      yes   -         caller   callee   -          -
 *   LAYOUT    type   -     -         -        -        -          mark, name NUL, text NUL
 *   ROOM      -      credit -        yes      -        -          -
 *   END       -      -      -        -        -        -          -
 *   ENDED     -      -      -        -        -        -          -
 *   MOVED     -      yes   -         yes      caller   -          the address that has it now
 *   TAKEN     -      yes   -         caller   callee   -          u32 replies, u32 bytes
 *   KEPT      -      yes   -         callee   caller   -          -
 *   OFFER     -      -     -         -        -        -          -
 *   ACCEPT    -      -     -         -        -        -          -
 *   RETURN    -      -     -         -        -        -          u32 first pieces
 *
 * Generation 0 means the process itself. FORWARDED: `from` is the one who sent or called first,
 * who may live in any process; the answer goes straight there. MOVED reports it to the caller's
 * process, which then knows whose death ends the call. TAKEN: the caller has read so much of a
 * stream, since it last said so: sent for each half of a window. KEPT: the callee has kept a
 * call that asks for a stream, so that the default deadline does not hold any more.
 *
 * A CALL with MORE may have a window: in its lowest 11 bits how many replies its caller leaves
 * unread at most, 0: as many as LIMIT_STREAM_UNREAD; in the others, when there is one, how
 * often LIMIT_STREAM_UNREAD_BYTES is to be halved for their bytes.
 *
 * TEXT: the callee's process is to find the method by its name, and to make its input of JSON
 * text. From there on the call is as any other, and it is answered as any other.
 *
 * LENT: the wire block lies in the sender's arena, and the payload is a struct
 * envelope_reference. Only to a peer that has said ACCEPT, which answers OFFER: "large payloads
 * could lie in my arena, if you can read it". RETURN names the blocks that the peer needs no
 * more.
 */
#ifndef PROTO_ENVELOPE_H
#define PROTO_ENVELOPE_H

#include "proto/codec.h"
#include "proto/layout.h"
#include "proto/process.h"
#include <stddef.h>
#include <stdint.h>
#include <troupe/actor.h>

#define ENVELOPE_BATCH_HEAD   48
#define ENVELOPE_HEAD         32 /* at least; with all that an envelope may have: */
#define ENVELOPE_HEAD_MAX     64
#define ENVELOPE_ALIGN        16
#define ENVELOPE_NAME_MAX     255 /* bytes of a type's qualified name */
#define ENVELOPE_DETAIL_MAX   512 /* bytes of a FAILURE's text */
#define ENVELOPE_FAILURE_MIN  4   /* bytes of its code */
#define ENVELOPE_WINDOW_MAX   1024
#define ENVELOPE_HALVINGS_MAX 31
#define ENVELOPE_PAYLOAD_MAX  CODEC_BLOCK_MAX

/* The longest batch: one envelope with the longest payload. Receivers must take messages of
 * this size. */
#define ENVELOPE_BATCH_MAX (ENVELOPE_BATCH_HEAD + ENVELOPE_HEAD_MAX + ENVELOPE_PAYLOAD_MAX)

enum envelope_kind {
	ENVELOPE_SEND = 1,
	ENVELOPE_CALL,
	ENVELOPE_REPLY,
	ENVELOPE_ERROR,   /* typed: one that the callee's interface declares */
	ENVELOPE_FAILURE, /* the call ended with a status, from NO_SUCH_ACTOR on */
	ENVELOPE_CANCEL,  /* the caller waits no more */
	/* what a hash means; sent once a link, before the first envelope that uses it */
	ENVELOPE_LAYOUT,
	ENVELOPE_ROOM,   /* from the receiver of earlier envelopes: go on */
	ENVELOPE_MOVED,  /* the call was forwarded to an actor in another process */
	ENVELOPE_TAKEN,  /* the caller has read stream replies: go on */
	ENVELOPE_END,    /* the last of this link: the sender is about to leave, in order */
	ENVELOPE_ENDED,  /* END has come, and so has all that was sent before it */
	ENVELOPE_OFFER,  /* there is an arena for large payloads */
	ENVELOPE_ACCEPT, /* the peer's arena can be read */
	ENVELOPE_RETURN, /* blocks of the peer's arena that have been read */
	ENVELOPE_KEPT,   /* the callee has kept a call that asks for a stream */
	ENVELOPE_KIND_COUNT
};

#define ENVELOPE_MORE      1u    /* CALL: a stream of replies is asked for */
#define ENVELOPE_CONTINUES 2u    /* REPLY: more of them follow */
#define ENVELOPE_FORWARDED 4u    /* SEND, CALL: by another than `from` */
#define ENVELOPE_LENT      8u    /* SEND, CALL, REPLY, ERROR: the payload is a reference */
#define ENVELOPE_TEXT      16u   /* CALL: by name, with JSON text; not FORWARDED */
#define ENVELOPE_RETURNS   1024u /* blocks in one RETURN */

/* Where a wire block lies in its sender's arena. */
struct envelope_reference {
	uint32_t piece; /* the first; of LIMIT_ARENA_PIECE bytes each */
	uint32_t size;  /* bytes of the block */
};

/* What MOVED says. */
struct envelope_move {
	struct troupe_address target;
	/* replies of TAKEN that came before, modulo 2^16; further ones were meant for the
	 * target */
	uint32_t taken;
	uint32_t zero;
};

/* What FAILURE says, up to the end of the text, which has no NUL. */
struct envelope_failure {
	int32_t code; /* FAILED: what the handler returned; else 0 */
	char detail[ENVELOPE_DETAIL_MAX + 1];
};

/* What TAKEN says. */
struct envelope_taken {
	uint32_t replies;
	uint32_t bytes; /* of their blocks */
};

struct envelope {
	enum envelope_kind kind;
	uint8_t flags;
	uint8_t halvings; /* of a window */
	union {
		enum troupe_status status; /* FAILURE */
		uint32_t window;           /* CALL with MORE */
	};
	struct troupe_address from; /* ROOM: the actor that has room again, or the process */
	struct troupe_address to;
	uint64_t hash;   /* of the payload's layout; see layout_hash() */
	uint64_t call;   /* the caller's own id of its call, echoed by the callee; never 0 */
	uint64_t credit; /* ROOM: envelopes that may be sent beyond those sent so far */
	uint64_t deadline_ns; /* CALL: CLOCK_MONOTONIC; never 0 */
	/* FORWARDED: stream replies that were sent before, and not read as far as is known */
	uint32_t unread, unread_bytes;
	const void *payload; /* read: in the batch, at 16 from its start. Not for writing */
	size_t size;         /* of the payload */
};

/* What a hash belongs to: "interface.name"; with interface NULL `name` is qualified already, as
 * those of errors are. In two pieces, since putting them together is due once a link only. */
struct envelope_meaning {
	const char *interface;
	const char *name;
};

/* What a LAYOUT envelope says: all three point into its payload. */
struct envelope_layout {
	char mark; /* '(' input of a method, '>' output, '!' error */
	const char *name;
	const char *text;
};

/* ------------------------------------------------------------------ writing */

/* Where the bytes of a batch lie, when not in malloc's memory. */
struct envelope_memory {
	/* `memory`, or new one for NULL, with room for `size` bytes; as many as fit of those
	 * that were there are kept. Aligned to 8. NULL: there is none, and it is as it was. */
	void *(*resize)(void *context, void *memory, size_t size);
	void (*free)(void *memory); /* NULL is fine */
	void *context;
};

struct envelope_batch {
	unsigned char *bytes;
	size_t size, room; /* of bytes */
	size_t usual;      /* what the batch before took */
	struct envelope_memory memory;
	size_t limit;
	uint32_t count;
	struct process from, to;
	uint64_t sequence; /* of the batch's first envelope */
};

/* An empty batch of one process for another. Its first envelope gets number `sequence`.
 * limit: bytes a batch should not exceed; an envelope that is longer by itself still gets a
 * batch of its own. */
void envelope_batch_init(struct envelope_batch *batch, size_t limit, struct process from,
			 struct process to, uint64_t sequence);
void envelope_batch_fini(struct envelope_batch *batch);
/* Before the first envelope: let the bytes lie in memory of this kind. Its context is borrowed
 * for the batch's life. */
void envelope_batch_set_memory(struct envelope_batch *batch,
			       const struct envelope_memory *memory);

/* Add an envelope with a payload of envelope->size bytes (envelope->payload is not read) and
 * set *ret_payload to where it goes: aligned as the memory is, not zeroed, valid until the next
 * call for this batch. The caller fills it in before that. -ENOBUFS: the batch is full, send it
 * first; -EMSGSIZE: the payload is too long; -EINVAL: the kind does not go with the other
 * fields, see the table above, or an address is of another process; -ENOMEM. The batch is as it
 * was then. */
int envelope_batch_add(struct envelope_batch *batch, const struct envelope *envelope,
		       void **ret_payload);

/* The same for what most envelopes are, with less to look at: a SEND without flags, while the
 * batch has envelopes already and room for `size` bytes of payload; envelope->size is not read.
 * NULL: it is something else, or wrong. */
void *envelope_batch_add_send(struct envelope_batch *batch, const struct envelope *envelope,
			      size_t size);

/* Add a LAYOUT envelope. Errors as above. */
int envelope_batch_add_layout(struct envelope_batch *batch, uint64_t hash,
			      const struct envelope_layout *layout);

/* The batch as it is, ready to be sent; borrowed, until the next call for it. */
const void *envelope_batch_data(struct envelope_batch *batch, size_t *ret_size);

/* The envelopes are on their way: begin anew, with the sequence number after theirs. */
void envelope_batch_sent(struct envelope_batch *batch);

/* Both at once: the memory itself, *ret_size bytes; given. There must be an envelope. NULL:
 * there is no memory, and the batch is as it was. */
void *envelope_batch_take(struct envelope_batch *batch, size_t *ret_size);

/* ------------------------------------------------------------------ reading */

struct envelope_reader {
	const unsigned char *data;
	size_t size, cursor;
	uint32_t left; /* envelopes */
	struct process from, to;
	uint64_t sequence; /* of the next envelope */
};

/* Begin to read a batch of `size` bytes, borrowed until the last envelope is done with; `data`
 * itself needs no alignment, but payloads are aligned only when it is. -EBADMSG: not a
 * batch. */
int envelope_reader_init(struct envelope_reader *reader, const void *data, size_t size);

/* The next envelope. 1: there is one; 0: that was the last; -EBADMSG: the rest is malformed,
 * those before were not. Checked are the head against the table above and texts; `from` lives
 * at the sender unless FORWARDED, and `to` at the receiver, since there is no way to say
 * otherwise. What is the consumer's to check: whether it is that receiver, wire blocks
 * (codec_decode() in a copy of its own, since the batch is not to be written), and that a
 * LAYOUT's text parses and has that hash. */
int envelope_reader_next(struct envelope_reader *reader, struct envelope *ret_envelope);

/* The parts of a LAYOUT envelope that a reader returned. */
void envelope_get_layout(const struct envelope *envelope, struct envelope_layout *ret_layout);

#endif

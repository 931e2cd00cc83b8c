/* message.h - what lies in a mailbox: messages, and the notices that records carry inside them.
 *
 * A `mail` is a link in a mailbox. A message is a mail with a head and a block, from the
 * runtime's slab. A notice is a mail that is part of a call, timer, wait or kept call: that
 * something has ended, is due, or has room can then always be reported, since the notice takes
 * no memory of its own. One runtime, one thread.
 */
#ifndef CORE_MESSAGE_H
#define CORE_MESSAGE_H

#include "core/slab.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <troupe/actor.h>

enum mail_kind {
	MAIL_SEND = 1, /* message */
	MAIL_CALL,     /* message */
	MAIL_REPLY,    /* message: the out struct */
	MAIL_ERROR,   /* message: the error's struct, or its name when the descriptor is NULL */
	MAIL_FAILURE, /* message: the detail's text */
	MAIL_END,     /* notice in struct call: it ended without a reply */
	MAIL_TICK,    /* notice in struct timer */
	MAIL_ROOM,    /* notice in struct wait */
	MAIL_CANCEL,  /* notice in struct kept_call */
	MAIL_READY,   /* notice in struct watch */
	MAIL_POST,    /* message of a kind of its own, see core/inlet.h */
	MAIL_RESUME,  /* notice in struct task */
	MAIL_KEPT,    /* message to a client, never in a mailbox: its call has been kept */
	MAIL_TEXT,    /* message: what REPLY or ERROR is, as text; core/call_text.h */
	MAIL_KINDS,
};

#define MAIL_MORE      1u /* CALL: a stream is wanted */
#define MAIL_INBOUND   2u /* CALL: `call` names a kept call, the caller is in another process */
#define MAIL_CONTINUES 4u /* REPLY, TEXT: more follow */
#define MAIL_QUEUED    8u /* a notice: it lies in a mailbox */
#define MAIL_WINDOW    16u /* CONTINUES: its call has, or had, a window of its own */

struct mail {
	struct mail *next;
	uint8_t kind;   /* enum mail_kind */
	uint8_t flags;  /* MAIL_* */
	uint8_t status; /* enum troupe_status of FAILURE, END and TEXT */
	uint8_t entry;  /* replies: the place in the caller's table of entries */
	uint32_t size;  /* of the block, when it is a message */
};

/* Set kind and flags, the rest of the four 0: in one store. */
static inline void mail_mark(struct mail *mail, enum mail_kind kind, uint8_t flags)
{
	const uint8_t marks[4] = {(uint8_t)kind, flags};

	memcpy(&mail->kind, marks, sizeof(marks));
}

_Static_assert(offsetof(struct mail, size) == offsetof(struct mail, kind) + 4,
	       "the marks are one word");

/* The block of a SEND begins where other kinds have `call` and `extra`, so that a few words
 * with their head are one cache line. */
struct message {
	struct mail mail;
	uint64_t hash; /* of the block's layout */
	struct troupe_address from;
	/* SEND, CALL, REPLY: struct troupe_method. ERROR: struct troupe_error */
	const void *descriptor;
	/* CALL, and stream replies: the caller's struct call by id. FAILURE: its code */
	uint64_t call;
	uint64_t extra; /* CALL: the deadline in ns. Replies: the caller's context */
};

_Static_assert(sizeof(struct message) == 64, "a message's head is one cache line");
_Static_assert(offsetof(struct message, call) % 16 == 0, "blocks are aligned");

/* How a call ended without an answer. */
struct call_end {
	enum troupe_status status;
	/* FAILED: what the handler returned. INVALID_PARAMETER: how many bytes of `detail` are
	 * the field, where ": " and a reason follow; 0: all of it is. Else 0. */
	int32_t code;
	const char *detail; /* for people; borrowed, or NULL */
};

static inline struct message *message_of(struct mail *mail)
{
	return (struct message *)(void *)mail;
}

/* Bytes before the block. */
static inline size_t message_head(enum mail_kind kind)
{
	return kind == MAIL_SEND ? offsetof(struct message, call) : sizeof(struct message);
}

static inline void *message_block(const struct message *message)
{
	return (char *)(uintptr_t)message + message_head(message->mail.kind);
}

/* All of it, head and block. */
static inline size_t message_bytes(const struct message *message)
{
	return message_head(message->mail.kind) + message->mail.size;
}

/* A message with room for a block of `size` bytes; the mail is set, but for its link, and the
 * rest of the head is not. NULL: no memory. */
static inline struct message *message_new(struct slab *slab, enum mail_kind kind, size_t size)
{
	struct message *message = slab_take(slab, message_head(kind) + size);

	if (likely(message != NULL)) {
		mail_mark(&message->mail, kind, 0);
		message->mail.size = (uint32_t)size;
	}
	return message;
}

static inline void message_free(struct slab *slab, struct message *message)
{
	slab_give(slab, message, message_bytes(message));
}

/* What a message with a block of `size` bytes is charged with, in units of 16 bytes, so that
 * 64 GiB fit 32 bits. */
static inline uint32_t block_charge(enum mail_kind kind, size_t size)
{
	return (uint32_t)((message_head(kind) + size + 15) / 16);
}

static inline uint32_t message_charge(const struct message *message)
{
	return block_charge(message->mail.kind, message->mail.size);
}

#endif

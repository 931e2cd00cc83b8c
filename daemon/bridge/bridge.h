/* bridge.h - the links of one process to its peers: one inbox, and one way out to each.
 *
 * What one pass of the loop sends to one peer leaves as one frame (or several, when it is
 * much). A peer comes up by the master's word, or by its first frame when that is earlier:
 * inboxes lie in a directory that only the node's own processes can reach, and each frame
 * names its sender and incarnation. Frames of an incarnation that is gone are dropped and
 * counted. A worker owns one bridge and uses it in the thread of its loop.
 */
#ifndef BRIDGE_BRIDGE_H
#define BRIDGE_BRIDGE_H

#include "base/loop.h"
#include "bridge/transport.h"
#include "proto/envelope.h"
#include "proto/process.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bridge;

/* Bytes of a batch that leaves before the pass is over: some hundred small envelopes. With a
 * quarter of it they take half as long again, with twice as many they gain nothing. */
#define BRIDGE_BATCH (64u << 10)
/* Bytes that wait for one peer: from here on SEND and CALL are refused... */
#define BRIDGE_UNSENT (1u << 20)
/* ...and from here on everything else is lost: that peer has not read for very long. */
#define BRIDGE_UNSENT_HARD (256u << 20)
/* Larger payloads go by reference, when the peer can read our arena. */
#define BRIDGE_INLINE (64u << 10)
/* Bytes of our arena that one peer has not given back: from here on SEND and CALL are refused,
 * and everything else travels in frames. A message of the largest size may go beyond. */
#define BRIDGE_LENT (8u << 20)

/* Callbacks to the bridge's host. All but the last mandatory; called from the loop only, never
 * from inside a bridge function. Each may call bridge functions, but for bridge_free(). */
struct bridge_ops {
	/* An envelope has come. `from` is of the peer that sent it (or FORWARDED), `to` of this
	 * process; the payload is hostile, borrowed, and may change while it is read: it is to
	 * be copied before it is checked. Never LENT, nor a kind that is of the link itself. */
	void (*on_envelope)(void *context, struct process peer,
			    const struct envelope *envelope);
	/* Envelopes refused with -EAGAIN may be tried again. */
	void (*on_room)(void *context, struct process peer);
	/* A peer that the host has reported down is gone now: all that it had sent has been
	 * reported, nothing more will come. crashed: as the host said; true if another
	 * incarnation came up before it said so. */
	void (*on_down)(void *context, struct process peer, bool crashed);
	/* `lost` envelopes from that peer never came. */
	void (*on_gap)(void *context, struct process peer, uint64_t lost);
	/* Something came that cannot be passed on. NULL: a whole frame. reason: a constant. */
	void (*on_dropped)(void *context, const struct envelope *envelope, const char *reason);
	/* Large payloads could go through an arena: that of this process itself or of a peer is
	 * wanted, see bridge_add_arena(). Asked again now and then while it does not come. The
	 * one that may come from inside a bridge function, and may not call any. NULL: there
	 * are none. */
	void (*on_arena_wanted)(void *context, struct process process);
};

struct bridge_config {
	struct loop *loop;          /* borrowed */
	struct transport transport; /* its context is borrowed */
	const char *directory;      /* of all inboxes; copied */
	struct process process;     /* this one; its worker: 1..LIMIT_WORKERS */
	const struct bridge_ops *ops;
	void *context;
};

/* Open the inbox. *ret_bridge is given; it starts with the loop's next pass, and its work
 * runs after that of whoever started before. -ENOMEM, -EINVAL (a number out of range), or the
 * transport's: -ENAMETOOLONG... */
int bridge_new(const struct bridge_config *config, struct bridge **ret_bridge);
/* Frames not sent, and frames that a peer has not received, are lost; see bridge_close().
 * NULL is fine. */
void bridge_free(struct bridge *bridge);

/* The directory of the inboxes was made anew: put ours there again. The transport's errors. */
int bridge_publish(struct bridge *bridge);

/* A peer can be reached now. A different incarnation of the same worker is down then.
 * -EHOSTUNREACH: no way leads to its node; -EINVAL: no such worker number, or this process
 * itself; -ESTALE: that incarnation is gone already; -ENOMEM, or the transport's: then it is
 * tried again with each envelope for that peer. */
int bridge_peer_up(struct bridge *bridge, struct process peer);
/* A peer is gone; on_down() follows when the inbox holds nothing more of it. Unknown ones are
 * fine. */
void bridge_peer_down(struct bridge *bridge, struct process peer, bool crashed);

/* The arena that on_arena_wanted() asked for: our own, that can be written to, or a peer's. fd
 * is borrowed. -EEXIST: there is one; -ESTALE: that peer is not up; -EPERM: not sealed;
 * -EINVAL: not of an arena's size; or mmap()'s. Without it payloads travel in frames. */
int bridge_add_arena(struct bridge *bridge, struct process process, int fd);

/* Put an envelope into the batch for envelope->to. `data`: a value of `type`, encoded at
 * once; with NULL and NULL the payload is envelope->size bytes at envelope->payload. `meaning`:
 * what envelope->hash belongs to. All borrowed. -EAGAIN (SEND and CALL only): too much waits
 * already; on_room() follows. -EHOSTUNREACH: no such peer. -ENOBUFS: lost, see above.
 * -EINVAL, -EMSGSIZE, -ENOMEM. */
int bridge_send(struct bridge *bridge, const struct envelope *envelope,
		const struct troupe_type *type, const void *data,
		const struct envelope_meaning *meaning);

/* The layout that a hash names, as a peer has sent it; borrowed until that peer is down. false:
 * no peer has. */
bool bridge_find_layout(struct bridge *bridge, struct process from, uint64_t hash,
			const struct troupe_type **ret_type, const char **ret_name);

/* Send what waits, and wait until each peer has it all, or is gone, at most timeout_ns; then
 * call on_closed once, from the loop: bridge_free() loses nothing now, and is fine in it.
 * Envelopes still come in meanwhile; nothing can be sent any more. */
void bridge_close(struct bridge *bridge, uint64_t timeout_ns, void (*on_closed)(void *context));

/* After bridge_close(): how many peers have not acknowledged all that was sent to them. */
unsigned bridge_count_unacknowledged(struct bridge *bridge);

#endif

/* peer.h - another worker as the runtime knows it: what is under way to and from it, and
 * which of its incarnations are dead.
 *
 * Made when the first envelope comes from there or call goes there; there are never more than
 * LIMIT_PEERS. One runtime, one thread.
 */
#ifndef CORE_PEER_H
#define CORE_PEER_H

#include "core/inside.h"
#include "proto/envelope.h"

#define LIMIT_PEERS 4096

struct peer {
	struct index_link link;
	struct process dead;      /* the last that is known to be gone, with all before it */
	enum troupe_status death; /* what their calls ended with */
	struct list *calls;       /* struct call: under way to it */
	struct list *inbound;     /* struct kept_call: its calls, here */
	struct list *waiters;     /* struct wait: for room in the link */
};

struct peer *peer_search(struct runtime *runtime, struct process process);
/* Any incarnation of the worker does. NULL: not met so far. */
static inline struct peer *peer_find(struct runtime *runtime, struct process process)
{
	struct peer *last = runtime->last_peer;

	/* A frame's envelopes are all of one peer, and peers live as long as the runtime. */
	if (likely(last && process_is_same_worker(last->dead, process)))
		return last;
	return peer_search(runtime, process);
}
/* Find or make. NULL: no memory, or too many. */
struct peer *peer_get(struct runtime *runtime, struct process process);

static inline bool peer_is_dead(const struct peer *peer, struct process process)
{
	return process.incarnation <= peer->dead.incarnation;
}

/* Send an envelope that carries no value. What the link says is of no matter: these are never
 * refused. */
void peer_send(struct runtime *runtime, const struct envelope *envelope);
/* A FAILURE to a caller elsewhere. */
void peer_fail(struct runtime *runtime, struct troupe_address from,
	       struct troupe_address caller, uint64_t call, struct call_end end);

void peers_free(struct runtime *runtime);

#endif

/* peer.h - another process as the runtime knows it: what is under way to and from it, and
 * what of it is dead.
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
	uint16_t node, worker;
	uint32_t dead;            /* incarnations up to this one are known to be gone */
	enum troupe_status death; /* what their calls ended with */
	struct list *calls;       /* struct call: under way to it */
	struct list *inbound;     /* struct kept_call: its calls, here */
	struct list *waiters;     /* struct wait: for room in the link */
};

struct peer *peer_search(struct runtime *runtime, uint16_t node, uint16_t worker);
/* NULL: not met so far. */
static inline struct peer *peer_find(struct runtime *runtime, uint16_t node, uint16_t worker)
{
	struct peer *last = runtime->last_peer;

	/* A frame's envelopes are all of one peer, and peers live as long as the runtime. */
	if (likely(last && last->worker == worker && last->node == node))
		return last;
	return peer_search(runtime, node, worker);
}
/* Find or make. NULL: no memory, or too many. */
struct peer *peer_get(struct runtime *runtime, uint16_t node, uint16_t worker);

static inline bool peer_is_dead(const struct peer *peer, uint32_t incarnation)
{
	return incarnation <= peer->dead;
}

/* Send an envelope that carries no value. What the link says is of no matter: these are never
 * refused. */
void peer_tell(struct runtime *runtime, const struct envelope *envelope);
/* A FAILURE to a caller elsewhere. detail may be NULL. */
void peer_fail(struct runtime *runtime, struct troupe_address from,
	       struct troupe_address caller, uint64_t call, enum troupe_status status,
	       const char *detail);

void peers_free(struct runtime *runtime);

#endif

#include "core/peer.h"
#include <stdlib.h>
#include <string.h>

static uint64_t hash_worker(const struct runtime *runtime, struct process process)
{
	return index_hash(runtime->secret, process.node, process.worker);
}

struct peer *peer_search(struct runtime *runtime, struct process process)
{
	struct peer *peer;

	index_foreach (peer, &runtime->peers, hash_worker(runtime, process), link)
		if (process_is_same_worker(peer->dead, process))
			return runtime->last_peer = peer;
	return NULL;
}

struct peer *peer_get(struct runtime *runtime, struct process process)
{
	struct peer *peer = peer_find(runtime, process);

	if (peer || runtime->peers.count >= LIMIT_PEERS)
		return peer;
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	peer->dead = (struct process){.node = process.node, .worker = process.worker};
	peer->death = TROUPE_PEER_DOWN;
	index_put(&runtime->peers, &peer->link, hash_worker(runtime, process));
	return peer;
}

void peer_send(struct runtime *runtime, const struct envelope *envelope)
{
	/* -EHOSTUNREACH: that process is gone, and needs no notice */
	(void)runtime->ops->forward(runtime->context, envelope, NULL, NULL, NULL);
}

void peer_fail(struct runtime *runtime, struct troupe_address from,
	       struct troupe_address caller, uint64_t call, struct call_end end)
{
	struct envelope_failure failure = {.code = end.code};
	size_t size = end.detail ? strlen(end.detail) : 0;

	/* cut where a character begins */
	if (size > ENVELOPE_DETAIL_MAX) {
		size = ENVELOPE_DETAIL_MAX;
		while (size > 0 && ((unsigned char)end.detail[size] & 0xc0) == 0x80)
			size--;
	}
	if (size > 0)
		memcpy(failure.detail, end.detail, size);
	peer_send(runtime, &(struct envelope){
				   .kind = ENVELOPE_FAILURE,
				   .status = end.status,
				   .from = from,
				   .to = caller,
				   .call = call,
				   .payload = &failure,
				   .size = size || end.code ? ENVELOPE_FAILURE_MIN + size : 0});
}

void peers_free(struct runtime *runtime)
{
	struct peer *peer;
	size_t at = 0;

	while ((peer = index_take(&runtime->peers, &at, struct peer, link)))
		free(peer);
}

/* agent_peers.h - the agent's part: other workers and their actors' names.
 *
 * agent_on_X() are handlers of the master's notices, for agent.c. One thread.
 */
#ifndef WORKER_AGENT_PEERS_H
#define WORKER_AGENT_PEERS_H

#include "worker/agent_inside.h"

void agent_on_peer(void *context, const void *in);
void agent_on_arena(void *context, const void *in);
void agent_on_name(void *context, const void *in);
extern const struct bridge_ops agent_bridge_ops;
int agent_forward(void *context, const struct envelope *e, const struct troupe_type *type,
		  const void *data,
		  const struct envelope_meaning *meaning); /* these four for runtime_ops */
bool agent_find_layout(void *context, struct process from, uint64_t hash,
		       const struct troupe_type **ret_type, const char **ret_name);
int agent_find_name(void *context, const char *name, struct troupe_address *ret_address);
int agent_find_provider(void *context, const char *interface,
			struct troupe_address *ret_address);

#endif

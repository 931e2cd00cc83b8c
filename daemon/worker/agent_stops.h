/* agent_stops.h - the agent's part: how actors end.
 *
 * agent_on_X() are handlers of the master's notices, for agent.c. One thread.
 */
#ifndef WORKER_AGENT_STOPS_H
#define WORKER_AGENT_STOPS_H

#include "worker/agent_inside.h"

void agent_on_stop(void *context, const void *in);
void agent_actor_ended(void *context, const struct runtime_end *end); /* for runtime_ops */
void agent_stops_init(struct agent *agent);
void agent_stops_fini(struct agent *agent);

#endif

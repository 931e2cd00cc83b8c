/* agent_calls.h - the agent's part: calls and sends of clients: JSON in, JSON out.
 *
 * agent_on_X() are handlers of the master's notices, for agent.c. One thread.
 */
#ifndef WORKER_AGENT_CALLS_H
#define WORKER_AGENT_CALLS_H

#include "worker/agent_inside.h"

void agent_on_call(void *context, const void *in);
void agent_on_cancel(void *context, const void *in);
void agent_on_taken(void *context, const void *in);
void agent_on_client_gone(void *context, const void *in);
void agent_calls_on_replied(void *agent);        /* of the runtime's ops */
void agent_calls_have_room(struct agent *agent); /* the master has read all replies */
void agent_calls_fini(struct agent *agent);

#endif

/* agent_census.h - the agent's part: the actors of this worker, listed.
 *
 * agent_on_X() are handlers of the master's notices, for agent.c. One thread.
 */
#ifndef WORKER_AGENT_CENSUS_H
#define WORKER_AGENT_CENSUS_H

#include "worker/agent_inside.h"

void agent_on_inquire(void *context, const void *in);
void agent_on_describe(void *context, const void *in);

#endif

/* agent_units.h - the agent's part: plug-ins, units, and making their actors.
 *
 * agent_on_X() are handlers of the master's notices, for agent.c. One thread.
 */
#ifndef WORKER_AGENT_UNITS_H
#define WORKER_AGENT_UNITS_H

#include "worker/agent_inside.h"

void agent_on_load(void *context, const void *in);
void agent_on_socket(void *context, const void *in);
void agent_on_define(void *context, const void *in);
void agent_on_redefine(void *context, const void *in);
void agent_on_undefine(void *context, const void *in);
void agent_on_spawn(void *context, const void *in);

#endif

/* agent_tasks.h - the agent's part: the tasks of an actor, listed, with their backtraces.
 *
 * A page at a time, and no longer at a stretch than a turn, however many there are. One thread.
 */
#ifndef WORKER_AGENT_TASKS_H
#define WORKER_AGENT_TASKS_H

#include "worker/agent_inside.h"

void agent_on_tasks(void *context, const void *in);

/* runtime_ops.print_place. */
void agent_print_place(void *context, uint64_t task, char *text, size_t size);

#endif

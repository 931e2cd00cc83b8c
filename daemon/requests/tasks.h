/* tasks.h - the answers to Tasks: what the tasks of an actor, or of a unit's actors, wait for.
 *
 * Belongs to the master; one thread. A page at a time is asked of the worker, and the next one
 * when the client has read that. A worker that does not answer within INQUIRY_NS is left out.
 */
#ifndef REQUESTS_TASKS_H
#define REQUESTS_TASKS_H

struct worker;
struct worker_task_census;

/* A worker's answer, to whichever of the master's inquiries has asked. */
void tasks_census(struct worker *worker, const struct worker_task_census *census);

#endif

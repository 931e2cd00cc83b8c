/* pool.h - functions that block, in threads beside the actors'.
 *
 * For libraries that read, compute or wait as long as they like: a task hands them to a thread
 * of its worker and waits for the result, while the actors go on. A worker has at most
 * BlockingThreads= of them (4), and a unit has at most Blocking= jobs at a time (4); those who
 * come later wait in order. The threads are made when first used, and end when they had nothing
 * to do for ten seconds. Files and names have threads of their own (file.h, names.h).
 *
 * A job is plain code in another thread: what it shares with the actor it must not touch while
 * the task that waits for it has not returned, and others of the actor's tasks and handlers
 * may. It has a stack of 8 MiB and all signals blocked. Of the SDK it may call the two
 * functions below, those that take no `self`, and troupe_post() and troupe_post_wait() of
 * <troupe/inlet.h>. All others refuse the `self` of the task that waits: they return an error,
 * NULL or 0, and do nothing; but troupe_name() and troupe_state_directory() answer. The `self`
 * of anything else must not be used there at all.
 *
 * When a job crashes or ends the process, that is held against the actor, as if a handler had.
 * Since 2.1.
 */
#ifndef TROUPE_POOL_H
#define TROUPE_POOL_H

#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A job that runs, for the function that it is. */
struct troupe_job;
typedef int troupe_job_fn(struct troupe_job *job, void *arg);

/* Run function(job, arg) in a thread, and wait for it: what it returned. arg is borrowed until
 * then, and may lie on this stack.
 *
 * Cancelled while it waits for a thread: -ECANCELED or -ETIMEDOUT, and it never runs. Once it
 * runs, this returns only when the job has, with its result, and the next TROUPE_AWAIT says
 * that the scope is cancelled; troupe_job_cancelled() is how the job gets to know.
 *
 * -EDEADLK, -EINVAL: as for any TROUPE_AWAIT; -EAGAIN: there is no thread, and none can be made
 * (a limit of the system); -ENOMEM, -EMFILE: a limit of the worker, or this unit's share of it;
 * -EOPNOTSUPP: this host has no threads for it.
 *
 * An actor that ends cancels its jobs and waits until they have returned, for TaskGrace= at
 * most; what runs on after that is named in the log, and its thread replaced. A worker that
 * ends does not wait for it. */
TROUPE_AWAIT int troupe_blocking(struct troupe_self *self, troupe_job_fn *function, void *arg);

/* Whether nobody wants the result any more: the job should return soon. In the job's thread,
 * and in those that it has made, as long as it runs. */
bool troupe_job_cancelled(const struct troupe_job *job);

/* How far it has come: `done` of `all`, in whatever unit; all 0: nobody knows of how much. It
 * is shown by troupectl tasks, and where a job that does not return is named. 0; -ECANCELED: as
 * troupe_job_cancelled() says. Likewise. */
int troupe_job_progress(struct troupe_job *job, uint64_t done, uint64_t all);

#ifdef __cplusplus
}
#endif

#endif

/* task.h - code that waits: tasks and scopes.
 *
 * A task is a stack of its own on which a function of an actor runs. What is marked
 * TROUPE_AWAIT may suspend it: the actor's other messages and tasks are handled meanwhile, and
 * its state may have changed when the function returns. Nothing else suspends, so between two
 * of them a task is as alone with the state as a handler is. Tasks of one worker run in its one
 * thread; what wakes one lies in its actor's mailbox, in order with all else.
 *
 * TROUPE_AWAIT functions return what they say, or
 *
 *   -ECANCELED  the scope was cancelled; so says each further one in it, until the scope ends
 *   -ETIMEDOUT  the same, by the scope's time
 *   -EDEADLK    this is no task, or it would wait for itself
 *   -EINVAL     `self` is another task's, or this another thread, or something is not what the
 *               function takes
 *
 * What has happened is never reported as cancelled: a result that is there wins, and the next
 * TROUPE_AWAIT says it. A task that goes on all the same is put behind all others with each
 * further one, and named in the log.
 *
 * `self` of a task is the task's own, and good until it returns; the functions of actor.h take
 * it as a handler's, and there is no message: troupe_sender() is the null address. What is
 * borrowed from a handler (`in`, a reply) is not good in a task that outlives it. errno does
 * not survive a TROUPE_AWAIT. In C++ there must be none inside a catch block, nor may an
 * exception leave the task's function.
 *
 * A handler can be a task, too: in X_HANDLERS() METHOD_task is one beside which others are
 * handled, METHOD_alone one beside which no message is (docs/tasks.md). Its self, call and `in`
 * are good until it returns, and nobody else's meanwhile: troupe_call_keep() makes the call any
 * task's, and troupe_keep() gives a copy of the message. It is cancelled when nobody waits for
 * the answer any more.
 *
 * An actor that ends cancels its tasks, runs them until each has returned, then runs fini. So a
 * task can clean up; what waits meanwhile stands in a shield. After three quarters of the
 * unit's TaskGrace= (5 s) shields are cancelled, too, and new ones are at once; tasks that are
 * left after TaskGrace= are abandoned: they never run again, their stacks are never used again,
 * and the log names them. From the beginning of the end the actor takes no messages, and its
 * tasks cannot start timers, calls or actors (-EINVAL).
 *
 * Stacks have the size of the unit's TaskStack= (64 KiB), with a guard below: a task that needs
 * more crashes, as "stack overflow in task NAME". Since 2.1.
 */
#ifndef TROUPE_TASK_H
#define TROUPE_TASK_H

#include <troupe/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Before functions that may suspend the task that calls them. */
#define TROUPE_AWAIT

/* A task. id 0: none. */
struct troupe_task {
	uint64_t id;
};

/* A scope that was begun. */
struct troupe_scope {
	uint64_t id;
};

/* A function that may be started as a task; made by TROUPE_TASK(). Not listed in .entries. */
struct troupe_task_entry {
	uint32_t table_size;
	uint32_t reserved TROUPE_ABSENT_ZERO; /* 0 */
	const char *name;
	int (*run)(struct troupe_self *self, void *state, void *arg, void *shared);
	/* bytes, at most 1 MiB; 0: the unit's TaskStack= */
	uint64_t stack TROUPE_ABSENT_ZERO;
};

/* Define a task entry named FUNCTION_task, for troupe_start():
 *
 *   static int get(struct troupe_self *self, struct me *me, const char *url, struct sum *s);
 *   TROUPE_TASK(get, struct me, const char, struct sum)
 */
#define TROUPE_TASK(function, state_type, arg_type, shared_type)                               \
	static int function##_run(struct troupe_self *self, void *state, void *arg,            \
				  void *shared)                                                \
	{                                                                                      \
		return function(self, (state_type *)state, (arg_type *)arg,                    \
				(shared_type *)shared);                                        \
	}                                                                                      \
	static const struct troupe_task_entry function##_task = {                              \
		.table_size = sizeof(struct troupe_task_entry),                                \
		.reserved = 0,                                                                 \
		.name = #function,                                                             \
		.run = function##_run,                                                         \
		.stack = 0,                                                                    \
	};

/* ------------------------------------------------------------------ scopes
 *
 * A scope holds what is done in it together: the tasks started in it, the waits of the task
 * that began it, and the scopes inside it. It is ended by that task, which waits until the
 * tasks in it have returned: so these may work on what stands on its stack. One that is left
 * otherwise, by a return or with its task, is cancelled first.
 */

#define TROUPE_UNLIMITED 0
#ifdef __cplusplus
#define TROUPE_OF_ACTOR (troupe_scope{0})
#else
/* The actor's own scope: as long as it lives. It is in no task's way, and never begun or
 * ended. */
#define TROUPE_OF_ACTOR ((struct troupe_scope){0})
#endif
#define TROUPE_SHIELD_MAX_NS (60 * TROUPE_SECOND_NS)

/* Begin a scope inside the one at hand. All in it is cancelled (-ETIMEDOUT) after timeout_ns,
 * or never by its time (TROUPE_UNLIMITED). -EAGAIN: 64 scopes and tasks inside one another;
 * -ENOMEM: a limit of the worker. -EDEADLK: not in a task. */
int troupe_scope_begin(struct troupe_self *self, uint64_t timeout_ns,
		       struct troupe_scope *ret_scope) TROUPE_WARN_UNUSED;

/* The same, but cancellation from outside does not reach in: for what must be finished. Its own
 * time is up after grace_ns, 1 ns to 60 s: there is no shield without an end (-EINVAL). */
int troupe_scope_shield(struct troupe_self *self, uint64_t grace_ns,
			struct troupe_scope *ret_scope) TROUPE_WARN_UNUSED;

/* Cancel all that is in a scope of this actor; from tasks and handlers. Of TROUPE_OF_ACTOR: the
 * tasks that are in it now. Of one that has ended: nothing. */
void troupe_scope_cancel(struct troupe_self *self, struct troupe_scope scope);

/* End a scope of this task: wait for the tasks in it, whatever they return. 0; the error of the
 * first that failed, for which the others were cancelled; -ECANCELED or -ETIMEDOUT: it was cut
 * short, and something in it was told so. Inner scopes that are open are cancelled and ended
 * first. -EINVAL: not a scope that this task has begun and not ended. */
TROUPE_AWAIT int troupe_scope_end(struct troupe_self *self, struct troupe_scope scope);

/* TROUPE_SCOPE(scope, self, timeout_ns); declares `scope` and begins it. Wherever the block is
 * left, by a return too, it is ended: cancelled first, unless troupe_scope_end() has been
 * called. When it cannot be begun, troupe_start() and troupe_scope_end() give -EINVAL. */
#define TROUPE_NO_SCOPE UINT64_MAX
struct troupe_scope_guard {
	struct troupe_self *self;
	struct troupe_scope *scope;
};
/* For TROUPE_SCOPE(). */
TROUPE_AWAIT void troupe_scope_leave(struct troupe_scope_guard *guard);
struct troupe_scope_guard troupe_scope_enter(struct troupe_self *self, uint64_t timeout_ns,
					     struct troupe_scope *scope);
#define TROUPE_SCOPE(scope_, self_, timeout_ns_)                                               \
	struct troupe_scope scope_ = {TROUPE_NO_SCOPE};                                        \
	__attribute__((__cleanup__(troupe_scope_leave),                                        \
		       __unused__)) struct troupe_scope_guard scope_##_guard =                 \
		troupe_scope_enter(self_, timeout_ns_, &scope_)

/* In a debug build of a plug-in, one without optimization or with TROUPE_DEBUG defined, a scope
 * that was begun by troupe_scope_begin() or troupe_scope_shield() belongs to the function that
 * did so. When that has returned without having ended it, the process aborts at the next
 * TROUPE_AWAIT, or at the end of the task while others live in the scope, for what these work
 * on may be gone; the crash report names the task and the function. A scope of TROUPE_SCOPE()
 * cannot be left like that. */
void troupe_scope_mark(struct troupe_self *self, struct troupe_scope scope, const void *frame,
		       const char *function);
#if defined(TROUPE_DEBUG) || !defined(__OPTIMIZE__)
__attribute__((__always_inline__)) static inline int
troupe_scope_marked(struct troupe_self *self, const struct troupe_scope *scope, int rc,
		    const char *function)
{
	if (rc == 0)
		troupe_scope_mark(self, *scope, __builtin_frame_address(0), function);
	return rc;
}
__attribute__((__always_inline__, __warn_unused_result__)) static inline int
troupe_scope_begin_in(struct troupe_self *self, uint64_t timeout_ns,
		      struct troupe_scope *ret_scope, const char *function)
{
	return troupe_scope_marked(self, ret_scope,
				   troupe_scope_begin(self, timeout_ns, ret_scope), function);
}
__attribute__((__always_inline__, __warn_unused_result__)) static inline int
troupe_scope_shield_in(struct troupe_self *self, uint64_t grace_ns,
		       struct troupe_scope *ret_scope, const char *function)
{
	return troupe_scope_marked(self, ret_scope,
				   troupe_scope_shield(self, grace_ns, ret_scope), function);
}
#define troupe_scope_begin(self, timeout_ns, ret_scope)                                        \
	troupe_scope_begin_in(self, timeout_ns, ret_scope, __func__)
#define troupe_scope_shield(self, grace_ns, ret_scope)                                         \
	troupe_scope_shield_in(self, grace_ns, ret_scope, __func__)
#endif

/* ------------------------------------------------------------------ tasks */

/* Start a task of this actor in a scope of it; from tasks, handlers and init. It begins when
 * the mailbox comes to it, and never when it is cancelled before. arg and shared are borrowed
 * until it has returned: those in a scope may lie on the stack of the task that ends it.
 *
 * A negative return is a failure: it cancels the scope. In TROUPE_OF_ACTOR it counts as a
 * handler's (OnError=), but -ECANCELED and -ETIMEDOUT do not.
 *
 * ret_task may be NULL. An id that was asked for is good, and counts as a task of the actor,
 * until troupe_join() has returned its result or its scope has ended: ask for none that is not
 * joined. When Tasks= is reached because of such ones the log says so.
 *
 * -EAGAIN: the unit's Tasks=, or 64 scopes and tasks inside one another; -ECANCELED,
 * -ETIMEDOUT: the scope is cancelled; -EINVAL: no scope of this actor that is open, or in fini;
 * -ENOMEM: a limit of the worker, or this unit's share of it; -EOPNOTSUPP: this machine has no
 * tasks (the log says why). */
int troupe_start(struct troupe_self *self, struct troupe_scope scope,
		 const struct troupe_task_entry *entry, void *arg, void *shared,
		 struct troupe_task *ret_task) TROUPE_WARN_UNUSED;

/* Cancel one task, and all that is in it; from tasks and handlers. -ESRCH: it has ended. */
int troupe_task_cancel(struct troupe_self *self, struct troupe_task task);

/* Wait for a task's end: what it returned, and -ECANCELED or -ETIMEDOUT when it never began.
 * -ESRCH: no such task, or its result was taken. -EDEADLK: it waits for this one, by joins or
 * by ending a scope that this one is in. ret_result may be NULL. */
TROUPE_AWAIT int troupe_join(struct troupe_self *self, struct troupe_task task,
			     int *ret_result) TROUPE_WARN_UNUSED;

/* Do one thing with each of `count` items of `size` bytes, from `items` on: entry->run(self,
 * state, item, shared), in tasks that are in a scope of their own, at most `limit` at a time
 * (TROUPE_UNLIMITED: as many as Tasks= allows). Each of these tasks goes from one item to the
 * next when it has let all run that lies in the mailbox; what an item has left, such as
 * scopes and answers, is let go as at a task's end. 0: all is done; the error of the first that
 * failed, for which the others were cancelled; -ECANCELED or -ETIMEDOUT: it was cut short.
 * -EAGAIN, -ENOMEM: not a single task could be started. */
TROUPE_AWAIT int troupe_for_all(struct troupe_self *self, const struct troupe_task_entry *entry,
				const void *items, size_t size, size_t count, size_t limit,
				void *shared) TROUPE_WARN_UNUSED;

/* Start `count` tasks in a scope of their own: entries[i] with args[i], and `shared`. The first
 * to return 0 or more has won, and the others are cancelled and waited for: the winner's index.
 * If all have failed, the last failure. args may be NULL. Errors of troupe_start(): not all of
 * them could be started, and those that were are cancelled. */
TROUPE_AWAIT int troupe_race(struct troupe_self *self, size_t count,
			     const struct troupe_task_entry *const *entries, void *const *args,
			     void *shared) TROUPE_WARN_UNUSED;

TROUPE_AWAIT int troupe_sleep(struct troupe_self *self, uint64_t ns);

/* Let all run that lies in the mailbox. */
TROUPE_AWAIT int troupe_yield(struct troupe_self *self);

#ifdef __cplusplus
}
#endif

#endif

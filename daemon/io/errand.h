/* errand.h - a task waits for what a thread of a crew does for it.
 *
 * Cancelled while it waits for a thread it is undone; once it is under way the wait goes on
 * until it is done, since it may use what lies on the task's stack, as it does itself. Only a
 * task that is abandoned with its actor leaves one behind. The loop's thread, but for what
 * work.run() of its owner does.
 */
#ifndef IO_ERRAND_H
#define IO_ERRAND_H

#include "base/crew.h"
#include "core/belonging.h"
#include "core/pause.h"

struct errand {
	struct crew_work work; /* run: of its owner */
	struct belonging belonging;
	struct task_undo undo;
	struct crew *crew;
	struct task *task;
	struct runtime *runtime;
	const char *task_name;
	atomic_bool is_unwanted; /* for its owner's thread */
};

/* What a crew needs to be there, made when it is first used. 0, or as crew_new(). */
int errand_crew(struct runtime *runtime, struct crew **crew, const char *name, uint32_t most,
		uint64_t stack);

/* Do it and wait, where the task's scope is not cut; `line` and `most` as in crew_give(). kind:
 * what is called when the task was abandoned, see errand_lose(). 0: it is done; negative: the
 * wait was cut short and it never began, or crew_give() could not. lends: the task's `self` is
 * nobody's meanwhile, see pause_lend(). */
int errand_wait(struct troupe_self *self, struct errand *errand, struct crew *crew,
		struct crew_line *line, uint32_t most, const struct belonging_kind *kind,
		bool lends);

/* In on_gone of its kind. True: a thread is still at it. */
bool errand_lose(struct errand *errand);

static inline struct errand *errand_of(struct belonging *belonging)
{
	return container_of(belonging, struct errand, belonging);
}

/* Whether a thread is at something, or was lost to it. */
bool errand_crew_is_held(struct crew *crew);

#endif

/* tasking.h - an actor whose test is one task. */
#ifndef TESTS_UNIT_CORE_TASKING_H
#define TESTS_UNIT_CORE_TASKING_H

#include "world.h"
#include <troupe/task.h>

/* The head of a task that is given nothing, and its entry. */
#define TEST_TASK(name)                                                                        \
	static int name(struct troupe_self *self, struct puppet *me, void *unused,             \
			void *unused_too);                                                     \
	TROUPE_TASK(name, struct puppet, void, void)                                           \
	static int name(struct troupe_self *self, struct puppet *me, void *unused,             \
			void *unused_too)

#define UNUSED                                                                                 \
	(void)me;                                                                              \
	(void)unused;                                                                          \
	(void)unused_too

/* A number, as what a task is given. */
static inline void *tasking_arg(int n)
{
	return (void *)(uintptr_t)n;
}

/* Sleep so many ms, and note how that ended. */
int tasking_nap(struct troupe_self *self, unsigned ms);

/* A task: naps as many ms as it is given. */
extern const struct troupe_task_entry *const tasking_naps;

/* A task: notes a text. It and the next count themselves in an int that tasks share. */
extern const struct troupe_task_entry *const tasking_says;
/* A task: sleeps as many ms as it is given, and notes whose it is, too. */
extern const struct troupe_task_entry *const tasking_sleeps;
/* A task: fails after a ms, with the error that it is given. */
extern const struct troupe_task_entry *const tasking_fails;

/* What puppets do when they are told: they start the world's `test`. */
int tasking_starts_the_test(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n);

/* Puppet 1, which has been told to start that task: nothing has run. */
void tasking_begin(struct world *world, const struct troupe_task_entry *entry);

/* All has ended well; that was said. */
void tasking_finish(struct world *world, const char *log);

/* Both, with so many ms. */
void tasking_run(const struct troupe_task_entry *entry, unsigned ms, const char *log);

#endif

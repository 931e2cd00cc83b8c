/* handing.h - an actor whose tasks hand things to one another. */
#ifndef TEST_SYNC_HANDING_H
#define TEST_SYNC_HANDING_H

#include "tests/unit/core/world.h"
#include <troupe/sync.h>

/* What the tasks of a test work on: the world's `test`, and all tasks' `shared`. */
struct handing {
	const struct troupe_task_entry *entry; /* of the task that is the test */
	struct troupe_channel channel;
	struct troupe_semaphore semaphore;
	struct troupe_event event;
	struct troupe_scope scope;
	int count;
};

static inline struct handing *handing_of(const struct troupe_self *self)
{
	return world_of(self)->test;
}

/* What it does when it is told: it starts the task that is the test. */
int handing_starts_the_test(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n);

/* An actor whose first task is that one. */
void handing_begin(struct world *world, struct handing *handing,
		   const struct troupe_task_entry *entry);

/* All tasks have ended, but for those that were abandoned. */
void handing_finish(struct world *world);

/* Both, with so many ms and that log. */
void handing_run(const struct troupe_task_entry *entry, unsigned ms, const char *log);

/* The head of a task and its entry; what it is given is called as the second argument. */
#define TASK(name, arg_name)                                                                   \
	static int name(struct troupe_self *self, struct puppet *me, void *arg_name,           \
			struct handing *handing);                                              \
	TROUPE_TASK(name, struct puppet, void, struct handing)                                 \
	static int name(struct troupe_self *self, struct puppet *me, void *arg_name,           \
			struct handing *handing)

#define UNUSED                                                                                 \
	(void)handing;                                                                         \
	(void)me;                                                                              \
	(void)unused

/* A number, as what a task is given. */
static inline void *handing_arg(int n)
{
	return (void *)(uintptr_t)n;
}

static inline int handing_value(const void *n)
{
	return (int)(uintptr_t)n;
}

/* In the scope of `handing`. */
void handing_start(struct troupe_self *self, const struct troupe_task_entry *entry, int n);

void handing_open_scope(struct troupe_self *self, struct handing *handing);

void handing_open_channel(struct troupe_self *self, struct handing *handing, size_t capacity);

/* A task: takes the semaphore, lets others run, gives it back. */
extern const struct troupe_task_entry *const handing_locks;
/* A task: waits for the event. */
extern const struct troupe_task_entry *const handing_waits;

#endif

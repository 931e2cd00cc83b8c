/* semaphore.c - a count that tasks take from and give back to. While somebody waits it is 0. */
#include "sync/primitive.h"

#include <errno.h>
#include <troupe/sync.h>

struct semaphore {
	struct primitive primitive;
	uint32_t count;
};

static const struct belonging_kind semaphore_kind = {.name = "semaphore",
						     .on_gone = primitive_on_gone};

static struct semaphore *find(const struct troupe_self *self, struct troupe_semaphore handle)
{
	struct primitive *primitive = primitive_find(self, handle.id, &semaphore_kind);

	return primitive ? container_of(primitive, struct semaphore, primitive) : NULL;
}

int troupe_semaphore_open(struct troupe_self *self, uint32_t count,
			  struct troupe_semaphore *ret_semaphore)
{
	struct primitive *primitive;
	int rc = primitive_open(self, sizeof(struct semaphore), &semaphore_kind, &primitive);

	if (rc < 0)
		return rc;
	container_of(primitive, struct semaphore, primitive)->count = count;
	ret_semaphore->id = primitive->belonging.id;
	return 0;
}

static bool take_one(struct semaphore *semaphore)
{
	if (semaphore->count == 0)
		return false;
	semaphore->count--;
	return true;
}

int troupe_try_acquire(struct troupe_self *self, struct troupe_semaphore handle)
{
	struct semaphore *semaphore = find(self, handle);

	if (!semaphore)
		return primitive_missing(self, handle.id);
	return take_one(semaphore) ? 0 : -EAGAIN;
}

int troupe_acquire(struct troupe_self *self, struct troupe_semaphore handle)
{
	struct semaphore *semaphore;
	struct task *task;
	int rc = pause_enter(self, &task);

	if (rc < 0)
		return rc;
	semaphore = find(self, handle);
	if (!semaphore)
		return primitive_missing(self, handle.id);
	if (take_one(semaphore))
		return pause_ready(task, 0);
	task->waits_for = "semaphore";
	return pause_wait_in(task, &semaphore->primitive.waiters);
}

int troupe_give_back(struct troupe_self *self, struct troupe_semaphore handle)
{
	struct semaphore *semaphore = find(self, handle);
	struct task *next;

	if (!semaphore)
		return primitive_missing(self, handle.id);
	next = primitive_first(semaphore->primitive.waiters);
	if (next)
		task_wake(self->runtime, next, 0);
	else if (semaphore->count == UINT32_MAX)
		return -EOVERFLOW;
	else
		semaphore->count++;
	return 0;
}

void troupe_semaphore_close(struct troupe_self *self, struct troupe_semaphore handle)
{
	struct semaphore *semaphore = find(self, handle);

	if (semaphore)
		primitive_close(self->runtime, &semaphore->primitive);
}

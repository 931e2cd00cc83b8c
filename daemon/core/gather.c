/* gather.c - several tasks of which all are waited for, or the first. */
#include "core/await.h"
#include "core/items.h"
#include "core/kept_message.h"
#include "core/open_scope.h"
#include "core/pause.h"
#include <errno.h>

/* ------------------------------------------------------------------ all */

/* On the stack of the task that waits for all. */
struct for_all {
	const struct troupe_task_entry *entry;
	const char *items;
	size_t size, count;
	size_t next, done;
	void *shared;
};

/* What an item has left is let go, as at a task's end. */
static void clean_up(struct task *task)
{
	struct runtime *runtime = task->self.runtime;

	items_close_all(runtime, task);
	await_end_scopes(task);
	kept_message_drop_chain(runtime, &task->answers);
}

/* One of the tasks: it takes items until there are no more. */
static int work(struct troupe_self *self, void *state, void *arg, void *unused)
{
	struct for_all *all = arg;
	struct task *task = self->task;

	(void)unused;
	while (all->next < all->count) {
		const char *item = all->items + all->size * all->next;
		int rc;

		if (pause_is_cut(task))
			return pause_refuse(task);
		all->next++;
		rc = all->entry->run(self, state, (void *)(uintptr_t)item, all->shared);
		clean_up(task);
		if (rc < 0)
			return rc;
		all->done++;
		if (all->next < all->count)
			pause_rest(task);
	}
	return 0;
}

/* As many as there is room for. How many; a negative error when there is none for any. */
static int start_workers(struct troupe_self *self, struct troupe_scope scope,
			 const struct troupe_task_entry *worker, struct for_all *all,
			 size_t limit)
{
	size_t n = 0;
	int rc = 0;

	while (n < all->count && (n < limit || limit == TROUPE_UNLIMITED) && rc == 0) {
		rc = troupe_start(self, scope, worker, all, NULL, NULL);
		n += rc == 0;
	}
	return n > 0 ? (int)n : rc;
}

int troupe_for_all(struct troupe_self *self, const struct troupe_task_entry *entry,
		   const void *items, size_t size, size_t count, size_t limit, void *shared)
{
	struct for_all all = {entry, items, size, count, 0, 0, shared};
	struct troupe_task_entry worker;
	struct troupe_scope scope;
	size_t bytes;
	int rc, ended;

	if (!await_is_sound(entry) || (size > 0 && count > 0 && !items) ||
	    __builtin_mul_overflow(size, count, &bytes))
		return -EINVAL;
	worker = (struct troupe_task_entry){.table_size = sizeof(worker),
					    .name = entry->name,
					    .run = work,
					    .stack = entry->stack};
	rc = troupe_scope_begin(self, TROUPE_UNLIMITED, &scope);
	if (rc < 0)
		return rc;
	rc = start_workers(self, scope, &worker, &all, limit);
	ended = troupe_scope_end(self, scope);
	if (rc < 0)
		return rc;
	/* what is done is done, whoever was told afterwards that it is cancelled */
	return all.done == count ? 0 : ended;
}

/* ------------------------------------------------------------------ the first */

int troupe_race(struct troupe_self *self, size_t count,
		const struct troupe_task_entry *const *entries, void *const *args, void *shared)
{
	struct troupe_scope scope;
	struct troupe_task racer;
	int rc, ended;

	if (!entries || count == 0)
		return -EINVAL;
	rc = troupe_scope_begin(self, TROUPE_UNLIMITED, &scope);
	if (rc < 0)
		return rc;
	scope_find(self->runtime, self->actor, scope)->scope.is_race = true;
	/* named: so none is forgotten before the scope ends, and their order is that of their
	 * start */
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = troupe_start(self, scope, entries[i], args ? args[i] : NULL, shared,
				  &racer);
	if (rc < 0)
		troupe_scope_cancel(self, scope);
	ended = troupe_scope_end(self, scope);
	return rc < 0 ? rc : ended;
}

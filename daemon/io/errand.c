#include "io/errand.h"

#include "io/inside.h"
#include <errno.h>

static void on_done(struct crew_work *work)
{
	struct errand *errand = container_of(work, struct errand, work);

	runtime_touch(errand->runtime);
	task_wake(errand->runtime, errand->task, 1);
}

static bool on_cut(struct runtime *runtime, struct task_undo *undo)
{
	struct errand *errand = container_of(undo, struct errand, undo);

	(void)runtime;
	if (crew_take_back(errand->crew, &errand->work))
		return true;
	atomic_store_explicit(&errand->is_unwanted, true, memory_order_release);
	return false;
}

int errand_crew(struct runtime *runtime, struct crew **crew, const char *name, uint32_t most,
		uint64_t stack)
{
	return *crew ? 0
		     : crew_new(&(struct crew_config){.loop = runtime->loop,
						      .name = name,
						      .most = most,
						      .rest_ns = LIMIT_THREAD_REST_NS,
						      .stack = stack},
				crew);
}

int errand_wait(struct troupe_self *self, struct errand *errand, struct crew *crew,
		struct crew_line *line, uint32_t most, const struct belonging_kind *kind,
		bool lends)
{
	struct runtime *runtime = self->runtime;
	struct task *task = self->task;
	int rc = belonging_join(self, &errand->belonging, kind);

	if (rc < 0)
		return rc;
	errand->work.on_done = on_done;
	errand->undo.on_cut = on_cut;
	errand->crew = crew;
	errand->task = task;
	errand->runtime = runtime;
	errand->task_name = task->entry->name;
	if (lends)
		pause_lend(task); /* it may run at once */
	rc = crew_give(crew, line, most, &errand->work);
	if (rc == 0) {
		task->waits_for = kind->name;
		rc = pause_wait_for(task, &errand->undo);
	}
	if (lends)
		pause_take_back(task, runtime);
	belonging_leave(runtime, &errand->belonging);
	return rc < 0 ? rc : 0;
}

bool errand_lose(struct errand *errand)
{
	return crew_lose(errand->crew, &errand->work);
}

bool errand_crew_is_held(struct crew *crew)
{
	struct crew_count count;

	if (!crew)
		return false;
	count = crew_count(crew);
	return count.running > 0 || count.lost > 0;
}

/* pool.c - functions of plug-ins that block, as jobs in threads: the bodies of
 * <troupe/pool.h>. */
#include "io/errand.h"
#include "io/inside.h"
#include <errno.h>
#include <stdio.h>
#include <troupe/pool.h>
#include <unistd.h>

#define LOG_WARNING_LEVEL 4

_Static_assert(CREW_THREADS_MAX == PAGE_JOBS, "each thread has its place on the status page");

/* On the stack of the task that waits. */
struct troupe_job {
	struct errand errand;
	struct page *page;
	troupe_job_fn *function;
	void *arg;
	int result;
	uint32_t origin, instance; /* for the status page, with the actor */
	uint64_t actor;
	struct task_progress progress;
};

/* ---- in the job's thread */

bool troupe_job_cancelled(const struct troupe_job *job)
{
	return atomic_load_explicit(&job->errand.is_unwanted, memory_order_acquire);
}

int troupe_job_progress(struct troupe_job *job, uint64_t done, uint64_t all)
{
	atomic_store_explicit(&job->progress.done, done, memory_order_relaxed);
	atomic_store_explicit(&job->progress.all, all, memory_order_relaxed);
	return troupe_job_cancelled(job) ? -ECANCELED : 0;
}

static void run_job(struct crew_work *work, unsigned number)
{
	struct troupe_job *job = container_of(work, struct troupe_job, errand.work);
	struct page_thread *thread = &job->page->jobs[number];

	page_store(&thread->sequence, page_load(&thread->sequence) + 1);
	page_store(&thread->thread_id, (uint32_t)gettid());
	page_store(&thread->type_hash, PAGE_DOING_JOB);
	page_store(&thread->actor, job->actor);
	page_store(&thread->version, job->origin);
	page_store(&thread->instance, job->instance);
	job->result = job->function(job, job->arg);
	page_store(&thread->sequence, page_load(&thread->sequence) + 1);
}

/* ---- in the loop's */

/* Its task was abandoned. */
static void on_gone(struct runtime *runtime, struct belonging *belonging)
{
	struct troupe_job *job = container_of(errand_of(belonging), struct troupe_job, errand);
	const uint64_t all = atomic_load_explicit(&job->progress.all, memory_order_relaxed);
	const uint64_t done = atomic_load_explicit(&job->progress.done, memory_order_relaxed);
	char progress[64] = "", text[256];

	if (!errand_lose(&job->errand))
		return;
	if (done > 0 || all > 0)
		snprintf(progress, sizeof(progress), " (%llu of %llu done)",
			 (unsigned long long)done, (unsigned long long)all);
	snprintf(text, sizeof(text),
		 "a job of task %.100s does not return%s: a thread is left to it",
		 job->errand.task_name, progress);
	unit_log(runtime, belonging_actor(runtime, belonging)->unit, LOG_WARNING_LEVEL, text);
}

static const struct belonging_kind job_kind = {.name = "job", .on_gone = on_gone};

int troupe_blocking(struct troupe_self *self, troupe_job_fn *function, void *arg)
{
	struct runtime *runtime = self->runtime;
	const struct definition *unit = self->actor->unit;
	struct troupe_job job;
	struct task *task;
	int rc = pause_begin(self, &task);

	if (rc < 0)
		return rc;
	if (!function)
		return -EINVAL;
	if (!runtime->io)
		return -EOPNOTSUPP;
	/* what a handler's task does when it waits first it does while its `self` is its own */
	if (task->is_fresh)
		pause_rest(task);
	if (pause_is_cut(task))
		return pause_refuse(task);
	rc = errand_crew(runtime, &runtime->io->blocking, "blocking",
			 runtime->io->blocking_threads, LIMIT_JOB_STACK);
	if (rc < 0)
		return rc;
	job = (struct troupe_job){
		.errand.work.run = run_job,
		.errand.undo.progress = &job.progress,
		.page = runtime->page,
		.function = function,
		.arg = arg,
		.origin = unit->origin,
		.instance = actor_instance(self->actor),
		.actor = slots_id(self->actor) << 32 | slots_id(self->actor) >> 32,
	};
	rc = errand_wait(self, &job.errand, runtime->io->blocking, &unit->share->blocking,
			 unit->blocking, &job_kind, true);
	return rc < 0 ? rc : job.result;
}

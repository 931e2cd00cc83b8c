/* jobs.c - lines, from their call to their line of output. */
#include "ctl/jobs.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include <errno.h>
#include <string.h>

#define BACKOFF_NS  (50 * CLOCK_MS_NS)
#define BACKOFF_MAX 6 /* doublings */

void jobs_init(struct jobs *jobs, struct loop *loop, struct writer *writer, bool unordered,
	       uint64_t retry)
{
	*jobs = (struct jobs){
		.loop = loop, .writer = writer, .unordered = unordered, .retry = retry};
	list_init(&jobs->order);
	list_init(&jobs->ready);
	list_init(&jobs->delayed);
	random_init(&jobs->random, random_seed_from_kernel());
}

static void free_job(struct job *job)
{
	struct jobs *jobs = job->jobs;

	list_remove(&job->order);
	list_remove(&job->queue);
	jobs->count--;
	jobs->held -= job->size;
	free(job->text);
	free(job);
}

void jobs_fini(struct jobs *jobs)
{
	while (!list_is_empty(&jobs->order))
		free_job(list_first(&jobs->order, struct job, order));
}

struct job *jobs_add(struct jobs *jobs, uint64_t number)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job) {
		jobs->error = -ENOMEM;
		return NULL;
	}
	job->jobs = jobs;
	job->number = number;
	list_init(&job->queue);
	list_append(&jobs->order, &job->order);
	jobs->count++;
	return job;
}

/* In place of the one that it had. */
static void set_text(struct job *job, char *text, size_t size)
{
	free(job->text);
	job->jobs->held += size - job->size;
	job->text = text;
	job->size = size;
}

void job_make_ready(struct job *job, char *text, size_t size)
{
	set_text(job, text, size);
	job->state = JOB_READY;
	list_append(&job->jobs->ready, &job->queue);
}

void job_sent(struct job *job, struct map_connection *connection)
{
	list_remove(&job->queue);
	job->state = JOB_IN_FLIGHT;
	job->connection = connection;
	job->tries++;
}

/* ---- output */

static void put_out(struct job *job)
{
	if (writer_put(job->jobs->writer, job->text, job->size) < 0)
		job->jobs->error = -ENOMEM;
	free_job(job);
}

void jobs_print(struct jobs *jobs)
{
	while (!list_is_empty(&jobs->order)) {
		struct job *job = list_first(&jobs->order, struct job, order);

		if (job->state != JOB_DONE)
			return;
		put_out(job);
	}
}

/* text: a line, taken; NULL: there was no memory for it. */
static void finish(struct job *job, char *text, size_t size, bool failed)
{
	struct jobs *jobs = job->jobs;

	list_remove(&job->queue);
	job->state = JOB_DONE;
	jobs->done++;
	jobs->failed += failed;
	if (!text) {
		jobs->error = -ENOMEM;
		return;
	}
	set_text(job, text, size);
	if (jobs->unordered)
		put_out(job);
}

/* A piece of JSON becomes part of one line: the ends of lines between its values become
 * blanks. */
static void join_lines(char *text, size_t size)
{
	for (size_t i = 0; i < 2; i++)
		for (char *at = text; (at = memchr(at, "\n\r"[i], (size_t)(text + size - at)));)
			*at = ' ';
}

void job_finish(struct job *job, struct json_span reply)
{
	char *line = malloc(reply.size + 1);

	if (line) {
		memcpy(line, reply.at, reply.size);
		join_lines(line, reply.size);
		line[reply.size] = '\n';
	}
	finish(job, line, reply.size + 1, false);
}

void job_fail(struct job *job, const char *error, struct json_span parameters)
{
	char *text = NULL;
	int n = asprintf(&text, "{\"error\":\"%s\",\"parameters\":%.*s,\"line\":%llu}\n", error,
			 (int)parameters.size, parameters.at, (unsigned long long)job->number);

	if (n < 0) {
		finish(job, NULL, 0, true);
		return;
	}
	join_lines(text, (size_t)n - 1);
	finish(job, text, (size_t)n, true);
}

/* ---- tries */

bool job_delay(struct job *job)
{
	struct jobs *jobs = job->jobs;
	unsigned doublings = job->tries - 1 < BACKOFF_MAX ? job->tries - 1 : BACKOFF_MAX;
	uint64_t wait = BACKOFF_NS << doublings;

	if (job->tries > jobs->retry)
		return false;
	job->state = JOB_DELAYED;
	/* Between half and the whole of it, so that those that failed together do not come back
	 * together. */
	job->due_ns = loop_clock_ns(jobs->loop) + wait / 2 +
		      random_below(&jobs->random, wait / 2 + 1);
	list_append(&jobs->delayed, &job->queue);
	return true;
}

void jobs_wake(struct jobs *jobs)
{
	uint64_t now = loop_clock_ns(jobs->loop);

	list_foreach_safe (at, &jobs->delayed) {
		struct job *job = container_of(at, struct job, queue);

		if (job->due_ns > now)
			continue;
		list_remove(&job->queue);
		job->state = JOB_READY;
		list_append(&jobs->ready, &job->queue);
	}
}

/* Lines are sent in order, so those that never were are the last ones, and so are those behind
 * them that were done without a call. */
static void drop_unsent(struct jobs *jobs)
{
	bool dropping = false;

	list_foreach_safe (at, &jobs->order) {
		struct job *job = container_of(at, struct job, order);

		dropping |= job->state == JOB_READY && job->tries == 0;
		if (!dropping)
			continue;
		if (job->state == JOB_DONE) {
			jobs->done--;
			jobs->failed--;
		}
		free_job(job);
	}
}

void jobs_end(struct jobs *jobs, const char *error, bool now)
{
	jobs->retry = 0;
	drop_unsent(jobs);
	list_foreach_safe (at, &jobs->order) {
		struct job *job = container_of(at, struct job, order);

		if (job->state == JOB_READY || job->state == JOB_DELAYED ||
		    (job->state == JOB_IN_FLIGHT && now))
			job_fail(job, error, (struct json_span){"{}", 2});
	}
}

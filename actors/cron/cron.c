/* cron.c - calls methods of actors at times of day.
 *
 * One timer of the system's clock is set for the job that is due first; the kernel also reports
 * on it when the clock was set, and then all times are found anew.
 */
#include "cron.varlink.h"
#include "schedule.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <troupe/io.h>
#include <troupe/text.h>
#include <unistd.h>

#define JOBS_MAX           256
#define TIMEOUT_MAX_MS     86400000
#define TIMEOUT_DEFAULT_MS 45000
#define NEXT_MAX           100
#define LATE_S             60         /* what is later than that was missed */
#define BACK_S             (3 * 3600) /* a clock that goes back further is right now */

struct job {
	char *name, *actor, *method, *parameters;
	struct schedule schedule;
	struct zone *zone;
	uint64_t timeout_ns;
	bool makes_up; /* for times that were missed */
	int64_t next;  /* SCHEDULE_NEVER: there is none */
	int64_t seen;  /* its times up to then have been seen to; survives */
	int64_t last;  /* call; 0: none */
	bool is_running;
	int64_t n_calls, n_failed, n_skipped, n_missed;
	char error[128]; /* "": none */
};

struct cron {
	struct job *jobs;
	size_t n;
	int timer;
	char *path; /* of what must survive; NULL: nothing does */
};

static int64_t now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec;
}

/* ------------------------------------------------------------------ what must survive: one
 * line a job, "TIME NAME" */

static void save(struct troupe_self *self, const struct cron *me)
{
	char other[4096];
	FILE *file;
	bool is_good = true;

	if (!me->path)
		return;
	(void)snprintf(other, sizeof(other), "%s.new", me->path);
	file = fopen(other, "we");
	for (size_t i = 0; file && i < me->n; i++)
		is_good &= fprintf(file, "%lld %s\n", (long long)me->jobs[i].seen,
				   me->jobs[i].name) > 0;
	if (!file || fclose(file) != 0 || !is_good || rename(other, me->path) < 0)
		troupe_log(self, 4, "cannot write %s: %s", me->path, strerror(errno));
}

static struct job *find(const struct cron *me, const char *name)
{
	for (size_t i = 0; i < me->n; i++)
		if (strcmp(me->jobs[i].name, name) == 0)
			return &me->jobs[i];
	return NULL;
}

static void load(const struct cron *me)
{
	FILE *file = me->path ? fopen(me->path, "re") : NULL;
	char *line = NULL, *end;
	size_t size = 0;
	ssize_t n;

	if (!file)
		return;
	while ((n = getline(&line, &size, file)) > 0) {
		long long seen = strtoll(line, &end, 10);
		struct job *job;

		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		job = *end == ' ' ? find(me, end + 1) : NULL;
		if (job && seen > 0)
			job->seen = seen;
	}
	free(line);
	fclose(file);
}

/* ------------------------------------------------------------------ calls */

static void note_failure(struct troupe_self *self, struct job *job, const char *how,
			 const char *detail)
{
	job->n_failed++;
	(void)snprintf(job->error, sizeof(job->error), "%s%s%s", how, detail ? ": " : "",
		       detail ? detail : "");
	troupe_log(self, 4, "%s: %s", job->name, job->error);
}

static int on_answer(struct troupe_self *self, struct cron *me, uint64_t context,
		     const struct troupe_text_reply *reply)
{
	struct job *job = &me->jobs[context];

	job->is_running = false;
	if (reply->status == TROUPE_OK)
		job->error[0] = '\0';
	else
		note_failure(self, job, reply->error_name, reply->detail);
	return 0;
}
TROUPE_TEXT(on_answer, struct cron)

static void call(struct troupe_self *self, struct cron *me, struct job *job, int64_t at)
{
	struct troupe_address actor;
	int rc = troupe_find(self, job->actor, &actor);

	job->n_calls++;
	job->last = at;
	if (rc == 0)
		rc = troupe_call_text(self, actor, job->method, job->parameters,
				      job->parameters ? strlen(job->parameters) : 0,
				      &on_answer_entry, (uint64_t)(job - me->jobs),
				      job->timeout_ns, 0, NULL);
	if (rc < 0)
		note_failure(self, job, strerrorname_np(-rc), NULL);
	else
		job->is_running = true;
}

/* ------------------------------------------------------------------ times */

/* The clock may have been set back: then none of its times comes twice, unless the clock was
 * far ahead. */
static void plan(struct job *job, int64_t at)
{
	if (job->seen < at || job->seen - at >= BACK_S)
		job->seen = at;
	job->next = schedule_next(&job->schedule, job->zone, job->seen);
}

static void set_timer(struct troupe_self *self, const struct cron *me)
{
	struct itimerspec when = {0};
	int64_t first = SCHEDULE_NEVER;

	for (size_t i = 0; i < me->n; i++)
		if (me->jobs[i].next < first)
			first = me->jobs[i].next;
	when.it_value.tv_sec = first;
	/* a day is looked at as often as not: so that it is never too far for the kernel */
	if (first == SCHEDULE_NEVER)
		when.it_value.tv_sec = now() + 86400;
	if (when.it_value.tv_sec < 1)
		when.it_value.tv_sec = 1;
	if (timerfd_settime(me->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when,
			    NULL) < 0 &&
	    errno != ECANCELED)
		troupe_log(self, 3, "cannot set the timer: %s", strerror(errno));
}

static void take_due(struct troupe_self *self, struct cron *me, struct job *job, int64_t at)
{
	const bool is_late = at - job->next > LATE_S;

	if (is_late)
		job->n_missed++;
	if (!is_late || job->makes_up) {
		if (job->is_running)
			job->n_skipped++;
		else
			call(self, me, job, at);
	}
	plan(job, at);
}

static void look(struct troupe_self *self, struct cron *me)
{
	const int64_t at = now();
	bool has_any = false;

	for (size_t i = 0; i < me->n; i++) {
		if (me->jobs[i].next > at)
			continue;
		take_due(self, me, &me->jobs[i], at);
		has_any = true;
	}
	if (has_any)
		save(self, me);
	set_timer(self, me);
}

static int on_time(struct troupe_self *self, struct cron *me, uint64_t context,
		   const struct troupe_watch_event *event)
{
	uint64_t times;

	(void)context;
	/* The clock was set: what was due in between counts as missed, and those whose time is
	 * further away now are found anew. */
	if (read(event->fd, &times, sizeof(times)) < 0 && errno == ECANCELED) {
		const int64_t at = now();

		for (size_t i = 0; i < me->n; i++)
			if (me->jobs[i].next > at)
				plan(&me->jobs[i], at);
	}
	look(self, me);
	return 0;
}
TROUPE_WATCH(on_time, struct cron)

/* ------------------------------------------------------------------ methods */

static int on_jobs(struct troupe_self *self, struct cron *me, struct cron_jobs_call call_,
		   const struct cron_jobs *in)
{
	struct cron_state states[JOBS_MAX];

	(void)in;
	for (size_t i = 0; i < me->n; i++) {
		const struct job *job = &me->jobs[i];

		states[i] = (struct cron_state){
			.name = job->name,
			.next = job->next == SCHEDULE_NEVER ? NULL : &job->next,
			.last = job->last ? &job->last : NULL,
			.running = job->is_running,
			.calls = job->n_calls,
			.failed = job->n_failed,
			.skipped = job->n_skipped,
			.missed = job->n_missed,
			.error = *job->error ? job->error : NULL,
		};
	}
	return cron_jobs_return(self, call_, &(struct cron_jobs_out){.jobs = {states, me->n}});
}

static int on_run(struct troupe_self *self, struct cron *me, struct cron_run_call call_,
		  const struct cron_run *in)
{
	struct job *job = find(me, in->name);

	if (!job)
		return cron_run_fail_no_such_job(self, call_, &(struct cron_no_such_job){0});
	if (job->is_running)
		return cron_run_fail_running(self, call_, &(struct cron_running){0});
	call(self, me, job, now());
	return cron_run_return(self, call_, &(struct cron_run_out){0});
}

static int on_next(struct troupe_self *self, struct cron *me, struct cron_next_call call_,
		   const struct cron_next *in)
{
	const int64_t count = in->count ? *in->count : 1;
	int64_t times[NEXT_MAX], at = in->after ? *in->after : now();
	struct cron_next_out out = {.times = {.items = times}};
	struct cron_bad_schedule bad = {0};
	struct schedule schedule;
	struct zone *zone;

	(void)me;
	if (count < 0 || count > NEXT_MAX)
		return cron_next_fail_parameter(self, call_, "count", "must be from 0 to 100");
	if (at < -100000000000 || at > 100000000000)
		return cron_next_fail_parameter(self, call_, "after", "is too far away");
	if (!schedule_read(&schedule, in->at, &bad.reason))
		return cron_next_fail_bad_schedule(self, call_, &bad);
	int rc = zone_new(in->zone ? in->zone : "UTC", &zone);
	if (rc < 0) {
		bad.reason = rc == -ENOENT ? "no such zone" : strerrorname_np(-rc);
		return cron_next_fail_bad_schedule(self, call_, &bad);
	}
	while (out.times.count < (size_t)count &&
	       (at = schedule_next(&schedule, zone, at)) != SCHEDULE_NEVER)
		times[out.times.count++] = at;
	zone_free(zone);
	return cron_next_return(self, call_, &out);
}

/* ------------------------------------------------------------------ lives */

static int complain(struct troupe_self *self, const char *name, const char *what)
{
	troupe_log(self, 3, "jobs.%s: %s", name, what);
	return -EINVAL;
}

static int take_job(struct troupe_self *self, struct job *job, const char *name,
		    const struct cron_job *in)
{
	const int64_t timeout_ms = in->timeoutMs ? *in->timeoutMs : TIMEOUT_DEFAULT_MS;
	const char *why = NULL;
	int rc;

	if (strchr(name, '\n'))
		return complain(self, "", "a name of two lines");
	job->name = strdup(name);
	job->actor = strdup(in->actor);
	job->method = strdup(in->method);
	job->parameters = in->parameters ? strdup(in->parameters) : NULL;
	if (!job->name || !job->actor || !job->method || (in->parameters && !job->parameters))
		return -ENOMEM;
	if (timeout_ms < 1 || timeout_ms > TIMEOUT_MAX_MS)
		return complain(self, name, "timeoutMs must be from 1 to 86400000");
	job->timeout_ns = (uint64_t)timeout_ms * TROUPE_MS_NS;
	job->makes_up = !in->missed || *in->missed == CRON_MISSED_ONCE;
	if (!schedule_read(&job->schedule, in->at, &why))
		return complain(self, name, why);
	rc = zone_new(in->zone ? in->zone : "UTC", &job->zone);
	return rc < 0 && rc != -ENOMEM
		       ? complain(self, name,
				  rc == -ENOENT ? "no such zone" : strerrorname_np(-rc))
		       : rc;
}

static int take_path(struct troupe_self *self, struct cron *me)
{
	const char *directory = troupe_state_directory(self);

	if (!directory)
		return 0;
	return asprintf(&me->path, "%s/last", directory) < 0 ? -ENOMEM : 0;
}

static void end(struct troupe_self *self, struct cron *me, enum troupe_cause cause)
{
	(void)self;
	(void)cause;
	for (size_t i = 0; i < me->n; i++) {
		struct job *job = &me->jobs[i];

		free(job->name);
		free(job->actor);
		free(job->method);
		free(job->parameters);
		zone_free(job->zone);
	}
	free(me->jobs);
	free(me->path);
	if (me->timer >= 0)
		close(me->timer);
}

/* The first of the times that passed while nobody was here is due now. */
static void plan_all(struct cron *me)
{
	const int64_t at = now();

	for (size_t i = 0; i < me->n; i++) {
		struct job *job = &me->jobs[i];

		if (job->seen && job->seen < at)
			job->next = schedule_next(&job->schedule, job->zone, job->seen);
		else
			plan(job, at);
	}
}

static int start(struct troupe_self *self, struct cron *me, const struct cron_config *config)
{
	struct troupe_watch watch;
	int rc = 0;

	if (config->jobs.count > JOBS_MAX) {
		troupe_log(self, 3, "jobs: %d at most", JOBS_MAX);
		return -EINVAL;
	}
	me->jobs = calloc(config->jobs.count + 1, sizeof(*me->jobs));
	if (!me->jobs)
		return -ENOMEM;
	for (size_t i = 0; i < config->jobs.count && rc == 0; i++) {
		me->n = i + 1;
		rc = take_job(self, &me->jobs[i], config->jobs.items[i].key,
			      &config->jobs.items[i].value);
	}
	if (rc == 0)
		rc = take_path(self, me);
	if (rc < 0)
		return rc;
	load(me);
	me->timer = timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	if (me->timer < 0)
		return -errno;
	rc = troupe_watch_start(self, me->timer, TROUPE_READABLE, &on_time_entry, 0, &watch);
	if (rc < 0)
		return rc;
	plan_all(me);
	save(self, me);
	set_timer(self, me);
	return 0;
}

/* A failed init has no fini. */
static int begin(struct troupe_self *self, struct cron *me, const struct cron_config *config)
{
	int rc;

	me->timer = -1;
	rc = start(self, me, config);
	if (rc < 0)
		end(self, me, TROUPE_CAUSE_FAILED);
	return rc;
}

CRON_HANDLERS(scheduling, struct cron, .jobs = on_jobs, .run = on_run, .next = on_next)
TROUPE_LIFE(life, struct cron, struct cron_config, .init = begin, .fini = end)

TROUPE_ACTOR(cron) = {
	TROUPE_ABI(cron),
	.description = "Calls methods of actors at times of day.",
	.state_size = sizeof(struct cron),
	.config = &cron_config_type,
	.life = &life,
	.interfaces = {&scheduling},
	.entries = {&on_answer_entry, &on_time_entry},
};

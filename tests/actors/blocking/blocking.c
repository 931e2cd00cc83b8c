/* blocking.c - works, crashes and hangs in jobs. */
#define _GNU_SOURCE
#include "blocking.varlink.h"
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/file.h>
#include <troupe/names.h>
#include <troupe/pool.h>
#include <unistd.h>

struct me {
	atomic_int now, most, begun;
};

/* What a task asks its job. */
struct question {
	struct me *me;
	struct troupe_call call;
	int64_t ms, thread;
	char how[16], text[256];
	troupe_job_fn *job;
	int (*answer)(struct troupe_self *self, struct troupe_call call,
		      const struct question *question);
};

static int ask(struct troupe_self *self, struct me *me, struct question *given, void *unused)
{
	struct question question = *given;
	int rc;

	(void)me;
	(void)unused;
	free(given);
	rc = troupe_blocking(self, question.job, &question);
	return rc < 0 ? rc : question.answer(self, question.call, &question);
}
TROUPE_TASK(ask, struct me, struct question, void)

static int begin(struct troupe_self *self, struct troupe_call *call,
		 const struct question *question)
{
	struct question *copy = malloc(sizeof(*copy));
	int rc;

	if (!copy)
		return -ENOMEM;
	*copy = *question;
	rc = troupe_call_keep(self, call);
	copy->call = *call;
	if (rc == 0)
		rc = troupe_start(self, TROUPE_OF_ACTOR, &ask_task, copy, NULL, NULL);
	if (rc < 0)
		free(copy);
	return rc;
}

/* ---- Work */

static int work(struct troupe_job *job, void *arg)
{
	struct question *question = arg;
	struct me *me = question->me;
	int now = atomic_fetch_add(&me->now, 1) + 1, most = atomic_load(&me->most);

	(void)job;
	while (now > most && !atomic_compare_exchange_weak(&me->most, &most, now))
		;
	usleep((useconds_t)question->ms * 1000);
	question->thread = gettid();
	atomic_fetch_sub(&me->now, 1);
	return 0;
}

static int answer_work(struct troupe_self *self, struct troupe_call call,
		       const struct question *question)
{
	return blocking_work_return(
		self, (struct blocking_work_call){call},
		&(struct blocking_work_out){question->thread,
					    atomic_load(&question->me->most)});
}

static int on_work(struct troupe_self *self, struct me *me, struct blocking_work_call call,
		   const struct blocking_work *in)
{
	return begin(
		self, &call.call,
		&(struct question){.me = me, .ms = in->ms, .job = work, .answer = answer_work});
}

/* ---- Crash, Hang, Listen */

static __attribute__((noinline)) int descend(int depth)
{
	volatile char frame[4096];

	frame[0] = (char)depth;
	return depth < 0 ? 0 : descend(depth + 1) + frame[0];
}

static __attribute__((noinline)) int crash_in_job(struct troupe_job *job, void *arg)
{
	const struct question *question = arg;
	/* Not NULL: a sanitizer would make a report of it, and an exit status. */
	const volatile int *volatile nowhere = (const volatile int *)8;

	(void)job;
	if (strcmp(question->how, "abort") == 0)
		abort();
	if (strcmp(question->how, "exit") == 0)
		exit(3);
	if (strcmp(question->how, "overflow") == 0)
		return descend(0);
	return *nowhere;
}

static int hang(struct troupe_job *job, void *arg)
{
	const struct question *question = arg;

	(void)troupe_job_progress(job, 3, 7);
	atomic_fetch_add(&question->me->begun, 1);
	while (pause() < 0)
		;
	return 0;
}

static int keep_listening(struct troupe_job *job, void *arg)
{
	const struct question *question = arg;

	atomic_fetch_add(&question->me->begun, 1);
	while (!troupe_job_cancelled(job))
		usleep(1000);
	return 0;
}

static int answer_listen(struct troupe_self *self, struct troupe_call call,
			 const struct question *question)
{
	(void)call;
	(void)question;
	troupe_log(self, 6, "listened");
	return 0;
}

static int answer_nothing(struct troupe_self *self, struct troupe_call call,
			  const struct question *question)
{
	(void)question;
	return troupe_call_drop(self, call);
}

static int on_crash(struct troupe_self *self, struct me *me, struct blocking_crash_call call,
		    const struct blocking_crash *in)
{
	struct question question = {.me = me, .job = crash_in_job, .answer = answer_nothing};

	strncpy(question.how, in->how, sizeof(question.how) - 1);
	return begin(self, &call.call, &question);
}

static int on_hang(struct troupe_self *self, struct me *me, struct blocking_hang_call call,
		   const struct blocking_hang *in)
{
	(void)in;
	return begin(self, &call.call,
		     &(struct question){.me = me, .job = hang, .answer = answer_nothing});
}

static int on_listen(struct troupe_self *self, struct me *me, struct blocking_listen_call call,
		     const struct blocking_listen *in)
{
	(void)in;
	return begin(
		self, &call.call,
		&(struct question){.me = me, .job = keep_listening, .answer = answer_listen});
}

/* ---- Resolve, Size: handlers in tasks of their own */

static int resolve(struct troupe_self *self, struct me *me, struct question *given,
		   void *unused)
{
	struct question question = *given;
	struct sockaddr_storage found[8];
	int rc;

	(void)me;
	(void)unused;
	free(given);
	rc = troupe_resolve(self, question.text, "80", found, 8);
	return blocking_resolve_return(
		self, (struct blocking_resolve_call){question.call},
		&(struct blocking_resolve_out){rc < 0 ? 0 : rc, rc < 0 ? -rc : 0});
}
TROUPE_TASK(resolve, struct me, struct question, void)

static int size_of(struct troupe_self *self, struct me *me, struct question *given,
		   void *unused)
{
	struct question question = *given;
	char piece[4096];
	int64_t bytes = 0;
	ssize_t n = 0;
	int fd;

	(void)me;
	(void)unused;
	free(given);
	fd = troupe_file_open(self, question.text, O_RDONLY, 0);
	while (fd >= 0 && (n = troupe_file_read(self, fd, piece, sizeof(piece), bytes)) > 0)
		bytes += n;
	if (fd >= 0)
		close(fd);
	return fd < 0  ? fd
	       : n < 0 ? (int)n
		       : blocking_size_return(self, (struct blocking_size_call){question.call},
					      &(struct blocking_size_out){bytes});
}
TROUPE_TASK(size_of, struct me, struct question, void)

static int begin_text(struct troupe_self *self, struct troupe_call *call, const char *text,
		      const struct troupe_task_entry *entry)
{
	struct question *question = calloc(1, sizeof(*question));
	int rc;

	if (!question)
		return -ENOMEM;
	strncpy(question->text, text, sizeof(question->text) - 1);
	rc = troupe_call_keep(self, call);
	question->call = *call;
	if (rc == 0)
		rc = troupe_start(self, TROUPE_OF_ACTOR, entry, question, NULL, NULL);
	if (rc < 0)
		free(question);
	return rc;
}

static int on_resolve(struct troupe_self *self, struct me *me,
		      struct blocking_resolve_call call, const struct blocking_resolve *in)
{
	(void)me;
	return begin_text(self, &call.call, in->host, &resolve_task);
}

static int on_size(struct troupe_self *self, struct me *me, struct blocking_size_call call,
		   const struct blocking_size *in)
{
	(void)me;
	return begin_text(self, &call.call, in->path, &size_of_task);
}

static int on_ping(struct troupe_self *self, struct me *me, struct blocking_ping_call call,
		   const struct blocking_ping *in)
{
	(void)in;
	return blocking_ping_return(self, call,
				    &(struct blocking_ping_out){atomic_load(&me->begun)});
}

BLOCKING_HANDLERS(doing, struct me, .ping = on_ping, .work = on_work, .crash = on_crash,
		  .hang = on_hang, .listen = on_listen, .resolve = on_resolve, .size = on_size)
TROUPE_ACTOR(blocking) = {TROUPE_ABI(blocking), .state_size = sizeof(struct me),
			  .interfaces = {&doing}};

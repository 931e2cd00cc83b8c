/* tasks.c - tasks of one actor: what a step takes, a life, the end of many that wait, a job in
 * a thread, a piece of a file. */
#include "bench.varlink.h"
#include "watch.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <troupe/file.h>
#include <troupe/pool.h>
#include <unistd.h>

#define TASKS_MAX 100000
#define DEPTH     8192                   /* bytes that a waiting task has used once */
#define PIECE     65536                  /* bytes that are read at a time */
#define SETTLE_NS (4 * TROUPE_SECOND_NS) /* until unused memory has gone back */

struct taskmaster {
	bool is_busy;
	struct bench_tasks_call call;
	enum bench_task_what what;
	int64_t tasks, amount, count;
	double seconds, bytes;
	unsigned char piece[PIECE];
};

/* ---- what the tasks do */

static int yielder(struct troupe_self *self, struct taskmaster *me, void *unused,
		   void *unused_too)
{
	(void)unused;
	(void)unused_too;
	for (int64_t i = 0; i < me->amount; i++, me->count++) {
		int error = troupe_yield(self);

		if (error)
			return error;
	}
	return 0;
}
TROUPE_TASK(yielder, struct taskmaster, void, void)

static int passer(struct troupe_self *self, struct taskmaster *me, void *unused,
		  void *unused_too)
{
	(void)self;
	(void)unused;
	(void)unused_too;
	me->count++;
	return 0;
}
TROUPE_TASK(passer, struct taskmaster, void, void)

static __attribute__((noinline)) int go_deep(int64_t *count)
{
	volatile char used[DEPTH];

	memset((void *)(uintptr_t)used, 1, sizeof(used));
	*count += used[DEPTH / 2];
	return 0;
}

static int waiter(struct troupe_self *self, struct taskmaster *me, void *unused,
		  void *unused_too)
{
	(void)unused;
	(void)unused_too;
	go_deep(&me->count);
	return troupe_sleep(self, UINT64_MAX);
}
TROUPE_TASK(waiter, struct taskmaster, void, void)

static int do_nothing(struct troupe_job *job, void *arg)
{
	(void)job;
	(void)arg;
	return 0;
}

static int asker(struct troupe_self *self, struct taskmaster *me, void *unused,
		 void *unused_too)
{
	(void)unused;
	(void)unused_too;
	for (int64_t i = 0; i < me->amount; i++, me->count++) {
		int error = troupe_blocking(self, do_nothing, NULL);

		if (error)
			return error;
	}
	return 0;
}
TROUPE_TASK(asker, struct taskmaster, void, void)

static int reader(struct troupe_self *self, struct taskmaster *me, void *unused,
		  void *unused_too)
{
	static const char path[] = "/proc/self/exe";
	int fd = troupe_file_open(self, path, O_RDONLY, 0);
	ssize_t n = fd < 0 ? fd : PIECE;

	(void)unused;
	(void)unused_too;
	for (int64_t i = 0; i < me->amount && n == PIECE; i++, me->count++)
		n = troupe_file_read(self, fd, me->piece, PIECE, 0);
	if (fd >= 0)
		close(fd);
	return n == PIECE ? 0 : n < 0 ? (int)n : -EIO;
}
TROUPE_TASK(reader, struct taskmaster, void, void)

/* ---- measuring */

static int start_all(struct troupe_self *self, struct taskmaster *me, struct troupe_scope scope,
		     const struct troupe_task_entry *entry)
{
	int error = 0;

	for (int64_t i = 0; i < me->tasks && error == 0; i++)
		error = troupe_start(self, scope, entry, NULL, NULL, NULL);
	return error;
}

static int measure_all(struct troupe_self *self, struct taskmaster *me,
		       const struct troupe_task_entry *entry)
{
	double began;
	int error;

	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	began = watch_seconds();
	error = start_all(self, me, scope, entry);
	if (error == 0)
		error = troupe_scope_end(self, scope);
	me->seconds = watch_seconds() - began;
	return error;
}

static int measure_lives(struct troupe_self *self, struct taskmaster *me)
{
	double began = watch_seconds();
	int error = 0;

	for (int64_t i = 0; i < me->amount && error == 0; i++) {
		TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
		error = start_all(self, me, scope, &passer_task);
		if (error == 0)
			error = troupe_scope_end(self, scope);
	}
	me->seconds = watch_seconds() - began;
	return error;
}

static int measure_waiting(struct troupe_self *self, struct taskmaster *me)
{
	double before, began;
	int error;

	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	before = watch_resident_bytes();
	error = start_all(self, me, scope, &waiter_task);
	if (error == 0)
		error = troupe_sleep(self, SETTLE_NS);
	if (error)
		return error;
	me->bytes = (watch_resident_bytes() - before) / (double)me->tasks;
	began = watch_seconds();
	troupe_scope_cancel(self, scope);
	error = troupe_scope_end(self, scope);
	me->seconds = watch_seconds() - began;
	return error == -ECANCELED ? 0 : error;
}

static int measure(struct troupe_self *self, struct taskmaster *me, void *unused,
		   void *unused_too)
{
	int error;

	(void)unused;
	(void)unused_too;
	error = me->what == BENCH_TASK_WHAT_STEP   ? measure_all(self, me, &yielder_task)
		: me->what == BENCH_TASK_WHAT_JOB  ? measure_all(self, me, &asker_task)
		: me->what == BENCH_TASK_WHAT_FILE ? measure_all(self, me, &reader_task)
		: me->what == BENCH_TASK_WHAT_LIFE ? measure_lives(self, me)
						   : measure_waiting(self, me);
	me->is_busy = false;
	if (error)
		return bench_tasks_fail_broken(self, me->call,
					       &(struct bench_broken){.error = -error});
	return bench_tasks_return(self, me->call,
				  &(struct bench_tasks_out){.seconds = me->seconds,
							    .count = me->count,
							    .bytesPerTask = me->bytes});
}
TROUPE_TASK(measure, struct taskmaster, void, void)

static int on_tasks(struct troupe_self *self, struct taskmaster *me,
		    struct bench_tasks_call call, const struct bench_tasks *in)
{
	int error;

	if (me->is_busy)
		return bench_tasks_fail_busy(self, call, &(struct bench_busy){0});
	if (in->tasks < 1 || in->tasks > TASKS_MAX)
		return bench_tasks_fail_wrong_number(
			self, call,
			&(struct bench_wrong_number){.least = 1, .most = TASKS_MAX});
	if (in->amount < 1)
		return bench_tasks_fail_parameter(self, call, "amount", NULL);
	error = bench_tasks_keep(self, &call);
	if (error)
		return error;
	*me = (struct taskmaster){.is_busy = true,
				  .call = call,
				  .what = in->what,
				  .tasks = in->tasks,
				  .amount = in->amount};
	return troupe_start(self, TROUPE_OF_ACTOR, &measure_task, NULL, NULL, NULL);
}

BENCH_HANDLERS(taskmaster_bench, struct taskmaster, .tasks = on_tasks)

TROUPE_ACTOR(taskmaster) = {
	TROUPE_ABI(taskmaster),
	.description = "measures tasks",
	.state_size = sizeof(struct taskmaster),
	.interfaces = {&taskmaster_bench},
};

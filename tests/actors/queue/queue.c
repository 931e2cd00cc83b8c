/* queue.c - hands numbers around: from handlers to tasks, from many tasks to one. */
#include "queue.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <troupe/sync.h>

struct queue {
	struct troupe_channel numbers;
};

/* A call that a task answers. */
struct job {
	struct troupe_call call;
	int64_t a, b, c;
};

static int begin(struct troupe_self *self, struct troupe_call *call, struct job given,
		 const struct troupe_task_entry *entry)
{
	struct job *job = malloc(sizeof(*job));
	int rc;

	if (!job)
		return -ENOMEM;
	rc = troupe_call_keep(self, call);
	*job = given;
	job->call = *call;
	if (rc == 0)
		rc = troupe_start(self, TROUPE_OF_ACTOR, entry, job, NULL, NULL);
	if (rc < 0)
		free(job);
	return rc;
}

static int on_init(struct troupe_self *self, struct queue *me, const void *config)
{
	(void)config;
	return troupe_channel_open(self, sizeof(int64_t), 4, &me->numbers);
}

/* ---- Put, Get, Close */

static int on_put(struct troupe_self *self, struct queue *me, struct queue_put_call call,
		  const struct queue_put *in)
{
	int rc = troupe_try_put(self, me->numbers, &in->number);

	return rc < 0 ? rc : queue_put_return(self, call, &(struct queue_put_out){0});
}

static int get(struct troupe_self *self, struct queue *me, struct job *job, void *unused)
{
	struct queue_get_call call = {job->call};
	uint64_t timeout_ns = (uint64_t)job->a * TROUPE_MS_NS;
	int64_t number = 0;
	int rc;

	(void)unused;
	free(job);
	TROUPE_SCOPE(scope, self, timeout_ns);
	rc = troupe_get(self, me->numbers, &number);
	if (rc <= 0)
		return troupe_call_drop(self, call.call);
	return queue_get_return(self, call, &(struct queue_get_out){number});
}
TROUPE_TASK(get, struct queue, struct job, void)

static int on_get(struct troupe_self *self, struct queue *me, struct queue_get_call call,
		  const struct queue_get *in)
{
	(void)me;
	return begin(self, &call.call, (struct job){.a = in->ms}, &get_task);
}

static int on_close(struct troupe_self *self, struct queue *me, struct queue_close_call call,
		    const struct queue_close *in)
{
	(void)in;
	troupe_channel_close(self, me->numbers);
	return queue_close_return(self, call, &(struct queue_close_out){0});
}

/* ---- Squares */

struct squares {
	struct troupe_channel results;
	struct troupe_semaphore rooms;
};

static int square(struct troupe_self *self, struct queue *me, const int64_t *number,
		  struct squares *squares)
{
	int64_t result = *number * *number;
	int rc = troupe_acquire(self, squares->rooms);

	(void)me;
	if (rc == 0)
		rc = troupe_sleep(self, TROUPE_MS_NS / 100);
	if (rc == 0)
		rc = troupe_put(self, squares->results, &result);
	return rc < 0 ? rc : troupe_give_back(self, squares->rooms);
}
TROUPE_TASK(square, struct queue, const int64_t, struct squares)

static int add_up(struct troupe_self *self, struct queue *me, int64_t *sum,
		  struct squares *squares)
{
	int64_t number;
	int rc;

	(void)me;
	while ((rc = troupe_get(self, squares->results, &number)) > 0)
		*sum += number;
	return rc;
}
TROUPE_TASK(add_up, struct queue, int64_t, struct squares)

static int square_all(struct troupe_self *self, int64_t count, int64_t tasks, int64_t *sum)
{
	struct squares squares = {0};
	int64_t *numbers;
	int rc;

	/* half as many rooms as there are tasks that want one */
	rc = troupe_channel_open(self, sizeof(int64_t), 3, &squares.results);
	if (rc == 0)
		rc = troupe_semaphore_open(self, (uint32_t)tasks / 2 + 1, &squares.rooms);
	numbers = calloc((size_t)count, sizeof(*numbers));
	if (rc == 0 && !numbers)
		rc = -ENOMEM;
	if (rc == 0) {
		TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
		for (int64_t i = 0; i < count; i++)
			numbers[i] = i + 1;
		rc = troupe_start(self, scope, &add_up_task, sum, &squares, NULL);
		if (rc == 0)
			rc = troupe_for_all(self, &square_task, numbers, sizeof(*numbers),
					    (size_t)count, (size_t)tasks, &squares);
		troupe_channel_close(self, squares.results);
		if (rc == 0)
			rc = troupe_scope_end(self, scope);
	}
	troupe_semaphore_close(self, squares.rooms);
	free(numbers);
	return rc;
}

static int squares(struct troupe_self *self, struct queue *me, struct job *job, void *unused)
{
	struct queue_squares_call call = {job->call};
	int64_t count = job->a, tasks = job->b, sum = 0;
	int rc;

	(void)me;
	(void)unused;
	free(job);
	rc = square_all(self, count, tasks, &sum);
	return rc < 0 ? rc : queue_squares_return(self, call, &(struct queue_squares_out){sum});
}
TROUPE_TASK(squares, struct queue, struct job, void)

static int on_squares(struct troupe_self *self, struct queue *me,
		      struct queue_squares_call call, const struct queue_squares *in)
{
	(void)me;
	return begin(self, &call.call, (struct job){.a = in->numbers, .b = in->tasks},
		     &squares_task);
}

/* ---- Race */

static int run_so_long(struct troupe_self *self, struct queue *me, const int64_t *ms,
		       void *unused)
{
	(void)me;
	(void)unused;
	return troupe_sleep(self, (uint64_t)*ms * TROUPE_MS_NS);
}
TROUPE_TASK(run_so_long, struct queue, const int64_t, void)

static int race(struct troupe_self *self, struct queue *me, struct job *job, void *unused)
{
	static const struct troupe_task_entry *const runners[] = {
		&run_so_long_task, &run_so_long_task, &run_so_long_task};
	void *const times[] = {&job->a, &job->b, &job->c};
	struct queue_race_call call = {job->call};
	int rc = troupe_race(self, 3, runners, times, NULL);

	(void)me;
	(void)unused;
	free(job);
	return rc < 0 ? rc : queue_race_return(self, call, &(struct queue_race_out){rc});
}
TROUPE_TASK(race, struct queue, struct job, void)

static int on_race(struct troupe_self *self, struct queue *me, struct queue_race_call call,
		   const struct queue_race *in)
{
	(void)me;
	return begin(self, &call.call,
		     (struct job){.a = in->first, .b = in->second, .c = in->third}, &race_task);
}

TROUPE_LIFE(life, struct queue, void, .init = on_init)
QUEUE_HANDLERS(queueing, struct queue, .put = on_put, .get = on_get, .close = on_close,
	       .squares = on_squares, .race = on_race)
TROUPE_ACTOR(queue) = {TROUPE_ABI(queue), .state_size = sizeof(struct queue),
		       .interfaces = {&queueing}, .life = &life};

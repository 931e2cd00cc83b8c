/* storm_tasks.c - tasks of a storm's actors: they wait, begin others in scopes and shields, and
 * do what handlers do in between. */
#include "storm.h"

#include "core/activation.h"
#include "core/inside.h"
#include <errno.h>
#include <troupe/task.h>

#define DEPTH 3 /* of tasks in tasks */

/* What a wait may return: that it is over, or that it is cut short. */
static void check_wait(int rc)
{
	assert_true(rc == 0 || rc == -ECANCELED || rc == -ETIMEDOUT);
}

static const void *deeper(const void *depth)
{
	return (const char *)depth + 1;
}

static int wander(struct troupe_self *self, struct puppet *me, const void *depth,
		  unsigned *running);
TROUPE_TASK(wander, struct puppet, const void, unsigned)

/* In a scope whose memory lies on this stack, in which `running` is counted. */
static int start_in(struct troupe_self *self, struct troupe_scope scope, const void *depth,
		    unsigned *running, struct troupe_task *ret_task)
{
	int rc = troupe_start(self, scope, &wander_task, (void *)(uintptr_t)deeper(depth),
			      running, ret_task);

	assert_true(rc == 0 || rc == -EAGAIN || rc == -ENOMEM || rc == -ECANCELED ||
		    rc == -ETIMEDOUT);
	if (rc == 0)
		storm_of(self)->n_tasks++;
	return rc;
}

static int be_in_scope(struct troupe_self *self, const void *depth)
{
	static const uint64_t timeouts[] = {TROUPE_UNLIMITED, 1000000, 40000000};
	struct storm *storm = storm_of(self);
	unsigned running = 0;
	struct troupe_scope scope;
	int rc = storm_below(storm, 3)
			 ? troupe_scope_begin(self, timeouts[storm_below(storm, 3)], &scope)
			 : troupe_scope_shield(self, 1 + storm_below(storm, 40000000), &scope);

	assert_true(rc == 0 || rc == -EAGAIN);
	if (rc < 0)
		return 0;
	for (uint64_t n = storm_below(storm, 4); n > 0; n--)
		(void)start_in(self, scope, depth, &running, NULL);
	if (storm_below(storm, 4) == 0)
		troupe_scope_cancel(self, scope);
	if (storm_below(storm, 2))
		check_wait(troupe_sleep(self, storm_below(storm, 20000000)));
	rc = troupe_scope_end(self, scope);
	assert_int_equal(running, 0); /* none outlives it */
	return rc == -EIO ? 0 : rc;
}

/* The same, left by its block. */
static void leave_scope(struct troupe_self *self, const void *depth)
{
	unsigned running = 0;

	{
		TROUPE_SCOPE(scope, self, 30000000);
		(void)start_in(self, scope, depth, &running, NULL);
		if (storm_below(storm_of(self), 2))
			check_wait(troupe_yield(self));
	}
	assert_int_equal(running, 0);
}

static int join_one(struct troupe_self *self, const void *depth)
{
	struct troupe_task task;
	int result = 1, rc = start_in(self, TROUPE_OF_ACTOR, depth, NULL, &task);

	if (rc < 0)
		return 0;
	if (storm_below(storm_of(self), 4) == 0)
		(void)troupe_task_cancel(self, task);
	rc = troupe_join(self, task, &result);
	check_wait(rc);
	assert_true(rc < 0 || result <= 0);
	return rc;
}

static int wait_somehow(struct troupe_self *self, const void *depth)
{
	struct storm *storm = storm_of(self);

	switch (storm_below(storm, (uintptr_t)depth < DEPTH ? 6 : 2)) {
	case 0:
		return troupe_yield(self);
	case 1:
		return troupe_sleep(self, storm_below(storm, 60000000));
	case 2:
	case 3:
		return be_in_scope(self, depth);
	case 4:
		leave_scope(self, depth);
		return 0;
	default:
		return join_one(self, depth);
	}
}

/* running: in whose scope it is started; NULL: in the actor's. */
static int wander(struct troupe_self *self, struct puppet *me, const void *depth,
		  unsigned *running)
{
	struct storm *storm = storm_of(self);
	int rc = 0;

	if (running)
		++*running;
	for (uint64_t n = storm_below(storm, 4); n > 0 && rc == 0 && storm->budget > 0; n--) {
		rc = wait_somehow(self, depth);
		check_wait(rc);
		if (self_can_receive(self))
			storm_act(self, me);
		if (storm_below(storm, 4) == 0) /* deaf, now and then */
			rc = 0;
	}
	if (running)
		--*running;
	storm->n_tasks_ended++;
	return rc < 0 || storm_below(storm, 20) ? rc : -EIO;
}

void storm_start_task(struct troupe_self *self)
{
	if (!self->task)
		(void)start_in(self, TROUPE_OF_ACTOR, NULL, NULL, NULL);
}

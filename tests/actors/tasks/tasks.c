/* tasks.c - waits, sums, throws and uses up stacks, in tasks. */
#define TROUPE_DEBUG /* a function that returns from its scope is to be found */
#include "tasks.varlink.h"
#include "throws.h"
#include <alloca.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include <troupe/task.h>

struct doer {
	int64_t naps; /* that were asked for */
};

/* ---- Nap, Quiet */

static int on_nap(struct troupe_self *self, struct doer *me, struct tasks_nap_call call,
		  const struct tasks_nap *in)
{
	int rc;

	me->naps++;
	rc = troupe_sleep(self, (uint64_t)in->ms * TROUPE_MS_NS);
	return rc < 0 ? rc : tasks_nap_return(self, call, &(struct tasks_nap_out){0});
}

static int on_quiet(struct troupe_self *self, struct doer *me, struct tasks_quiet_call call,
		    const struct tasks_quiet *in)
{
	int64_t before = me->naps;
	int rc = troupe_sleep(self, (uint64_t)in->ms * TROUPE_MS_NS);

	return rc < 0 ? rc
		      : tasks_quiet_return(self, call,
					   &(struct tasks_quiet_out){me->naps - before});
}

/* ---- Sum */

static int add(struct troupe_self *self, struct doer *me, const int64_t *ms, int64_t *sum)
{
	volatile char used[8192];
	int rc;

	(void)me;
	memset((void *)(uintptr_t)used, 1, sizeof(used));
	rc = troupe_sleep(self, (uint64_t)*ms * TROUPE_MS_NS);
	*sum += used[sizeof(used) / 2];
	return rc;
}
TROUPE_TASK(add, struct doer, const int64_t, int64_t)

static int on_sum(struct troupe_self *self, struct doer *me, struct tasks_sum_call call,
		  const struct tasks_sum *in)
{
	int64_t total = 0;
	int rc = 0;

	(void)me;
	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	for (int64_t i = 0; i < in->tasks && rc == 0; i++)
		rc = troupe_start(self, scope, &add_task, (void *)(uintptr_t)&in->ms, &total,
				  NULL);
	if (rc == 0)
		rc = troupe_scope_end(self, scope);
	return rc < 0 ? rc : tasks_sum_return(self, call, &(struct tasks_sum_out){total});
}

/* ---- Overflow, Large */

static __attribute__((noinline)) int descend(int depth)
{
	volatile char frame[1024];

	frame[0] = (char)depth;
	/* not a tail call: the frame is used afterwards */
	return depth < 0 ? 0 : descend(depth + 1) + frame[0];
}

static int overflow(struct troupe_self *self, struct doer *me, void *unused, void *unused_too)
{
	(void)me;
	(void)unused;
	(void)unused_too;
	return troupe_yield(self) < 0 ? 0 : descend(0);
}
TROUPE_TASK(overflow, struct doer, void, void)

static int on_overflow(struct troupe_self *self, struct doer *me,
		       struct tasks_overflow_call call, const struct tasks_overflow *in)
{
	int rc = troupe_call_keep(self, &call.call);

	(void)me;
	(void)in;
	return rc < 0 ? rc
		      : troupe_start(self, TROUPE_OF_ACTOR, &overflow_task, NULL, NULL, NULL);
}

static int on_large(struct troupe_self *self, struct doer *me, struct tasks_large_call call,
		    const struct tasks_large *in)
{
	size_t size = 40 << 10;
	volatile char *piece = alloca(size);
	int64_t total = 0;

	(void)me;
	(void)in;
	for (size_t i = 0; i < size; i++)
		piece[i] = (char)(i % 2);
	if (troupe_yield(self) < 0)
		return -ECANCELED;
	for (size_t i = 0; i < size; i++)
		total += piece[i];
	return tasks_large_return(self, call, &(struct tasks_large_out){total});
}

/* ---- Stray */

static __attribute__((noinline)) int begin_and_return(struct troupe_self *self)
{
	struct troupe_scope scope;

	return troupe_scope_begin(self, TROUPE_UNLIMITED, &scope);
}

static int stray(struct troupe_self *self, struct doer *me, void *unused, void *unused_too)
{
	int rc = begin_and_return(self);

	(void)me;
	(void)unused;
	(void)unused_too;
	return rc < 0 ? rc : troupe_yield(self);
}
TROUPE_TASK(stray, struct doer, void, void)

static int on_stray(struct troupe_self *self, struct doer *me, struct tasks_stray_call call,
		    const struct tasks_stray *in)
{
	(void)me;
	(void)in;
	int rc = troupe_call_keep(self, &call.call);
	return rc < 0 ? rc : troupe_start(self, TROUPE_OF_ACTOR, &stray_task, NULL, NULL, NULL);
}

/* ---- Throw */

static int on_throw(struct troupe_self *self, struct doer *me, struct tasks_throw_call call,
		    const struct tasks_throw *in)
{
	int64_t caught = 0;
	int rc;

	(void)me;
	(void)in;
	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	rc = throws_start(self, scope, &caught);
	if (rc == 0)
		rc = troupe_scope_end(self, scope);
	return rc < 0 ? rc : tasks_throw_return(self, call, &(struct tasks_throw_out){caught});
}

/* ---- Burn */

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * TROUPE_SECOND_NS + (uint64_t)now.tv_nsec;
}

static int on_burn(struct troupe_self *self, struct doer *me, struct tasks_burn_call call,
		   const struct tasks_burn *in)
{
	int rc = troupe_sleep(self, TROUPE_MS_NS);
	uint64_t until_ns = clock_ns() + (uint64_t)in->ms * TROUPE_MS_NS;

	(void)me;
	while (rc == 0 && clock_ns() < until_ns)
		;
	return rc < 0 ? rc : tasks_burn_return(self, call, &(struct tasks_burn_out){0});
}

/* ---- Tidy */

static int tidy(struct troupe_self *self, struct doer *me, void *ms, void *unused)
{
	struct troupe_scope shield;
	int rc;

	(void)me;
	(void)unused;
	(void)troupe_sleep(self, UINT64_MAX);
	rc = troupe_scope_shield(self, TROUPE_SHIELD_MAX_NS, &shield);
	if (rc == 0)
		rc = troupe_sleep(self, (uint64_t)(uintptr_t)ms * TROUPE_MS_NS);
	troupe_log(self, 6, "tidied: %d", rc);
	return rc;
}
TROUPE_TASK(tidy, struct doer, void, void)

static int on_tidy(struct troupe_self *self, struct doer *me, struct tasks_tidy_call call,
		   const struct tasks_tidy *in)
{
	int rc = troupe_start(self, TROUPE_OF_ACTOR, &tidy_task, (void *)(uintptr_t)in->ms,
			      NULL, NULL);

	(void)me;
	return rc < 0 ? rc : tasks_tidy_return(self, call, &(struct tasks_tidy_out){0});
}

/* ---- Refuse */

static int refuse(struct troupe_self *self, struct doer *me, void *unused, void *unused_too)
{
	(void)me;
	(void)unused;
	(void)unused_too;
	for (volatile bool forever = true; forever;)
		(void)troupe_sleep(self, TROUPE_SECOND_NS);
	return 0;
}
TROUPE_TASK(refuse, struct doer, void, void)

static int on_refuse(struct troupe_self *self, struct doer *me, struct tasks_refuse_call call,
		     const struct tasks_refuse *in)
{
	int rc = troupe_start(self, TROUPE_OF_ACTOR, &refuse_task, NULL, NULL, NULL);

	(void)me;
	(void)in;
	return rc < 0 ? rc : tasks_refuse_return(self, call, &(struct tasks_refuse_out){0});
}

TASKS_HANDLERS(doing, struct doer, .nap_task = on_nap, .sum_task = on_sum,
	       .overflow = on_overflow, .large_task = on_large, .stray = on_stray,
	       .throw__task = on_throw, .burn_task = on_burn, .tidy = on_tidy,
	       .quiet_alone = on_quiet, .refuse = on_refuse)
TROUPE_ACTOR(tasks) = {TROUPE_ABI(tasks), .state_size = sizeof(struct doer),
		       .interfaces = {&doing}};

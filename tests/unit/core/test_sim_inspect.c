/* What people see who look into an actor: its tasks, what they wait for, and what it has. */
#include "base/cleanup.h"
#include "core/activation.h"
#include "core/belonging.h"
#include "core/inspect.h"
#include "core/task.h"
#include "world.h"
#include <alloca.h>
#include <errno.h>
#include <execinfo.h>
#include <troupe/task.h>

/* ------------------------------------------------------------------ tasks that wait */

static int naps(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	(void)me;
	(void)unused;
	(void)unused_too;
	return troupe_sleep(self, 3600 * TROUPE_SECOND_NS);
}
TROUPE_TASK(naps, struct puppet, void, void)

static int joins(struct troupe_self *self, struct puppet *me, struct troupe_task *task,
		 void *unused)
{
	(void)me;
	(void)unused;
	return troupe_join(self, *task, NULL);
}
TROUPE_TASK(joins, struct puppet, struct troupe_task, void)

static int ends_a_scope(struct troupe_self *self, struct puppet *me, void *unused,
			void *unused_too)
{
	struct troupe_scope scope;

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	assert_int_equal(troupe_start(self, scope, &naps_task, NULL, NULL, NULL), 0);
	return troupe_scope_end(self, scope);
}
TROUPE_TASK(ends_a_scope, struct puppet, void, void)

/* Most of the stack is used where it waits, but for 6 KiB. */
static int digs(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	size_t left =
		(size_t)((unsigned char *)__builtin_frame_address(0) - self->task->stack->low);
	volatile char *hole = alloca(left - ((size_t)6 << 10));
	int rc;

	(void)me;
	(void)unused;
	(void)unused_too;
	hole[0] = 1;
	rc = troupe_sleep(self, 3600 * TROUPE_SECOND_NS);
	return rc + hole[0] - 1;
}
TROUPE_TASK(digs, struct puppet, void, void)

static struct troupe_task the_task;

static int starts_all(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &naps_task, NULL, NULL, &the_task),
			 0);
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, &joins_task, &the_task, NULL, NULL), 0);
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, &ends_a_scope_task, NULL, NULL, NULL), 0);
	return 0;
}

/* All that there are of an actor's. */
static size_t list(struct world *world, struct troupe_address actor, struct inspect_task *tasks,
		   size_t most)
{
	uint32_t at = 0, steps = UINT32_MAX;
	size_t n = 0;

	while (n < most && inspect_next_task(world->runtime, actor, &at, &steps, &tasks[n]) > 0)
		n++;
	return n;
}

/* Trap 6: nor need anybody, to see them. */
static void task_shows_what_it_waits_for_and_since_when(void **state)
{
	struct inspect_task tasks[8];
	struct world world;
	uint32_t at = 0, steps = 8;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = starts_all;
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	assert_int_equal(list(&world, world.actors[1], tasks, 8), 0);
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	world_sleep(&world, 5 * TROUPE_SECOND_NS);
	assert_int_equal(list(&world, world.actors[2], tasks, 8), 0);
	assert_int_equal(list(&world, world.actors[1], tasks, 8), 4);
	assert_string_equal(tasks[0].name, "naps");
	assert_string_equal(tasks[0].waits_for, "sleep");
	assert_int_equal(tasks[0].id, the_task.id);
	assert_string_equal(tasks[1].name, "joins");
	assert_string_equal(tasks[1].waits_for, "join");
	assert_string_equal(tasks[2].name, "ends_a_scope");
	assert_string_equal(tasks[2].waits_for, "scope end");
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(tasks[i].state, INSPECT_WAITING);
		assert_int_equal(tasks[i].for_ns / TROUPE_SECOND_NS, 5);
		assert_false(tasks[i].is_cut);
	}
	assert_int_equal(inspect_next_task(world.runtime,
					   (struct troupe_address){.worker = 1, .slot = 77},
					   &at, &steps, tasks),
			 -ESRCH);
	world_finish(&world);
}

static int starts_one(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &naps_task, NULL, NULL, NULL), 0);
	return 0;
}

/* However many tasks of others lie between. */
static void looking_is_bounded_by_steps(void **state)
{
	struct inspect_task task;
	uint32_t at = 0, steps = 10;
	struct world world;
	int found = 0, pauses = 0, r;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = starts_one;
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	for (int i = 0; i < 100; i++)
		world_send(&world, world.actors[i % 2 == 0 ? 1 : 2], i);
	world_run(&world);
	while ((r = inspect_next_task(world.runtime, world.actors[2], &at, &steps, &task)) !=
	       0) {
		if (r > 0) {
			found++;
			continue;
		}
		assert_int_equal(r, -EAGAIN);
		assert_int_equal(steps, 0);
		steps = 10;
		pauses++;
	}
	assert_int_equal(found, 50);
	assert_true(pauses >= 9);
	world_finish(&world);
}

struct trace {
	void *frames[32];
	int n;
	const char *place; /* on the stack that it was taken on */
};

static void take_trace(void *arg)
{
	struct trace *trace = arg;
	char here = 0;

	trace->place = &here;
	trace->n = backtrace(trace->frames, 32);
}

static bool is_on(const struct stack *stack, const char *place)
{
	return (const unsigned char *)place >= stack->low &&
	       (const unsigned char *)place < stack->low + stacks_size(stack);
}

/* Puppet 1 with a task that waits, which is what is looked at. */
static void begin_waiting(struct world *world, behaviour *starts, struct inspect_task *ret_task)
{
	struct inspect_task tasks[2];

	world_init(world, 1, NULL);
	world->hooks.num = starts;
	world_spawn(world, 1);
	world_send(world, world->actors[1], 1);
	world_run(world);
	assert_int_equal(list(world, world->actors[1], tasks, 2), 1);
	*ret_task = tasks[0];
}

/* Who looks at a task again and again leaves no frames on its stack. */
static void visits_take_no_room(void **state)
{
	struct inspect_task found, left[1];
	struct trace trace = {.n = 0}, first;
	const struct task *task;
	const void *depth;
	struct world world;

	(void)state;
	begin_waiting(&world, starts_one, &found);
	task = task_at(world.runtime, (uint32_t)found.id);
	assert_true(inspect_visit(world.runtime, found.id, take_trace, &first));
	depth = flow_depth(&task->stack->flow);
	for (int i = 0; i < 1000; i++) {
		assert_true(inspect_visit(world.runtime, found.id, take_trace, &trace));
		assert_ptr_equal(flow_depth(&task->stack->flow), depth);
		assert_int_equal(trace.n, first.n);
	}
	world_sleep(&world, 4000 * TROUPE_SECOND_NS);
	assert_int_equal(list(&world, world.actors[1], left, 1), 0);
	world_finish(&world);
}

static void visit_runs_where_the_task_waits(void **state)
{
	struct inspect_task found, left[1];
	struct trace trace = {.n = 0};
	const struct task *task;
	struct world world;

	(void)state;
	begin_waiting(&world, starts_one, &found);
	task = task_at(world.runtime, (uint32_t)found.id);
	for (int i = 0; i < 3; i++) {
		assert_true(inspect_visit(world.runtime, found.id, take_trace, &trace));
		assert_true(is_on(task->stack, trace.place));
		assert_true(trace.n > 4);
		/* by then its stack is trimmed, and so it stays */
		world_sleep(&world, 5 * TROUPE_SECOND_NS);
		assert_true(task->stack->is_trimmed);
	}
	/* it goes on as if nothing had been */
	world_sleep(&world, 3600 * TROUPE_SECOND_NS);
	assert_int_equal(list(&world, world.actors[1], left, 1), 0);
	assert_false(inspect_visit(world.runtime, found.id, take_trace, &trace));
	world_finish(&world);
}

static int starts_digger(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &digs_task, NULL, NULL, NULL), 0);
	return 0;
}

static void no_visit_where_the_stack_is_nearly_used_up(void **state)
{
	struct inspect_task found;
	struct trace trace = {.n = 0};
	struct world world;

	(void)state;
	begin_waiting(&world, starts_digger, &found);
	assert_string_equal(found.waits_for, "sleep");
	assert_false(inspect_visit(world.runtime, found.id, take_trace, &trace));
	assert_int_equal(trace.n, 0);
	world_finish(&world);
}

/* ------------------------------------------------------------------ what actors have */

static void on_gone(struct runtime *runtime, struct belonging *belonging)
{
	(void)runtime;
	(void)belonging;
}

static uint64_t count_bytes(struct belonging *belonging)
{
	(void)belonging;
	return 1000;
}

static const struct belonging_kind pipe_kind = {
	.name = "pipe", .on_gone = on_gone, .count_bytes = count_bytes};

static struct belonging pipes[2];

static int owns_much(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		     int64_t n)
{
	struct troupe_kept *kept;

	(void)me;
	(void)call;
	for (int i = 0; n == 1 && i < 2; i++)
		assert_int_equal(belonging_join(self, &pipes[i], &pipe_kind), 0);
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &naps_task, NULL, NULL, NULL), 0);
	return troupe_keep(self, &kept);
}

static void actor_shows_what_it_has_of_each_kind(void **state)
{
	struct inspect_owned owned[INSPECT_OWNED_MAX];
	struct world world;
	size_t n;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = owns_much;
	world_spawn(&world, 1);
	assert_int_equal(inspect_owned(world.runtime, world.actors[1], owned), 0);
	for (int i = 1; i <= 3; i++)
		world_send(&world, world.actors[1], i);
	world_run(&world);
	n = inspect_owned(world.runtime, world.actors[1], owned);
	assert_int_equal(n, 3);
	assert_string_equal(owned[0].kind, "task");
	assert_int_equal(owned[0].count, 3);
	assert_string_equal(owned[1].kind, "kept message");
	assert_int_equal(owned[1].count, 3);
	assert_true(owned[1].bytes >= 3 * 16 && owned[1].bytes < 3 * 512);
	assert_string_equal(owned[2].kind, "pipe");
	assert_int_equal(owned[2].count, 2);
	assert_int_equal(owned[2].bytes, 2000);
	assert_int_equal(inspect_owned(world.runtime, (struct troupe_address){0}, owned), 0);
	world_finish(&world);
}

static void guard_is_known_when_a_stack_was_needed(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world.hooks.num = starts_one;
	world_spawn(&world, 1);
	assert_int_equal(inspect_guard(world.runtime), PAGE_GUARD_UNKNOWN);
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	assert_non_null(page_guard_words(inspect_guard(world.runtime)));
	assert_int_equal(inspect_abandoned(world.runtime), 0);
	world.runtime->stacks.runs->guard = STACKS_CANARY;
	assert_string_equal(page_guard_words(inspect_guard(world.runtime)), "canary");
	world.runtime->stacks.runs->guard = STACKS_PROTECT;
	assert_string_equal(page_guard_words(inspect_guard(world.runtime)), "mprotect");
	assert_null(page_guard_words(PAGE_GUARD_COUNT));
	assert_null(page_guard_words(PAGE_GUARD_UNKNOWN));
	world_finish(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(task_shows_what_it_waits_for_and_since_when),
		cmocka_unit_test(looking_is_bounded_by_steps),
		cmocka_unit_test(visit_runs_where_the_task_waits),
		cmocka_unit_test(visits_take_no_room),
		cmocka_unit_test(no_visit_where_the_stack_is_nearly_used_up),
		cmocka_unit_test(actor_shows_what_it_has_of_each_kind),
		cmocka_unit_test(guard_is_known_when_a_stack_was_needed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

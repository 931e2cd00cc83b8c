/* Trap 9: channels, semaphores and events against a model of them, in random steps: who waits,
 * who is woken by whom and with what, while tasks that wait or have just been woken are
 * cancelled.
 *
 * Some tasks do what waits, each time in a scope of its own, and what does not; a handler does
 * the latter and cancels tasks. Before each act the model says what it returns, or that it
 * waits and whom it wakes; when a task comes back it must have got what the model gave it. */
#include "base/cleanup.h"
#include "base/random.h"
#include "core/task.h"
#include "tests/unit/core/world.h"
#include <errno.h>
#include <troupe/sync.h>

#define TASKS     7
#define STEPS     5000
#define SEEDS     200 /* 10^6 steps in all */
#define MOST      4   /* capacity of a channel */
#define WAITS     1000
#define CANCELLED (-ECANCELED)

enum place { NOWHERE, PUTS, GETS, ACQUIRES, LISTENS, PLACES };

/* One of the tasks, as the model sees it. */
struct actor_task {
	struct plan *plan;
	struct troupe_scope scope;
	enum place place; /* where it waits */
	int value;        /* PUTS: what; GETS: what it was given */
	int result;       /* what it will have returned */
	bool is_cut;      /* its scope is, and it is told so */
};

struct plan {
	struct random random;
	struct troupe_channel channel;
	struct troupe_semaphore semaphore;
	struct troupe_event event;
	struct actor_task tasks[TASKS];
	/* the model */
	struct actor_task *lines[PLACES][TASKS]; /* who waits, the first first */
	int lengths[PLACES];
	int items[MOST], count, capacity;
	int permits;
	bool is_set, is_closed;
	/* the test */
	int steps, next_item, waits, woken_and_cut, open;
	bool is_over;
};

static int pick(struct plan *plan, int n)
{
	return (int)(random_next(&plan->random) % (uint64_t)n);
}

/* ------------------------------------------------------------------ the model */

static struct actor_task *first(struct plan *plan, enum place place)
{
	return plan->lengths[place] ? plan->lines[place][0] : NULL;
}

static void enqueue(struct plan *plan, struct actor_task *task, enum place place)
{
	plan->lines[place][plan->lengths[place]++] = task;
	task->place = place;
	plan->waits++;
}

static void leave(struct plan *plan, struct actor_task *task, int result)
{
	struct actor_task **line = plan->lines[task->place];
	int *length = &plan->lengths[task->place], at = 0;

	while (line[at] != task)
		at++;
	--*length;
	memmove(&line[at], &line[at + 1], (size_t)(*length - at) * sizeof(*line));
	task->place = NOWHERE;
	task->result = result;
}

/* WAITS, when it would have to. */
static int model_put(struct plan *plan, int item)
{
	struct actor_task *getter = first(plan, GETS);

	if (plan->is_closed)
		return -EPIPE;
	if (getter) {
		getter->value = item;
		leave(plan, getter, 1);
		return 0;
	}
	if (plan->count == plan->capacity)
		return WAITS;
	plan->items[plan->count++] = item;
	return 0;
}

static int model_get(struct plan *plan, int *item)
{
	struct actor_task *putter = first(plan, PUTS);

	if (plan->count > 0) {
		*item = plan->items[0];
		plan->count--;
		memmove(plan->items, plan->items + 1,
			(size_t)plan->count * sizeof(plan->items[0]));
		if (putter)
			plan->items[plan->count++] = putter->value;
	} else if (putter) {
		*item = putter->value;
	} else {
		return plan->is_closed ? 0 : WAITS;
	}
	if (putter)
		leave(plan, putter, 0);
	return 1;
}

static int model_acquire(struct plan *plan)
{
	if (plan->permits == 0)
		return WAITS;
	plan->permits--;
	return 0;
}

static void model_give_back(struct plan *plan)
{
	if (first(plan, ACQUIRES))
		leave(plan, first(plan, ACQUIRES), 0);
	else
		plan->permits++;
}

static void model_release_all(struct plan *plan, enum place place, int result)
{
	while (first(plan, place))
		leave(plan, first(plan, place), result);
}

/* ------------------------------------------------------------------ what does not wait */

static void open_channel(struct troupe_self *self, struct plan *plan)
{
	plan->capacity = pick(plan, MOST + 1);
	plan->count = 0;
	plan->is_closed = false;
	assert_int_equal(
		troupe_channel_open(self, sizeof(int), (size_t)plan->capacity, &plan->channel),
		0);
}

static void try_put(struct troupe_self *self, struct plan *plan)
{
	int item = ++plan->next_item, expected = model_put(plan, item);

	assert_int_equal(troupe_try_put(self, plan->channel, &item),
			 expected == WAITS ? -EAGAIN : expected);
}

static void try_get(struct troupe_self *self, struct plan *plan)
{
	int item = 0, wanted = 0, expected = model_get(plan, &wanted);

	assert_int_equal(troupe_try_get(self, plan->channel, &item),
			 expected == WAITS ? -EAGAIN : expected);
	assert_int_equal(item, wanted);
}

static void try_acquire(struct troupe_self *self, struct plan *plan)
{
	int expected = model_acquire(plan);

	assert_int_equal(troupe_try_acquire(self, plan->semaphore),
			 expected == WAITS ? -EAGAIN : expected);
}

static void give_back(struct troupe_self *self, struct plan *plan)
{
	model_give_back(plan);
	assert_int_equal(troupe_give_back(self, plan->semaphore), 0);
}

static void set_or_clear(struct troupe_self *self, struct plan *plan)
{
	plan->is_set = pick(plan, 2) == 0;
	if (plan->is_set)
		model_release_all(plan, LISTENS, 0);
	assert_int_equal(
		(plan->is_set ? troupe_event_set : troupe_event_clear)(self, plan->event), 0);
}

static void close_channel(struct troupe_self *self, struct plan *plan)
{
	plan->is_closed = true;
	model_release_all(plan, PUTS, -EPIPE);
	model_release_all(plan, GETS, 0);
	troupe_channel_close(self, plan->channel);
}

/* Rarely, and a new one when it is empty. */
static void close_or_open(struct troupe_self *self, struct plan *plan)
{
	if (plan->is_closed && plan->count == 0)
		open_channel(self, plan);
	else if (pick(plan, 20) == 0)
		close_channel(self, plan);
}

/* Who waits gets nothing; who was woken, what he was woken with. */
static void cancel(struct troupe_self *self, struct plan *plan)
{
	struct actor_task *task = &plan->tasks[pick(plan, TASKS)];

	if (!task->scope.id)
		return;
	if (task->place != NOWHERE) {
		leave(plan, task, CANCELLED);
		task->is_cut = true;
	} else if (!task->is_cut) {
		plan->woken_and_cut++;
	}
	troupe_scope_cancel(self, task->scope);
}

static void (*const at_once[])(struct troupe_self *, struct plan *) = {
	try_put,      try_get,       try_acquire, give_back, give_back,
	set_or_clear, close_or_open, cancel,      cancel,
};

static void act_at_once(struct troupe_self *self, struct plan *plan)
{
	plan->steps++;
	at_once[pick(plan, ARRAY_LEN(at_once))](self, plan);
}

/* ------------------------------------------------------------------ what waits */

static void wait_for(struct plan *plan, struct actor_task *task, enum place place, int expected)
{
	task->result = expected;
	if (expected == WAITS)
		enqueue(plan, task, place);
}

/* What the model has not been asked for before the act is not done: a cut scope. */
static void act_in_scope(struct troupe_self *self, struct plan *plan, struct actor_task *task,
			 bool is_cut)
{
	enum place place = PUTS + pick(plan, PLACES - PUTS);
	int item = 0, rc = 0;

	task->is_cut = is_cut;
	task->value = place == PUTS ? ++plan->next_item : 0;
	if (is_cut)
		task->result = CANCELLED;
	else if (place == PUTS)
		wait_for(plan, task, place, model_put(plan, task->value));
	else if (place == GETS)
		wait_for(plan, task, place, model_get(plan, &task->value));
	else if (place == ACQUIRES)
		wait_for(plan, task, place, model_acquire(plan));
	else
		wait_for(plan, task, place, plan->is_set ? 0 : WAITS);
	if (place == PUTS) {
		item = task->value;
		rc = troupe_put(self, plan->channel, &item);
	} else if (place == GETS) {
		rc = troupe_get(self, plan->channel, &item);
		assert_int_equal(item, rc == 1 ? task->value : 0);
	} else if (place == ACQUIRES) {
		rc = troupe_acquire(self, plan->semaphore);
	} else {
		rc = troupe_event_wait(self, plan->event);
	}
	assert_int_equal(rc, task->result);
	assert_int_equal(task->place, NOWHERE);
}

static void act(struct troupe_self *self, struct plan *plan, struct actor_task *task)
{
	bool is_cut = pick(plan, 16) == 0;

	plan->steps++;
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &task->scope), 0);
	if (is_cut)
		troupe_scope_cancel(self, task->scope);
	act_in_scope(self, plan, task, is_cut);
	assert_int_equal(troupe_scope_end(self, task->scope), task->is_cut ? CANCELLED : 0);
	task->scope.id = 0;
}

static int plays(struct troupe_self *self, struct puppet *me, struct actor_task *task,
		 void *unused)
{
	struct plan *plan = task->plan;

	(void)me;
	(void)unused;
	while (!plan->is_over) {
		if (pick(plan, 4) > 0)
			act(self, plan, task);
		else
			act_at_once(self, plan);
		if (pick(plan, 4) == 0)
			assert_int_equal(troupe_yield(self), 0);
	}
	plan->open--;
	return 0;
}
TROUPE_TASK(plays, struct puppet, struct actor_task, void)

/* ------------------------------------------------------------------ the test */

static void begin(struct troupe_self *self, struct plan *plan)
{
	open_channel(self, plan);
	assert_int_equal(troupe_semaphore_open(self, 0, &plan->semaphore), 0);
	assert_int_equal(troupe_event_open(self, &plan->event), 0);
	for (int i = 0; i < TASKS; i++) {
		plan->tasks[i].plan = plan;
		assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &plays_task,
					      &plan->tasks[i], NULL, NULL),
				 0);
	}
	plan->open = TASKS;
}

/* All go on, and come to their ends. */
static void end(struct troupe_self *self, struct plan *plan)
{
	plan->is_over = true;
	if (!plan->is_closed)
		close_channel(self, plan);
	model_release_all(plan, ACQUIRES, -EPIPE);
	troupe_semaphore_close(self, plan->semaphore);
	model_release_all(plan, LISTENS, -EPIPE);
	troupe_event_close(self, plan->event);
}

static int drives(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct plan *plan = world_of(self)->test;

	(void)me;
	(void)call;
	if (n == 0)
		begin(self, plan);
	else if (n == 2)
		end(self, plan);
	else
		for (int i = pick(plan, 3); i >= 0; i--)
			act_at_once(self, plan);
	return 0;
}

static void step(struct world *world, int64_t n)
{
	assert_int_equal(world_send(world, world->actors[1], n), 0);
	/* as long as the tasks find something to do they need no messages */
	loop_step(world->loop, false);
	world->log_size = 0;
}

static int steps_of(uint64_t seed)
{
	struct plan plan = {0};
	struct world world;

	random_init(&plan.random, seed + 1);
	world_init(&world, 1, NULL);
	sim_seed(world.loop, seed);
	world.test = &plan;
	world.hooks.num = drives;
	world_spawn(&world, 1);
	step(&world, 0);
	while (plan.steps < STEPS)
		step(&world, 1);
	step(&world, 2);
	world_run(&world);
	world_log(&world);
	assert_int_equal(plan.open, 0);
	assert_int_equal(world.failures, 0);
	assert_int_equal(world.runtime->tasks.count, 0);
	assert_int_equal(world.runtime->scopes.count, 0);
	/* a closed channel is there as long as there is something in it */
	assert_int_equal(world.runtime->belongings.count, plan.count > 0);
	/* all that the test is about has come up */
	assert_true(plan.waits > STEPS / 20);
	assert_true(plan.woken_and_cut > STEPS / 500);
	world_finish(&world);
	return plan.steps;
}

static void random_steps_are_as_in_the_model(void **state)
{
	int steps = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		steps += steps_of(seed);
	assert_true(steps >= 1000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_steps_are_as_in_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

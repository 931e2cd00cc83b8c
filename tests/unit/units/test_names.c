/* test_names.c - which actor of a pool is next; what a unit as a whole is at; what workers are
 * sent of it. */
#include "units/names.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "master/worker.h"
#include "tests/unit/sim/stage.h"
#include "units/unit.h"
#include "units/unit_life.h"
#include "units/version.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define N 4

struct pool {
	struct worker worker;
	struct unit unit;
	struct instance instances[N];
	char channel; /* something that is there */
};

static void set(struct pool *pool, unsigned number, enum api_state state)
{
	struct instance *instance = &pool->instances[number];

	pool->unit.n_in[instance->state]--;
	pool->unit.n_waiting -= instance_waits(instance);
	instance->state = state;
	instance->is_held = false;
	pool->unit.n_in[state]++;
}

/* It waits for its worker. */
static void set_waiting(struct pool *pool, unsigned number)
{
	set(pool, number, API_STATE_STARTING);
	pool->instances[number].is_held = true;
	pool->unit.n_waiting++;
}

static void make_pool(struct pool *pool, enum unit_balance balance)
{
	*pool = (struct pool){0};
	pool->worker.state = API_STATE_RUNNING;
	pool->worker.channel = (struct channel *)(void *)&pool->channel;
	pool->unit.file.balance = balance;
	pool->unit.instances = pool->instances;
	pool->unit.n_instances = N;
	pool->unit.n_in[API_STATE_STOPPED] = N;
	for (unsigned i = 0; i < N; i++) {
		pool->instances[i].unit = &pool->unit;
		pool->instances[i].number = i;
		pool->instances[i].worker = &pool->worker;
		pool->instances[i].state = API_STATE_STOPPED;
		set(pool, i, API_STATE_RUNNING);
	}
}

static void names_pick_goes_round_when_all_run(void **state)
{
	struct pool pool;

	(void)state;
	make_pool(&pool, UNIT_ROUND_ROBIN);
	for (unsigned i = 0; i < 2 * N; i++)
		assert_int_equal(names_pick(&pool.unit)->number, i % N);
}

static void names_pick_leaves_out_those_that_do_not_run(void **state)
{
	struct pool pool;

	(void)state;
	make_pool(&pool, UNIT_ROUND_ROBIN);
	set(&pool, 0, API_STATE_BACKOFF);
	set(&pool, 2, API_STATE_FAILED);
	assert_int_equal(names_pick(&pool.unit)->number, 1);
	assert_int_equal(names_pick(&pool.unit)->number, 3);
	assert_int_equal(names_pick(&pool.unit)->number, 1);
	set(&pool, 1, API_STATE_STOPPED);
	set_waiting(&pool, 3);
	assert_null(names_pick(&pool.unit));
}

static void names_pick_takes_none_when_the_worker_has_just_died(void **state)
{
	struct pool pool;

	(void)state;
	make_pool(&pool, UNIT_ROUND_ROBIN);
	pool.worker.is_dead = true;
	assert_null(names_pick(&pool.unit));
}

static void unit_is_not_coming_when_its_worker_is_stopping(void **state)
{
	struct pool pool;

	(void)state;
	make_pool(&pool, UNIT_ROUND_ROBIN);
	assert_true(names_is_unit_coming(&pool.unit));
	pool.worker.state = API_STATE_STOPPING;
	assert_false(names_is_unit_coming(&pool.unit));
}

static void names_pick_takes_the_least_busy_when_asked_to(void **state)
{
	struct pool pool;

	(void)state;
	make_pool(&pool, UNIT_LEAST_OUTSTANDING);
	pool.instances[0].outstanding = 3;
	pool.instances[1].outstanding = 2;
	pool.instances[2].outstanding = 1;
	pool.instances[3].outstanding = 2;
	assert_int_equal(names_pick(&pool.unit)->number, 2);
	pool.instances[2].outstanding = 2;
	/* Of equals, not always the same. */
	assert_int_equal(names_pick(&pool.unit)->number, 3);
	assert_int_equal(names_pick(&pool.unit)->number, 1);
}

static void unit_state_is_the_one_most_worth_knowing_when_a_pool_is_mixed(void **state)
{
	struct pool pool;

	(void)state;
	make_pool(&pool, UNIT_ROUND_ROBIN);
	assert_int_equal(unit_state(&pool.unit), API_STATE_RUNNING);
	set(&pool, 0, API_STATE_STARTING);
	assert_int_equal(unit_state(&pool.unit), API_STATE_STARTING);
	set(&pool, 1, API_STATE_BACKOFF);
	assert_int_equal(unit_state(&pool.unit), API_STATE_BACKOFF);
	set(&pool, 2, API_STATE_FAILED);
	assert_int_equal(unit_state(&pool.unit), API_STATE_FAILED);
	for (unsigned i = 0; i < N; i++)
		set(&pool, i, API_STATE_STOPPED);
	assert_int_equal(unit_state(&pool.unit), API_STATE_STOPPED);
	set(&pool, 1, API_STATE_ENDED);
	assert_int_equal(unit_state(&pool.unit), API_STATE_ENDED);
	pool.unit.is_broken = true;
	assert_int_equal(unit_state(&pool.unit), API_STATE_FAILED);
}

static void instance_is_shown_in_backoff_when_its_worker_is(void **state)
{
	struct pool pool;

	(void)state;
	make_pool(&pool, UNIT_ROUND_ROBIN);
	set_waiting(&pool, 0);
	pool.worker.state = API_STATE_STARTING;
	assert_int_equal(instance_shown(&pool.instances[0]), API_STATE_STARTING);
	pool.worker.state = API_STATE_BACKOFF;
	assert_int_equal(instance_shown(&pool.instances[0]), API_STATE_BACKOFF);
	assert_int_equal(unit_state(&pool.unit), API_STATE_BACKOFF);
	/* One that is being started is not away with it. */
	set(&pool, 2, API_STATE_STARTING);
	assert_int_equal(unit_state(&pool.unit), API_STATE_STARTING);
	assert_int_equal(instance_shown(&pool.instances[2]), API_STATE_STARTING);
}

static void unit_has_a_future_while_one_of_its_pool_has(void **state)
{
	struct pool pool;

	(void)state;
	make_pool(&pool, UNIT_ROUND_ROBIN);
	set(&pool, 0, API_STATE_FAILED);
	assert_true(unit_has_future(&pool.unit));
	set(&pool, 1, API_STATE_STOPPING);
	set(&pool, 2, API_STATE_BACKOFF);
	set(&pool, 3, API_STATE_FAILED);
	assert_true(unit_has_future(&pool.unit));
	set(&pool, 2, API_STATE_ENDED);
	assert_false(unit_has_future(&pool.unit));
	pool.unit.n_coming_back = 1; /* the one that stops */
	assert_true(unit_has_future(&pool.unit));
}

/* ---- as workers are sent it */

#define LARGE 2000 /* whose list is sent every 40 ms at most */

static bool has_large(struct stage *stage)
{
	const struct unit *unit = unit_find(stage->master, "large");

	return unit && unit->n_in[API_STATE_RUNNING] == LARGE;
}

static struct unit *spawn_large(struct stage *stage)
{
	char text[1024];

	(void)snprintf(
		text, sizeof(text),
		"{\"method\":\"io.troupe.Control.Spawn\",\"oneway\":true,\"parameters\":{"
		"\"name\":\"large\",\"plugin\":\"%s\",\"instances\":%u,\"worker\":\"1\"}}",
		unit_find(stage->master, "one")->file.plugin, LARGE);
	stage_say(stage, text);
	stage_until(stage, has_large);
	stage_pass(stage, CLOCK_SECOND_NS);
	assert_string_equal(stage->workers[2]->name, "large");
	assert_int_equal(stage->workers[2]->n_of_name, LARGE);
	return unit_find(stage->master, "large");
}

static void report_end(struct stage *stage, const struct instance *instance)
{
	stage_tell(stage->workers[1], &worker_ended_method,
		   &(struct worker_ended){.version = instance->version->number,
					  .instance = instance->number,
					  .actor = instance->address,
					  .cause = TROUPE_CAUSE_NORMAL});
}

static void list_of_a_large_pool_is_sent_seldom_and_in_the_end_whole(void **state)
{
	enum { ROUNDS = 50, EACH = 5 };
	struct stage *stage = *state;
	struct unit *unit = spawn_large(stage);
	unsigned before = stage->workers[2]->n_names;

	for (unsigned i = 0; i < ROUNDS * EACH; i++) {
		report_end(stage, &unit->instances[i]);
		if (i % EACH == 0)
			stage_pass(stage, 4 * CLOCK_MS_NS);
	}
	assert_int_equal(unit->n_in[API_STATE_RUNNING], LARGE - ROUNDS * EACH + EACH - 1);
	/* In 200 ms. */
	assert_in_range(stage->workers[2]->n_names - before, 2, 6);
	stage_pass(stage, 50 * CLOCK_MS_NS);
	assert_int_equal(stage->workers[2]->n_of_name, LARGE - ROUNDS * EACH);
	before = stage->workers[2]->n_names;
	stage_pass(stage, CLOCK_SECOND_NS);
	assert_int_equal(stage->workers[2]->n_names, before);
}

static void name_of_a_large_pool_goes_with_it(void **state)
{
	struct stage *stage = *state;
	struct unit *unit = spawn_large(stage);

	report_end(stage, &unit->instances[0]);
	stage_pass(stage, CLOCK_MS_NS);
	assert_int_equal(stage->workers[2]->n_of_name, LARGE - 1);
	/* Before the next list is due. */
	unit_remove(unit);
	for (unsigned i = 1; i < LARGE; i++)
		report_end(stage, &unit->instances[i]);
	stage_pass(stage, CLOCK_MS_NS);
	assert_null(unit_find(stage->master, "large"));
	assert_string_equal(stage->workers[2]->name, "large");
	assert_int_equal(stage->workers[2]->n_of_name, 0);
}

static void worker_that_missed_names_is_sent_all_of_them(void **state)
{
	struct stage *stage = *state;
	unsigned before = stage->workers[2]->n_names;

	stage->workers[2]->has_missed = true;
	stage_pass(stage, 3 * CLOCK_SECOND_NS);
	assert_int_equal(stage->workers[2]->n_names, before + 2);
	assert_int_equal(stage->workers[2]->n_of_name, 1);
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_pick_goes_round_when_all_run),
		cmocka_unit_test(names_pick_leaves_out_those_that_do_not_run),
		cmocka_unit_test(names_pick_takes_none_when_the_worker_has_just_died),
		cmocka_unit_test(unit_is_not_coming_when_its_worker_is_stopping),
		cmocka_unit_test(names_pick_takes_the_least_busy_when_asked_to),
		cmocka_unit_test(unit_state_is_the_one_most_worth_knowing_when_a_pool_is_mixed),
		cmocka_unit_test(instance_is_shown_in_backoff_when_its_worker_is),
		STAGED(list_of_a_large_pool_is_sent_seldom_and_in_the_end_whole),
		STAGED(name_of_a_large_pool_goes_with_it),
		STAGED(worker_that_missed_names_is_sent_all_of_them),
		cmocka_unit_test(unit_has_a_future_while_one_of_its_pool_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

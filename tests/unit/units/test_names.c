/* test_names.c - which actor of a pool is next; what a unit as a whole is at. */
#include "units/names.h"

#include "base/cleanup.h"
#include "master/worker.h"
#include "units/unit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_storm.c - workers die, stall and are refused, units are stopped, restarted, killed and
 * changed, by seed, while clients call all along.
 *
 * Whatever happens: each call ends exactly once, in the order of its connection's calls;
 * streams have no gaps; nobody who waits is forgotten; no task is left; what was counted is
 * given back; who was at fault for nothing runs again. A seed gives one run. The first line
 * names a seed that fails: WORLD_SEED=N runs that one alone, SEEDS=N more of them.
 */
#include "storm.h"

#include "agent_view.h"
#include "base/clock.h"
#include "clients/shares.h"
#include "control/host.h"
#include "master/worker.h"
#include "requests/relays.h"
#include "requests/shutdown.h"
#include "tests/unit/sim/seeds.h"
#include "tests/unit/sim/sim.h"
#include "units/suspects.h"
#include "units/unit.h"
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS      30
#define SAME_SEEDS 10 /* twice each */
#define STORM_NS   (20 * CLOCK_SECOND_NS)
#define LULL_NS    (240 * CLOCK_SECOND_NS)
#define SETTLE_NS                                                                              \
	(70 * CLOCK_SECOND_NS)         /* RestartDelayMax=, drawn up to its double, and more */
#define START_NS (5 * CLOCK_SECOND_NS) /* for all units, on a machine at rest */

/* With a process goes what its tasks had allocated; a simulated one leaves it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:on_count\nleak:detaches\n";
}

static void begin_world(struct storm *storm, uint64_t seed)
{
	struct world *world = world_new(seed, STORM_WORKERS, "");
	char name[64], text[256];

	storm->world = world;
	storm_write_one(storm, false);
	storm_write_pool(storm, 4);
	for (unsigned i = 0; i < STORM_UNITS; i++) {
		if (!storm_units[i].keys)
			continue;
		(void)snprintf(name, sizeof(name), "%s.actor", storm_units[i].name);
		(void)snprintf(text, sizeof(text), "[Actor]\nPlugin=%%B/test-plugins/%s\n",
			       storm_units[i].keys);
		world_write(world, name, text);
	}
	world_start(world);
	if (!world_until(world, world_is_running)) {
		world_print_log(world);
		fail();
	}
}

static uint64_t next_act_ns(void *context)
{
	const struct storm *storm = context;
	uint64_t next = storm->trouble_ns;

	for (unsigned i = 0; i <= STORM_ADMIN; i++)
		if (storm->callers[i].act_ns < next)
			next = storm->callers[i].act_ns;
	return next;
}

static void act(void *context)
{
	struct storm *storm = context;

	for (unsigned i = 0; i <= STORM_ADMIN; i++)
		if (storm->callers[i].act_ns <= world_now_ns(storm->world))
			caller_act(&storm->callers[i], storm->rages && i < STORM_ADMIN);
	if (storm->trouble_ns <= world_now_ns(storm->world))
		storm_make_trouble(storm);
}

static unsigned awaited(const struct storm *storm)
{
	unsigned n = 0;

	for (unsigned i = 0; i <= STORM_ADMIN; i++)
		n += storm->callers[i].n_awaited;
	return n;
}

static void rage(struct storm *storm, uint64_t ns)
{
	struct world *world = storm->world;

	storm->rages = true;
	storm->trouble_ns = 0;
	world->context = storm;
	world->next_act_ns = next_act_ns;
	world->act = act;
	world_run(world, ns);
	world->act = NULL;
	storm->rages = false;
	storm->trouble_ns = UINT64_MAX;
}

/* The machine is a good one again; who was called answers, or has an end. */
static void calm_down(struct storm *storm)
{
	struct world *world = storm->world;
	uint64_t end_ns = world_now_ns(world) + LULL_NS;

	world->refused_of_10 = 0;
	world->late_ns = 0;
	world_limit_wires(world, 1000);
	world->act = act;
	while (world_now_ns(world) < end_ns && awaited(storm) > 0)
		(void)world_step(world, end_ns);
	world->act = NULL;
	if (awaited(storm) == 0)
		return;
	for (unsigned i = 0; i <= STORM_ADMIN; i++)
		caller_print(&storm->callers[i]);
	world_print_log(world);
	fail_msg("calls were forgotten");
}

static void start_all(struct storm *storm)
{
	struct caller *admin = &storm->callers[STORM_ADMIN];
	char text[128];

	for (unsigned i = 0; i < STORM_UNITS; i++) {
		(void)snprintf(
			text, sizeof(text),
			"{\"method\":\"io.troupe.Control.Start\",\"parameters\":{\"name\":"
			"\"%s\"}}",
			storm_units[i].name);
		caller_send(admin, CALLER_ASSORTED, "Start", text);
	}
}

/* A worker that searches for what ends it starts its units one after another, each when the one
 * before has lived through its probation. */
static uint64_t start_most_ns(const struct storm *storm)
{
	const struct master *master = storm->world->master;
	uint64_t most_ns = START_NS;

	for (unsigned i = 1; i <= LIMIT_WORKERS; i++)
		if (master->workers[i] && master->workers[i]->suspects->is_searching)
			most_ns += STORM_UNITS * master->workers[i]->suspects->probation_ns;
	return most_ns;
}

static void check_nothing_is_held(const struct storm *storm)
{
	const struct master *master = storm->world->master;

	for (unsigned i = 0; i < SHARE_COUNT; i++) {
		/* But for the one that watches. */
		assert_int_equal(master->server->ledger.uses[i].calls, i == SHARE_WATCHERS);
		assert_int_equal(master->server->ledger.uses[i].bytes, 0);
	}
	assert_null(master->relays->open);
	assert_true(list_is_empty(&master->inquiries));
	for (unsigned i = 1; i <= LIMIT_WORKERS; i++) {
		const struct worker *worker = master->workers[i];

		if (!worker)
			continue;
		assert_true(list_is_empty(&worker->calls));
		assert_true(list_is_empty(&worker->requests));
		assert_int_equal(worker->call_bytes, 0);
		assert_int_equal(worker->bad_notices, 0);
	}
}

/* All run, and as many actors are alive as should be. */
static void check_units(const struct storm *storm)
{
	const struct master *master = storm->world->master;
	uint64_t actors = 0, running = 0;
	const struct unit *unit, *next;

	HASH_ITER (by_name, master->units_by_name, unit, next) {
		if (unit_state(unit) != API_STATE_RUNNING)
			print_error("%s: %s\n", unit->name, unit->reason ? unit->reason : "");
		assert_int_equal(unit_state(unit), API_STATE_RUNNING);
		assert_true(list_is_empty(&unit->calls));
		assert_true(list_is_empty(&unit->waiters));
		for (unsigned i = 0; i < unit->n_instances; i++)
			assert_int_equal(unit->instances[i].outstanding, 0);
		running += unit->n_in[API_STATE_RUNNING];
		assert_int_equal(unit->n_in[API_STATE_RUNNING], unit->n_instances);
	}
	for (unsigned i = 0; storm->world->seed % 2 == 0 && i < STORM_UNITS; i++)
		if (storm_units[i].is_innocent)
			assert_int_equal(
				unit_find(storm->world->master, storm_units[i].name)->crashes,
				0);
	for (unsigned i = 1; i <= LIMIT_WORKERS; i++)
		if (master->workers[i] && master->workers[i]->page)
			actors += master->workers[i]->page->actors;
	/* The noisy one may have its child. */
	assert_in_range(actors, running, running + 1);
}

/* No task is left, nor what one has opened: of each of those two who have them, only what it
 * shares among them. What they got was always right, and each ended in its time. */
static void check_tasks(struct storm *storm)
{
	static const char *const bad[] = {": chaos: ", "abandoned"};
	uint32_t tasks = 0, belongings = 0;

	list_foreach (at, &storm->world->processes) {
		const struct world_process *process =
			container_of(at, struct world_process, link);

		if (process->is_dead || !process->agent)
			continue;
		tasks += agent_view_tasks(process->agent);
		belongings += agent_view_belongings(process->agent);
	}
	assert_int_equal(tasks, 0);
	assert_int_equal(belongings, STORM_TASKED * STORM_SHARED);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!world_has_logged(storm->world, bad[i]))
			continue;
		world_print_log(storm->world);
		fail_msg("\"%s\" is in the log", bad[i]);
	}
}

static void ask_all(struct storm *storm)
{
	struct caller *admin = &storm->callers[STORM_ADMIN];
	char text[320];

	for (unsigned i = 0; i < STORM_UNITS; i++) {
		(void)snprintf(
			text, sizeof(text),
			"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":"
			"\"%s\",\"method\":\"io.troupe.test.%s\",\"parameters\":%s}}",
			storm_units[i].name, storm_units[i].method, storm_units[i].parameters);
		caller_send(admin, CALLER_ASSORTED, storm_units[i].name, text);
	}
	calm_down(storm);
}

static void begin_storm(struct storm *storm, uint64_t seed)
{
	print_message("WORLD_SEED=%ju\n", (uintmax_t)seed);
	begin_world(storm, seed);
	for (unsigned i = 0; i <= STORM_ADMIN; i++)
		caller_init(&storm->callers[i], storm->world, i, &storm->sums);
	storm->watcher.fd = -1;
	storm_watch(storm);
}

static void end_storm(struct storm *storm)
{
	for (unsigned i = 0; i <= STORM_ADMIN; i++)
		caller_fini(&storm->callers[i]);
	client_fini(&storm->watcher);
	world_free(storm->world);
	free(storm);
}

static bool is_stopped(struct world *world)
{
	return sim_is_stopped(world->master->loop);
}

/* The daemon is told to stop: each call ends before its connection does. */
static void stop_with_seed(uint64_t seed)
{
	struct storm *storm = calloc(1, sizeof(*storm));

	begin_storm(storm, seed);
	rage(storm, 1 + storm_draw(storm, STORM_NS / 2));
	for (unsigned i = 0; i <= STORM_ADMIN; i++) {
		storm->callers[i].expects_end = true;
		storm->callers[i].act_ns = 0;
	}
	client_fini(&storm->watcher);
	master_stop(storm->world->master);
	storm->world->act = act;
	assert_true(world_until(storm->world, is_stopped));
	storm->world->act = NULL;
	for (unsigned i = 0; i <= STORM_ADMIN; i++) {
		for (unsigned n = 0; n < 1000 && storm->callers[i].is_open; n++)
			caller_act(&storm->callers[i], false);
		if (storm->callers[i].is_open) {
			caller_print(&storm->callers[i]);
			world_print_log(storm->world);
			fail_msg("the daemon has not hung up");
		}
	}
	end_storm(storm);
}

static uint64_t rage_with_seed(uint64_t seed)
{
	struct storm *storm = calloc(1, sizeof(*storm));
	struct caller_sums *sums = &storm->sums;
	uint64_t hash, begin_ns, most_ns;

	begin_storm(storm, seed);
	rage(storm, STORM_NS);
	calm_down(storm);
	world_run(storm->world, SETTLE_NS);
	storm_watch(storm);
	storm->callers[STORM_ADMIN].is_strict = true;
	begin_ns = world_now_ns(storm->world);
	most_ns = start_most_ns(storm);
	start_all(storm);
	calm_down(storm);
	assert_in_range(world_now_ns(storm->world) - begin_ns, 0, most_ns);
	world_run(storm->world, SETTLE_NS);
	check_nothing_is_held(storm);
	check_units(storm);
	ask_all(storm);
	check_tasks(storm);
	/* Each call that was made had an end, or its caller went. */
	assert_int_equal(sums->calls, sums->answers + sums->abandoned);
	print_message("  %ju calls: %ju replies, %ju errors, %ju abandoned; %u deaths of %u; "
		      "%ju steps\n",
		      (uintmax_t)sums->calls, (uintmax_t)sums->replies, (uintmax_t)sums->errors,
		      (uintmax_t)sums->abandoned, storm->world->deaths, storm->world->launches,
		      (uintmax_t)storm->world->steps);
	hash = world_hash(storm->world);
	end_storm(storm);
	return hash;
}

static void get_seeds(uint64_t n_default, uint64_t *ret_first, uint64_t *ret_last)
{
	const char *only = getenv("WORLD_SEED");
	uint64_t n = only && !getenv("SEEDS") ? 1 : seeds_of(n_default);

	*ret_first = only ? strtoull(only, NULL, 0) : 1;
	*ret_last = *ret_first + n - 1;
}

static void storm_leaves_nobody_waiting(void **state)
{
	uint64_t first, last;

	(void)state;
	get_seeds(SEEDS, &first, &last);
	for (uint64_t seed = first; seed <= last; seed++)
		(void)rage_with_seed(seed);
}

static void daemon_that_stops_in_a_storm_leaves_nobody_waiting(void **state)
{
	uint64_t first, last;

	(void)state;
	get_seeds(SEEDS, &first, &last);
	for (uint64_t seed = first; seed <= last; seed++)
		stop_with_seed(seed);
}

/* Memory that is free now comes back in another order, and with other bytes in it. */
static void stir_heap(uint64_t seed)
{
	struct random random;
	void *pieces[2000];
	size_t n = sizeof(pieces) / sizeof(pieces[0]);

	random_init(&random, seed);
	for (size_t i = 0; i < n; i++)
		pieces[i] = malloc(1 + random_below(&random, 400));
	while (n > 0) {
		size_t i = random_below(&random, n);

		free(pieces[i]);
		pieces[i] = pieces[--n];
	}
	(void)mallopt(M_PERTURB, (int)(seed % 255) + 1);
}

/* Neither where things lie in memory nor what was there before decides anything. */
static void seed_gives_one_storm(void **state)
{
	uint64_t first, last;

	(void)state;
	get_seeds(SAME_SEEDS, &first, &last);
	for (uint64_t seed = first; seed <= last; seed++) {
		uint64_t hash = rage_with_seed(seed);

		stir_heap(seed);
		assert_int_equal(rage_with_seed(seed), hash);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(storm_leaves_nobody_waiting),
		cmocka_unit_test(daemon_that_stops_in_a_storm_leaves_nobody_waiting),
		cmocka_unit_test(seed_gives_one_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_storm.c - workers die, stall and are refused, units are stopped, restarted, killed and
 * changed, by seed, while clients call all along.
 *
 * Whatever happens: each call ends exactly once, in the order of its connection's calls;
 * streams have no gaps; nobody who waits is forgotten; what was counted is given back; who was
 * at fault for nothing runs again. A seed gives one run. The first line names a seed that
 * fails: WORLD_SEED=N runs that one alone, SEEDS=N more of them.
 */
#include "caller.h"
#include "process.h"
#include "requests/relays.h"

#include "base/clock.h"
#include "clients/shares.h"
#include "control/host.h"
#include "master/worker.h"
#include "requests/shutdown.h"
#include "tests/unit/sim/sim.h"
#include "units/unit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEEDS    30
#define WORKERS  3
#define CALLERS  10
#define STORM_NS (20 * CLOCK_SECOND_NS)
#define LULL_NS  (240 * CLOCK_SECOND_NS)
#define SETTLE_NS                                                                              \
	(70 * CLOCK_SECOND_NS)         /* RestartDelayMax=, drawn up to its double, and more */
#define START_NS (5 * CLOCK_SECOND_NS) /* for all units, on a machine at rest */
#define ADMIN    CALLERS               /* the number of the one that manages */

/* What is there, and what each of them answers in the end. */
static const struct {
	const char *name, *keys, *method, *parameters;
	bool is_innocent; /* nothing that is asked of it is a reason to end */
} units[] = {
	{"pool", NULL, "slow.Kept", "{}", false},
	{"one", NULL, "slow.Kept", "{}", true},
	{"two", "slow.so\nWorker=2", "slow.Kept", "{}", true},
	{"relay", "relay.so\nType=relay\nWorker=3", "relay.Answer",
	 "{\"to\":\"two\",\"text\":\"x\",\"delayMs\":1}", true},
	{"crash", "crash.so", "crash.Ping", "{}", false},
	{"own", "crash.so\nWorker=own", "crash.Ping", "{}", false},
	{"sink", "flood.so\nType=sink\nWorker=1\nMailbox=50", "sink.Taken", "{}", true},
	{"flood", "flood.so\nType=flood\nWorker=3", "flood.Flood",
	 "{\"sink\":\"sink\",\"count\":20}", true},
	{"noisy", "noisy.so\nType=noisy", "noisy.Taken", "{}", false},
};
#define UNITS (sizeof(units) / sizeof(units[0]))

struct storm {
	struct world *world;
	struct caller callers[CALLERS + 1];
	struct client watcher;
	struct caller_sums sums;
	uint64_t trouble_ns; /* the next */
	bool rages;
};

static uint64_t draw(struct storm *storm, uint64_t bound)
{
	return random_below(&storm->world->random, bound);
}

/* ---- the units */

static void write_one(struct storm *storm, bool is_changed)
{
	world_write(
		storm->world, "one.actor",
		is_changed
			? "[Actor]\nPlugin=%B/test-plugins/slow.so\nWorker=2\nDefault=yes\n"
			: "[Actor]\nPlugin=%B/test-plugins/slow.so\nWorker=1\nDefault=yes\n");
}

static void write_pool(struct storm *storm, unsigned instances)
{
	char text[128];

	(void)snprintf(text, sizeof(text),
		       "[Actor]\nPlugin=%%B/test-plugins/slow.so\nInstances=%u\nMailbox=8\n",
		       instances);
	world_write(storm->world, "pool.actor", text);
}

static void begin_world(struct storm *storm, uint64_t seed)
{
	struct world *world = world_new(seed, WORKERS, "");
	char name[64], text[256];

	storm->world = world;
	write_one(storm, false);
	write_pool(storm, 4);
	for (unsigned i = 0; i < UNITS; i++) {
		if (!units[i].keys)
			continue;
		(void)snprintf(name, sizeof(name), "%s.actor", units[i].name);
		(void)snprintf(text, sizeof(text), "[Actor]\nPlugin=%%B/test-plugins/%s\n",
			       units[i].keys);
		world_write(world, name, text);
	}
	world_start(world);
	if (!world_until(world, world_is_running)) {
		world_print_log(world);
		fail();
	}
}

/* ---- troubles */

static struct world_process *pick_process(struct storm *storm)
{
	struct world_process *picked = NULL;
	unsigned n = 0;

	list_foreach (at, &storm->world->processes) {
		struct world_process *process = container_of(at, struct world_process, link);

		if (!process->is_dead && draw(storm, ++n) == 0)
			picked = process;
	}
	return picked;
}

static void hurt_process(struct storm *storm)
{
	struct world_process *process = pick_process(storm);

	if (!process)
		return;
	switch (draw(storm, 6)) {
	case 0:
	case 1:
		process_signal(process, SIGKILL);
		return;
	case 2:
		/* Again and again outside of handlers, that speaks against those who live
		 * there: in every other storm. */
		process_fault(process, storm->world->seed % 2 ? SIGSEGV : SIGKILL);
		return;
	case 3:
		process_stall(process, draw(storm, 50 * CLOCK_SECOND_NS));
		return;
	default:
		process_stall(process, draw(storm, 2 * CLOCK_SECOND_NS));
	}
}

static void manage(struct storm *storm)
{
	static const char *const methods[] = {"Stop",    "Start",   "Start",
					      "Restart", "Restart", "Kill"};
	const char *method = methods[draw(storm, sizeof(methods) / sizeof(methods[0]))];
	struct caller *admin = &storm->callers[ADMIN];
	char text[160], name[64];

	(void)snprintf(name, sizeof(name), "io.troupe.Control.%s", method);
	(void)snprintf(text, sizeof(text),
		       "{\"method\":\"%s\",\"parameters\":{\"name\":\"%s\"}}", name,
		       units[draw(storm, UNITS)].name);
	caller_send(admin, CALLER_ASSORTED, name, text);
}

static void reload(struct storm *storm)
{
	write_one(storm, draw(storm, 2) == 0);
	write_pool(storm, 2 + (unsigned)draw(storm, 4));
	caller_send(&storm->callers[ADMIN], CALLER_ASSORTED, "Reload",
		    "{\"method\":\"io.troupe.Control.Reload\"}");
}

static void hurt_actor(struct storm *storm)
{
	static const char *const messages[] = {
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"crash\","
		"\"method\":"
		"\"io.troupe.test.crash.Raise\",\"parameters\":{\"signal\":11}}}",
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"own\","
		"\"method\":"
		"\"io.troupe.test.crash.Raise\",\"parameters\":{\"signal\":6}}}",
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"pool\","
		"\"method\":"
		"\"io.troupe.test.slow.Quit\",\"parameters\":{\"code\":-5}}}",
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"pool\","
		"\"method\":"
		"\"io.troupe.test.slow.Block\",\"parameters\":{\"ms\":1500}}}",
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"pool\","
		"\"method\":"
		"\"io.troupe.test.slow.Block\",\"parameters\":{\"ms\":40000}}}",
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"crash\","
		"\"method\":"
		"\"io.troupe.test.crash.Maybe\",\"parameters\":{\"crash\":false,\"ms\":900}}}",
	};

	caller_send(&storm->callers[ADMIN], CALLER_ASSORTED, "a bad habit",
		    messages[draw(storm, sizeof(messages) / sizeof(messages[0]))]);
}

static void change_machine(struct storm *storm)
{
	struct world *world = storm->world;

	world->refused_of_10 = draw(storm, 3) == 0 ? (unsigned)draw(storm, 8) : 0;
	world->late_ns = draw(storm, 3) == 0 ? draw(storm, 3 * CLOCK_SECOND_NS) : 0;
	world_limit_wires(world, draw(storm, 3) == 0 ? 1 + (unsigned)draw(storm, 4) : 1000);
}

static void watch(struct storm *storm)
{
	client_fini(&storm->watcher);
	client_init(&storm->watcher, storm->world);
	(void)client_send(&storm->watcher,
			  "{\"method\":\"io.troupe.Control.Watch\",\"more\":true}");
}

static void make_trouble(struct storm *storm)
{
	bool may_call = storm->callers[ADMIN].n_awaited < CALLER_AWAITED;

	switch (draw(storm, 10)) {
	case 0 ... 2:
		hurt_process(storm);
		break;
	case 3:
		change_machine(storm);
		break;
	case 4:
		watch(storm);
		break;
	case 5:
		if (may_call)
			reload(storm);
		break;
	case 6:
	case 7:
		if (may_call)
			manage(storm);
		break;
	default:
		if (may_call)
			hurt_actor(storm);
	}
	storm->trouble_ns = world_now_ns(storm->world) + draw(storm, 300 * CLOCK_MS_NS);
}

/* ---- time passes */

static uint64_t next_act_ns(void *context)
{
	const struct storm *storm = context;
	uint64_t next = storm->trouble_ns;

	for (unsigned i = 0; i <= ADMIN; i++)
		if (storm->callers[i].act_ns < next)
			next = storm->callers[i].act_ns;
	return next;
}

static void act(void *context)
{
	struct storm *storm = context;

	for (unsigned i = 0; i <= ADMIN; i++)
		if (storm->callers[i].act_ns <= world_now_ns(storm->world))
			caller_act(&storm->callers[i], storm->rages && i < ADMIN);
	if (storm->trouble_ns <= world_now_ns(storm->world))
		make_trouble(storm);
}

static unsigned awaited(const struct storm *storm)
{
	unsigned n = 0;

	for (unsigned i = 0; i <= ADMIN; i++)
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
	for (unsigned i = 0; i <= ADMIN; i++)
		caller_print(&storm->callers[i]);
	world_print_log(world);
	fail_msg("calls were forgotten");
}

/* ---- the demands */

static void start_all(struct storm *storm)
{
	struct caller *admin = &storm->callers[ADMIN];
	char text[128];

	for (unsigned i = 0; i < UNITS; i++) {
		(void)snprintf(
			text, sizeof(text),
			"{\"method\":\"io.troupe.Control.Start\",\"parameters\":{\"name\":"
			"\"%s\"}}",
			units[i].name);
		caller_send(admin, CALLER_ASSORTED, "Start", text);
	}
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
	for (unsigned i = 0; storm->world->seed % 2 == 0 && i < UNITS; i++)
		if (units[i].is_innocent)
			assert_int_equal(
				unit_find(storm->world->master, units[i].name)->crashes, 0);
	for (unsigned i = 1; i <= LIMIT_WORKERS; i++)
		if (master->workers[i] && master->workers[i]->page)
			actors += master->workers[i]->page->actors;
	/* The noisy one may have its child. */
	assert_in_range(actors, running, running + 1);
}

static void ask_all(struct storm *storm)
{
	struct caller *admin = &storm->callers[ADMIN];
	char text[320];

	for (unsigned i = 0; i < UNITS; i++) {
		(void)snprintf(
			text, sizeof(text),
			"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":"
			"\"%s\",\"method\":\"io.troupe.test.%s\",\"parameters\":%s}}",
			units[i].name, units[i].method, units[i].parameters);
		caller_send(admin, CALLER_ASSORTED, units[i].name, text);
	}
	calm_down(storm);
}

static void begin_storm(struct storm *storm, uint64_t seed)
{
	print_message("WORLD_SEED=%ju\n", (uintmax_t)seed);
	begin_world(storm, seed);
	for (unsigned i = 0; i <= ADMIN; i++)
		caller_init(&storm->callers[i], storm->world, i, &storm->sums);
	storm->watcher.fd = -1;
	watch(storm);
}

static void end_storm(struct storm *storm)
{
	for (unsigned i = 0; i <= ADMIN; i++)
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
	rage(storm, 1 + draw(storm, STORM_NS / 2));
	for (unsigned i = 0; i <= ADMIN; i++) {
		storm->callers[i].expects_end = true;
		storm->callers[i].act_ns = 0;
	}
	client_fini(&storm->watcher);
	master_stop(storm->world->master);
	storm->world->act = act;
	assert_true(world_until(storm->world, is_stopped));
	storm->world->act = NULL;
	for (unsigned i = 0; i <= ADMIN; i++) {
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
	uint64_t hash, begin_ns;

	begin_storm(storm, seed);
	rage(storm, STORM_NS);
	calm_down(storm);
	world_run(storm->world, SETTLE_NS);
	watch(storm);
	storm->callers[ADMIN].is_strict = true;
	begin_ns = world_now_ns(storm->world);
	start_all(storm);
	calm_down(storm);
	assert_in_range(world_now_ns(storm->world) - begin_ns, 0, START_NS);
	world_run(storm->world, SETTLE_NS);
	check_nothing_is_held(storm);
	check_units(storm);
	ask_all(storm);
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

static void get_seeds(uint64_t *ret_first, uint64_t *ret_last)
{
	const char *only = getenv("WORLD_SEED"), *seeds = getenv("SEEDS");
	uint64_t n = seeds ? strtoull(seeds, NULL, 0) : only ? 1 : SEEDS;

	*ret_first = only ? strtoull(only, NULL, 0) : 1;
	*ret_last = *ret_first + n - 1;
}

static void storm_leaves_nobody_waiting(void **state)
{
	uint64_t first, last;

	(void)state;
	get_seeds(&first, &last);
	for (uint64_t seed = first; seed <= last; seed++)
		(void)rage_with_seed(seed);
}

static void daemon_that_stops_in_a_storm_leaves_nobody_waiting(void **state)
{
	uint64_t first, last;

	(void)state;
	get_seeds(&first, &last);
	for (uint64_t seed = first; seed <= last; seed++)
		stop_with_seed(seed);
}

static void seed_gives_one_storm(void **state)
{
	(void)state;
	for (uint64_t seed = 1001; seed < 1004; seed++)
		assert_int_equal(rage_with_seed(seed), rage_with_seed(seed));
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

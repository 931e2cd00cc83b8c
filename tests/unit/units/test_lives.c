/* test_lives.c - how actors and workers end, and what becomes of them. */
#include "tests/unit/sim/stage.h"

#include "base/clock.h"
#include "tests/unit/sim/sim.h"
#include "units/unit.h"
#include "units/unit_change.h"
#include "units/unit_life.h"
#include "units/version.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define S CLOCK_SECOND_NS

static struct instance *first_of(struct stage *stage, const char *unit)
{
	return &unit_find(stage->master, unit)->instances[0];
}

static void tell_end(struct stage *stage, const char *unit, enum troupe_cause cause)
{
	const struct instance *instance = first_of(stage, unit);

	stage_tell(stage->workers[instance->worker->number], &worker_ended_method,
		   &(struct worker_ended){
			   .version = stage->workers[instance->worker->number]->spawn.version,
			   .actor = instance->address,
			   .cause = cause,
			   .code = cause == TROUPE_CAUSE_FAILED ? -EIO : 0,
		   });
	stage_idle(stage);
}

static bool is_up(struct stage *stage)
{
	return first_of(stage, "one")->state == API_STATE_RUNNING;
}

static void time_of_an_init_that_fails_is_no_life(void **state)
{
	struct stage *stage = *state;
	struct unit *unit = unit_find(stage->master, "one");
	unsigned n;

	unit->file.life.healthy_ns = S;
	unit->file.life.limit.after = 4;
	stage->is_slow = true;
	tell_end(stage, "one", TROUPE_CAUSE_FAILED);
	for (unsigned i = 1; i < 4; i++) {
		n = stage->workers[1]->n_spawns;
		while (stage->workers[1]->n_spawns == n)
			stage_step(stage);
		stage_pass(stage, 5 * S);
		stage_spawned(stage->workers[1], "not yet");
		stage_idle(stage);
	}
	assert_int_equal(unit_state(unit), API_STATE_FAILED);
	assert_string_equal(unit->reason, "not yet");
}

static void life_that_was_long_enough_ends_the_row(void **state)
{
	struct stage *stage = *state;
	struct unit *unit = unit_find(stage->master, "one");

	unit->file.life.healthy_ns = S;
	unit->file.life.limit.after = 2;
	for (unsigned i = 0; i < 10; i++) {
		stage_pass(stage, S);
		tell_end(stage, "one", TROUPE_CAUSE_FAILED);
		stage_until(stage, is_up);
		assert_int_equal(unit->restarts, i + 1);
	}
	stage_pass(stage, S / 2);
	tell_end(stage, "one", TROUPE_CAUSE_FAILED);
	assert_int_equal(unit_state(unit), API_STATE_FAILED);
}

static void end_decides_what_becomes_of_an_actor(void **state)
{
	struct stage *stage = *state;

	tell_end(stage, "one", TROUPE_CAUSE_NORMAL);
	assert_int_equal(unit_state(unit_find(stage->master, "one")), API_STATE_ENDED);
	tell_end(stage, "two", TROUPE_CAUSE_SHUTDOWN);
	assert_int_equal(unit_state(unit_find(stage->master, "two")), API_STATE_STOPPED);
}

/* The worker of "one" is a new one, that has not done yet what it was asked. */
static void begin_anew(struct stage *stage)
{
	stage->is_loader_slow = stage->is_reader_slow = stage->is_slow = true;
	stage_kill(stage->workers[1]);
	while (stage->workers[1]->channel == NULL || stage->workers[1]->n_loads == 0)
		stage_step(stage);
	stage_pass(stage, CLOCK_MS_NS);
}

static void report_defined(struct stage *stage, const char *error, int64_t code)
{
	stage_tell(stage->workers[1], &worker_defined_method,
		   &(struct worker_defined){.version = stage->workers[1]->define.version,
					    .error = error,
					    .code = code});
	/* It was asked for at the same time; the reason is the first one's. */
	stage_spawned(stage->workers[1], "no such unit");
	stage_pass(stage, CLOCK_MS_NS);
}

static void report_loaded(struct stage *stage, const char *error, int64_t code)
{
	stage_tell(stage->workers[1], &worker_loaded_method,
		   &(struct worker_loaded){.plugin = stage->workers[1]->load.plugin,
					   .error = error,
					   .code = code});
}

static void expect_another_try(struct stage *stage, const char *reason)
{
	const struct unit *unit = unit_find(stage->master, "one");

	assert_int_not_equal(unit_state(unit), API_STATE_FAILED);
	assert_string_equal(unit->reason, reason);
	while (stage->workers[1]->n_spawns == 1)
		stage_step(stage);
	stage->is_loader_slow = stage->is_reader_slow = stage->is_slow = false;
	stage_kill(stage->workers[1]);
	stage_until(stage, is_up);
}

static void unit_that_finds_no_memory_is_started_again(void **state)
{
	struct stage *stage = *state;

	begin_anew(stage);
	report_loaded(stage, NULL, 0);
	report_defined(stage, "Cannot allocate memory", -ENOMEM);
	expect_another_try(stage, "Cannot allocate memory");
}

static void plugin_that_finds_no_descriptor_is_loaded_again(void **state)
{
	struct stage *stage = *state;
	char reason[512];

	begin_anew(stage);
	report_loaded(stage, "Too many open files", -EMFILE);
	report_defined(stage, "the plug-in of actor type t is not loaded", -EAGAIN);
	snprintf(reason, sizeof(reason), "%s: Too many open files",
		 unit_find(stage->master, "one")->file.plugin);
	expect_another_try(stage, reason);
}

static void unit_that_was_refused_is_not_started_again(void **state)
{
	struct stage *stage = *state;
	const struct unit *unit = unit_find(stage->master, "one");

	begin_anew(stage);
	report_loaded(stage, NULL, 0);
	report_defined(stage, "greeting: is no string", -EINVAL);
	assert_int_equal(unit_state(unit), API_STATE_FAILED);
	assert_string_equal(unit->reason, "greeting: is no string");
}

/* The worker contradicts itself. */
static void actor_of_a_unit_that_was_given_up_is_stopped(void **state)
{
	struct stage *stage = *state;
	struct stage_worker *worker;

	begin_anew(stage);
	worker = stage->workers[1];
	report_loaded(stage, NULL, 0);
	stage_tell(worker, &worker_defined_method,
		   &(struct worker_defined){
			   .version = worker->define.version, .error = "no", .code = -EINVAL});
	stage_pass(stage, CLOCK_MS_NS);
	assert_int_equal(worker->n_stops, 0);
	stage_spawned(worker, NULL);
	stage_pass(stage, CLOCK_MS_NS);
	assert_int_equal(worker->n_stops, 1);
	assert_int_equal(worker->stop.actor.slot, worker->n_spawns);
	assert_int_equal(unit_state(unit_find(stage->master, "one")), API_STATE_FAILED);
}

static void actor_may_stop_for_ever_if_its_time_was_taken_away(void **state)
{
	struct stage *stage = *state;
	struct unit *unit = unit_find(stage->master, "one");

	unit_stop(unit);
	stage_pass(stage, S);
	/* As by a reload: StopTimeout=infinity */
	unit->file.life.stop_timeout_ns = TEXT_INFINITY;
	stage_pass(stage, 3600 * S);
	assert_int_equal(unit_state(unit), API_STATE_STOPPING);
	assert_int_equal(stage->n_launched, 2);
	tell_end(stage, "one", TROUPE_CAUSE_SHUTDOWN);
	assert_int_equal(unit_state(unit), API_STATE_STOPPED);
}

/* The end of the first actor of that unit is reported to a client that watches. */
static void expect_end(struct stage *stage, const char *unit, const char *state,
		       const char *cause)
{
	char piece[128];

	snprintf(piece, sizeof(piece),
		 "\"unit\":\"%s\",\"instance\":0,\"state\":\"%s\",\"cause\":\"%s\"", unit,
		 state, cause);
	for (;;) {
		stage_until(stage, stage_has_answer);
		if (strstr(stage->answer, piece))
			break;
		stage_expect(stage, "event");
	}
	stage_expect(stage, "actorEnded");
}

static void watchers_hear_why_an_actor_ended(void **state)
{
	struct stage *stage = *state;

	stage_say(stage, "{\"method\":\"io.troupe.Control.Watch\",\"more\":true}");
	stage_expect(stage, "watching");
	tell_end(stage, "two", TROUPE_CAUSE_NORMAL);
	expect_end(stage, "two", "ended", "normal");
	tell_end(stage, "one", TROUPE_CAUSE_FAILED);
	expect_end(stage, "one", "backoff", "failed");
	stage_until(stage, is_up);
	stage_kill(stage->workers[1]);
	expect_end(stage, "one", "backoff", "collateral");
	stage_until(stage, is_up);
	/* It does not stop, and StopTimeout= is over. */
	unit_stop(unit_find(stage->master, "one"));
	expect_end(stage, "one", "stopped", "killed");
}

static struct unit *spawn_pool(struct stage *stage, const char *name, unsigned n,
			       const char *worker)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "{\"method\":\"io.troupe.Control.Spawn\",\"parameters\":{\"name\":\"%s\","
		 "\"plugin\":\"%s\",\"instances\":%u,\"worker\":\"%s\"}}",
		 name, unit_find(stage->master, "one")->file.plugin, n, worker);
	stage_say(stage, text);
	stage_expect(stage, "\"state\":\"running\"");
	return unit_find(stage->master, name);
}

static unsigned count_on(const struct unit *unit, unsigned worker)
{
	unsigned n = 0;

	for (unsigned i = 0; i < unit->n_instances; i++)
		n += unit->instances[i].worker->number == worker;
	return n;
}

static void pool_is_spread_whatever_else_runs_there(void **state)
{
	struct stage *stage = *state;
	const struct unit *pool;

	spawn_pool(stage, "others", 4, "1");
	pool = spawn_pool(stage, "pool", 5, "any");
	assert_int_equal(count_on(pool, 1), 2);
	assert_int_equal(count_on(pool, 2), 3);
	assert_int_equal(count_on(spawn_pool(stage, "another", 1, "any"), 2), 1);
}

/* How often the log says so. */
static unsigned count_lines(int fd, const char *piece)
{
	static char text[65536];
	ssize_t size = pread(fd, text, sizeof(text) - 1, 0);
	unsigned n = 0;

	assert_in_range(size, 0, sizeof(text) - 2);
	text[size] = '\0';
	for (const char *at = text; (at = strstr(at, piece)); at++)
		n++;
	return n;
}

static void pool_that_ends_at_once_is_a_few_lines_and_a_number(void **state)
{
	struct stage *stage = *state;
	struct log *log = &stage->master->log;
	const struct unit *pool = spawn_pool(stage, "pool", 30, "1");
	int fd = memfd_create("log", MFD_CLOEXEC);

	log_fini(log);
	log_init(log, fd, "", LOG_P_INFO);
	for (unsigned i = 0; i < pool->n_instances; i++)
		stage_tell(stage->workers[1], &worker_ended_method,
			   &(struct worker_ended){
				   .version = pool->version->number,
				   .instance = i,
				   .actor = pool->instances[i].address,
				   .cause = TROUPE_CAUSE_NORMAL,
			   });
	stage_idle(stage);
	assert_int_equal(unit_state(pool), API_STATE_ENDED);
	assert_int_equal(count_lines(fd, " ended: normal after "), 10);
	stage_pass(stage, 25 * S);
	assert_int_equal(count_lines(fd, "more of its actors ended"), 0);
	stage_pass(stage, 10 * S);
	assert_int_equal(count_lines(fd, "pool: 20 more of its actors ended"), 1);
	close(fd);
}

static void pool_that_is_given_up_is_a_few_lines_and_a_number(void **state)
{
	struct stage *stage = *state;
	struct log *log = &stage->master->log;
	struct unit *pool = spawn_pool(stage, "pool", 30, "1");
	int fd = memfd_create("log", MFD_CLOEXEC);

	log_fini(log);
	log_init(log, fd, "", LOG_P_INFO);
	pool->file.life.limit.after = 1;
	for (unsigned i = 0; i < pool->n_instances; i++)
		stage_tell(stage->workers[1], &worker_ended_method,
			   &(struct worker_ended){
				   .version = pool->version->number,
				   .instance = i,
				   .actor = pool->instances[i].address,
				   .cause = TROUPE_CAUSE_FAILED,
				   .code = -EIO,
			   });
	stage_idle(stage);
	assert_int_equal(unit_state(pool), API_STATE_FAILED);
	assert_int_equal(count_lines(fd, " is given up (failed): "), 10);
	stage_pass(stage, 35 * S);
	assert_int_equal(count_lines(fd, "pool: 20 more of its actors are given up"), 1);
	close(fd);
}

static void draining_has_its_time_and_then_stopping_has(void **state)
{
	struct stage *stage = *state;
	const struct instance *instance = first_of(stage, "one");
	uint32_t incarnation = instance->worker->incarnation;

	assert_int_equal(unit_restart(instance->unit, NULL, NULL), 0);
	/* Of StopTimeout=2s. */
	stage_pass(stage, 1900 * CLOCK_MS_NS);
	assert_true(instance_drains(instance));
	stage_pass(stage, 200 * CLOCK_MS_NS);
	assert_int_equal(instance->state, API_STATE_STOPPING);
	assert_false(instance_drains(instance));
	stage_pass(stage, 1500 * CLOCK_MS_NS);
	assert_int_equal(instance->state, API_STATE_STOPPING);
	assert_int_equal(instance->worker->incarnation, incarnation);
	stage_until(stage, is_up);
	assert_int_equal(instance->worker->incarnation, incarnation + 1);
}

static void version_lives_as_long_as_an_actor_is_of_it(void **state)
{
	struct stage *stage = *state;
	struct master *master = stage->master;
	struct instance *instance = first_of(stage, "one");
	uint32_t old = instance->version->number;
	unsigned n = HASH_CNT(by_number, master->versions);

	assert_int_equal(unit_restart(instance->unit, NULL, NULL), 0);
	stage_idle(stage);
	/* It has not ended what it was asked for, and is known by its number. */
	assert_true(instance_drains(instance));
	assert_ptr_equal(unit_instance(master, old, 0), instance);
	assert_int_not_equal(instance->unit->version->number, old);
	assert_int_equal(HASH_CNT(by_number, master->versions), n + 1);
	stage->workers[1]->spawn.version = old;
	tell_end(stage, "one", TROUPE_CAUSE_SHUTDOWN);
	stage_until(stage, is_up);
	assert_null(version_find(master, old));
	assert_ptr_equal(instance->version, instance->unit->version);
	assert_ptr_equal(unit_instance(master, instance->version->number, 0), instance);
	assert_int_equal(HASH_CNT(by_number, master->versions), n);
}

static void worker_that_was_healthy_has_a_clean_record(void **state)
{
	struct stage *stage = *state;
	struct worker *worker = stage->master->workers[1];

	stage->n_refusals = 1000;
	stage_kill(stage->workers[1]);
	stage_pass(stage, 2 * S);
	assert_in_range(worker->trouble.row, 3, 10);
	stage->n_refusals = 0;
	stage_until(stage, is_up);
	/* Whatever ends that life. */
	stage_pass(stage, stage->master->settings.life.healthy_ns);
	stage_kill(stage->workers[1]);
	stage_pass(stage, S);
	assert_int_equal(worker->trouble.row, 0);
	assert_int_equal(worker->deaths.row, 1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(time_of_an_init_that_fails_is_no_life),
		TEST(life_that_was_long_enough_ends_the_row),
		TEST(end_decides_what_becomes_of_an_actor),
		TEST(unit_that_finds_no_memory_is_started_again),
		TEST(plugin_that_finds_no_descriptor_is_loaded_again),
		TEST(unit_that_was_refused_is_not_started_again),
		TEST(actor_of_a_unit_that_was_given_up_is_stopped),
		TEST(actor_may_stop_for_ever_if_its_time_was_taken_away),
		TEST(watchers_hear_why_an_actor_ended),
		TEST(pool_is_spread_whatever_else_runs_there),
		TEST(pool_that_ends_at_once_is_a_few_lines_and_a_number),
		TEST(pool_that_is_given_up_is_a_few_lines_and_a_number),
		TEST(draining_has_its_time_and_then_stopping_has),
		TEST(version_lives_as_long_as_an_actor_is_of_it),
		TEST(worker_that_was_healthy_has_a_clean_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_hostile.c - a worker that lies: the master stays, nobody else is blamed, and the liar is
 * replaced. */
#include "tests/unit/sim/stage.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "requests/relays.h"
#include "trouped/letters.h"
#include "units/instance.h"
#include "units/stall.h"
#include "units/suspects.h"
#include "units/unit.h"
#include "units/version.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define HUGE_SIZE (4u << 20)

static bool is_replaced(struct stage *stage)
{
	return stage->n_launched == 3 && worker_is_up(stage->master->workers[1]) &&
	       stage->workers[1]->n_spawns == 1;
}

/* The unit on the other worker has not heard of anything. */
static void assert_unharmed(struct stage *stage)
{
	const struct unit *unit = unit_find(stage->master, "two");

	assert_int_equal(unit_state(unit), API_STATE_RUNNING);
	assert_int_equal(unit->restarts, 0);
	assert_null(unit->reason);
	assert_int_equal(stage->master->workers[2]->incarnation, 2);
	stage_say(stage,
		  "{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"two\","
		  "\"method\":\"a.b.Do\"}}");
	stage_reply(stage->workers[2], stage_wait_call(stage, 2), false, NULL, "{\"well\":1}");
	stage_expect(stage, "well");
}

/* It is ended for what it said, and replaced. */
static void expect_end(struct stage *stage)
{
	stage_until(stage, is_replaced);
	stage_idle(stage);
	assert_int_equal(unit_state(unit_find(stage->master, "one")), API_STATE_RUNNING);
	assert_unharmed(stage);
}

static struct troupe_address actor_of(struct stage *stage, const char *unit)
{
	return unit_find(stage->master, unit)->instances[0].address;
}

static void worker_is_ended_when_it_answers_what_nobody_asked(void **state)
{
	struct stage *stage = *state;
	struct stage_worker *worker = stage->workers[1];

	stage_tell(worker, &worker_loaded_method,
		   &(struct worker_loaded){.plugin = worker->load.plugin, .error = "no"});
	expect_end(stage);
}

static void worker_is_ended_when_it_defines_what_nobody_asked(void **state)
{
	struct stage *stage = *state;

	stage_tell(stage->workers[1], &worker_defined_method,
		   &(struct worker_defined){.version = stage->workers[2]->define.version,
					    .error = "no"});
	expect_end(stage);
}

static void worker_is_ended_when_it_spawns_what_nobody_asked(void **state)
{
	struct stage *stage = *state;
	struct stage_worker *other = stage->workers[2];

	stage_tell(stage->workers[1], &worker_spawned_method,
		   &(struct worker_spawned){.request = other->spawn.request,
					    .version = other->spawn.version,
					    .actor = {0, 1, 2, 9, 1},
					    .error = "no"});
	expect_end(stage);
}

static void worker_is_ended_when_it_reports_the_end_of_anothers_actor(void **state)
{
	struct stage *stage = *state;
	struct worker_ended ended = {
		.version = stage->workers[2]->spawn.version,
		.actor = actor_of(stage, "two"),
		.cause = TROUPE_CAUSE_FAILED,
		.code = INT64_MIN,
	};

	stage_tell(stage->workers[1], &worker_ended_method, &ended);
	expect_end(stage);
}

static void worker_is_ended_when_it_reports_an_end_that_no_actor_has(void **state)
{
	struct stage *stage = *state;

	stage_tell(stage->workers[1], &worker_ended_method,
		   &(struct worker_ended){
			   .version = stage->workers[1]->spawn.version,
			   .actor = actor_of(stage, "one"),
			   .cause = TROUPE_CAUSE_COLLATERAL,
		   });
	expect_end(stage);
}

static void worker_is_ended_when_it_floods_us_with_dead_letters(void **state)
{
	struct stage *stage = *state;
	struct worker_dead_letter letter = {.to = {9, 9, 9, 9, 9},
					    .method = "\n\x01 \xc3\xa4",
					    .reason = "",
					    .count = INT64_MAX};

	stage_say(stage, "{\"method\":\"io.troupe.Control.Watch\",\"oneway\":true}");
	for (unsigned i = 0; i < 20000 && !stage->workers[1]->is_closed; i++) {
		(void)channel_send(stage->workers[1]->channel, &worker_dead_letter_method,
				   &letter, -1);
		if (i % 256 == 0)
			loop_step(stage->master->loop, false);
	}
	expect_end(stage);
}

/* How many lines of the log hold a text; *ret_sum: of the numbers before " message" or "
 * more". */
static unsigned read_log(int fd, const char *text, unsigned *ret_sum)
{
	char line[LOG_LINE + 1];
	unsigned n = 0;
	ssize_t size;

	*ret_sum = 0;
	while ((size = read(fd, line, LOG_LINE)) > 0) {
		unsigned number;

		line[size] = '\0';
		if (!strstr(line, text))
			continue;
		assert_int_equal(sscanf(line, "worker 1: %u m", &number), 1);
		*ret_sum += number;
		n++;
	}
	return n;
}

static void dead_letters_of_a_worker_are_few_lines_that_add_up(void **state)
{
	struct stage *stage = *state;
	struct log *log = &stage->master->log;
	int fd = log->sink.fd, pair[2];
	unsigned sum;

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	log_fini(log);
	log_init(log, pair[0], "", LOG_P_INFO);
	for (unsigned i = 0; i < 50; i++)
		stage_tell(stage->workers[1], &worker_dead_letter_method,
			   &(struct worker_dead_letter){
				   .method = "a.b.C", .reason = "mailbox-full", .count = 3});
	for (unsigned i = 0; i < 1000 && stage->master->workers[1]->letters->unlogged < 120;
	     i++)
		loop_step(stage->master->loop, false);
	assert_int_equal(read_log(pair[1], "not delivered", &sum), 10);
	assert_int_equal(sum, 30);
	/* What the limit held back is said at the latest when the process is gone. */
	letters_end(stage->master->workers[1]);
	assert_int_equal(read_log(pair[1], "more messages were not delivered", &sum), 1);
	assert_int_equal(sum, 120);
	log_fini(log);
	log_init(log, fd, "", LOG_P_ERROR);
	close(pair[0]);
	close(pair[1]);
}

static void worker_is_ended_when_its_dead_letters_make_no_sense(void **state)
{
	struct stage *stage = *state;

	stage_tell(stage->workers[1], &worker_dead_letter_method,
		   &(struct worker_dead_letter){.method = "", .reason = "stale", .count = -1});
	expect_end(stage);
}

static void worker_is_ended_when_it_reports_no_dead_letters(void **state)
{
	struct stage *stage = *state;

	stage_tell(stage->workers[1], &worker_dead_letter_method,
		   &(struct worker_dead_letter){.method = "", .reason = "stale", .count = 0});
	expect_end(stage);
}

static void worker_is_not_believed_when_it_names_units_of_others(void **state)
{
	struct stage *stage = *state;
	struct stage_worker *worker = stage->workers[1], *other = stage->workers[2];
	struct worker_ended ended = {
		.version = other->spawn.version,
		.instance = other->spawn.instance,
		.actor = actor_of(stage, "one"), /* which is its own */
		.cause = TROUPE_CAUSE_FAILED,
	};

	stage_tell(worker, &worker_ended_method, &ended);
	ended.version = INT64_MAX;
	ended.instance = INT64_MIN;
	stage_tell(worker, &worker_ended_method, &ended);
	stage_tell(worker, &worker_stopped_method,
		   &(struct worker_stopped){.request = INT64_MAX});
	stage_tell(worker, &worker_census_method,
		   &(struct worker_census){.request = -1, .next = INT64_MAX});
	stage_idle(stage);
	assert_int_equal(stage->n_launched, 2);
	assert_unharmed(stage);
}

static void worker_does_not_answer_the_calls_of_others(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	stage_say(stage,
		  "{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"two\","
		  "\"method\":\"a.b.Do\"}}");
	call = stage_wait_call(stage, 2);
	stage_reply(stage->workers[1], call, false, NULL, "{\"false\":1}");
	stage_reply(stage->workers[1], call, true, NULL, "{\"false\":1}");
	stage_idle(stage);
	assert_int_equal(stage->master->relays->strays, 2);
	stage_reply(stage->workers[2], call, false, NULL, "{\"true\":1}");
	stage_expect(stage, "true");
	assert_unharmed(stage);
}

static void plugin_is_refused_for_one_worker_only(void **state)
{
	struct stage *stage = *state;
	struct stage_worker *other = stage->workers[2];
	char *huge = calloc(1, HUGE_SIZE);

	/* Both units are of one plug-in; worker 1 is made anew, and lies about it. */
	stage->is_loader_slow = stage->is_slow = true;
	stage_kill(stage->workers[1]);
	while (stage->workers[1]->channel == NULL || stage->workers[1]->n_loads == 0)
		stage_step(stage);
	memset(huge, 'x', HUGE_SIZE - 1);
	stage_tell(stage->workers[1], &worker_loaded_method,
		   &(struct worker_loaded){.plugin = stage->workers[1]->load.plugin,
					   .error = huge});
	free(huge);
	stage_idle(stage);
	assert_int_equal(unit_state(unit_find(stage->master, "one")), API_STATE_FAILED);
	assert_in_range(strlen(unit_find(stage->master, "one")->reason), 1000, 3000);
	assert_ptr_equal(stage->workers[2], other);
	assert_unharmed(stage);
}

/* The page says that the other's actor was at it. */
static void point_at_other(struct stage *stage, struct page_thread *thread, uint64_t doing)
{
	struct troupe_address actor = actor_of(stage, "two");

	thread->sequence = 7;
	thread->actor = (uint64_t)actor.slot << 32 | actor.generation;
	thread->type_hash = doing;
	thread->version = (uint32_t)stage->workers[2]->spawn.version;
	thread->instance = (uint32_t)stage->workers[2]->spawn.instance;
	thread->thread_id = 1;
}

static void expect_no_blame(struct stage *stage, uint64_t doing)
{
	struct page *page = stage->workers[1]->page;

	point_at_other(stage, &page->thread, doing);
	point_at_other(stage, &page->crash.thread, doing);
	page->crash.thread_id = 1;
	page->crash.signal = SIGSEGV;
	page->crash.code = 1;
	page->crash.n_frames = UINT32_MAX;
	memset(page->crash.frames, 0xe4, sizeof(page->crash.frames));
	page->crash.written = 1;
	stage_signal(stage->workers[1], SIGSEGV);
	expect_end(stage);
	/* Nor is it named. */
	assert_null(strstr(stage->master->workers[1]->crash.names.actor, "two"));
	stage_say(stage, "{\"method\":\"io.troupe.Control.Workers\"}");
	stage_expect(stage, "SIGSEGV");
}

static void unit_is_not_blamed_when_anothers_page_names_it(void **state)
{
	expect_no_blame(*state, 0x123456789);
}

static void unit_is_not_blamed_when_anothers_page_says_init(void **state)
{
	expect_no_blame(*state, PAGE_DOING_INIT);
}

static void unit_is_not_blamed_when_anothers_page_says_load(void **state)
{
	expect_no_blame(*state, PAGE_DOING_LOAD);
}

static void expect_own_blame(struct stage *stage, unsigned n_deaths)
{
	struct page *page = stage->workers[1]->page;
	uint32_t incarnation = stage->master->workers[1]->incarnation;
	struct troupe_address actor = {0, 1, incarnation, 1, 1};

	page->crash.thread.sequence = 7;
	page->crash.thread.actor = (uint64_t)actor.slot << 32 | actor.generation;
	page->crash.thread.type_hash = 0x123456789;
	page->crash.thread.version = unit_find(stage->master, "one")->version->number;
	page->crash.thread.thread_id = page->crash.thread_id = 1;
	page->crash.signal = SIGSEGV;
	page->crash.code = 1;
	page->crash.written = 1;
	stage_signal(stage->workers[1], SIGSEGV);
	while (stage->master->workers[1]->incarnation == incarnation ||
	       !worker_is_up(stage->master->workers[1]))
		stage_step(stage);
	assert_int_equal(stage->master->workers[1]->deaths.row, n_deaths);
}

static void put_both_on_one_worker(struct stage *stage)
{
	struct instance *instance = &unit_find(stage->master, "two")->instances[0];

	list_remove(&instance->on_worker);
	instance->worker->n_instances--;
	instance->worker = stage->master->workers[1];
	instance->worker->n_instances++;
	list_append(&instance->worker->instances, &instance->on_worker);
}

static bool is_two_back(struct stage *stage)
{
	const struct unit *unit = unit_find(stage->master, "two");

	return unit_state(unit) == API_STATE_RUNNING && unit->instances[0].address.worker == 1;
}

static void actor_that_was_taken_along_is_back_at_once(void **state)
{
	struct stage *stage = *state;
	struct unit *one = unit_find(stage->master, "one"),
		    *two = unit_find(stage->master, "two");

	one->file.life.delay_ns = one->file.life.delay_max_ns = 3600 * CLOCK_SECOND_NS;
	two->file.life.delay_ns = two->file.life.delay_max_ns = 3600 * CLOCK_SECOND_NS;
	put_both_on_one_worker(stage);
	expect_own_blame(stage, 0);
	stage_until(stage, is_two_back);
	assert_int_equal(unit_state(one), API_STATE_BACKOFF);
	assert_int_equal(one->crashes, 1);
	assert_int_equal(two->crashes, 0);
}

static void blame_of_an_actor_that_is_down_does_not_hasten_restarts(void **state)
{
	struct stage *stage = *state;
	struct unit *unit = unit_find(stage->master, "one");

	unit->file.life.delay_ns = unit->file.life.delay_max_ns = 3600 * CLOCK_SECOND_NS;
	/* It pays, and waits for an hour; the next process says that it was it again. */
	expect_own_blame(stage, 0);
	assert_int_equal(unit_state(unit), API_STATE_BACKOFF);
	expect_own_blame(stage, 1);
	expect_own_blame(stage, 2);
	assert_int_equal(unit_state(unit), API_STATE_BACKOFF);
	assert_int_equal(unit->crashes, 1);
	assert_unharmed(stage);
}

static void unit_is_not_blamed_when_anothers_page_says_define(void **state)
{
	expect_no_blame(*state, PAGE_DOING_DEFINE);
}

/* The first worker dies of a fault, in a handler or not, and another process is up. */
static void fault(struct stage *stage, bool in_handler, uint64_t doing, int64_t plugin)
{
	struct page *page = stage->workers[1]->page;
	uint32_t incarnation = stage->master->workers[1]->incarnation;

	page->crash.thread.sequence = in_handler ? 7 : 8;
	page->crash.thread.type_hash = doing;
	page->crash.thread.thread_id = 1;
	page->crash.thread_id = in_handler ? 1 : 2;
	page->crash.signal = SIGSEGV;
	page->crash.code = 1;
	page->crash.n_frames = 2;
	strcpy(page->crash.frames[0].text, "libc.so.6(+0x1)");
	strcpy(page->crash.frames[1].text, "hello.so(run+0x1c)");
	page->crash.frames[1].plugin = (uint32_t)plugin;
	page->crash.written = 1;
	stage_signal(stage->workers[1], SIGSEGV);
	while (stage->master->workers[1]->incarnation == incarnation ||
	       !worker_is_up(stage->master->workers[1]))
		stage_step(stage);
	stage_idle(stage);
}

static void unit_fails_alone_when_its_configuration_ends_the_worker(void **state)
{
	struct stage *stage = *state;
	const struct unit *unit = unit_find(stage->master, "one");

	stage->is_reader_slow = stage->is_slow = true;
	stage_kill(stage->workers[1]);
	while (stage->workers[1]->channel == NULL || stage->workers[1]->n_defines == 0)
		stage_step(stage);
	fault(stage, true, PAGE_DOING_DEFINE, 0);
	assert_int_equal(unit_state(unit), API_STATE_FAILED);
	assert_string_equal(unit->reason, "decoding its configuration crashed a worker");
	assert_unharmed(stage);
}

static void death_outside_of_handlers_is_pinned_on_its_plugin_the_second_time(void **state)
{
	struct stage *stage = *state;
	struct unit *unit = unit_find(stage->master, "one");

	/* Both units are of it; the other one does not run there. */
	unit->file.life.delay_ns = 500 * CLOCK_MS_NS;
	fault(stage, false, 0, stage->workers[1]->load.plugin);
	assert_int_equal(unit->crashes, 0);
	assert_null(unit->reason);
	fault(stage, false, 0, stage->workers[1]->load.plugin);
	assert_int_equal(unit->crashes, 1);
	assert_non_null(strstr(unit->reason, "its plug-in was at fault"));
	assert_unharmed(stage);
}

static void plugin_is_not_blamed_on_a_unit_that_is_stopped(void **state)
{
	struct stage *stage = *state;
	struct unit *one = unit_find(stage->master, "one"),
		    *two = unit_find(stage->master, "two");

	put_both_on_one_worker(stage);
	instance_set_state(&two->instances[0], API_STATE_STOPPED);
	for (int i = 0; i < 2; i++)
		fault(stage, false, 0, stage->workers[1]->load.plugin);
	assert_int_equal(one->crashes, 1);
	assert_int_equal(two->crashes, 0);
}

static void deaths_that_name_no_plugin_lead_to_a_search(void **state)
{
	struct stage *stage = *state;
	struct unit *unit = unit_find(stage->master, "one");
	struct suspects *suspects = stage->master->workers[1]->suspects;

	unit->file.life.delay_ns = 500 * CLOCK_MS_NS;
	fault(stage, false, 0, stage->workers[1]->load.plugin + 1);
	fault(stage, false, 0, UINT32_MAX);
	assert_false(suspects->is_searching);
	fault(stage, false, 0, 0);
	assert_true(suspects->is_searching);
	assert_int_equal(unit->crashes, 0);
	assert_int_equal(suspects->on_trial, unit->version->number);
	fault(stage, false, 0, 0);
	assert_int_equal(unit->crashes, 1);
	assert_non_null(strstr(unit->reason, "that happens when it is started"));
	assert_unharmed(stage);
	/* The unit comes back, and when it has lived for long enough it is cleared. */
	while (suspects->cleared.n == 0)
		stage_step(stage);
	assert_int_equal(unit_state(unit), API_STATE_RUNNING);
}

/* Whatever it is, it is not in a row. */
static void deaths_with_healthy_time_between_them_speak_against_nobody(void **state)
{
	struct stage *stage = *state;
	struct unit *unit = unit_find(stage->master, "one");

	stage->master->settings.life.healthy_ns = 1;
	for (int i = 0; i < 4; i++) {
		fault(stage, false, 0, stage->workers[1]->load.plugin);
		assert_int_equal(unit->crashes, 0);
		assert_false(stage->master->workers[1]->suspects->is_searching);
	}
	assert_unharmed(stage);
}

static void search_starts_one_unit_at_a_time(void **state)
{
	struct stage *stage = *state;
	struct unit *one = unit_find(stage->master, "one"),
		    *two = unit_find(stage->master, "two");
	struct suspects *suspects = stage->master->workers[1]->suspects;
	struct unit *first, *other;

	put_both_on_one_worker(stage);
	one->file.life.delay_ns = one->file.life.delay_max_ns = 3600 * CLOCK_SECOND_NS;
	two->file.life.delay_ns = two->file.life.delay_max_ns = 3600 * CLOCK_SECOND_NS;
	for (int i = 0; i < 3; i++)
		fault(stage, false, 0, 0);
	assert_true(suspects->is_searching);
	first = suspects->on_trial == one->version->number ? one : two;
	other = first == one ? two : one;
	assert_int_equal(suspects->on_trial, first->version->number);
	assert_int_equal(unit_state(first), API_STATE_RUNNING);
	assert_int_not_equal(unit_state(other), API_STATE_RUNNING);
	fault(stage, false, 0, 0);
	assert_int_equal(first->crashes, 1);
	assert_int_equal(other->crashes, 0);
}

/* What a page says must fit to what the worker was asked. */
static void unit_is_not_blamed_for_what_was_not_asked(void **state)
{
	struct stage *stage = *state;

	stage->is_loader_slow = stage->is_slow = true;
	stage_kill(stage->workers[1]);
	while (stage->workers[1]->channel == NULL || stage->workers[1]->n_loads == 0)
		stage_step(stage);
	stage->is_loader_slow = stage->is_slow = false;
	fault(stage, true, PAGE_DOING_DEFINE, 0);
	assert_null(unit_find(stage->master, "one")->reason);
	assert_int_not_equal(unit_state(unit_find(stage->master, "one")), API_STATE_FAILED);
	assert_unharmed(stage);
}

static void handler_that_was_there_at_the_limit_pays_and_no_other(void **state)
{
	struct stage *stage = *state;
	struct worker *worker = stage->master->workers[1];
	struct crash crash = {.in_handler = true, .activity.sequence = 7};

	worker->stall.activity.sequence = 7;
	assert_false(stall_is_blamed(worker, &crash));
	worker->stall.is_blamed = true;
	assert_true(stall_is_blamed(worker, &crash));
	/* One that began before the signal came. */
	crash.activity.sequence = 9;
	assert_false(stall_is_blamed(worker, &crash));
	crash.activity.sequence = 7;
	crash.in_handler = false;
	assert_false(stall_is_blamed(worker, &crash));
}

static void page_of_garbage_is_survived(void **state)
{
	struct stage *stage = *state;

	memset(stage->workers[1]->page, 0xff, PAGE_BYTES);
	stage_say(stage, "{\"method\":\"io.troupe.Control.Workers\"}");
	stage_expect(stage, "parameters");
	stage_say(stage, "{\"method\":\"io.troupe.Control.Status\"}");
	stage_expect(stage, "parameters");
	stage_signal(stage->workers[1], SIGSEGV);
	expect_end(stage);
}

static bool has_inquiry(struct stage *stage)
{
	return stage->workers[1]->inquiry != 0;
}

static void census_ends_when_a_worker_has_nothing_more_to_tell(void **state)
{
	struct stage *stage = *state;
	struct worker_resident resident = {.actor = actor_of(stage, "one"),
					   .version = stage->workers[2]->spawn.version,
					   .actorType = "x"};
	struct worker_census census = {.actors = {&resident, 1}, .next = 1};

	stage_say(stage,
		  "{\"method\":\"io.troupe.Control.Actors\",\"parameters\":{\"worker\":1}}");
	stage_until(stage, has_inquiry);
	census.request = stage->workers[1]->inquiry;
	stage_tell(stage->workers[1], &worker_census_method, &census);
	/* It goes on, and on. */
	while (stage->workers[1]->inquiry == census.request)
		stage_step(stage);
	census = (struct worker_census){.request = stage->workers[1]->inquiry, .next = 2};
	stage_tell(stage->workers[1], &worker_census_method, &census);
	stage_expect(stage, "\"actorType\":\"x\"");
	assert_unharmed(stage);
}

static void worker_is_ended_when_its_census_fills_an_answer(void **state)
{
	struct stage *stage = *state;
	struct worker_resident residents[1000];
	struct worker_census census = {.actors = {residents, ARRAY_LEN(residents)}};
	char name[8192];

	/* Six bytes each as JSON. */
	memset(name, 1, sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(residents); i++)
		residents[i] = (struct worker_resident){.actor = actor_of(stage, "one"),
							.actorType = name};
	stage_say(stage, "{\"method\":\"io.troupe.Control.Actors\",\"more\":true,"
			 "\"parameters\":{\"worker\":1}}");
	stage_until(stage, has_inquiry);
	census.request = stage->workers[1]->inquiry;
	stage_tell(stage->workers[1], &worker_census_method, &census);
	stage_expect(stage, "{\"parameters\":{\"actors\":[],");
	expect_end(stage);
}

static void census_does_not_name_units_of_others(void **state)
{
	struct stage *stage = *state;
	struct worker_resident residents[2] = {
		{.actor = actor_of(stage, "one"),
		 .version = stage->workers[2]->spawn.version,
		 .actorType = "mine"},
		{.actor = actor_of(stage, "two"), .actorType = "foreign"},
	};
	struct worker_census census = {.actors = {residents, 2}};

	stage_say(stage,
		  "{\"method\":\"io.troupe.Control.Actors\",\"parameters\":{\"worker\":1}}");
	stage_until(stage, has_inquiry);
	census.request = stage->workers[1]->inquiry;
	stage_tell(stage->workers[1], &worker_census_method, &census);
	stage_until(stage, stage_has_answer);
	assert_null(strstr(stage->answer, "\"two\""));
	assert_null(strstr(stage->answer, "foreign"));
	stage_expect(stage, "mine");
}

static void dead_letters_name_few_actors_in_a_second(void **state)
{
	struct stage *stage = *state;
	unsigned n_named = 0, n_addressed = 0;

	stage_say(stage, "{\"method\":\"io.troupe.Control.Watch\",\"more\":true}");
	stage_expect(stage, "watching");
	for (unsigned i = 0; i < LIMIT_DEAD_LETTER_LOOKS + 20; i++)
		stage_tell(stage->workers[1], &worker_dead_letter_method,
			   &(struct worker_dead_letter){.to = actor_of(stage, "one"),
							.method = "a.b.C",
							.reason = "mailbox-full",
							.count = 1});
	while (n_named + n_addressed < LIMIT_DEAD_LETTER_LOOKS + 20) {
		stage_until(stage, stage_has_answer);
		n_named += strstr(stage->answer, "\"receiver\":\"one/0\"") != NULL;
		n_addressed += strstr(stage->answer, "\"receiver\":\"0.1.2.") != NULL;
		stage_expect(stage, "deadLetters");
	}
	/* The second may have ended meanwhile. */
	assert_in_range(n_named, LIMIT_DEAD_LETTER_LOOKS, LIMIT_DEAD_LETTER_LOOKS + 20);
	if (stage->master->workers[1]->letters->n_notices > LIMIT_DEAD_LETTER_LOOKS)
		assert_int_equal(n_addressed, 20);
}

static bool is_draining(struct stage *stage)
{
	return instance_drains(&unit_find(stage->master, "one")->instances[0]);
}

static bool runs_again(struct stage *stage)
{
	return stage->workers[1]->n_spawns == 2 &&
	       unit_find(stage->master, "one")->instances[0].state == API_STATE_RUNNING;
}

static void calls_of_one_life_do_not_count_for_the_next(void **state)
{
	struct stage *stage = *state;
	const struct unit *unit = unit_find(stage->master, "one");
	struct worker_ended ended = {
		.version = stage->workers[1]->spawn.version,
		.actor = actor_of(stage, "one"),
		.cause = TROUPE_CAUSE_SHUTDOWN,
	};
	int64_t call;

	stage_say(stage, "{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":"
			 "\"one\",\"method\":\"a.b.Do\"}}");
	call = stage_wait_call(stage, 1);
	assert_int_equal(unit->instances[0].outstanding, 1);
	stage_say(stage, "{\"method\":\"io.troupe.Control.Restart\",\"parameters\":"
			 "{\"name\":\"one\"}}");
	stage_until(stage, is_draining);
	/* It does not say what became of the call. */
	stage_tell(stage->workers[1], &worker_ended_method, &ended);
	stage_until(stage, runs_again);
	assert_int_equal(unit->instances[0].outstanding, 0);
	stage_reply(stage->workers[1], call, false, NULL, "{\"late\":1}");
	stage_expect(stage, "late");
	stage_expect(stage, "\"running\"");
	assert_int_equal(unit->instances[0].outstanding, 0);
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(worker_is_ended_when_it_answers_what_nobody_asked),
		TEST(worker_is_ended_when_it_defines_what_nobody_asked),
		TEST(worker_is_ended_when_it_spawns_what_nobody_asked),
		TEST(worker_is_ended_when_it_reports_the_end_of_anothers_actor),
		TEST(worker_is_ended_when_it_reports_an_end_that_no_actor_has),
		TEST(worker_is_ended_when_it_floods_us_with_dead_letters),
		TEST(dead_letters_of_a_worker_are_few_lines_that_add_up),
		TEST(worker_is_ended_when_its_dead_letters_make_no_sense),
		TEST(worker_is_ended_when_it_reports_no_dead_letters),
		TEST(worker_is_not_believed_when_it_names_units_of_others),
		TEST(worker_does_not_answer_the_calls_of_others),
		TEST(plugin_is_refused_for_one_worker_only),
		TEST(unit_is_not_blamed_when_anothers_page_names_it),
		TEST(unit_is_not_blamed_when_anothers_page_says_init),
		TEST(unit_is_not_blamed_when_anothers_page_says_load),
		TEST(actor_that_was_taken_along_is_back_at_once),
		TEST(blame_of_an_actor_that_is_down_does_not_hasten_restarts),
		TEST(unit_is_not_blamed_when_anothers_page_says_define),
		TEST(unit_fails_alone_when_its_configuration_ends_the_worker),
		TEST(death_outside_of_handlers_is_pinned_on_its_plugin_the_second_time),
		TEST(plugin_is_not_blamed_on_a_unit_that_is_stopped),
		TEST(deaths_that_name_no_plugin_lead_to_a_search),
		TEST(deaths_with_healthy_time_between_them_speak_against_nobody),
		TEST(search_starts_one_unit_at_a_time),
		TEST(unit_is_not_blamed_for_what_was_not_asked),
		TEST(handler_that_was_there_at_the_limit_pays_and_no_other),
		TEST(page_of_garbage_is_survived),
		TEST(census_ends_when_a_worker_has_nothing_more_to_tell),
		TEST(dead_letters_name_few_actors_in_a_second),
		TEST(calls_of_one_life_do_not_count_for_the_next),
		TEST(worker_is_ended_when_its_census_fills_an_answer),
		TEST(census_does_not_name_units_of_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

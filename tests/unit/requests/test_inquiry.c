/* test_inquiry.c - what a worker says of its actors when a client asks. */
#include "tests/unit/sim/stage.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static bool has_inquiry(struct stage *stage)
{
	return stage->workers[1]->inquiry != 0;
}

static void census_ends_when_a_worker_has_nothing_more_to_tell(void **state)
{
	struct stage *stage = *state;
	struct worker_resident resident = {.actor = stage_actor(stage, "one"),
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
	stage_expect_unharmed(stage);
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
		residents[i] = (struct worker_resident){.actor = stage_actor(stage, "one"),
							.actorType = name};
	stage_say(stage, "{\"method\":\"io.troupe.Control.Actors\",\"more\":true,"
			 "\"parameters\":{\"worker\":1}}");
	stage_until(stage, has_inquiry);
	census.request = stage->workers[1]->inquiry;
	stage_tell(stage->workers[1], &worker_census_method, &census);
	stage_expect(stage, "{\"parameters\":{\"actors\":[],");
	stage_expect_replaced(stage);
}

static void census_does_not_name_units_of_others(void **state)
{
	struct stage *stage = *state;
	struct worker_resident residents[2] = {
		{.actor = stage_actor(stage, "one"),
		 .version = stage->workers[2]->spawn.version,
		 .actorType = "mine"},
		{.actor = stage_actor(stage, "two"), .actorType = "foreign"},
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

#define ACTORS "{\"method\":\"io.troupe.Control.Actors\",\"parameters\":{\"worker\":1}}"

static void worker_is_ended_when_its_census_is_of_too_many_actors(void **state)
{
	struct stage *stage = *state;
	struct worker_resident residents[LIMIT_DESCRIBED + 1];
	struct worker_census census = {.actors = {residents, ARRAY_LEN(residents)}};

	for (size_t i = 0; i < ARRAY_LEN(residents); i++)
		residents[i] = (struct worker_resident){.actor = stage_actor(stage, "one"),
							.actorType = "x"};
	stage_say(stage, ACTORS);
	stage_until(stage, has_inquiry);
	census.request = stage->workers[1]->inquiry;
	stage_tell(stage->workers[1], &worker_census_method, &census);
	stage_expect(stage, "{\"parameters\":{\"actors\":[],");
	stage_expect_replaced(stage);
}

#define DESCRIBE "{\"method\":\"io.troupe.Control.Describe\",\"parameters\":{\"name\":\"one\"}}"

static void tell_times(struct stage *stage, const struct worker_times *times,
		       const struct worker_times *own_times)
{
	struct worker_resident resident = {.actor = stage_actor(stage, "one"),
					   .version = stage->workers[1]->spawn.version,
					   .actorType = "x",
					   .times = times,
					   .ownTimes = own_times};
	struct worker_census census = {.actors = {&resident, 1}};

	stage->workers[1]->inquiry = 0;
	stage_say(stage, DESCRIBE);
	stage_until(stage, has_inquiry);
	census.request = stage->workers[1]->inquiry;
	stage_tell(stage->workers[1], &worker_census_method, &census);
}

static void answer_with_times(struct stage *stage, int64_t max_ns, size_t n, int64_t count)
{
	int64_t counts[HISTOGRAM_BUCKETS + 1] = {count};
	struct worker_times times = {.maxNs = max_ns, .counts = {counts, n}};

	tell_times(stage, &times, NULL);
}

static void times_of_an_actor_are_its_own(void **state)
{
	struct stage *stage = *state;
	int64_t all[HISTOGRAM_BUCKETS] = {12}, counts[HISTOGRAM_BUCKETS] = {0, 5};
	const struct worker_times times = {.maxNs = 900, .counts = {all, HISTOGRAM_BUCKETS}};
	struct worker_times own = {.maxNs = 1500, .counts = {counts, HISTOGRAM_BUCKETS}};

	tell_times(stage, &times, &own);
	stage_expect(stage, "\"handlerTimes\":{\"count\":5,\"maxNs\":1500,\"counts\":[0,5,0,");
	stage_expect_unharmed(stage);
	own.counts.count--; /* as with those of its unit */
	tell_times(stage, &times, &own);
	stage_expect(stage, "\"actors\":[]");
	stage_expect_replaced(stage);
}

static void times_of_handlers_are_in_a_description(void **state)
{
	struct stage *stage = *state;

	answer_with_times(stage, 900, HISTOGRAM_BUCKETS, 12);
	stage_expect(stage, "\"handlerTimes\":{\"count\":12,\"maxNs\":900,\"counts\":[12,0,");
	stage_expect_unharmed(stage);
}

static void expect_end(struct stage *stage, int64_t max_ns, size_t n, int64_t count)
{
	answer_with_times(stage, max_ns, n, count);
	stage_expect(stage, "\"actors\":[]");
	stage_expect_replaced(stage);
}

static void worker_is_ended_for_too_few_counts(void **state)
{
	expect_end(*state, 900, HISTOGRAM_BUCKETS - 1, 1);
}

static void worker_is_ended_for_too_many_counts(void **state)
{
	expect_end(*state, 900, HISTOGRAM_BUCKETS + 1, 1);
}

static void worker_is_ended_for_a_time_before_zero(void **state)
{
	expect_end(*state, -1, HISTOGRAM_BUCKETS, 1);
}

static void worker_is_ended_for_a_count_below_zero(void **state)
{
	expect_end(*state, 900, HISTOGRAM_BUCKETS, -1);
}

static void worker_is_ended_for_a_count_that_none_can_have(void **state)
{
	expect_end(*state, 900, HISTOGRAM_BUCKETS, INT64_MAX);
}

/* The page may hold anything. */
static void times_of_a_worker_are_numbers_whatever_its_page_holds(void **state)
{
	struct stage *stage = *state;

	memset((void *)&stage->workers[1]->page->handlers, 0xff, sizeof(struct histogram));
	stage->workers[1]->page->passes.counts[3] = 7;
	stage_say(stage, "{\"method\":\"io.troupe.Control.Workers\"}");
	stage_expect(stage, "\"handlerTimes\":{\"count\":9223372036854775807,"
			    "\"maxNs\":9223372036854775807,\"counts\":[9223372036854775807,");
	stage_say(stage, "{\"method\":\"io.troupe.Control.Workers\"}");
	stage_expect(stage, "\"loopTimes\":{\"count\":7,\"maxNs\":0,\"counts\":[0,0,0,7,0,");
	stage_expect_unharmed(stage);
}

/* A client of its own, as replies of one come in order; returns the one before. */
static int connect_another(struct stage *stage)
{
	int before = stage->client, pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(control_server_adopt(stage->master->server, pair[0]), 0);
	stage->client = pair[1];
	return before;
}

static void questions_beyond_the_limit_are_refused(void **state)
{
	struct stage *stage = *state;
	struct troupe_address address = stage_actor(stage, "one");
	char text[160];
	int first;

	for (unsigned i = 0; i < LIMIT_INQUIRIES_UID; i++)
		stage_say(stage, ACTORS);
	stage_idle(stage);
	assert_int_equal(stage_use(stage, SHARE_INQUIRIES)->calls, LIMIT_INQUIRIES_UID);
	first = connect_another(stage);
	stage_say(stage, ACTORS);
	stage_expect(stage, "io.troupe.Control.Overloaded");
	stage_say(stage, "{\"method\":\"io.troupe.Control.Describe\","
			 "\"parameters\":{\"name\":\"one\"}}");
	stage_expect(stage, "io.troupe.Control.Overloaded");
	stage_say(stage, "{\"method\":\"io.troupe.Control.List\"}");
	stage_expect(stage, "io.troupe.Control.Overloaded");
	/* A child of it */
	(void)snprintf(text, sizeof(text),
		       "{\"method\":\"io.troupe.Control.Stop\",\"parameters\":{"
		       "\"name\":\"%u.%u.%u.%u.%u\"}}",
		       address.node, address.worker, address.incarnation, address.slot + 7,
		       address.generation);
	stage_say(stage, text);
	stage_expect(stage, "io.troupe.Control.Overloaded");
	assert_int_equal(stage->workers[1]->n_stops, 0);
	/* Its end answers all of them. */
	stage_signal(stage->workers[1], SIGKILL);
	close(stage->client);
	stage->client = first;
	for (unsigned i = 0; i < LIMIT_INQUIRIES_UID; i++)
		stage_expect(stage, "{\"parameters\":{\"actors\":[],");
	assert_int_equal(stage_use(stage, SHARE_INQUIRIES)->calls, 0);
	stage_expect_replaced(stage);
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(census_ends_when_a_worker_has_nothing_more_to_tell),
		TEST(worker_is_ended_when_its_census_fills_an_answer),
		TEST(census_does_not_name_units_of_others),
		TEST(worker_is_ended_when_its_census_is_of_too_many_actors),
		TEST(times_of_an_actor_are_its_own),
		TEST(times_of_handlers_are_in_a_description),
		TEST(worker_is_ended_for_too_few_counts),
		TEST(worker_is_ended_for_too_many_counts),
		TEST(worker_is_ended_for_a_time_before_zero),
		TEST(worker_is_ended_for_a_count_below_zero),
		TEST(worker_is_ended_for_a_count_that_none_can_have),
		TEST(times_of_a_worker_are_numbers_whatever_its_page_holds),
		TEST(questions_beyond_the_limit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_peers.c - several workers that call each other, led by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "stage.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define RELAY "io.troupe.test.relay"

static void workers_find_and_call_each_other(void **state)
{
	struct troupe_address relay, slow[2];
	struct stage_worker *a, *b;
	struct stage s;
	int64_t call;

	(void)state;
	stage_begin(&s);
	a = stage_start(&s, 1);
	b = stage_start(&s, 2);
	stage_introduce(a, b);
	relay = stage_cast(a, 1, "relay", "relay", "");
	slow[0] = stage_cast(b, 2, "slow", "slow", "");
	stage_name(a, "slow", slow, 1);
	assert_reply(stage_ask(a, relay, RELAY ".Answer",
			       "{\"to\":\"slow\",\"text\":\"far\",\"delayMs\":1}"),
		     NULL, "{\"text\":\"far\"}");
	assert_reply(stage_ask(a, relay, RELAY ".Answer",
			       "{\"to\":\"nobody\",\"text\":\"far\",\"delayMs\":1}"),
		     RELAY ".NoSuchName", "{\"name\":\"nobody\"}");
	call = stage_call(a, relay, RELAY ".Stream",
			  "{\"to\":\"slow\",\"count\":3,\"periodMs\":1}", STAGE_MORE, 0);
	assert_string_equal(stage_reply(a, call, 2)->parameters, "{\"number\":3}");
	assert_false(stage_reply(a, call, 2)->continues);
	assert_reply(
		stage_ask(a, relay, RELAY ".Provoke", "{\"to\":\"slow\",\"habit\":\"forget\"}"),
		RELAY ".NotAnswered", NULL);
	assert_non_null(strstr(a->replies[a->n_replies - 1].parameters, "no-reply"));
	assert_reply(
		stage_ask(a, relay, RELAY ".Provoke", "{\"to\":\"slow\",\"habit\":\"fail\"}"),
		RELAY ".NotAnswered", NULL);
	assert_non_null(strstr(a->replies[a->n_replies - 1].parameters, "failed"));
	/* An address of a life that is over. */
	slow[1] = slow[0];
	slow[1].generation++;
	stage_name(a, "slow", slow + 1, 1);
	stage_ask(a, relay, RELAY ".Answer", "{\"to\":\"slow\",\"text\":\"\",\"delayMs\":0}");
	assert_non_null(strstr(a->replies[a->n_replies - 1].parameters, "no-such-actor"));
	stage_end(&s);
}

/* One actor under a name, that provides so many of these interfaces. */
static void name_provider(struct stage_worker *w, const char *name, struct troupe_address actor,
			  bool is_default, const char *const *interfaces, size_t n)
{
	const struct worker_instance instance = {.actor = actor};

	stage_tell(w, &worker_name_method,
		   &(struct worker_name){.name = name,
					 .actors = {&instance, 1},
					 .interfaces = {interfaces, n},
					 .isDefault = is_default});
}

#define GATEWAY "io.troupe.test.gateway"

static void workers_find_providers_and_call_them_with_text(void **state)
{
	static const char *const interfaces[] = {
		"io.troupe.test.slow", "a.b", "a.c", "a.d", "a.e", "a.f", "a.g", "a.h", "a.i"};
	static const char ask[] = "{\"method\":\"io.troupe.test.slow.Answer\",\"parameters\":"
				  "{\"text\":\"far\",\"delayMs\":0}}";
	cleanup_free char *complaints = NULL;
	struct troupe_address gateway, slow, near;
	const struct stage_reply *reply;
	struct stage_worker *a, *b;
	struct stage s;

	(void)state;
	stage_begin(&s);
	a = stage_start(&s, 1);
	b = stage_start(&s, 2);
	stage_introduce(a, b);
	gateway = stage_cast(a, 1, "gateway", "gateway", "");
	slow = stage_cast(b, 2, "slow", "slow", "");
	assert_reply(stage_ask(a, gateway, GATEWAY ".Call", ask), GATEWAY ".Refused",
		     "{\"error\":\"ENOENT\"}");
	name_provider(a, "slow", slow, false, interfaces, 1);
	assert_reply(stage_ask(a, gateway, GATEWAY ".Call", ask), NULL,
		     "{\"parameters\":{\"text\":\"far\"}}");
	/* In the same process, where the text is read at once. */
	near = stage_cast(a, 3, "slow", "slow", "");
	name_provider(a, "near", near, false, interfaces, 1);
	assert_reply(stage_ask(a, gateway, GATEWAY ".Call", ask), GATEWAY ".Refused",
		     "{\"error\":\"ENOTUNIQ\"}");
	name_provider(a, "near", near, true, interfaces, 1);
	assert_reply(stage_ask(a, gateway, GATEWAY ".Call", ask), NULL,
		     "{\"parameters\":{\"text\":\"far\"}}");
	reply = stage_ask(a, gateway, GATEWAY ".Call",
			  "{\"method\":\"io.troupe.test.slow.Answer\",\"to\":\"near\","
			  "\"parameters\":{\"text\":1,\"delayMs\":0}}");
	assert_reply(reply, GATEWAY ".NotAnswered", NULL);
	assert_non_null(strstr(reply->parameters, "org.varlink.service.InvalidParameter"));
	/* More than an actor can have: nothing of it is taken. */
	name_provider(a, "odd", slow, true, interfaces, ARRAY_LEN(interfaces));
	assert_reply(stage_ask(a, gateway, GATEWAY ".Call", ask), NULL,
		     "{\"parameters\":{\"text\":\"far\"}}");
	complaints = stage_complaints(a);
	assert_non_null(strstr(complaints, "name odd: Invalid argument"));
	stage_end(&s);
}

static void workers_forward_calls_to_each_other(void **state)
{
	struct troupe_address forward, slow;
	struct stage_worker *a, *b, *c;
	struct troupe_address relay;
	struct stage s;

	(void)state;
	stage_begin(&s);
	a = stage_start(&s, 1);
	b = stage_start(&s, 2);
	c = stage_start(&s, 3);
	stage_introduce(a, b);
	stage_introduce(b, c);
	stage_introduce(a, c);
	relay = stage_cast(a, 1, "relay", "relay", "");
	forward = stage_cast(b, 2, "relay", "forward", "{\"to\":\"slow\"}");
	slow = stage_cast(c, 3, "slow", "slow", "");
	stage_name(a, "forward", &forward, 1);
	stage_name(b, "slow", &slow, 1);
	assert_reply(stage_ask(a, relay, RELAY ".Answer",
			       "{\"to\":\"forward\",\"text\":\"round\",\"delayMs\":1}"),
		     NULL, "{\"text\":\"round\"}");
	stage_end(&s);
}

/* Messages an actor has handled. */
static int64_t count_handled(struct stage_worker *w, struct troupe_address actor)
{
	unsigned before = w->censuses;

	stage_tell(w, &worker_describe_method,
		   &(struct worker_describe){.request = 1, .actor = actor});
	stage_until(w->stage, w->censuses > before);
	assert_int_equal(w->n_residents, 1);
	return w->resident_handled;
}

static void worker_gives_pools_turns_beginning_at_home(void **state)
{
	static const unsigned turns[] = {1, 2, 0, 1, 2, 0};
	struct troupe_address relay, pool[3];
	struct stage_worker *a, *b, *home[3];
	struct stage s;

	(void)state;
	stage_begin(&s);
	home[1] = a = stage_start(&s, 1);
	home[0] = home[2] = b = stage_start(&s, 2);
	stage_introduce(a, b);
	relay = stage_cast(a, 1, "relay", "relay", "");
	pool[0] = stage_cast(b, 2, "slow", "slow", "");
	pool[1] = stage_cast(a, 3, "slow", "slow", "");
	assert_null(stage_spawn(b, 2, 1));
	pool[2] = b->actor;
	stage_name(a, "slow", pool, 3);
	for (int i = 0; i < 6; i++) {
		unsigned turn = turns[i];
		int64_t before = count_handled(home[turn], pool[turn]);

		stage_ask(a, relay, RELAY ".Answer",
			  "{\"to\":\"slow\",\"text\":\"\",\"delayMs\":0}");
		assert_true(count_handled(home[turn], pool[turn]) > before);
	}
	stage_end(&s);
}

static void worker_fails_calls_to_a_worker_that_was_killed(void **state)
{
	struct troupe_address relay, slow;
	struct stage_worker *a, *b;
	struct stage s;
	int64_t call;

	(void)state;
	stage_begin(&s);
	a = stage_start(&s, 1);
	b = stage_start(&s, 2);
	stage_introduce(a, b);
	relay = stage_cast(a, 1, "relay", "relay", "");
	slow = stage_cast(b, 2, "slow", "slow", "");
	stage_name(a, "slow", &slow, 1);
	call = stage_call(a, relay, RELAY ".Provoke", "{\"to\":\"slow\",\"habit\":\"never\"}",
			  0, 0);
	assert_reply(stage_ask(a, relay, RELAY ".Answer",
			       "{\"to\":\"slow\",\"text\":\"far\",\"delayMs\":1}"),
		     NULL, NULL);
	kill(b->pid, SIGKILL);
	stage_wait_dead(b);
	stage_bury(a, b, true);
	assert_non_null(strstr(stage_reply(a, call, 0)->parameters, "actor-died"));
	/* Its successor has another address, and is reached. */
	b = stage_start(&s, 2);
	stage_introduce(a, b);
	slow = stage_cast(b, 2, "slow", "slow", "");
	assert_int_equal(slow.incarnation, 2);
	stage_name(a, "slow", &slow, 1);
	assert_reply(stage_ask(a, relay, RELAY ".Answer",
			       "{\"to\":\"slow\",\"text\":\"back\",\"delayMs\":1}"),
		     NULL, "{\"text\":\"back\"}");
	stage_end(&s);
}

static void worker_fails_calls_to_a_worker_that_ended_in_order(void **state)
{
	struct troupe_address relay, slow;
	struct stage_worker *a, *b;
	struct stage s;
	int64_t call;

	(void)state;
	stage_begin(&s);
	a = stage_start(&s, 1);
	b = stage_start(&s, 2);
	stage_introduce(a, b);
	relay = stage_cast(a, 1, "relay", "relay", "");
	slow = stage_cast(b, 2, "slow", "slow", "");
	stage_name(a, "slow", &slow, 1);
	call = stage_call(a, relay, RELAY ".Provoke", "{\"to\":\"slow\",\"habit\":\"never\"}",
			  0, 0);
	assert_reply(stage_ask(a, relay, RELAY ".Answer",
			       "{\"to\":\"slow\",\"text\":\"far\",\"delayMs\":1}"),
		     NULL, NULL);
	stage_bury(a, b, false);
	assert_non_null(strstr(stage_reply(a, call, 0)->parameters, "peer-down"));
	stage_end(&s);
}

static void worker_answers_callers_elsewhere_before_it_shuts_down(void **state)
{
	struct troupe_address relay, slow;
	struct stage_worker *a, *b;
	struct stage s;
	int64_t call;

	(void)state;
	stage_begin(&s);
	a = stage_start(&s, 1);
	b = stage_start(&s, 2);
	stage_introduce(a, b);
	relay = stage_cast(a, 1, "relay", "relay", "");
	slow = stage_cast(b, 2, "slow", "slow", "");
	stage_name(a, "slow", &slow, 1);
	call = stage_call(a, relay, RELAY ".Provoke", "{\"to\":\"slow\",\"habit\":\"never\"}",
			  0, 0);
	assert_reply(stage_ask(a, relay, RELAY ".Answer",
			       "{\"to\":\"slow\",\"text\":\"far\",\"delayMs\":1}"),
		     NULL, NULL);
	stage_tell(b, &worker_shutdown_method, "");
	/* Not by the master's word: that is not given here. */
	assert_non_null(strstr(stage_reply(a, call, 0)->parameters, "actor-died"));
	assert_int_equal(stage_wait_dead(b), 0);
	stage_end(&s);
}

/* Once its mailbox has room for the question. */
static int64_t count_taken(struct stage_worker *w, struct troupe_address sink)
{
	const uint64_t until_ns = clock_now_ns() + STAGE_PATIENCE_NS;
	const char *text = NULL;

	while (!text && clock_now_ns() < until_ns)
		text = strstr(stage_ask(w, sink, "io.troupe.test.sink.Taken", "{}")->parameters,
			      "count");
	assert_non_null(text);
	return atoll(text + strlen("count\":"));
}

/* A far mailbox that is full takes no more; each message is either taken or told of. */
static void workers_lose_no_message_untold_in_a_flood(void **state)
{
	struct troupe_address flood, sink;
	const uint64_t begin_ns = clock_now_ns();
	const int64_t count = 100000;
	struct stage_worker *a, *b;
	uint64_t until_ns;
	int64_t taken = 0;
	struct stage s;

	(void)state;
	stage_begin(&s);
	a = stage_start(&s, 1);
	b = stage_start(&s, 2);
	stage_introduce(a, b);
	flood = stage_cast(a, 1, "flood", "flood", "");
	sink = stage_cast(b, 2, "flood", "sink", "");
	stage_name(a, "sink", &sink, 1);
	assert_null(stage_ask(a, flood, "io.troupe.test.flood.Flood",
			      "{\"sink\":\"sink\",\"count\":100000}")
			    ->error);
	until_ns = clock_now_ns() + STAGE_PATIENCE_NS;
	while (taken + b->letters < count && clock_now_ns() < until_ns) {
		usleep(50000);
		taken = count_taken(b, sink);
	}
	assert_int_equal(taken + b->letters, count);
	assert_true(taken >= 1024);
	/* One in 200 ms. */
	assert_in_range(b->dead_letters, 0,
			2 + (clock_now_ns() - begin_ns) / (200 * CLOCK_MS_NS));
	assert_int_equal(a->letters, 0);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(workers_find_and_call_each_other),
		cmocka_unit_test(workers_find_providers_and_call_them_with_text),
		cmocka_unit_test(workers_forward_calls_to_each_other),
		cmocka_unit_test(worker_gives_pools_turns_beginning_at_home),
		cmocka_unit_test(worker_fails_calls_to_a_worker_that_was_killed),
		cmocka_unit_test(worker_fails_calls_to_a_worker_that_ended_in_order),
		cmocka_unit_test(worker_answers_callers_elsewhere_before_it_shuts_down),
		cmocka_unit_test(workers_lose_no_message_untold_in_a_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

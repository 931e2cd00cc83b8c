/* call: targets, parameters typed by the interface, and what people read when it goes wrong. */
#include "fixture.h"

#include "ctl/verbs.h"

#define TEST "com.example.test."

#define call(fixture, ...) run_verb(fixture, verb_call, __VA_ARGS__)

static void call_prints_reply_when_method_is_qualified(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(call(fixture, TEST "Echo", "{\"n\":1}", NULL), STATUS_OK);
	assert_string_equal(fixture->text, "{\"n\":1}\n");
	assert_int_equal(call(fixture, TEST "Echo", NULL), STATUS_OK);
	assert_string_equal(fixture->text, "{}\n");
}

static void call_unwraps_reply_when_actor_is_named(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(call(fixture, "unit", "Echo", "{\"n\":1}", NULL), STATUS_OK);
	assert_string_equal(fixture->text, "{\"n\":1}\n");
	assert_int_equal(call(fixture, "unit", TEST "Echo", "n=3", NULL), STATUS_OK);
	assert_string_equal(fixture->text, "{\"n\":3}\n");
}

static void call_types_values_when_they_are_given_by_key(void **state)
{
	static const struct {
		const char *argument, *text;
	} cases[] = {
		{"n=-7", "{\"n\":-7}\n"},
		{"n=64K", "{\"n\":65536}\n"},
		{"AT.X=1", "{\"at\":{\"x\":1}}\n"},
		{"map.a.b=3", "{\"map\":{\"a.b\":3}}\n"},
		{"n=9223372036854775807", "{\"n\":9223372036854775807}\n"},
		{"ok=yes", "{\"ok\":true}\n"},
		{"kind=green", "{\"kind\":\"green\"}\n"},
		{"text=17", "{\"text\":\"17\"}\n"},
		{"text=", "{\"text\":\"\"}\n"},
		{"text=a=b", "{\"text\":\"a=b\"}\n"},
		{"names=x", "{\"names\":[\"x\"]}\n"},
		{"names=[\"x\",\"y\"]", "{\"names\":[\"x\",\"y\"]}\n"},
		{"at.x=1", "{\"at\":{\"x\":1}}\n"},
		{"at.y=0.5", "{\"at\":{\"y\":0.5}}\n"},
		{"at={\"x\":2}", "{\"at\":{\"x\":2}}\n"},
		{"map.some=3", "{\"map\":{\"some\":3}}\n"},
		{"any.deep.er=x", "{\"any\":{\"deep\":{\"er\":\"x\"}}}\n"},
		{"any:={\"a\":[1]}", "{\"any\":{\"a\":[1]}}\n"},
		{"n:=null", "{\"n\":null}\n"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(call(fixture, TEST "Echo", cases[i].argument, NULL),
				 STATUS_OK);
		assert_string_equal(fixture->text, cases[i].text);
	}
	assert_int_equal(
		call(fixture, TEST "Echo", "names=x", "names=y", "at.x=1", "at.y=2", NULL),
		STATUS_OK);
	assert_string_equal(fixture->text,
			    "{\"names\":[\"x\",\"y\"],\"at\":{\"x\":1,\"y\":2.0}}\n");
}

static void call_says_what_a_value_takes_when_it_is_wrong(void **state)
{
	static const struct {
		const char *argument, *error;
	} cases[] = {
		{"n=x", "n=x: must be a whole number, like 80 or 64K"},
		{"n=", "must be a whole number"},
		{"n=9223372036854775808", "must be from -9223372036854775808 to 922"},
		{"text=\xff", "this is not UTF-8 text"},
		{"ok=maybe", "ok=maybe: must be yes or no"},
		{"kind=blue", "must be one of red, green"},
		{"at.x=q", "at.x=q: must be a whole number"},
		{"at.z=1", "there is no parameter z; there are x, y"},
		{"at.y=1e999", "is out of the range of numbers"},
		{"at.=1", "a name is missing beside a dot"},
		{"\xff=1", "this is not UTF-8 text"},
		{"any:={\"a\":1,\"a\":2}", "the value is not JSON: the key \"a\" twice"},
		{"txt=1",
		 "there is no parameter txt (did you mean text?); there are n, ok, kind,"},
		{"n.x=1", "n is a single value, nothing can follow it"},
		{"n:={", "the value is not JSON"},
		{"nonsense", "neither key=value nor key:=JSON nor a JSON object"},
		{"{\"n\":", "the parameters are not a JSON object"},
		{"names:=[", "the value is not JSON"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(call(fixture, TEST "Echo", cases[i].argument, NULL),
				 STATUS_USAGE);
		assert_string_equal(fixture->text, "");
		expect_in(fixture->errors, cases[i].error);
	}
	assert_int_equal(call(fixture, TEST "Echo", "{}", "n=1", NULL), STATUS_USAGE);
	expect_in(fixture->errors, "nothing can follow a JSON object: n=1");
}

static void call_says_what_to_do_when_target_is_wrong(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(call(fixture, "unt", "Echo", NULL), STATUS_FAILED);
	expect_in(fixture->errors,
		  "no actor is called unt (did you mean unit?); the units are: unit, other");
	assert_int_equal(call(fixture, "zzzzzzzz", "Echo", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "no actor is called zzzzzzzz; the units are: unit, other");
	assert_int_equal(call(fixture, "unit/7", "Echo", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "unit has no actor unit/7; `troupectl show unit`");
	assert_int_equal(call(fixture, "unit", "Eco", NULL), STATUS_FAILED);
	expect_in(fixture->errors,
		  "unit has no method Eco (did you mean Echo?); it has: Echo, Slow");
	assert_int_equal(call(fixture, "unit", "Nope", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "unit has no method Nope; it has: Echo, Slow");
	assert_int_equal(call(fixture, "unit", NULL), STATUS_USAGE);
	expect_in(fixture->errors, "which method of unit?");
	assert_int_equal(call(fixture, "com.example.none.Do", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "nothing that runs provides the interface com.example.none");
	assert_int_equal(call(fixture, "com.example.tset.Do", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "(did you mean com.example.test?); there are: org.varlink");
	assert_int_equal(call(fixture, TEST "Nope", "a=b", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "com.example.test has no method Nope; it has: Echo, Slow");
}

/* What helps is asked for over the connection that the error came from. */
static void call_explains_error_when_a_stream_was_asked_for(void **state)
{
	struct fixture *fixture = *state;

	fixture->ctl.options.given |= OPTION(MORE);
	assert_int_equal(call(fixture, "com.example.none.Do", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "there are: org.varlink.service");
	assert_int_equal(call(fixture, TEST "Echo", "n=1", NULL), STATUS_OK);
	assert_string_equal(fixture->text, "{\"n\":1}\n");
}

static void call_shows_typed_error_when_actor_fails(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(call(fixture, TEST "Bad", "{}", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "com.example.test.Bad {\"code\":\n7}");
	assert_int_equal(call(fixture, TEST "Full", "{}", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "try again later");
	fixture->ctl.options.given |= OPTION(JSON);
	assert_int_equal(call(fixture, TEST "Full", "{}", NULL), STATUS_FAILED);
	assert_string_equal(fixture->errors,
			    "{\"error\":\"io.troupe.Control.Overloaded\",\"parameters\":{}}\n");
}

/* The service answers nothing: the deadline is ours to keep. The rest is for machines under
 * load. */
static void call_ends_at_its_deadline_when_no_reply_comes(void **state)
{
	struct fixture *fixture = *state;
	uint64_t begin = clock_now_ns();

	fixture->ctl.options.given |= OPTION(TIMEOUT);
	fixture->ctl.options.timeout_ns = 100 * CLOCK_MS_NS;
	assert_int_equal(call(fixture, TEST "Hang", "{}", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "the actor did not answer in time; --timeout TIME");
	/* Of a stream it is the deadline for the first reply. What was left of it is there. */
	fixture->ctl.options.timeout_ns = 100 * CLOCK_MS_NS;
	fixture->ctl.options.given |= OPTION(MORE);
	assert_int_equal(call(fixture, TEST "Hang", "{}", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "the actor did not answer in time; --timeout TIME");
	assert_in_range(clock_now_ns() - begin, 200 * CLOCK_MS_NS, 20 * CLOCK_SECOND_NS);
}

static void call_says_that_the_daemon_does_not_answer(void **state)
{
	struct fixture *fixture = *state;
	uint64_t begin = clock_now_ns();

	fixture->ctl.options.given |= OPTION(TIMEOUT);
	fixture->ctl.options.timeout_ns = 100 * CLOCK_MS_NS;
	assert_int_equal(call(fixture, "hang", TEST "Hang", "{}", NULL), STATUS_UNREACHABLE);
	expect_in(fixture->errors, "no reply in time from the daemon");
	assert_in_range(clock_now_ns() - begin, 100 * CLOCK_MS_NS, 20 * CLOCK_SECOND_NS);
}

static void call_says_that_daemon_is_gone_when_it_closes(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(call(fixture, TEST "Drop", "{}", NULL), STATUS_UNREACHABLE);
	expect_in(fixture->errors, "closed the connection");
}

static void send_returns_when_message_is_written(void **state)
{
	struct fixture *fixture = *state;
	char method[] = TEST
	"Echo", *arguments[] = {method, NULL};

	assert_int_equal(verb_send(&fixture->ctl, arguments, 1), STATUS_OK);
	take_output(fixture);
	assert_string_equal(fixture->text, "");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		CASE(call_prints_reply_when_method_is_qualified),
		CASE(call_unwraps_reply_when_actor_is_named),
		CASE(call_types_values_when_they_are_given_by_key),
		CASE(call_says_what_a_value_takes_when_it_is_wrong),
		CASE(call_says_what_to_do_when_target_is_wrong),
		CASE(call_explains_error_when_a_stream_was_asked_for),
		CASE(call_shows_typed_error_when_actor_fails),
		CASE(call_ends_at_its_deadline_when_no_reply_comes),
		CASE(call_says_that_the_daemon_does_not_answer),
		CASE(call_says_that_daemon_is_gone_when_it_closes),
		CASE(send_returns_when_message_is_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

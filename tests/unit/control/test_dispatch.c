/* Which frames are calls, what they reach, and the error that each mistake gets. */
#include "fixture.h"

#include "base/limits.h"

static int set_up(void **state)
{
	*state = fixture_new(&(struct control_config){.frame_max = LIMIT_FRAME});
	return 0;
}

static int tear_down(void **state)
{
	fixture_free(*state);
	return 0;
}

#define SERVICE_ERROR(name, field, value)                                                      \
	"{\"error\":\"org.varlink.service." name "\",\"parameters\":{\"" field "\":\"" value   \
	"\"}}"
#define INVALID(field, reason)                                                                 \
	"{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":{\"parameter\":"   \
	"\"" field "\",\"reason\":\"" reason "\"}}"

/* What a call that is well-formed but wrong gets; the connection goes on. */
static void dispatch_answers_with_the_right_error_when_call_is_wrong(void **state)
{
	static const struct {
		const char *call, *reply;
	} cases[] = {
		{"{\"method\":\"nodots\"}",
		 SERVICE_ERROR("InterfaceNotFound", "interface", "nodots")},
		{"{\"method\":\"io.troupe.Control.Nope\"}",
		 SERVICE_ERROR("MethodNotFound", "method", "io.troupe.Control.Nope")},
		{"{\"method\":\"io.troupe.Control.\"}",
		 SERVICE_ERROR("MethodNotFound", "method", "io.troupe.Control.")},
		{"{\"method\":\"org.varlink.service.Nope\"}",
		 SERVICE_ERROR("MethodNotFound", "method", "org.varlink.service.Nope")},
		{"{\"method\":\"io.troupe.Control.Spawn\",\"parameters\":{}}",
		 SERVICE_ERROR("MethodNotImplemented", "method", "io.troupe.Control.Spawn")},
		{"{\"method\":\"io.troupe.Control.Watch\"}",
		 "{\"error\":\"org.varlink.service.ExpectedMore\"}"},
		{"{\"method\":\"io.troupe.Control.Stop\"}",
		 INVALID("name", "the field is missing")},
		{"{\"method\":\"io.troupe.Control.Stop\",\"parameters\":{\"name\":1}}",
		 INVALID("name", "a string, found a number")},
		{"{\"method\":\"io.troupe.Control.Stop\",\"parameters\":{\"name\":\"a\",\"x\":"
		 "1}}",
		 INVALID("x", "the type has no such field")},
		{"{\"method\":\"io.troupe.Control.Actors\",\"parameters\":{\"worker\":1.5}}",
		 INVALID("worker", "an int, found a number with a fraction")},
		{"{\"method\":\"io.troupe.Control.Stop\",\"parameters\":[]}",
		 INVALID("parameters", "must be an object")},
		{"{\"method\":\"io.troupe.Control.Stop\",\"parameters\":\"name\"}",
		 INVALID("parameters", "must be an object")},
		{"{\"method\":\"io.troupe.Control.Stop\",\"upgrade\":true}",
		 INVALID("upgrade", "no method changes the protocol")},
		{"{\"method\":\"io.troupe\\u0000.Control\"}",
		 INVALID("method", "cannot be the name of one")},
		{"{\"method\":\"io.troupe.Control.Start\",\"parameters\":{\"name\":\"\\\"x\"}}",
		 "{\"error\":\"io.troupe.Control.NoSuchActor\",\"parameters\":{\"name\":"
		 "\"\\\"x\"}}"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		send_frame(fixture, cases[i].call);
		expect_frame(fixture, cases[i].reply);
	}
	assert_int_equal(fixture->n_trouble, 0);
}

static void dispatch_accepts_call_when_members_are_null_or_unknown(void **state)
{
	static const char *const calls[] = {
		"{\"method\":\"io.troupe.Control.Actors\"}",
		" { \"method\" : \"io.troupe.Control.Actors\" , \"more\" : false } ",
		"{\"method\":\"io.troupe.Control.Actors\",\"parameters\":{},\"oneway\":false}",
		"{\"method\":\"io.troupe.Control.Actors\",\"parameters\":null}",
		"{\"method\":\"io.troupe.Control.Actors\",\"more\":null,\"upgrade\":null}",
		"{\"method\":\"io.troupe.Control.Actors\",\"upgrade\":false}",
		"{\"method\":\"io.troupe.Control.Actors\",\"extra\":[{\"more\":true}]}",
		"{\"method\":\"io.troupe.Control.\\u0041ctors\"}",
		"{\"method\":\"io.troupe.Control.Actors\",\"parameters\":{\"worker\":null}}",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		send_frame(fixture, calls[i]);
		wait_until(fixture, fixture->n_open == i + 1);
		assert_false(fixture->open[i]->more);
		assert_int_equal(answer_actors(fixture, i, false), 0);
		expect_frame(fixture, EMPTY_ACTORS);
	}
}

static void expect_refusal(struct fixture *fixture, const char *text, size_t size)
{
	const char *reply;

	fixture->trouble[0] = '\0';
	close(fixture->client);
	fixture->client = fixture_connect(fixture);
	send_raw(fixture, fixture->client, text, size);
	reply = next_frame(fixture);
	assert_non_null(reply);
	if (!strstr(reply, "\"error\":\"org.varlink.service.InvalidParameter\""))
		fail_msg("%.100s got %s", text, reply);
	/* What is at fault is a member of the call or all of it, and why stands apart. */
	if (!strstr(reply, "{\"parameter\":\"\",\"reason\":\"") &&
	    !strstr(reply, "{\"parameter\":\"method\",\"reason\":\"must be a string\"") &&
	    !strstr(reply, "{\"parameter\":\"more\",\"reason\":\"must be true or false\""))
		fail_msg("%.100s got %s", text, reply);
	assert_null(next_frame(fixture));
	assert_non_null(strstr(fixture->trouble, "closing a connection"));
}

static void dispatch_ends_connection_when_frame_is_no_call(void **state)
{
	static const char *const frames[] = {
		"",
		"{",
		"[]",
		"\"x\"",
		"{}",
		"{\"method\":1}",
		"{\"method\":null}",
		"{\"method\":\"a.B\",\"method\":\"a.C\"}",
		"{\"method\":\"a.B\",\"more\":1}",
		"{\"method\":\"a.B\"} x",
		"{\"method\":\"a.B\xff\"}",
		"{\"method\":\"a.B\",\"parameters\":{\"x\":\"\xed\xa0\x80\"}}",
		"{\"method\":\"a.B\",\"parameters\":{\"x\":01}}",
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(frames); i++) {
		/* Trouble is told of in bursts of ten. */
		if (i == 7) {
			fixture_free(fixture);
			*state = fixture = fixture_new(&(struct control_config){0});
		}
		expect_refusal(fixture, frames[i], strlen(frames[i]) + 1);
	}
	assert_int_equal(fixture->n_foreign, 0);
}

static void dispatch_ends_connection_when_frame_nests_deep(void **state)
{
	static const char head[] = "{\"method\":\"a.B\",\"parameters\":";
	size_t size = 1 << 20;
	cleanup_free char *frame = malloc(size);

	memset(frame, '[', size);
	memcpy(frame, head, strlen(head));
	frame[size - 1] = '\0';
	expect_refusal(*state, frame, size);
}

static void dispatch_ends_connection_when_frame_holds_millions_of_values(void **state)
{
	static const char head[] = "{\"method\":\"a.B\",\"parameters\":{\"x\":[";
	static const char tail[] = "{}]}}";
	size_t size = LIMIT_FRAME;
	cleanup_free char *frame = malloc(size);
	size_t at = strlen(head);

	memcpy(frame, head, at);
	while (at + 3 + sizeof(tail) < size) {
		memcpy(frame + at, "{},", 3);
		at += 3;
	}
	memcpy(frame + at, tail, sizeof(tail));
	expect_refusal(*state, frame, at + sizeof(tail));
}

static void dispatch_hands_call_on_when_interface_is_foreign(void **state)
{
	struct fixture *fixture = *state;

	send_frame(fixture, "{\"method\":\"com.example.foreign.Do\","
			    "\"parameters\": {\"x\" : [1, 2]} }");
	expect_frame(fixture, "{\"parameters\":{\"n\":1}}");
	assert_string_equal(fixture->foreign, "com.example.foreign|Do|{\"x\" : [1, 2]}");
	send_frame(fixture, "{\"method\":\"com.example.foreign.Do\"}");
	expect_frame(fixture, "{\"parameters\":{\"n\":1}}");
	assert_string_equal(fixture->foreign, "com.example.foreign|Do|");
}

static void dispatch_refuses_method_when_level_is_too_low(void **state)
{
	struct fixture *fixture = *state;

	fixture->level = CONTROL_CALL;
	send_frame(fixture, "{\"method\":\"io.troupe.Control.Stop\",\"parameters\":{\"name\":"
			    "\"hello\"}}");
	expect_frame(fixture, "{\"error\":\"org.varlink.service.PermissionDenied\"}");
	assert_int_equal(fixture->n_handled, 0);
	assert_string_equal(fixture->audit, "io.troupe.Control.Stop hello refused");
	/* A level that changes counts at once. */
	fixture->level = CONTROL_MANAGE;
	send_frame(fixture, "{\"method\":\"io.troupe.Control.Stop\",\"parameters\":{\"name\":"
			    "\"hello\"}}");
	expect_frame(fixture, "{}");
	assert_string_equal(fixture->audit, "io.troupe.Control.Stop hello allowed");
}

static void dispatch_audits_with_empty_target_when_there_is_no_name(void **state)
{
	struct fixture *fixture = *state;

	send_frame(fixture,
		   "{\"method\":\"io.troupe.Control.Stop\",\"parameters\":{\"name\":7}}");
	expect_frame(fixture, INVALID("name", "a string, found a number"));
	assert_string_equal(fixture->audit, "io.troupe.Control.Stop  allowed");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(dispatch_answers_with_the_right_error_when_call_is_wrong),
		CASE(dispatch_accepts_call_when_members_are_null_or_unknown),
		CASE(dispatch_ends_connection_when_frame_is_no_call),
		CASE(dispatch_ends_connection_when_frame_nests_deep),
		CASE(dispatch_ends_connection_when_frame_holds_millions_of_values),
		CASE(dispatch_hands_call_on_when_interface_is_foreign),
		CASE(dispatch_refuses_method_when_level_is_too_low),
		CASE(dispatch_audits_with_empty_target_when_there_is_no_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

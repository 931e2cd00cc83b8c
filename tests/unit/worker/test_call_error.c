/* test_call_error.c - what clients read of a call that failed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "worker/call_error.h"
#include <stdlib.h>
#include <string.h>

static void assert_invalid(const char *detail, int32_t field, const char *parameters)
{
	const struct troupe_reply reply = {
		.status = TROUPE_INVALID_PARAMETER, .code = field, .detail = detail};
	struct call_error failure =
		call_error_of_reply(&reply, (struct troupe_address){0}, "a.B");

	assert_string_equal(failure.error, "org.varlink.service.InvalidParameter");
	assert_string_equal(failure.parameters, parameters);
	free(failure.parameters);
}

/* Keys of maps may hold anything. */
static void call_error_names_a_field_that_holds_a_colon(void **state)
{
	(void)state;
	assert_invalid("n: is 0", 1, "{\"parameter\":\"n\",\"reason\":\"is 0\"}");
	assert_invalid("map[a: b]: is 0", 9,
		       "{\"parameter\":\"map[a: b]\",\"reason\":\"is 0\"}");
	assert_invalid("map[a: b]", 0, "{\"parameter\":\"map[a: b]\"}");
	assert_invalid(NULL, 0, "{\"parameter\":\"\"}");
}

/* What another worker says of it may be made up, and its text is cut. */
static void call_error_survives_a_field_of_any_size(void **state)
{
	(void)state;
	assert_invalid("map[a: b]", 9, "{\"parameter\":\"map[a: b]\"}");
	assert_invalid("map[a: b]", 4, "{\"parameter\":\"map[a: b]\"}");
	assert_invalid("\xc3\xa4: x", 1, "{\"parameter\":\"\xc3\xa4: x\"}");
	assert_invalid("n:", 1, "{\"parameter\":\"n:\"}");
	assert_invalid("n: ", 1, "{\"parameter\":\"n\"}");
	assert_invalid("n", -1, "{\"parameter\":\"n\"}");
	assert_invalid("n", INT32_MAX, "{\"parameter\":\"n\"}");
	assert_invalid("", 1, "{\"parameter\":\"\"}");
}

/* Each status that a caller may get is an error of its own. */
static void each_status_has_its_error(void **state)
{
	static const struct {
		uint32_t status;
		const char *error, *parameters;
	} rows[] = {
		{TROUPE_NO_SUCH_ACTOR, "io.troupe.Control.NoSuchActor",
		 "{\"name\":\"0.2.1.5.7\"}"},
		{TROUPE_ACTOR_DIED, "io.troupe.Control.ActorDied", "{\"actor\":\"0.2.1.5.7\"}"},
		{TROUPE_PEER_DOWN, "io.troupe.Control.PeerDown", "{}"},
		{TROUPE_TIMEOUT, "io.troupe.Control.Timeout", "{}"},
		{TROUPE_OVERLOADED, "io.troupe.Control.Overloaded", "{}"},
		{TROUPE_CANCELLED, "io.troupe.Control.Cancelled", "{}"},
		{TROUPE_NO_REPLY, "io.troupe.Control.NoReply", "{}"},
		{TROUPE_METHOD_NOT_FOUND, "org.varlink.service.MethodNotFound",
		 "{\"method\":\"a.B\"}"},
		{TROUPE_METHOD_NOT_IMPLEMENTED, "org.varlink.service.MethodNotImplemented",
		 "{\"method\":\"a.B\"}"},
		{TROUPE_EXPECTED_MORE, "org.varlink.service.ExpectedMore", "{}"},
		{TROUPE_PERMISSION_DENIED, "org.varlink.service.PermissionDenied", "{}"},
		{TROUPE_FAILED, "io.troupe.Control.Failed",
		 "{\"code\":-5,\"message\":\"Input/output error\"}"},
		{12345, "io.troupe.Control.Failed",
		 "{\"code\":-5,\"message\":\"Input/output error\"}"},
	};
	const struct troupe_address to = {
		.worker = 2, .incarnation = 1, .slot = 5, .generation = 7};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct troupe_reply reply = {.status = rows[i].status, .code = -5};
		struct call_error failure = call_error_of_reply(&reply, to, "a.B");

		assert_string_equal(failure.error, rows[i].error);
		assert_string_equal(failure.parameters, rows[i].parameters);
		free(failure.parameters);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_error_names_a_field_that_holds_a_colon),
		cmocka_unit_test(call_error_survives_a_field_of_any_size),
		cmocka_unit_test(each_status_has_its_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

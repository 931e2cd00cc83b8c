/* org.varlink.service. */
#include "fixture.h"

#include "org.varlink.service.varlink.h"
#include "proto/idl.h"

static int set_up(void **state)
{
	*state = fixture_new(&(struct control_config){0});
	return 0;
}

static int tear_down(void **state)
{
	fixture_free(*state);
	return 0;
}

static void introspect_lists_all_interfaces_when_asked_for_info(void **state)
{
	struct fixture *fixture = *state;

	fixture->level = CONTROL_OBSERVE;
	send_frame(fixture, "{\"method\":\"org.varlink.service.GetInfo\"}");
	expect_frame(fixture, "{\"parameters\":{\"vendor\":\"Vendor\",\"product\":\"Product\","
			      "\"version\":\"1.2\",\"url\":\"https://example.org\","
			      "\"interfaces\":[\"org.varlink.service\",\"io.troupe.Control\","
			      "\"com.example.foreign\"]}}");
}

/* The description that comes back, parsed; its name is what was asked for. */
static void expect_description(struct fixture *fixture, const char *name)
{
	static const char *const keys[] = {"parameters"}, *const inner[] = {"description"};
	struct json_span parameters, description;
	static char text[1 << 16];
	struct idl_error error;
	struct idl *idl;
	char call[512];
	const char *reply;

	snprintf(call, sizeof(call),
		 "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
		 "\"parameters\":{\"interface\":\"%s\"}}",
		 name);
	send_frame(fixture, call);
	reply = next_frame(fixture);
	assert_non_null(reply);
	assert_int_equal(json_pick(reply, strlen(reply), keys, 1, &parameters, NULL), 0);
	assert_int_equal(
		json_pick(parameters.at, parameters.size, inner, 1, &description, NULL), 0);
	assert_int_equal(json_unquote(description, text, sizeof(text)), 0);
	assert_int_equal(idl_parse(text, strlen(text), &idl, &error), 0);
	assert_string_equal(idl->name, name);
	idl_free(idl);
}

static void introspect_describes_interface_when_it_is_served(void **state)
{
	struct fixture *fixture = *state;

	expect_description(fixture, "org.varlink.service");
	expect_description(fixture, "io.troupe.Control");
	expect_description(fixture, "com.example.foreign");
}

static void introspect_fails_when_interface_is_unknown(void **state)
{
	struct fixture *fixture = *state;

	send_frame(fixture, "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
			    "\"parameters\":{\"interface\":\"com.example.none\"}}");
	expect_frame(fixture, "{\"error\":\"org.varlink.service.InterfaceNotFound\","
			      "\"parameters\":{\"interface\":\"com.example.none\"}}");
}

static void introspect_answers_when_there_is_no_host_behind_it(void **state)
{
	struct fixture *fixture = *state;
	static const struct control_ops ops = {.level_of = level_of};
	struct control_config config = {.loop = fixture->loop, .ops = &ops, .context = fixture};

	control_server_free(fixture->server);
	close(fixture->client);
	assert_int_equal(control_server_new(&config, &fixture->server), 0);
	fixture->client = fixture_connect(fixture);
	send_frame(fixture, "{\"method\":\"org.varlink.service.GetInfo\"}");
	expect_frame(fixture,
		     "{\"parameters\":{\"vendor\":\"\",\"product\":\"\",\"version\":\"\","
		     "\"url\":\"\",\"interfaces\":[\"org.varlink.service\"]}}");
	send_frame(fixture, "{\"method\":\"a.b.C\"}");
	expect_frame(fixture, "{\"error\":\"org.varlink.service.InterfaceNotFound\","
			      "\"parameters\":{\"interface\":\"a.b\"}}");
	send_frame(fixture, "{\"method\":\"org.varlink.service.GetInterfaceDescription\","
			    "\"parameters\":{\"interface\":\"a.b\"}}");
	expect_frame(fixture, "{\"error\":\"org.varlink.service.InterfaceNotFound\","
			      "\"parameters\":{\"interface\":\"a.b\"}}");
	send_frame(fixture, "bad");
	assert_non_null(next_frame(fixture));
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(introspect_lists_all_interfaces_when_asked_for_info),
		CASE(introspect_describes_interface_when_it_is_served),
		CASE(introspect_fails_when_interface_is_unknown),
		CASE(introspect_answers_when_there_is_no_host_behind_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

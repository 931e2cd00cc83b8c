/* test_explain.c - each error of the daemon in words that help, with what there is instead. */
#include "fixture.h"

#define SERVICE "org.varlink.service."
#define CONTROL "io.troupe.Control."
#define TEST    "com.example.test."

/* The words for an error of a call of `method` (NULL: none is known). */
static const char *explain(struct fixture *fixture, const char *method, const char *error,
			   const char *parameters)
{
	struct answer answer = {.parameters = strdup(parameters), .size = strlen(parameters)};

	assert_in_range(strlen(error), 1, sizeof(answer.error) - 1);
	strcpy(answer.error, error);
	assert_int_equal(explain_error(&fixture->ctl, method, &answer), STATUS_FAILED);
	answer_fini(&answer);
	take_output(fixture);
	assert_string_equal(fixture->text, "");
	return fixture->errors;
}

static void error_is_explained_with_what_there_is_instead(void **state)
{
	static const struct {
		const char *method, *error, *parameters, *words;
	} cases[] = {
		{NULL, CONTROL "NoSuchActor", "{\"name\":\"unit/7\"}",
		 "unit has no actor unit/7; `troupectl show unit` lists those there are"},
		{NULL, CONTROL "NoSuchActor", "{\"name\":\"outher\"}",
		 "no actor is called outher (did you mean other?); the units are: unit, other"},
		{TEST "Echo", SERVICE "InterfaceNotFound",
		 "{\"interface\":\"com.example.test\"}",
		 "does not provide the interface com.example.test; units that do: unit"},
		{TEST "Echo", SERVICE "InterfaceNotFound",
		 "{\"interface\":\"com.example.resting\"}",
		 "other, which provides com.example.resting, has failed: why?[31m\n"
		 "`troupectl start other` starts it"},
		{TEST "Echo", SERVICE "InterfaceNotFound",
		 "{\"interface\":\"com.example.tset\"}",
		 "nothing that runs provides the interface com.example.tset (did you mean "
		 "com.example.test?)"},
		{TEST "Ecko", SERVICE "MethodNotFound", "{\"method\":\"" TEST "Ecko\"}",
		 "com.example.test has no method Ecko (did you mean Echo?); it has: Echo, "
		 "Slow"},
		{"com.example.none.M", SERVICE "MethodNotFound",
		 "{\"method\":\"com.example.none.M\"}",
		 "there is no method com.example.none.M; `troupectl introspect INTERFACE`"},
		{NULL, SERVICE "MethodNotFound", "{\"method\":\"M\"}",
		 "there is no method M; `troupectl introspect INTERFACE` shows those"},
		{TEST "Echo", CONTROL "Ambiguous",
		 "{\"interface\":\"com.example.test\",\"candidates\":[\"a\",3,\"b\"]}",
		 "several units provide com.example.test: a, b\n"
		 "Name one: troupectl call a Echo ...  (or set Default=yes"},
		{NULL, CONTROL "Ambiguous", "{}", "Name one: troupectl call NAME METHOD"},
		{TEST "Echo", SERVICE "InvalidParameter",
		 "{\"parameter\":\"n\",\"reason\":\"it is odd\"}",
		 TEST "Echo: parameter n: it is odd"},
		{TEST "Echo", SERVICE "InvalidParameter", "{\"parameter\":\"none\"}",
		 "parameter none is wrong, missing, or none of its own; `troupectl introspect "
		 "com.example.test` shows what it takes"},
		{NULL, SERVICE "InvalidParameter", "{\"parameter\":\"n\"}",
		 "parameter n is wrong, missing or unknown"},
		{NULL, CONTROL "NoSuchPlugin", "{\"plugin\":\"p.so\",\"reason\":\"why\"}",
		 "the plug-in p.so cannot be used: why"},
		{NULL, CONTROL "BadUnit", "{\"name\":\"u\",\"reason\":\"why\"}",
		 "the unit u cannot run like this: why"},
		{NULL, CONTROL "WrongState",
		 "{\"name\":\"u\",\"state\":\"stopped\",\"reason\":\"\"}",
		 "u is stopped\n`troupectl start u` starts it"},
		{NULL, CONTROL "WrongState",
		 "{\"name\":\"u\",\"state\":\"backoff\",\"reason\":\"it crashed\"}",
		 "u is in backoff: it crashed"},
		{NULL, CONTROL "Timeout", "{\"reason\":\"u is starting\"}",
		 "u is starting; --timeout TIME waits longer"},
		{NULL, CONTROL "Failed", "{\"message\":\"Input/output error\",\"code\":-5}",
		 "the handler failed: Input/output error (-5)"},
		{NULL, CONTROL "ActorDied", "{\"crashed\":true}",
		 "the actor crashed its worker while it handled this call"},
		{NULL, CONTROL "ActorDied", "{\"crashed\":false}",
		 "the actor ended, or its worker died, before it answered"},
		{NULL, CONTROL "NameTaken", "{\"name\":\"u\"}",
		 "a unit is called u already; stop it first"},
		/* of an actor's own interface; and what is no JSON */
		{NULL, TEST "Bad", "{\"code\":7}", TEST "Bad {\"code\":7}"},
		{NULL, CONTROL "NameTaken", "nonsense", "a unit is called  already"},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		expect_in(
			explain(fixture, cases[i].method, cases[i].error, cases[i].parameters),
			cases[i].words);
	fixture->ctl.options.given |= OPTION(JSON);
	assert_string_equal(explain(fixture, NULL, CONTROL "Timeout", "{}"),
			    "{\"error\":\"io.troupe.Control.Timeout\",\"parameters\":{}}\n");
}

static void type_of_a_wrong_parameter_is_named(void **state)
{
	static const char *const cases[][2] = {
		{"n", "it takes int\n"},
		{"kind", "it takes ?(red, green)\n"},
		{"names", "it takes ?[]string\n"},
		{"names[3]", "it takes string\n"},
		{"at", "it takes ?Point (x: int, y: ?float)\n"},
		{"at.y", "it takes ?float\n"},
		{"map", "it takes ?[string]int\n"},
		{"map[\\\"a.b\\\"]", "it takes int\n"},
		{"any", "it takes ?object\n"},
		{"n.x", "none of its own"},
		{"n[0]", "none of its own"},
		{"names[", "none of its own"},
		{"", "none of its own"},
	};
	struct fixture *fixture = *state;
	char parameters[128];

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(parameters, sizeof(parameters), "{\"parameter\":\"%s\"}", cases[i][0]);
		expect_in(explain(fixture, TEST "Echo", SERVICE "InvalidParameter", parameters),
			  cases[i][1]);
	}
}

/* What would help is asked for; without it there is still the error. */
static void error_is_explained_when_the_daemon_has_gone(void **state)
{
	struct fixture *fixture = *state;

	fixture_stop_daemon(fixture);
	expect_in(explain(fixture, NULL, CONTROL "NoSuchActor", "{\"name\":\"a\"}"),
		  "no actor is called a; the units are: none");
	expect_in(explain(fixture, TEST "Echo", SERVICE "InvalidParameter",
			  "{\"parameter\":\"n\"}"),
		  "parameter n is wrong, missing, or none of its own");
	expect_in(explain(fixture, TEST "Ecko", SERVICE "MethodNotFound",
			  "{\"method\":\"" TEST "Ecko\"}"),
		  "there is no method " TEST "Ecko");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(error_is_explained_with_what_there_is_instead),
		CASE(type_of_a_wrong_parameter_is_named),
		CASE(error_is_explained_when_the_daemon_has_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

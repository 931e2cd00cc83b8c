/* spawn: what is asked of the daemon, and what is refused before it is asked. */
#include "fixture.h"

#include "ctl/verbs.h"

#define spawn(fixture, ...) run_verb(fixture, verb_spawn, __VA_ARGS__)

static void spawn_shows_the_unit_when_it_is_made(void **state)
{
	struct fixture *fixture = *state;

	fixture->ctl.options.type = "greeter";
	assert_int_equal(spawn(fixture, "new", "hello", NULL), STATUS_OK);
	expect_in(fixture->text, "new\n       State: running\n");
	expect_in(fixture->text, "Plug-in: hello, actor type greeter\n");
	expect_in(fixture->text, "File: none: spawned by an operator\n");
}

static void spawn_takes_values_as_text_when_plugin_cannot_be_read(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(
		spawn(fixture, "new", "/nowhere/p.so", "a=5", "b:=[1,true]", "c.d=x", NULL),
		STATUS_OK);
	expect_in(fixture->text, "new - {\"a\":\"5\",\"b\":[1,true],\"c\":{\"d\":\"x\"}}\n");
	/* What there is, but is no plug-in, is the daemon's to refuse. */
	assert_int_equal(spawn(fixture, "new", "/etc/passwd", "a=5", NULL), STATUS_OK);
	expect_in(fixture->text, "new - {\"a\":\"5\"}\n");
}

static void spawn_passes_object_on_when_config_is_given(void **state)
{
	struct fixture *fixture = *state;

	fixture->ctl.options.config = "{\"a\": 1}";
	assert_int_equal(spawn(fixture, "new", "hello", NULL), STATUS_OK);
	expect_in(fixture->text, "new - {\"a\":1}\n");
	assert_int_equal(spawn(fixture, "new", "hello", "a=1", NULL), STATUS_USAGE);
	expect_in(fixture->errors, "either --config or key=value, not both");
	fixture->ctl.options.config = "[1]";
	assert_int_equal(spawn(fixture, "new", "hello", NULL), STATUS_USAGE);
	expect_in(fixture->errors, "--config is not a JSON object");
}

static void spawn_names_a_path_from_the_root_when_one_was_typed(void **state)
{
	struct fixture *fixture = *state;
	char *here = realpath("/proc/self/exe", NULL), *directory, *name, path[600];

	assert_non_null(here);
	name = strrchr(here, '/') + 1;
	directory = strndup(here, (size_t)(name - here));
	assert_int_equal(chdir(directory), 0);
	snprintf(path, sizeof(path), "./%s:some", name);
	assert_int_equal(spawn(fixture, "new", path, NULL), STATUS_OK);
	snprintf(path, sizeof(path), "Plug-in: %s:some,", here);
	expect_in(fixture->text, path);
	/* A name without slashes is the daemon's to look up, whatever lies here. */
	assert_int_equal(spawn(fixture, "new", name, NULL), STATUS_OK);
	snprintf(path, sizeof(path), "Plug-in: %s,", name);
	expect_in(fixture->text, path);
	free(directory);
	free(here);
}

static void spawn_says_what_to_do_when_it_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(spawn(fixture, "unit", "hello", NULL), STATUS_FAILED);
	expect_in(fixture->errors, "a unit is called unit already; stop it first");
	fixture->ctl.options.on_error = "maybe";
	assert_int_equal(spawn(fixture, "new", "hello", NULL), STATUS_USAGE);
	expect_in(fixture->errors, "--on-error is continue or stop, not maybe");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		CASE(spawn_shows_the_unit_when_it_is_made),
		CASE(spawn_takes_values_as_text_when_plugin_cannot_be_read),
		CASE(spawn_passes_object_on_when_config_is_given),
		CASE(spawn_names_a_path_from_the_root_when_one_was_typed),
		CASE(spawn_says_what_to_do_when_it_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_spawn.c - units that an operator asks for: each key, each mistake, and whose it is. */
#include "config/spawn.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "io.troupe.Control.varlink.h"
#include "tests/unit/config/conf_tree.h"
#include <errno.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

struct fixture {
	struct conf_tree tree;
	struct settings settings;
	struct unit_file unit;
};

static int setup(void **state)
{
	static struct fixture fixture;
	char daemon[256];

	*state = &fixture;
	if (conf_tree_init(&fixture.tree) < 0 ||
	    conf_path_init(&fixture.tree.path,
			   &(struct conf_scope){.config = fixture.tree.root}) < 0)
		return -1;
	snprintf(daemon, sizeof(daemon), "[Daemon]\nWorkers=2\nStopTimeout=3s\nPluginPath=%s\n",
		 fixture.tree.root);
	conf_tree_file("trouped.conf", daemon);
	conf_tree_file("hello.so", "");
	conf_tree_file("50%o\\f.so", "");
	return settings_load(&fixture.settings, &fixture.tree.path, NULL,
			     &fixture.tree.problems);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unit_file_fini(&f->unit);
	settings_fini(&f->settings);
	return conf_tree_fini(&f->tree);
}

/* "", or the problem. */
static const char *define(struct fixture *f, int expected, const struct api_spawn *spawn)
{
	unit_file_fini(&f->unit);
	problems_fini(&f->tree.problems);
	assert_int_equal(
		spawn_define(&f->unit, spawn, &f->settings, &f->tree.path, &f->tree.problems),
		expected);
	assert_int_equal(f->tree.problems.n, expected == 0 ? 0 : 1);
	if (expected == 0)
		return "";
	assert_int_equal(f->tree.problems.items[0].line, 0);
	return f->tree.problems.items[0].message;
}

static void unit_has_the_defaults_of_a_file(void **state)
{
	struct fixture *f = *state;

	define(f, 0, &(struct api_spawn){.name = "a@b", .plugin = "hello"});
	assert_string_equal(f->unit.name, "a@b");
	assert_non_null(strstr(f->unit.plugin, "/hello.so"));
	assert_null(f->unit.type);
	assert_int_equal(f->unit.instances, 1);
	assert_int_equal(f->unit.placement.worker, UNIT_WORKER_ANY);
	assert_int_equal(f->unit.mailbox, LIMIT_MAILBOX_DEFAULT);
	assert_int_equal(f->unit.on_error, UNIT_CONTINUE);
	assert_true(f->unit.life.stop_timeout_ns == f->settings.life.stop_timeout_ns);
	assert_int_equal(f->unit.restart, RESTART_ON_FAILURE);
}

static void keys_are_set(void **state)
{
	struct fixture *f = *state;
	enum api_spawn_on_error stop = API_SPAWN_ON_ERROR_STOP;

	define(f, 0,
	       &(struct api_spawn){
		       .name = "a",
		       .plugin = "hello:greeter",
		       .instances = &(int64_t){7},
		       .worker = "2",
		       .mailbox = &(int64_t){5},
		       .mailboxBytes = &(int64_t){4096},
		       .batch = &(int64_t){6},
		       .onError = &stop,
	       });
	assert_string_equal(f->unit.type, "greeter");
	assert_int_equal(f->unit.instances, 7);
	assert_int_equal(f->unit.placement.number, 2);
	assert_int_equal(f->unit.mailbox, 5);
	assert_int_equal(f->unit.mailbox_bytes, 4096);
	assert_int_equal(f->unit.batch, 6);
	assert_int_equal(f->unit.on_error, UNIT_STOP);
	define(f, 0,
	       &(struct api_spawn){.name = "a", .plugin = "hello", .actorType = "greeter"});
	assert_string_equal(f->unit.type, "greeter");
}

static void texts_are_taken_as_they_are(void **state)
{
	struct fixture *f = *state;

	define(f, 0, &(struct api_spawn){.name = "a", .plugin = "50%o\\f"});
	assert_non_null(strstr(f->unit.plugin, "/50%o\\f.so"));
}

static void mistake_is_the_plugins_or_the_units(void **state)
{
	const struct {
		int error;
		struct api_spawn spawn;
		const char *problem;
	} cases[] = {
		{-EINVAL, {.name = "a b", .plugin = "hello"}, "not a valid name"},
		{-ENOENT,
		 {.name = "a", .plugin = "nothing"},
		 "Plugin=nothing: there is no such"},
		{-ENOENT, {.name = "a", .plugin = ""}, "Plugin= is missing"},
		{-ENOENT, {.name = "a", .plugin = "a/b"}, "must be an absolute path"},
		{-ENOENT, {.name = "a", .plugin = "hel\nlo"}, "control character"},
		{-ENOENT, {.name = "a", .plugin = "hello:1"}, "is not an actor type's name"},
		{-EINVAL,
		 {.name = "a", .plugin = "nothing", .actorType = "a\\b"},
		 "Type=a\\b: is not an actor type's name"},
		{-EINVAL, {.name = "a", .plugin = "nothing", .actorType = "a\nb"}, "control"},
		{-EINVAL,
		 {.name = "a", .plugin = "nothing", .worker = "x"},
		 "Worker=x: must be"},
		{-EINVAL,
		 {.name = "a", .plugin = "nothing", .worker = "3"},
		 "Worker=3: there are 2 workers"},
		{-EINVAL,
		 {.name = "a", .plugin = "nothing", .instances = &(int64_t){0}},
		 "Instances=0: must be a number from 1 to"},
		{-EINVAL,
		 {.name = "a", .plugin = "nothing", .batch = &(int64_t){-1}},
		 "Batch=-1: must be a number from 1 to"},
		{-EINVAL,
		 {.name = "a", .plugin = "nothing", .mailbox = &(int64_t){INT64_MAX}},
		 "Mailbox=9223372036854775807: must be a number from 1 to"},
		{-EINVAL,
		 {.name = "a", .plugin = "nothing", .mailboxBytes = &(int64_t){1}},
		 "MailboxBytes=1: must be a number from 1024 to"},
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *problem = define(f, cases[i].error, &cases[i].spawn);

		if (!strstr(problem, cases[i].problem))
			fail_msg("%s: not %s", problem, cases[i].problem);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unit_has_the_defaults_of_a_file, setup,
						teardown),
		cmocka_unit_test_setup_teardown(keys_are_set, setup, teardown),
		cmocka_unit_test_setup_teardown(texts_are_taken_as_they_are, setup, teardown),
		cmocka_unit_test_setup_teardown(mistake_is_the_plugins_or_the_units, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

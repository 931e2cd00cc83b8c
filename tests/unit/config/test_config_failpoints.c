/* test_config_failpoints.c - each allocation and each descriptor of config/ fails once, while a
 * whole directory is read. */
#include "base/cleanup.h"
#include "config/config_json.h"
#include "config/defaults.h"
#include "config/memory.h"
#include "config/spawn.h"
#include "config/unit_file.h"
#include "io.troupe.Control.varlink.h"
#include "proto/layout.h"
#include "tests/failpoints/sweep.h"
#include "tests/unit/config/conf_tree.h"
#include <errno.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

static const char layout_text[] =
	"(greeting:?string,limit:?int,words:?[]string,env:?[string]string,"
	"peers:?[](host:string),extra:?object)";

struct fixture {
	struct conf_tree tree;
	struct layout *layout;
};

static int setup(void **state)
{
	static struct fixture fixture;

	*state = &fixture;
	if (conf_tree_init(&fixture.tree) < 0)
		return -1;
	conf_tree_file("trouped.conf",
		       "[Daemon]\nWorkers=2\nCallGroup=root\nSocket=/s/%i.sock\n"
		       "RuntimeDirectory=/r\nStateDirectory=/s\nWorkerMemory=50%\n");
	conf_tree_file("trouped.conf.d/10.conf",
		       "[Daemon]\nPluginPath=/nowhere \"/no where\"\nFrameMax=2M\n");
	conf_tree_file("hello.so", "");
	conf_tree_file(
		"hello.actor",
		"[Actor]\nPlugin=hello:greeter\nDescription=%N says hello\nDefault=yes\n"
		"[Config]\nGreeting=\"a b\"\nLimit=64K\nWords=one \"two three\"\nWords=four\n"
		"Env.NAME=%N\nPeers={\"host\": \"a\"}\nExtra={\"any\": [1]}\n");
	conf_tree_file("hello.actor.d/a.conf", "[Actor]\nInstances=3\n");
	conf_tree_file("hello.actor.d/b.conf", "[Config]\nGreeting=c\n");
	conf_tree_file("pool@.actor", "[Actor]\nPlugin=hello\nDescription=%i\n");
	conf_tree_link("pool@eu.actor", "pool@.actor");
	conf_tree_file("other.actor", "[Actor]\nPlugin=hello\nRestart=always\nDefault=yes\n");
	conf_tree_link("gone.actor", "/dev/null");
	return layout_parse(layout_text, strlen(layout_text), &fixture.layout);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	layout_free(f->layout);
	return conf_tree_fini(&f->tree);
}

/* What was noted for want of descriptors is an error that was reported; anything else noted, or
 * none, is not. */
static int noted(const struct problems *problems)
{
	if (problems->n_lost)
		return -ENOMEM;
	for (size_t i = 0; i < problems->n; i++)
		if (strstr(problems->items[i].message, "Too many open files"))
			return -EMFILE;
	for (size_t i = 0; i < problems->n; i++)
		print_error("%s: %s\n", problems->items[i].file, problems->items[i].message);
	return problems->n ? -EINVAL : 0;
}

static int read_units(const struct fixture *f, const struct conf_path *path,
		      const struct settings *settings, struct problems *problems)
{
	static const char *const interfaces[] = {"io.a", "io.b"};
	struct default_claims claims = {0};
	struct unit_file *units, unit;
	cleanup_free char *json = NULL;
	size_t n;
	int r = unit_files_load(path, settings, &units, &n, problems);

	if (r < 0)
		return r;
	r = noted(problems);
	if (r == 0) {
		assert_int_equal(n, 3);
		assert_string_equal(units[0].name, "hello");
		assert_string_equal(units[0].type, "greeter");
		assert_string_equal(units[0].description, "hello says hello");
		assert_int_equal(units[0].instances, 3);
		assert_int_equal(units[0].config.n, 8);
		assert_int_equal(units[1].restart, RESTART_ALWAYS);
		assert_string_equal(units[2].description, "eu");
		r = config_json(&units[0], layout_type(f->layout), &json, problems);
	}
	if (r == 0) {
		assert_non_null(strstr(json, "\"words\":[\"one\",\"two three\",\"four\"]"));
		assert_non_null(strstr(json, "\"greeting\":\"c\""));
		assert_non_null(strstr(json, "\"NAME\":\"hello\""));
		r = defaults_add(&claims, interfaces, 2, units[0].name, units[0].file);
	}
	if (r == 0)
		r = defaults_add(&claims, interfaces + 1, 1, units[1].name, units[1].file);
	if (r == 0) {
		struct problems found = {0};

		defaults_check(&claims, &found);
		if (found.n_lost)
			r = -ENOMEM;
		else
			assert_int_equal(found.n, 1);
		problems_append(problems, &found);
		problems_fini(&found);
	}
	if (r == 0)
		r = spawn_define(
			&unit,
			&(struct api_spawn){.name = "new", .plugin = "hello:t", .worker = "2"},
			settings, path, problems);
	if (r == 0) {
		assert_string_equal(unit.type, "t");
		assert_int_equal(unit.placement.number, 2);
		unit_file_fini(&unit);
	}
	defaults_fini(&claims);
	unit_files_free(units, n);
	return r;
}

static int read_directory(void *data)
{
	struct fixture *f = (struct fixture *)data;
	struct conf_path path;
	struct settings settings, again;
	struct problems problems = {0};
	int r = conf_path_init(&path,
			       &(struct conf_scope){.config = f->tree.root, .instance = "i"});

	if (r < 0)
		return r;
	r = conf_path_add_plugins(&path, f->tree.root);
	if (r == 0) {
		r = settings_load(&settings, &path, NULL, &problems);
		if (r == -EINVAL)
			r = noted(&problems);
	}
	if (r == 0) {
		assert_int_equal(settings.workers, 2);
		assert_true(settings.call.is_set && settings.call.gid == 0);
		assert_int_equal(settings.plugin_path.n, 2);
		assert_string_equal(settings.plugin_path.words[1], "/no where");
		r = settings_load(&again, &path, &settings, &problems);
		if (r == -EINVAL)
			r = noted(&problems);
		if (r == 0) {
			settings_keep(&settings, &again, NULL, NULL);
			settings_fini(&again);
			r = read_units(f, &path, &settings, &problems);
		}
		settings_fini(&settings);
	}
	conf_path_fini(&path);
	problems_fini(&problems);
	return r;
}

/* A value that no descriptor was there for is the one of a machine without limits: the worker's
 * memory is bounded by less. */
static int ask_memory(void *data)
{
	(void)data;
	assert_true(memory_of_worker(0, 2) > 0);
	return 0;
}

static void directory_is_read_whole_or_refused(void **state)
{
	sweep(read_directory, *state);
	sweep(ask_memory, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(directory_is_read_whole_or_refused, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

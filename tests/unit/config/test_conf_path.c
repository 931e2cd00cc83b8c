/* test_conf_path.c - which files make up a configuration. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "config.h"
#include "tests/unit/config/conf_tree.h"

static int setup(void **state)
{
	static struct conf_tree tree;

	*state = &tree;
	if (conf_tree_init(&tree) < 0)
		return -1;
	for (unsigned i = 1; i <= 3; i++) {
		char directory[128];

		snprintf(directory, sizeof(directory), "%s/%u", tree.root, i);
		if (conf_path_add(&tree.path, directory) < 0)
			return -1;
	}
	return 0;
}

static int teardown(void **state)
{
	return conf_tree_fini(*state);
}

/* Files of a unit or daemon, the root left out: "NAME: FRAGMENT DROPIN DROPIN". */
static void print_files(const struct conf_tree *tree, const struct conf_files *files,
			char *text, size_t size)
{
	size_t skip = strlen(tree->root) + 1, used;

	used = (size_t)snprintf(text, size, "%s: %s", files->name,
				files->fragment ? files->fragment + skip : "-");
	for (size_t i = 0; i < files->n_dropins; i++)
		used += (size_t)snprintf(text + used, size - used, " %s",
					 files->dropins[i] + skip);
}

/* All units, a line each. */
static const char *list_units(struct conf_tree *tree)
{
	struct conf_files *units = NULL;
	static char text[2048];
	size_t n = 0, used = 0;

	text[0] = '\0';
	assert_int_equal(conf_path_units(&tree->path, &units, &n, &tree->problems), 0);
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			text[used++] = '\n';
		print_files(tree, &units[i], text + used, sizeof(text) - used);
		used += strlen(text + used);
	}
	conf_units_free(units, n);
	return text;
}

static void assert_path(const struct conf_scope *scope, const char *directories,
			const char *runtime, const char *state_directory, const char *plugins)
{
	struct conf_path path;
	char text[512] = "";

	assert_int_equal(conf_path_init(&path, scope), 0);
	for (size_t i = 0; i < path.n; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 path.directories[i]);
	assert_string_equal(text, directories);
	text[0] = '\0';
	for (size_t i = 0; i < path.n_plugins; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 path.plugins[i]);
	assert_string_equal(text, plugins);
	assert_string_equal(path.runtime ? path.runtime : "-", runtime);
	assert_string_equal(path.state, state_directory);
	conf_path_fini(&path);
}

static void directories_follow_from_the_scope(void **state)
{
	(void)state;
	assert_path(&(struct conf_scope){0},
		    "/etc/troupe /run/troupe /usr/local/lib/troupe /usr/lib/troupe",
		    "/run/troupe", "/var/lib/troupe", TROUPE_PLUGINDIR);
	assert_path(
		&(struct conf_scope){.instance = "two"},
		"/etc/troupe-two /run/troupe-two /usr/local/lib/troupe-two /usr/lib/troupe-two",
		"/run/troupe-two", "/var/lib/troupe-two", TROUPE_PLUGINDIR);
	assert_path(&(struct conf_scope){.config = "/some/where"}, "/some/where", "/run/troupe",
		    "/var/lib/troupe", TROUPE_PLUGINDIR);
	setenv("HOME", "/home/ada", 1);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("XDG_DATA_HOME");
	unsetenv("XDG_STATE_HOME");
	setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
	assert_path(&(struct conf_scope){.user = true},
		    "/home/ada/.config/troupe /run/user/7/troupe/config "
		    "/home/ada/.local/share/troupe "
		    "/usr/local/lib/troupe/user /usr/lib/troupe/user",
		    "/run/user/7/troupe", "/home/ada/.local/state/troupe",
		    "/home/ada/.local/share/troupe/plugins " TROUPE_PLUGINDIR);
	setenv("XDG_CONFIG_HOME", "/c", 1);
	setenv("XDG_DATA_HOME", "relative", 1); /* not valid: as if it were not set */
	unsetenv("XDG_RUNTIME_DIR");
	assert_path(&(struct conf_scope){.user = true, .instance = "x"},
		    "/c/troupe-x /home/ada/.local/share/troupe-x /usr/local/lib/troupe-x/user "
		    "/usr/lib/troupe-x/user",
		    "-", "/home/ada/.local/state/troupe-x",
		    "/home/ada/.local/share/troupe-x/plugins " TROUPE_PLUGINDIR);
}

static void scope_is_refused_when_it_makes_no_sense(void **state)
{
	struct conf_path path;

	(void)state;
	assert_int_equal(conf_path_init(&path, &(struct conf_scope){.instance = "../x"}),
			 -EINVAL);
	assert_int_equal(conf_path_init(&path, &(struct conf_scope){.instance = "a@b"}),
			 -EINVAL);
	assert_int_equal(conf_path_init(&path, &(struct conf_scope){.instance = ""}), -EINVAL);
	unsetenv("HOME");
	unsetenv("XDG_CONFIG_HOME");
	assert_int_equal(conf_path_init(&path, &(struct conf_scope){.user = true}), -EINVAL);
	path = (struct conf_path){0};
	for (unsigned i = 0; i < CONF_PATH_DIRECTORIES; i++)
		assert_int_equal(conf_path_add(&path, "/x"), 0);
	assert_int_equal(conf_path_add(&path, "/x"), -ENOSPC);
	conf_path_fini(&path);
}

static void earlier_directory_hides_a_file(void **state)
{
	struct conf_tree *tree = *state;

	conf_tree_file("2/hello.actor", "x");
	conf_tree_file("3/hello.actor", "x");
	conf_tree_file("3/other.actor", "x");
	conf_tree_file("3/.hidden.actor", "x");
	conf_tree_file("3/readme.txt", "x");
	conf_tree_file("1/a.actor~", "x");
	assert_string_equal(list_units(tree), "hello: 2/hello.actor\nother: 3/other.actor");
	assert_string_equal(conf_tree_problems(tree), "");
}

static void dropins_are_merged_by_name_over_all_directories(void **state)
{
	struct conf_tree *tree = *state;

	conf_tree_file("3/hello.actor", "x");
	conf_tree_file("1/hello.actor.d/50-b.conf", "x");
	conf_tree_file("3/hello.actor.d/10-a.conf", "x");
	conf_tree_file("3/hello.actor.d/50-b.conf", "x");
	conf_tree_file("2/hello.actor.d/90-c.conf", "x");
	conf_tree_file("2/hello.actor.d/notes.txt", "x");
	assert_string_equal(
		list_units(tree),
		"hello: 3/hello.actor 3/hello.actor.d/10-a.conf 1/hello.actor.d/50-b.conf "
		"2/hello.actor.d/90-c.conf");
}

static void empty_file_and_link_to_null_mask(void **state)
{
	struct conf_tree *tree = *state;

	conf_tree_file("3/one.actor", "x");
	conf_tree_link("1/one.actor", "/dev/null");
	conf_tree_file("3/two.actor", "x");
	conf_tree_file("2/two.actor", "");
	conf_tree_file("3/three.actor", "x");
	conf_tree_file("3/three.actor.d/a.conf", "x");
	conf_tree_link("1/three.actor.d/a.conf", "/dev/null");
	conf_tree_file("3/three.actor.d/b.conf", "x");
	conf_tree_file("2/three.actor.d/b.conf", "");
	conf_tree_file("3/three.actor.d/c.conf", "x");
	assert_string_equal(list_units(tree), "three: 3/three.actor 3/three.actor.d/c.conf");
	assert_string_equal(conf_tree_problems(tree), "");
}

static void instances_come_from_links_and_files(void **state)
{
	struct conf_tree *tree = *state;
	struct conf_files *units;
	size_t n;

	conf_tree_file("3/pool@.actor", "x");
	conf_tree_link("1/pool@eu.actor", "/somewhere/else/pool@.actor"); /* found by name */
	conf_tree_link("3/pool@us.actor", "pool@.actor");
	conf_tree_file("2/pool@own.actor", "x");
	conf_tree_file("2/pool@.actor.d/a.conf", "x");
	conf_tree_file("3/pool@eu.actor.d/a.conf", "x");
	conf_tree_file("3/pool@eu.actor.d/b.conf", "x");
	assert_string_equal(
		list_units(tree),
		"pool@eu: 3/pool@.actor 3/pool@eu.actor.d/a.conf 3/pool@eu.actor.d/b.conf\n"
		"pool@own: 2/pool@own.actor 2/pool@.actor.d/a.conf\n"
		"pool@us: 3/pool@.actor 2/pool@.actor.d/a.conf");
	assert_int_equal(conf_path_units(&tree->path, &units, &n, NULL), 0);
	conf_units_free(units, n);
	/* A masked template masks its instances. */
	conf_tree_link("1/pool@.actor", "/dev/null");
	assert_string_equal(list_units(tree),
			    "pool@own: 2/pool@own.actor 2/pool@.actor.d/a.conf");
	assert_string_equal(conf_tree_problems(tree), "");
}

static void mistake_in_a_name_does_not_stop_the_others(void **state)
{
	struct conf_tree *tree = *state;
	char name[LIMIT_NAME + 16] = "2/";

	memset(name + 2, 'n', LIMIT_NAME + 1);
	strcpy(name + 2 + LIMIT_NAME + 1, ".actor");
	conf_tree_file(name, "x");
	conf_tree_file("1/good.actor", "x");
	conf_tree_file("1/bad name.actor", "x");
	conf_tree_file("1/0.1.1.17.3.actor", "x");
	conf_tree_file("1/-x.actor", "x");
	conf_tree_file("1/a@b@c.actor", "x");
	conf_tree_link("1/pool@x.actor", "pool@.actor");
	conf_tree_link("1/gone.actor", "nowhere.actor");
	assert_string_equal(list_units(tree), "good: 1/good.actor");
	assert_string_equal(
		conf_tree_problems(tree),
		"1/-x.actor: \"-x\" cannot be a unit's name: use letters, digits and _ . -, "
		"not first - or ., "
		"nothing like an address\n"
		"1/0.1.1.17.3.actor: \"0.1.1.17.3\" cannot be a unit's name: use letters, "
		"digits and _ . -, not "
		"first - or ., nothing like an address\n"
		"1/a@b@c.actor: \"a@b@c\" cannot be a unit's name: use letters, digits and _ . "
		"-, not first - "
		"or ., nothing like an address\n"
		"1/bad name.actor: \"bad name\" cannot be a unit's name: use letters, digits "
		"and _ . -, not first "
		"- or ., nothing like an address\n"
		"1/gone.actor: cannot be read: No such file or directory\n"
		"2/nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn.actor: the "
		"unit's name is "
		"longer than 63 bytes\n"
		"1/pool@x.actor: it is an instance of pool@.actor, which is in none of the "
		"directories");
}

static void limits_are_kept_and_told(void **state)
{
	struct conf_tree *tree = *state;
	struct conf_files *units;
	char name[64];
	size_t n;

	for (unsigned i = 0; i < LIMIT_UNITS + 2; i++) {
		snprintf(name, sizeof(name), "1/u%05u.actor", i);
		conf_tree_file(name, "x");
	}
	assert_int_equal(conf_path_units(&tree->path, &units, &n, &tree->problems), 0);
	assert_int_equal(n, LIMIT_UNITS);
	conf_units_free(units, n);
	assert_string_equal(conf_tree_problems(tree),
			    "1/u04096.actor: there are more than 4096 units; this one "
			    "and those after it are left out");
	for (unsigned i = 1; i < LIMIT_UNITS + 2; i++) {
		snprintf(name, sizeof(name), "1/u%05u.actor", i);
		unlink(name);
	}
	for (unsigned i = 0; i <= LIMIT_CONFIG_DROPINS; i++) {
		snprintf(name, sizeof(name), "1/u00000.actor.d/d%03u.conf", i);
		conf_tree_file(name, "x");
	}
	assert_int_equal(conf_path_units(&tree->path, &units, &n, &tree->problems), 0);
	assert_int_equal(n, 0);
	conf_units_free(units, n);
	assert_string_equal(conf_tree_problems(tree),
			    "1/u00000.actor.d/d256.conf: u00000 has more than 256 drop-ins");
}

static void daemon_has_its_file_and_dropins(void **state)
{
	struct conf_tree *tree = *state;
	struct conf_files files;
	char text[256];

	assert_int_equal(conf_path_daemon(&tree->path, &files, &tree->problems), 0);
	print_files(tree, &files, text, sizeof(text));
	assert_string_equal(text, "trouped: -");
	conf_files_fini(&files);
	conf_tree_file("2/trouped.conf", "x");
	conf_tree_file("3/trouped.conf", "x");
	conf_tree_file("3/trouped.conf.d/x.conf", "x");
	assert_int_equal(conf_path_daemon(&tree->path, &files, &tree->problems), 0);
	print_files(tree, &files, text, sizeof(text));
	assert_string_equal(text, "trouped: 2/trouped.conf 3/trouped.conf.d/x.conf");
	conf_files_fini(&files);
	conf_tree_link("1/trouped.conf", "/dev/null");
	assert_int_equal(conf_path_daemon(&tree->path, &files, &tree->problems), 0);
	print_files(tree, &files, text, sizeof(text));
	assert_string_equal(text, "trouped: - 3/trouped.conf.d/x.conf");
	conf_files_fini(&files);
}

static void directory_that_was_named_must_be_there(void **state)
{
	struct conf_tree *tree = *state;
	struct conf_files files;
	char name[128];

	conf_path_fini(&tree->path);
	snprintf(name, sizeof(name), "%s/none", tree->root);
	assert_int_equal(conf_path_init(&tree->path, &(struct conf_scope){.config = name}), 0);
	assert_int_equal(conf_path_daemon(&tree->path, &files, &tree->problems), -EINVAL);
	assert_string_equal(conf_tree_problems(tree),
			    "none: there is no such directory; --config takes the one "
			    "that holds trouped.conf");
	assert_string_equal(list_units(tree), "");
	assert_string_equal(conf_tree_problems(tree),
			    "none: the directory cannot be read: No such file or directory");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(directories_follow_from_the_scope),
		TEST(scope_is_refused_when_it_makes_no_sense),
		TEST(earlier_directory_hides_a_file),
		TEST(dropins_are_merged_by_name_over_all_directories),
		TEST(empty_file_and_link_to_null_mask),
		TEST(instances_come_from_links_and_files),
		TEST(mistake_in_a_name_does_not_stop_the_others),
		TEST(limits_are_kept_and_told),
		TEST(daemon_has_its_file_and_dropins),
		TEST(directory_that_was_named_must_be_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

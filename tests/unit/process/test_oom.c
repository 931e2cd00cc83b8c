/* test_oom.c - the counters of control groups, in files of the test's own. */
#include "process/oom.h"

#include "tests/unit/config/conf_tree.h"
#include <setjmp.h>

#include <cmocka.h>

static struct conf_tree tree;

static int setup(void **state)
{
	(void)state;
	return conf_tree_init(&tree);
}

static int teardown(void **state)
{
	(void)state;
	return conf_tree_fini(&tree);
}

static void expect_counter(const char *groups, const char *file, const char *before,
			   const char *after)
{
	struct oom oom;

	conf_tree_file("cgroup", groups);
	conf_tree_file(file, before);
	oom_init(&oom, "cgroup", "sys");
	assert_non_null(oom.path);
	assert_string_equal(oom.path, file);
	assert_false(oom_has_killed(&oom));
	conf_tree_file(file, after);
	assert_true(oom_has_killed(&oom));
	assert_false(oom_has_killed(&oom));
	oom_fini(&oom);
}

static void kill_is_recognised_in_version_2(void **state)
{
	(void)state;
	expect_counter("0::/system.slice/trouped.service\n",
		       "sys/system.slice/trouped.service/memory.events",
		       "low 0\nhigh 0\nmax 7\noom 1\noom_kill 2\noom_group_kill 0\n",
		       "low 0\nhigh 0\nmax 9\noom 2\noom_kill 3\noom_group_kill 0\n");
}

static void kill_is_recognised_in_version_1(void **state)
{
	(void)state;
	expect_counter("9:name=systemd:/x\n8:pids:/x\n4:memory:/a:b\n0::/\n",
		       "sys/memory/a:b/memory.oom_control",
		       "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n",
		       "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
}

static void nothing_is_recognised_without_a_counter(void **state)
{
	struct oom oom;

	(void)state;
	oom_init(&oom, "none", "sys");
	assert_false(oom_has_killed(&oom));
	oom_fini(&oom);
	conf_tree_file("cgroup", "nonsense\n1\n2:memory\n0::/nowhere\n");
	oom_init(&oom, "cgroup", "sys");
	assert_null(oom.path);
	assert_false(oom_has_killed(&oom));
	oom_fini(&oom);
	/* One that goes away. */
	conf_tree_file("cgroup", "0::/x");
	conf_tree_file("sys/x/memory.events", "oom_kill 1\n");
	oom_init(&oom, "cgroup", "sys");
	assert_non_null(oom.path);
	assert_int_equal(unlink("sys/x/memory.events"), 0);
	assert_false(oom_has_killed(&oom));
	oom_fini(&oom);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(kill_is_recognised_in_version_2),
		TEST(kill_is_recognised_in_version_1),
		TEST(nothing_is_recognised_without_a_counter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

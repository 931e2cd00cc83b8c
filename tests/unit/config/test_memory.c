/* test_memory.c - the limits of control groups, in files of the test's own, and what a worker
 * may have of them. */
#include "base/limits.h"
#include "base/text.h"
#include "config/memory.h"
#include "tests/unit/config/conf_tree.h"
#include <setjmp.h>
#include <unistd.h>

#include <cmocka.h>

#define MIB ((uint64_t)1 << 20)

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

static uint64_t machine(void)
{
	return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void least_limit_of_all_groups_counts(void **state)
{
	(void)state;
	conf_tree_file("cgroup", "0::/a.slice/b.service/c\n");
	conf_tree_file("sys/a.slice/b.service/c/memory.max", "max\n");
	conf_tree_file("sys/a.slice/b.service/memory.max", "33554432\n");
	conf_tree_file("sys/a.slice/memory.max", "67108864\n");
	assert_int_equal(memory_limit("cgroup", "sys"), 32 * MIB);
	conf_tree_file("sys/a.slice/memory.max", "16777216\n");
	assert_int_equal(memory_limit("cgroup", "sys"), 16 * MIB);
	conf_tree_file("cgroup", "0::/\n");
	conf_tree_file("sys/memory.max", "8388608\n");
	assert_int_equal(memory_limit("cgroup", "sys"), 8 * MIB);
	/* more than there is, which is how version 1 says that there is none */
	conf_tree_file("cgroup", "9:cpu:/y\n4:memory:/x\n");
	conf_tree_file("sys/memory/x/memory.limit_in_bytes", "9223372036854771712\n");
	assert_int_equal(memory_limit("cgroup", "sys"), machine());
	conf_tree_file("sys/memory/memory.limit_in_bytes", "4194304\n");
	assert_int_equal(memory_limit("cgroup", "sys"), 4 * MIB);
}

static void machine_is_the_limit_where_no_group_has_one(void **state)
{
	static const char *const groups[] = {"", "nonsense\n1\n2:memory\n0::/nowhere\n",
					     "0::\n"};

	(void)state;
	assert_int_equal(memory_limit("none", "sys"), machine());
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		conf_tree_file("cgroup", groups[i]);
		assert_int_equal(memory_limit("cgroup", "none"), machine());
	}
}

static void worker_has_its_part(void **state)
{
	uint64_t one = memory_of_worker(0, 1);

	(void)state;
	assert_true(one >= LIMIT_WORKER_MEMORY_MIN && one <= machine());
	assert_true(memory_of_worker(0, LIMIT_WORKERS) <= one);
	assert_true(memory_of_worker(0, LIMIT_WORKERS) >= LIMIT_WORKER_MEMORY_MIN);
	assert_int_equal(memory_of_worker(100 * MIB, 1), 100 * MIB);
	assert_int_equal(memory_of_worker(TEXT_INFINITY, 1), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(least_limit_of_all_groups_counts),
		TEST(machine_is_the_limit_where_no_group_has_one),
		TEST(worker_has_its_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

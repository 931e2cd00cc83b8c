/* test_registry.c - whom names stand for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "worker/registry.h"
#include <stdio.h>
#include <string.h>

static const struct troupe_address pool[] = {
	{.worker = 2, .incarnation = 1, .slot = 10, .generation = 1},
	{.worker = 1, .incarnation = 1, .slot = 11, .generation = 1},
	{.worker = 3, .incarnation = 1, .slot = 12, .generation = 1},
};

static struct process home(uint16_t worker)
{
	return (struct process){.worker = worker, .incarnation = 1};
}

static void assert_finds(struct registry *names, const char *name, uint32_t slot)
{
	struct troupe_address found;

	assert_int_equal(registry_find(names, name, &found), 0);
	assert_int_equal(found.slot, slot);
}

static void names_take_turns_beginning_at_home(void **state)
{
	struct troupe_address found;
	struct registry names;

	(void)state;
	registry_init(&names, home(1));
	assert_int_equal(registry_find(&names, "pool", &found), -ENOENT);
	assert_int_equal(registry_set(&names, "pool", false, pool, 3), 0);
	assert_finds(&names, "pool", 11);
	assert_finds(&names, "pool", 12);
	assert_finds(&names, "pool", 10);
	assert_finds(&names, "pool", 11);
	/* What is said anew replaces what was said, and the turn goes on. */
	assert_int_equal(registry_set(&names, "pool", false, pool, 2), 0);
	assert_finds(&names, "pool", 10);
	assert_int_equal(registry_set(&names, "pool", false, pool, 3), 0);
	assert_finds(&names, "pool", 11);
	assert_int_equal(registry_set(&names, "pool", false, pool, 2), 0);
	assert_finds(&names, "pool", 10);
	assert_finds(&names, "pool", 11);
	assert_int_equal(registry_set(&names, "pool", false, NULL, 0), 0);
	assert_int_equal(registry_find(&names, "pool", &found), -ENOENT);
	assert_int_equal(registry_set(&names, "pool", false, NULL, 0), 0);
	registry_fini(&names);
}

static void name_without_actors_is_known_while_it_comes_back(void **state)
{
	struct troupe_address found;
	struct registry names;

	(void)state;
	registry_init(&names, home(1));
	assert_int_equal(registry_set(&names, "pool", true, NULL, 0), 0);
	assert_int_equal(registry_find(&names, "pool", &found), -EINPROGRESS);
	assert_int_equal(registry_set(&names, "pool", true, pool, 3), 0);
	assert_finds(&names, "pool", 10);
	assert_int_equal(registry_set(&names, "pool", true, NULL, 0), 0);
	assert_int_equal(registry_find(&names, "pool", &found), -EINPROGRESS);
	assert_int_equal(registry_set(&names, "pool", false, NULL, 0), 0);
	assert_int_equal(registry_find(&names, "pool", &found), -ENOENT);
	registry_fini(&names);
}

static void names_begin_anywhere_when_nobody_is_at_home(void **state)
{
	struct registry names;

	(void)state;
	registry_init(&names, home(9));
	assert_int_equal(registry_set(&names, "pool", false, pool, 3), 0);
	assert_finds(&names, "pool", 10);
	registry_fini(&names);
}

static void names_are_limited(void **state)
{
	cleanup_free struct troupe_address *many =
		calloc(LIMIT_INSTANCES + 1, sizeof(struct troupe_address));
	struct troupe_address found;
	struct registry names;
	char name[LIMIT_NAME + 2];

	(void)state;
	assert_non_null(many);
	registry_init(&names, home(1));
	memset(name, 'n', LIMIT_NAME + 1);
	name[LIMIT_NAME + 1] = '\0';
	assert_int_equal(registry_set(&names, "", false, pool, 1), -EINVAL);
	assert_int_equal(registry_set(&names, name, false, pool, 1), -EINVAL);
	assert_int_equal(registry_find(&names, name, &found), -ENOENT);
	name[LIMIT_NAME] = '\0';
	assert_int_equal(registry_set(&names, name, false, pool, 1), 0);
	assert_int_equal(registry_set(&names, name, false, many, LIMIT_INSTANCES + 1), -ENOSPC);
	assert_finds(&names, name, 10);
	for (unsigned i = 1; i < LIMIT_UNITS; i++) {
		snprintf(name, sizeof(name), "unit%u", i);
		assert_int_equal(registry_set(&names, name, false, pool + 1, 1), 0);
	}
	assert_int_equal(registry_set(&names, "one-too-many", false, pool, 1), -ENOSPC);
	assert_int_equal(registry_set(&names, "unit7", false, pool, 1), 0);
	assert_finds(&names, "unit7", 10);
	assert_finds(&names, "unit8", 11);
	registry_fini(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_take_turns_beginning_at_home),
		cmocka_unit_test(name_without_actors_is_known_while_it_comes_back),
		cmocka_unit_test(names_begin_anywhere_when_nobody_is_at_home),
		cmocka_unit_test(names_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

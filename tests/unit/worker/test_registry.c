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

static int set(struct registry *names, const char *name, bool comes_back,
	       const struct troupe_address *actors, size_t n_actors)
{
	return registry_set(names, &(struct registry_name){.name = name,
							   .actors = actors,
							   .n_actors = n_actors,
							   .comes_back = comes_back});
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
	assert_int_equal(set(&names, "pool", false, pool, 3), 0);
	assert_finds(&names, "pool", 11);
	assert_finds(&names, "pool", 12);
	assert_finds(&names, "pool", 10);
	assert_finds(&names, "pool", 11);
	/* What is said anew replaces what was said, and the turn goes on. */
	assert_int_equal(set(&names, "pool", false, pool, 2), 0);
	assert_finds(&names, "pool", 10);
	assert_int_equal(set(&names, "pool", false, pool, 3), 0);
	assert_finds(&names, "pool", 11);
	assert_int_equal(set(&names, "pool", false, pool, 2), 0);
	assert_finds(&names, "pool", 10);
	assert_finds(&names, "pool", 11);
	assert_int_equal(set(&names, "pool", false, NULL, 0), 0);
	assert_int_equal(registry_find(&names, "pool", &found), -ENOENT);
	assert_int_equal(set(&names, "pool", false, NULL, 0), 0);
	registry_fini(&names);
}

static void name_without_actors_is_known_while_it_comes_back(void **state)
{
	struct troupe_address found;
	struct registry names;

	(void)state;
	registry_init(&names, home(1));
	assert_int_equal(set(&names, "pool", true, NULL, 0), 0);
	assert_int_equal(registry_find(&names, "pool", &found), -EINPROGRESS);
	assert_int_equal(set(&names, "pool", true, pool, 3), 0);
	assert_finds(&names, "pool", 10);
	assert_int_equal(set(&names, "pool", true, NULL, 0), 0);
	assert_int_equal(registry_find(&names, "pool", &found), -EINPROGRESS);
	assert_int_equal(set(&names, "pool", false, NULL, 0), 0);
	assert_int_equal(registry_find(&names, "pool", &found), -ENOENT);
	registry_fini(&names);
}

static void names_begin_anywhere_when_nobody_is_at_home(void **state)
{
	struct registry names;

	(void)state;
	registry_init(&names, home(9));
	assert_int_equal(set(&names, "pool", false, pool, 3), 0);
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
	assert_int_equal(set(&names, "", false, pool, 1), -EINVAL);
	assert_int_equal(set(&names, name, false, pool, 1), -EINVAL);
	assert_int_equal(registry_find(&names, name, &found), -ENOENT);
	name[LIMIT_NAME] = '\0';
	assert_int_equal(set(&names, name, false, pool, 1), 0);
	assert_int_equal(set(&names, name, false, many, LIMIT_INSTANCES + 1), -ENOSPC);
	assert_finds(&names, name, 10);
	for (unsigned i = 1; i < LIMIT_UNITS; i++) {
		snprintf(name, sizeof(name), "unit%u", i);
		assert_int_equal(set(&names, name, false, pool + 1, 1), 0);
	}
	assert_int_equal(set(&names, "one-too-many", false, pool, 1), -ENOSPC);
	assert_int_equal(set(&names, "unit7", false, pool, 1), 0);
	assert_finds(&names, "unit7", 10);
	assert_finds(&names, "unit8", 11);
	registry_fini(&names);
}

static int offer(struct registry *names, const char *name, bool is_default,
		 const struct troupe_address *actors, size_t n_actors,
		 const char *const *interfaces, size_t n_interfaces)
{
	return registry_set(names, &(struct registry_name){.name = name,
							   .actors = actors,
							   .n_actors = n_actors,
							   .comes_back = n_actors == 0,
							   .is_default = is_default,
							   .interfaces = interfaces,
							   .n_interfaces = n_interfaces});
}

static void assert_provides(struct registry *names, const char *interface, uint32_t slot)
{
	struct troupe_address found;

	assert_int_equal(registry_find_provider(names, interface, &found), 0);
	assert_int_equal(found.slot, slot);
}

static int look_for(struct registry *names, const char *interface)
{
	struct troupe_address found;

	return registry_find_provider(names, interface, &found);
}

static const char *const both[] = {"io.a", "io.b"};

static void provider_is_the_only_one_or_the_default(void **state)
{
	struct registry names;

	(void)state;
	registry_init(&names, home(3));
	assert_int_equal(look_for(&names, "io.a"), -ENOENT);
	assert_int_equal(offer(&names, "one", false, pool, 1, both, 2), 0);
	assert_provides(&names, "io.a", 10);
	assert_provides(&names, "io.b", 10);
	assert_int_equal(look_for(&names, "io"), -ENOENT);
	assert_int_equal(look_for(&names, ""), -ENOENT);
	/* Several, none of them and then one of them the default, and then two. */
	assert_int_equal(offer(&names, "two", false, pool + 1, 1, both, 1), 0);
	assert_int_equal(look_for(&names, "io.a"), -ENOTUNIQ);
	assert_provides(&names, "io.b", 10);
	assert_int_equal(offer(&names, "two", true, pool + 1, 1, both, 1), 0);
	assert_provides(&names, "io.a", 11);
	assert_int_equal(offer(&names, "three", true, pool + 2, 1, both, 1), 0);
	assert_int_equal(look_for(&names, "io.a"), -ENOTUNIQ);
	/* One goes; another comes to provide something else. */
	assert_int_equal(set(&names, "two", false, NULL, 0), 0);
	assert_provides(&names, "io.a", 12);
	assert_int_equal(offer(&names, "three", true, pool + 2, 1, both + 1, 1), 0);
	assert_provides(&names, "io.a", 10);
	assert_provides(&names, "io.b", 12);
	assert_int_equal(set(&names, "one", false, NULL, 0), 0);
	assert_int_equal(look_for(&names, "io.a"), -ENOENT);
	registry_fini(&names);
	assert_null(names.offers.by_interface);
}

static void provider_is_a_pool_in_turn_and_may_be_on_its_way(void **state)
{
	struct registry names;

	(void)state;
	registry_init(&names, home(1));
	assert_int_equal(offer(&names, "pool", false, NULL, 0, both, 1), 0);
	assert_int_equal(look_for(&names, "io.a"), -EINPROGRESS);
	assert_int_equal(offer(&names, "pool", false, pool, 3, both, 1), 0);
	/* By whatever it is asked for, the next has the turn. */
	assert_provides(&names, "io.a", 10);
	assert_finds(&names, "pool", 11);
	assert_provides(&names, "io.a", 12);
	assert_provides(&names, "io.a", 10);
	registry_fini(&names);
}

static void name_keeps_what_it_provides_when_the_next_is_refused(void **state)
{
	const char *many[TROUPE_INTERFACES_MAX + 1];
	struct registry names;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = both[i % 2];
	registry_init(&names, home(1));
	assert_int_equal(offer(&names, "one", false, pool, 1, both, 1), 0);
	assert_int_equal(offer(&names, "one", false, pool, 1, many, ARRAY_LEN(many)), -EINVAL);
	assert_provides(&names, "io.a", 10);
	assert_int_equal(look_for(&names, "io.b"), -ENOENT);
	registry_fini(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_take_turns_beginning_at_home),
		cmocka_unit_test(name_without_actors_is_known_while_it_comes_back),
		cmocka_unit_test(names_begin_anywhere_when_nobody_is_at_home),
		cmocka_unit_test(names_are_limited),
		cmocka_unit_test(provider_is_the_only_one_or_the_default),
		cmocka_unit_test(provider_is_a_pool_in_turn_and_may_be_on_its_way),
		cmocka_unit_test(name_keeps_what_it_provides_when_the_next_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

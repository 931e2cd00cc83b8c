/* test_access.c - what a peer may do. */
#include "clients/access.h"

#include "base/cleanup.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#define OWN 990

static enum control_level level(const struct settings *settings, uid_t uid, gid_t gid,
				const gid_t *groups, size_t n)
{
	struct control_peer peer = {.uid = uid, .gid = gid, .groups = groups, .n_groups = n};

	return access_level(settings, OWN, &peer);
}

static void access_is_all_when_root_or_the_daemons_own_user(void **state)
{
	const struct settings settings = {.observe = {.is_set = true, .gid = 7}};

	(void)state;
	assert_int_equal(level(&settings, 0, 1, NULL, 0), CONTROL_DEPLOY);
	assert_int_equal(level(&settings, OWN, 1, NULL, 0), CONTROL_DEPLOY);
}

static void access_is_observe_when_of_no_group_unless_that_is_closed(void **state)
{
	const struct settings open = {.call = {.is_set = true, .gid = 5}};
	const struct settings closed = {.observe = {.is_set = true, .gid = 7},
					.call = {.is_set = true, .gid = 5}};
	const gid_t others[] = {4, 6}, observers[] = {4, 7};

	(void)state;
	assert_int_equal(level(&open, 1000, 1000, NULL, 0), CONTROL_OBSERVE);
	assert_int_equal(level(&closed, 1000, 1000, NULL, 0), CONTROL_NOTHING);
	assert_int_equal(level(&closed, 1000, 1000, others, 2), CONTROL_NOTHING);
	assert_int_equal(level(&closed, 1000, 1000, observers, 2), CONTROL_OBSERVE);
	assert_int_equal(level(&closed, 1000, 7, NULL, 0), CONTROL_OBSERVE);
	assert_int_equal(level(&closed, 1000, 5, NULL, 0), CONTROL_CALL);
}

static void access_is_that_of_the_most_powerful_group_when_of_several(void **state)
{
	const struct settings settings = {.call = {.is_set = true, .gid = 5},
					  .manage = {.is_set = true, .gid = 6},
					  .deploy = {.is_set = true, .gid = 8}};
	const gid_t caller[] = {4, 5}, manager[] = {5, 6}, deployer[] = {5, 6, 8};

	(void)state;
	assert_int_equal(level(&settings, 1000, 1, caller, 2), CONTROL_CALL);
	assert_int_equal(level(&settings, 1000, 1, manager, 2), CONTROL_MANAGE);
	assert_int_equal(level(&settings, 1000, 1, deployer, 3), CONTROL_DEPLOY);
}

static void access_is_not_given_by_group_0_when_no_group_is_set(void **state)
{
	const struct settings settings = {0};
	const gid_t groups[] = {0};

	(void)state;
	assert_int_equal(level(&settings, 1000, 0, groups, 1), CONTROL_OBSERVE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(access_is_all_when_root_or_the_daemons_own_user),
		cmocka_unit_test(access_is_observe_when_of_no_group_unless_that_is_closed),
		cmocka_unit_test(access_is_that_of_the_most_powerful_group_when_of_several),
		cmocka_unit_test(access_is_not_given_by_group_0_when_no_group_is_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

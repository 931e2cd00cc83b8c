/* test_user_shares.c - what one user may have of something. */
#include "master/user_shares.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void user_has_at_most_its_share(void **state)
{
	struct user_shares shares = {0};

	(void)state;
	assert_int_equal(user_shares_take(&shares, 7, 2), 0);
	assert_int_equal(user_shares_take(&shares, 7, 2), 0);
	assert_int_equal(user_shares_take(&shares, 7, 2), -EUSERS);
	/* That is nobody else's concern. */
	assert_int_equal(user_shares_take(&shares, 0, 2), 0);
	assert_int_equal(user_shares_of(&shares, 7), 2);
	user_shares_give(&shares, 7);
	assert_int_equal(user_shares_take(&shares, 7, 2), 0);
	for (int i = 0; i < 2; i++)
		user_shares_give(&shares, 7);
	assert_int_equal(user_shares_of(&shares, 7), 0);
	user_shares_give(&shares, 0);
	assert_null(shares.users);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(user_has_at_most_its_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

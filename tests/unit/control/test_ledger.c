/* Connections and shares by user: no user gets all, and root always gets some. */
#include "control/ledger.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#define ALICE 4711u
#define BOB   4712u
#define ROOT  0u

static const struct control_share shares[] = {
	{{.all = 5, .uid = 3, .kept = 2}, {.all = 100, .uid = 60, .kept = 20}},
	{{0}, {0}},
};

static int set_up(void **state)
{
	static struct ledger ledger;

	ledger_init(&ledger);
	ledger.shares = shares;
	ledger.connections_quota = (struct control_quota){.all = 4, .uid = 3, .kept = 1};
	*state = &ledger;
	return 0;
}

static struct account *open_account(struct ledger *ledger, uid_t uid)
{
	struct account *account = NULL;

	assert_int_equal(ledger_open(ledger, uid, &account), 0);
	return account;
}

static void share_is_refused_when_a_user_has_too_much_of_it(void **state)
{
	struct ledger *ledger = *state;
	struct account *alice = open_account(ledger, ALICE), *bob = open_account(ledger, BOB);
	struct account *root = open_account(ledger, ROOT);

	for (int i = 0; i < 3; i++)
		assert_int_equal(account_take(alice, 0, 1), 0);
	assert_int_equal(account_take(alice, 0, 1), -EUSERS);
	/* Others still get theirs, until all is taken but what is kept. */
	assert_int_equal(account_take(bob, 0, 1), 0);
	assert_int_equal(account_take(bob, 0, 1), 0);
	assert_int_equal(account_take(bob, 0, 1), -ENFILE);
	assert_int_equal(account_take(root, 0, 1), 0);
	assert_int_equal(account_take(root, 0, 1), 0);
	assert_int_equal(account_take(root, 0, 1), -ENFILE);
	account_give(alice, 0, 1);
	account_give(root, 0, 1);
	assert_int_equal(account_take(bob, 0, 1), -ENFILE);
	account_give(root, 0, 1);
	assert_int_equal(account_take(bob, 0, 1), 0);
	assert_int_equal(ledger->uses[0].calls, 5);
	assert_int_equal(ledger->uses[0].bytes, 5);
	for (int i = 0; i < 2; i++)
		account_give(alice, 0, 1);
	for (int i = 0; i < 3; i++)
		account_give(bob, 0, 1);
	assert_int_equal(ledger->uses[0].calls, 0);
	assert_int_equal(ledger->uses[0].bytes, 0);
	account_close(alice);
	account_close(bob);
	account_close(root);
}

static void share_is_refused_when_its_bytes_are_too_many(void **state)
{
	struct ledger *ledger = *state;
	struct account *alice = open_account(ledger, ALICE), *bob = open_account(ledger, BOB);
	struct account *root = open_account(ledger, ROOT);

	assert_int_equal(account_take(alice, 0, 61), -EUSERS);
	assert_int_equal(account_take(alice, 0, SIZE_MAX), -ENFILE);
	assert_int_equal(account_take(alice, 0, 60), 0);
	assert_int_equal(account_take(alice, 0, 1), -EUSERS);
	assert_int_equal(account_take(bob, 0, 41), -ENFILE);
	assert_int_equal(account_take(bob, 0, 40), 0);
	assert_int_equal(account_take(root, 0, 20), 0);
	assert_int_equal(account_take(root, 0, 1), -ENFILE);
	/* Nothing was taken by those that were refused. */
	assert_int_equal(ledger->uses[0].calls, 3);
	assert_int_equal(ledger->uses[0].bytes, 120);
	account_give(alice, 0, 60);
	account_give(bob, 0, 40);
	account_give(root, 0, 20);
	account_close(alice);
	account_close(bob);
	account_close(root);
}

static void share_without_limits_is_never_refused(void **state)
{
	struct ledger *ledger = *state;
	struct account *alice = open_account(ledger, ALICE);

	for (int i = 0; i < 1000; i++)
		assert_int_equal(account_take(alice, 1, 1 << 20), 0);
	for (int i = 0; i < 1000; i++)
		account_give(alice, 1, 1 << 20);
	account_close(alice);
}

static void account_lives_as_long_as_its_calls(void **state)
{
	struct ledger *ledger = *state;
	struct account *alice = account_ref(open_account(ledger, ALICE)), *again;

	/* Its connection has gone, a call has not: who comes back is the same user. */
	assert_int_equal(account_take(alice, 0, 0), 0);
	account_close(alice);
	assert_int_equal(ledger->connections, 0);
	again = open_account(ledger, ALICE);
	assert_ptr_equal(again, alice);
	account_close(again);
	account_give(alice, 0, 0);
	account_unref(alice);
	assert_true(list_is_empty(&ledger->accounts));
}

static void connections_are_kept_for_root(void **state)
{
	struct ledger *ledger = *state;
	struct account *alice[3], *bob, *root, *none;

	for (int i = 0; i < 3; i++)
		alice[i] = open_account(ledger, ALICE);
	assert_int_equal(ledger_open(ledger, ALICE, &none), -EUSERS);
	bob = open_account(ledger, BOB);
	assert_int_equal(ledger_open(ledger, BOB, &none), -ENFILE);
	root = open_account(ledger, ROOT);
	assert_int_equal(ledger_open(ledger, ROOT, &none), -ENFILE);
	for (int i = 0; i < 3; i++)
		account_close(alice[i]);
	account_close(bob);
	account_close(root);
	assert_true(list_is_empty(&ledger->accounts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(share_is_refused_when_a_user_has_too_much_of_it, set_up),
		cmocka_unit_test_setup(share_is_refused_when_its_bytes_are_too_many, set_up),
		cmocka_unit_test_setup(share_without_limits_is_never_refused, set_up),
		cmocka_unit_test_setup(account_lives_as_long_as_its_calls, set_up),
		cmocka_unit_test_setup(connections_are_kept_for_root, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

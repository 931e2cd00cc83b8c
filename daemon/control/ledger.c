/* ledger.c - connections and bytes by uid. */
#include "control/ledger.h"

#include "base/check.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void ledger_init(struct ledger *ledger)
{
	*ledger = (struct ledger){0};
	list_init(&ledger->accounts);
}

/* Looked up once for each connection; there are at most as many as connections. */
static struct account *find_account(struct ledger *ledger, uid_t uid)
{
	list_foreach (at, &ledger->accounts) {
		struct account *account = container_of(at, struct account, link);

		if (account->uid == uid)
			return account;
	}
	return NULL;
}

int ledger_open(struct ledger *ledger, uid_t uid, struct account **ret_account)
{
	struct account *account = find_account(ledger, uid);
	bool is_keeper = uid == 0 || uid == geteuid();

	if (ledger->connections >=
	    ledger->connections_max + (is_keeper ? ledger->connections_kept : 0))
		return -ENFILE;
	if (account && account->connections >= ledger->connections_uid_max)
		return -EUSERS;
	if (!account) {
		account = calloc(1, sizeof(*account));
		if (!account)
			return -ENOMEM;
		account->ledger = ledger;
		account->uid = uid;
		list_init(&account->queue);
		list_init(&account->turn);
		list_append(&ledger->accounts, &account->link);
	}
	account->connections++;
	ledger->connections++;
	*ret_account = account;
	return 0;
}

void account_close(struct account *account)
{
	account->ledger->connections--;
	if (--account->connections > 0)
		return;
	check(account->held == 0);
	list_remove(&account->turn);
	list_remove(&account->link);
	free(account);
}

void account_charge(struct account *account, size_t before, size_t after)
{
	account->held += after - before; /* unsigned: right in both directions */
	account->ledger->held += after - before;
}

bool ledger_is_over(const struct ledger *ledger)
{
	return ledger->held > ledger->held_max;
}

bool account_is_over(const struct account *account)
{
	return account->held > account->ledger->held_uid_max;
}

bool account_is_high(const struct account *account)
{
	const struct ledger *ledger = account->ledger;

	return account->held > ledger->held_uid_max / 2 || ledger->held > ledger->held_max / 2;
}

/* ledger.c - connections, bytes and shares by uid. */
#include "control/ledger.h"

#include "base/check.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

void ledger_init(struct ledger *ledger)
{
	*ledger = (struct ledger){.own = geteuid()};
	list_init(&ledger->accounts);
}

/* Looked up once for each connection; there are at most as many as connections and calls. */
static struct account *find_account(struct ledger *ledger, uid_t uid)
{
	list_each (struct account, account, &ledger->accounts, link)
		if (account->uid == uid)
			return account;
	return NULL;
}

/* Whether `more` fits beside what is in use: of that uid, and of all. */
static int fits(const struct ledger *ledger, const struct control_quota *quota, uid_t uid,
		size_t of_uid, size_t of_all, size_t more)
{
	bool is_keeper = uid == 0 || uid == ledger->own;
	size_t all = quota->all + (is_keeper ? quota->kept : 0);

	if (quota->all > 0 && (of_all > all || more > all - of_all))
		return -ENFILE;
	if (quota->uid > 0 && (of_uid > quota->uid || more > quota->uid - of_uid))
		return -EUSERS;
	return 0;
}

static struct account *new_account(struct ledger *ledger, uid_t uid)
{
	struct account *account = calloc(1, sizeof(*account));

	if (!account)
		return NULL;
	account->ledger = ledger;
	account->uid = uid;
	list_init(&account->queue);
	list_init(&account->turn);
	list_append(&ledger->accounts, &account->link);
	return account;
}

int ledger_open(struct ledger *ledger, uid_t uid, struct account **ret_account)
{
	struct account *account = find_account(ledger, uid);
	int r = fits(ledger, &ledger->connections_quota, uid,
		     account ? account->connections : 0, ledger->connections, 1);

	if (r < 0)
		return r;
	if (!account)
		account = new_account(ledger, uid);
	if (!account)
		return -ENOMEM;
	account->connections++;
	ledger->connections++;
	*ret_account = account_ref(account);
	return 0;
}

void account_close(struct account *account)
{
	account->ledger->connections--;
	account->connections--;
	account_unref(account);
}

struct account *account_ref(struct account *account)
{
	account->refs++;
	return account;
}

void account_unref(struct account *account)
{
	if (--account->refs > 0)
		return;
	check(account->held == 0);
	list_remove(&account->turn);
	list_remove(&account->link);
	free(account);
}

int account_take(struct account *account, unsigned share, size_t bytes)
{
	struct ledger *ledger = account->ledger;
	const struct control_share *limits = &ledger->shares[share];
	struct ledger_use *of_all = &ledger->uses[share];
	struct ledger_use *of_uid = &account->uses[share];
	int r = fits(ledger, &limits->calls, account->uid, of_uid->calls, of_all->calls, 1);

	if (r == 0)
		r = fits(ledger, &limits->bytes, account->uid, of_uid->bytes, of_all->bytes,
			 bytes);
	if (r < 0)
		return r;
	of_uid->calls++;
	of_all->calls++;
	of_uid->bytes += bytes;
	of_all->bytes += bytes;
	return 0;
}

void account_give(struct account *account, unsigned share, size_t bytes)
{
	account->uses[share].calls--;
	account->ledger->uses[share].calls--;
	account->uses[share].bytes -= bytes;
	account->ledger->uses[share].bytes -= bytes;
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

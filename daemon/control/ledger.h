/* ledger.h - what each uid has of the server, and all of them together: connections, bytes, and
 * the shares that the host's calls take up.
 *
 * Belongs to one server and its thread. What to do at a limit is the caller's business.
 */
#ifndef CONTROL_LEDGER_H
#define CONTROL_LEDGER_H

#include "base/list.h"
#include "control/server.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* What is in use of one share. */
struct ledger_use {
	size_t calls, bytes;
};

struct ledger {
	struct list accounts;
	struct control_quota connections_quota;
	unsigned connections;
	uid_t own; /* of our process, which has what is kept as root has */
	size_t held, held_max, held_uid_max;
	const struct control_share *shares; /* borrowed */
	struct ledger_use uses[CONTROL_SHARES_MAX];
};

/* What one uid holds; there while it has a connection, or a call whose connection has gone. */
struct account {
	struct ledger *ledger;
	struct list link;
	struct list queue; /* of connections that have something to do: of server.c, as is: */
	struct list turn;  /* in the server's turns, while it has such */
	uid_t uid;
	unsigned refs; /* connections and calls */
	unsigned connections;
	size_t held;
	struct ledger_use uses[CONTROL_SHARES_MAX];
};

void ledger_init(struct ledger *ledger);

/* Count one more connection of uid. -EUSERS: too many of that uid; -ENFILE: too many in all,
 * those kept for whoever must put things right included; -ENOMEM. *ret_account has one
 * reference, which account_close() gives up. */
int ledger_open(struct ledger *ledger, uid_t uid, struct account **ret_account);

/* One connection less; its bytes must have been released before. */
void account_close(struct account *account);

struct account *account_ref(struct account *account);
void account_unref(struct account *account);

/* Take up one of a share, and bytes of it. -EUSERS, -ENFILE: as above; nothing was taken. */
int account_take(struct account *account, unsigned share, size_t bytes);
void account_give(struct account *account, unsigned share, size_t bytes);

/* A connection that held `before` bytes holds `after` now. */
void account_charge(struct account *account, size_t before, size_t after);

/* Whether a limit on bytes is passed: of the uid, or of all. */
bool account_is_over(const struct account *account);
bool ledger_is_over(const struct ledger *ledger);

/* Whether half of a limit is passed: time to take in nothing new. */
bool account_is_high(const struct account *account);

#endif

/* ledger.h - how many connections and bytes each uid holds, and all of them together.
 *
 * Belongs to one server and its thread. Counting cannot fail; what to do at a limit is the
 * caller's business.
 */
#ifndef CONTROL_LEDGER_H
#define CONTROL_LEDGER_H

#include "base/list.h"
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct ledger {
	struct list accounts;
	unsigned connections, connections_max, connections_uid_max;
	unsigned connections_kept; /* beyond the most, for root and our own uid */
	size_t held, held_max, held_uid_max;
};

/* What one uid holds; there while it has a connection. */
struct account {
	struct ledger *ledger;
	struct list link;
	struct list queue; /* of connections that have something to do: of server.c, as is: */
	struct list turn;  /* in the server's turns, while it has such */
	uid_t uid;
	unsigned connections;
	size_t held;
};

void ledger_init(struct ledger *ledger);

/* Count one more connection of uid. -EUSERS: too many of that uid; -ENFILE: too many in all,
 * those kept for whoever must put things right included; -ENOMEM. *ret_account is borrowed until account_close(). */
int ledger_open(struct ledger *ledger, uid_t uid, struct account **ret_account);

/* One connection less; its bytes must have been released before. */
void account_close(struct account *account);

/* A connection that held `before` bytes holds `after` now. */
void account_charge(struct account *account, size_t before, size_t after);

/* Whether a limit on bytes is passed: of the uid, or of all. */
bool account_is_over(const struct account *account);
bool ledger_is_over(const struct ledger *ledger);

/* Whether half of a limit is passed: time to take in nothing new. */
bool account_is_high(const struct account *account);

#endif

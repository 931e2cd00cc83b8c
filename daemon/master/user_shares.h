/* user_shares.h - how many of something each user of the control socket has, so that one alone cannot have all of it.
 *
 * Belongs to the master; one thread. A user stands in the table only while it has something.
 */
#ifndef MASTER_USER_SHARES_H
#define MASTER_USER_SHARES_H

#include <sys/types.h>

struct user_share;

/* Zeroed means empty; empty, it holds no memory. */
struct user_shares {
	struct user_share *users; /* uthash, by uid */
};

/* One more of that user. -EUSERS: it has `most` already; -ENOMEM. */
int user_shares_take(struct user_shares *shares, uid_t uid, unsigned most);
/* One less; there must have been one. */
void user_shares_give(struct user_shares *shares, uid_t uid);
/* How many it has. */
unsigned user_shares_of(const struct user_shares *shares, uid_t uid);

#endif

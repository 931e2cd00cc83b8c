#include "master/user_shares.h"

#include "base/check.h"
#include "master/hash.h"
#include <errno.h>
#include <stdlib.h>

struct user_share {
	UT_hash_handle by_uid;
	uid_t uid;
	unsigned count;
};

static struct user_share *find_share(const struct user_shares *shares, uid_t uid)
{
	struct user_share *share;

	HASH_FIND(by_uid, shares->users, &uid, sizeof(uid), share);
	return share;
}

static struct user_share *new_share(struct user_shares *shares, uid_t uid)
{
	struct user_share *share = calloc(1, sizeof(*share));

	if (!share)
		return NULL;
	share->uid = uid;
	HASH_ADD(by_uid, shares->users, uid, sizeof(share->uid), share);
	if (!share->by_uid.tbl) {
		free(share);
		return NULL;
	}
	return share;
}

static void free_share(struct user_shares *shares, struct user_share *share)
{
	HASH_DELETE(by_uid, shares->users, share);
	free(share);
}

int user_shares_take(struct user_shares *shares, uid_t uid, unsigned most)
{
	struct user_share *share = find_share(shares, uid);

	if (share && share->count >= most)
		return -EUSERS;
	if (!share)
		share = new_share(shares, uid);
	if (!share)
		return -ENOMEM;
	share->count++;
	return 0;
}

void user_shares_give(struct user_shares *shares, uid_t uid)
{
	struct user_share *share = find_share(shares, uid);

	check(share);
	if (--share->count == 0)
		free_share(shares, share);
}

unsigned user_shares_of(const struct user_shares *shares, uid_t uid)
{
	const struct user_share *share = find_share(shares, uid);

	return share ? share->count : 0;
}

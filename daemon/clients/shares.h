/* shares.h - what of the master clients' open calls take up, so that no user gets all of it.
 *
 * Claimed with control_call_claim() by the part that lets a call wait, given back by the
 * control server when the call ends. The numbers are in base/limits.h. Const data.
 */
#ifndef CLIENTS_SHARES_H
#define CLIENTS_SHARES_H

#include "control/server.h"

enum call_share {
	SHARE_CALLS,     /* actors have not answered: of relays.c */
	SHARE_WAITING,   /* a unit is being started: of route.c */
	SHARE_STREAMS,   /* replies that their client has not read: of held.c */
	SHARE_INQUIRIES, /* questions to workers: of inquiry.c */
	SHARE_WATCHERS,  /* of watchers.c */
	SHARE_CHANGES,   /* Start, Stop, Restart, Spawn, Reload, Kill: they wait for units */
	SHARE_COUNT,
	SHARE_CLAIMED = SHARE_COUNT /* none: the call has claimed what it takes up */
};

extern const struct control_share shares[SHARE_COUNT];

#endif

#include "proto/cause.h"

const char *cause_name(enum troupe_cause cause)
{
	static const char *const names[TROUPE_CAUSE_COUNT] = {
		"unknown",
		[TROUPE_CAUSE_NORMAL] = "normal",
		[TROUPE_CAUSE_SHUTDOWN] = "shutdown",
		[TROUPE_CAUSE_FAILED] = "failed",
		[TROUPE_CAUSE_CRASHED] = "crashed",
		[TROUPE_CAUSE_COLLATERAL] = "collateral",
		[TROUPE_CAUSE_KILLED] = "killed",
		[TROUPE_CAUSE_PARENT] = "parent",
		[TROUPE_CAUSE_UPGRADED] = "upgraded",
		[TROUPE_CAUSE_NO_SUCH_ACTOR] = "no-such-actor",
		[TROUPE_CAUSE_PEER_DOWN] = "peer-down",
	};

	return names[(unsigned)cause < TROUPE_CAUSE_COUNT ? cause : 0];
}

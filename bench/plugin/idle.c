/* idle.c - actors that do nothing until they are told to leave. */
#include "boss.h"

struct idler {
	struct troupe_address of_no_use; /* 16 bytes, as an actor that does something has */
};

static int on_leave(struct troupe_self *self, struct idler *me, struct play_leave_call call,
		    const struct play_leave *in)
{
	(void)me;
	(void)in;
	return boss_leave(self, call, 1);
}

PLAY_HANDLERS(idler_play, struct idler, .leave = on_leave)

TROUPE_ACTOR(idler) = {
	TROUPE_ABI(idler),
	.description = "does nothing",
	.state_size = sizeof(struct idler),
	.interfaces = {&idler_play},
};

const struct measure idle_measure = {
	.least = 1,
	.first = TROUPE_ACTOR_TABLE(idler),
	.others = TROUPE_ACTOR_TABLE(idler),
};

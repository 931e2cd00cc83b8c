/* big.c - everybody pings somebody at random, and when the pong has come, the next one. */
#include "boss.h"

struct pinger {
	const struct troupe_address *all; /* the boss's, which outlives the players */
	int64_t n_all;
	int64_t left, count;
};

static int ping_someone(struct troupe_self *self, struct pinger *me)
{
	uint64_t who = troupe_random(self) % (uint64_t)me->n_all;
	int error;

	me->left--;
	error = play_ping_send(self, me->all[who], &(struct play_ping){.number = me->left});
	return boss_check(self, error);
}

static int on_ping(struct troupe_self *self, struct pinger *me, struct play_ping_call call,
		   const struct play_ping *in)
{
	int error;

	(void)call;
	me->count++;
	error = play_pong_send(self, troupe_sender(self),
			       &(struct play_pong){.number = in->number});
	return boss_check(self, error);
}

static int on_pong(struct troupe_self *self, struct pinger *me, struct play_pong_call call,
		   const struct play_pong *in)
{
	(void)call;
	(void)in;
	me->count++;
	return me->left > 0 ? ping_someone(self, me) : boss_tell_finished(self);
}

static int on_start(struct troupe_self *self, struct pinger *me, struct play_start_call call,
		    const struct play_start *in)
{
	(void)call;
	(void)in;
	return ping_someone(self, me);
}

static int on_meet(struct troupe_self *self, struct pinger *me, struct play_meet_call call,
		   const struct play_meet *in)
{
	(void)self;
	(void)call;
	me->all = (const struct troupe_address *)(uintptr_t)in->table;
	me->n_all = in->entries;
	me->left = in->amount;
	return 0;
}

static int on_leave(struct troupe_self *self, struct pinger *me, struct play_leave_call call,
		    const struct play_leave *in)
{
	(void)in;
	return boss_leave(self, call, me->count);
}

PLAY_HANDLERS(pinger_play, struct pinger, .meet = on_meet, .start = on_start, .ping = on_ping,
	      .pong = on_pong, .leave = on_leave)

TROUPE_ACTOR(pinger) = {
	TROUPE_ABI(pinger),
	.description = "pings others at random",
	.state_size = sizeof(struct pinger),
	.interfaces = {&pinger_play},
};

/* One table for all, as in other hosts' versions of this: nobody writes to it any more. */
static struct play_meet meet_all(const struct boss *boss, int64_t player)
{
	(void)player;
	return (struct play_meet){.amount = boss->amount,
				  .table = (int64_t)(uintptr_t)boss->players,
				  .entries = boss->wanted};
}

const struct measure big_measure = {
	.least = 1,
	.most = 1000,
	.first = TROUPE_ACTOR_TABLE(pinger),
	.others = TROUPE_ACTOR_TABLE(pinger),
	.meet = meet_all,
	.meets = ALL,
	.starts = ALL,
	.finishes = ALL,
};

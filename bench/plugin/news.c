/* news.c - one tells all others something, and again when all have heard it. */
#include "boss.h"

/* ---- who listens */

struct listener {
	int64_t count;
};

static int on_news(struct troupe_self *self, struct listener *me, struct play_news_call call,
		   const struct play_news *in)
{
	(void)self;
	(void)call;
	(void)in;
	me->count++;
	return 0;
}

static int on_listener_leave(struct troupe_self *self, struct listener *me,
			     struct play_leave_call call, const struct play_leave *in)
{
	(void)in;
	return boss_leave(self, call, me->count);
}

PLAY_HANDLERS(listener_play, struct listener, .news = on_news, .leave = on_listener_leave)

TROUPE_ACTOR(listener) = {
	TROUPE_ABI(listener),
	.description = "hears the news",
	.state_size = sizeof(struct listener),
	.interfaces = {&listener_play},
};

/* ---- who tells */

struct announcer {
	const struct troupe_address *all; /* the boss's, which outlives the players */
	int64_t n_all, left;
};

static int on_meet(struct troupe_self *self, struct announcer *me, struct play_meet_call call,
		   const struct play_meet *in)
{
	(void)self;
	(void)call;
	me->all = (const struct troupe_address *)(uintptr_t)in->table;
	me->n_all = in->entries;
	me->left = in->amount;
	return 0;
}

/* Once around. Its message to itself comes after theirs: by then they have heard. */
static int on_start(struct troupe_self *self, struct announcer *me, struct play_start_call call,
		    const struct play_start *in)
{
	int error = 0;

	(void)call;
	(void)in;
	if (me->left == 0)
		return boss_tell_finished(self);
	me->left--;
	for (int64_t i = 1; i < me->n_all && !error; i++)
		error = play_news_send(self, me->all[i],
				       &(struct play_news){.number = me->left});
	if (!error)
		error = play_start_send(self, troupe_address(self), &(struct play_start){0});
	return boss_check(self, error);
}

static int on_announcer_leave(struct troupe_self *self, struct announcer *me,
			      struct play_leave_call call, const struct play_leave *in)
{
	(void)me;
	(void)in;
	return boss_leave(self, call, 0);
}

PLAY_HANDLERS(announcer_play, struct announcer, .meet = on_meet, .start = on_start,
	      .leave = on_announcer_leave)

TROUPE_ACTOR(announcer) = {
	TROUPE_ABI(announcer),
	.description = "tells everybody the news",
	.state_size = sizeof(struct announcer),
	.interfaces = {&announcer_play},
};

static struct play_meet meet_all(const struct boss *boss, int64_t player)
{
	(void)player;
	return (struct play_meet){.amount = boss->amount,
				  .table = (int64_t)(uintptr_t)boss->players,
				  .entries = boss->wanted};
}

const struct measure broadcast_measure = {
	.least = 2,
	.first = TROUPE_ACTOR_TABLE(announcer),
	.others = TROUPE_ACTOR_TABLE(listener),
	.meet = meet_all,
	.meets = FIRST,
	.starts = FIRST,
	.finishes = FIRST,
};

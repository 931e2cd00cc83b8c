/* ask.c - one calls the other, five fields each way, and calls again when the reply is
 * there: with plain handlers, with a task handler that does not wait, and with a task that
 * waits for the reply. */
#include "boss.h"
#include <errno.h>
#include <string.h>

#define TEXT "a name of twenty ch." /* as many characters as it says */

/* ---- who is asked */

struct answerer {
	int64_t count;
};

static int on_ask(struct troupe_self *self, struct answerer *me, struct play_ask_call call,
		  const struct play_ask *in)
{
	me->count++;
	return play_ask_return(self, call,
			       &(struct play_ask_out){.number = in->number,
						      .wide = in->wide,
						      .ratio = in->ratio,
						      .name = in->name,
						      .other = in->other});
}

static int on_answerer_leave(struct troupe_self *self, struct answerer *me,
			     struct play_leave_call call, const struct play_leave *in)
{
	(void)in;
	return boss_leave(self, call, me->count);
}

PLAY_HANDLERS(answerer_play, struct answerer, .ask = on_ask, .leave = on_answerer_leave)

TROUPE_ACTOR(answerer) = {
	TROUPE_ABI(answerer),
	.description = "answers with what it was asked",
	.state_size = sizeof(struct answerer),
	.interfaces = {&answerer_play},
};

PLAY_HANDLERS(server_play, struct answerer, .ask_task = on_ask, .leave = on_answerer_leave)

TROUPE_ACTOR(server) = {
	TROUPE_ABI(server),
	.description = "the same in a task, which does not wait",
	.state_size = sizeof(struct answerer),
	.interfaces = {&server_play},
};

/* ---- who asks */

struct asker {
	struct troupe_address answerer;
	int64_t left;
};

static int ask(struct troupe_self *self, struct asker *me);

static struct play_ask question(const struct asker *me)
{
	return (struct play_ask){
		.number = me->left, .wide = true, .ratio = 0.5, .name = TEXT, .other = 7};
}

/* The last answer is looked at as a whole. */
static bool is_wrong(const struct play_ask_out *out)
{
	return strcmp(out->name, TEXT) != 0 || !out->wide || out->other != 7;
}

static int on_answer(struct troupe_self *self, struct asker *me, uint64_t context,
		     const struct play_ask_reply *reply)
{
	(void)context;
	if (reply->status != TROUPE_OK || reply->out->number != me->left)
		return boss_check(self, -EBADMSG);
	if (--me->left > 0)
		return ask(self, me);
	if (is_wrong(reply->out))
		return boss_check(self, -EBADMSG);
	return boss_tell_finished(self);
}
PLAY_ASK_REPLY(on_answer, struct asker)

static int ask(struct troupe_self *self, struct asker *me)
{
	const struct play_ask in = question(me);
	int error;

	error = play_ask_ask(self, me->answerer, &in, &on_answer_entry, 0, 0, NULL);
	return boss_check(self, error);
}

static int on_meet(struct troupe_self *self, struct asker *me, struct play_meet_call call,
		   const struct play_meet *in)
{
	(void)self;
	(void)call;
	me->answerer = in->next;
	me->left = in->amount;
	return 0;
}

static int on_start(struct troupe_self *self, struct asker *me, struct play_start_call call,
		    const struct play_start *in)
{
	(void)call;
	(void)in;
	return ask(self, me);
}

static int on_asker_leave(struct troupe_self *self, struct asker *me,
			  struct play_leave_call call, const struct play_leave *in)
{
	(void)me;
	(void)in;
	return boss_leave(self, call, 0);
}

PLAY_HANDLERS(asker_play, struct asker, .meet = on_meet, .start = on_start,
	      .leave = on_asker_leave)

TROUPE_ACTOR(asker) = {
	TROUPE_ABI(asker),
	.description = "asks again and again",
	.state_size = sizeof(struct asker),
	.interfaces = {&asker_play},
	.entries = {&on_answer_entry},
};

/* ---- who waits for what it asks */

static int on_await_start(struct troupe_self *self, struct asker *me,
			  struct play_start_call call, const struct play_start *in)
{
	struct play_ask_answer answer = {0};

	(void)call;
	(void)in;
	for (; me->left > 0; me->left--) {
		const struct play_ask asked = question(me);
		int error = play_ask_await(self, me->answerer, &asked, &answer);

		if (error || !answer.out || answer.out->number != me->left)
			return boss_check(self, error < 0 ? error : -EBADMSG);
	}
	if (is_wrong(answer.out))
		return boss_check(self, -EBADMSG);
	return boss_tell_finished(self);
}

PLAY_HANDLERS(awaiter_play, struct asker, .meet = on_meet, .start_task = on_await_start,
	      .leave = on_asker_leave)

TROUPE_ACTOR(awaiter) = {
	TROUPE_ABI(awaiter),
	.description = "asks again and again, in a task",
	.state_size = sizeof(struct asker),
	.interfaces = {&awaiter_play},
};

static struct play_meet meet_answerer(const struct boss *boss, int64_t player)
{
	(void)player;
	return (struct play_meet){.next = boss->players[0], .amount = boss->amount};
}

#define MEASURE(asked, asking)                                                                 \
	{                                                                                      \
		.least = 2, .most = 2, .first = TROUPE_ACTOR_TABLE(asked),                     \
		.others = TROUPE_ACTOR_TABLE(asking), .meet = meet_answerer, .meets = OTHERS,  \
		.starts = OTHERS, .finishes = OTHERS,                                          \
	}

const struct measure call_measure = MEASURE(answerer, asker);
const struct measure served_measure = MEASURE(server, asker);
const struct measure await_measure = MEASURE(answerer, awaiter);

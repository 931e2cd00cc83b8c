/* flow.c - producers who send as fast as one consumer lets them: they stop when its mailbox is
 * full, and go on when they hear that there is room. What flows are numbers (counting, fan-in)
 * or letters (strings).
 */
#include "boss.h"
#include <errno.h>
#include <string.h>

/* ---- the consumer */

struct consumer {
	int64_t count;
};

static int on_count(struct troupe_self *self, struct consumer *me, struct play_count_call call,
		    const struct play_count *in)
{
	(void)self;
	(void)call;
	(void)in;
	me->count++;
	return 0;
}

/* Looks at what came, so that the letters are not only carried. */
static int on_letter(struct troupe_self *self, struct consumer *me,
		     struct play_letter_call call, const struct play_letter *in)
{
	(void)call;
	if (in->sender[0] != 'F' || in->body[0] != 'I' || in->stamp.value != 85 ||
	    in->pages.count != 4 || in->pages.items[3] != 4)
		return boss_check(self, -EBADMSG);
	me->count++;
	return 0;
}

static int on_total(struct troupe_self *self, struct consumer *me, struct play_total_call call,
		    const struct play_total *in)
{
	(void)in;
	return play_total_return(self, call, &(struct play_total_out){.count = me->count});
}

static int on_consumer_leave(struct troupe_self *self, struct consumer *me,
			     struct play_leave_call call, const struct play_leave *in)
{
	(void)in;
	return boss_leave(self, call, me->count);
}

PLAY_HANDLERS(consumer_play, struct consumer, .count = on_count, .letter = on_letter,
	      .total = on_total, .leave = on_consumer_leave)

TROUPE_ACTOR(consumer) = {
	TROUPE_ABI(consumer),
	.description = "counts what it gets",
	.state_size = sizeof(struct consumer),
	.interfaces = {&consumer_play},
};

/* ---- the producers */

struct producer {
	struct troupe_address consumer;
	int64_t left;
};

static int on_meet(struct troupe_self *self, struct producer *me, struct play_meet_call call,
		   const struct play_meet *in)
{
	(void)self;
	(void)call;
	me->consumer = in->next;
	me->left = in->amount;
	return 0;
}

static int on_producer_leave(struct troupe_self *self, struct producer *me,
			     struct play_leave_call call, const struct play_leave *in)
{
	(void)me;
	(void)in;
	return boss_leave(self, call, 0);
}

/* As many as find room; -EAGAIN brings on_room. */
static int produce_numbers(struct troupe_self *self, struct producer *me)
{
	int error = 0;

	while (me->left > 0 && !error) {
		error = play_count_send(self, me->consumer,
					&(struct play_count){.number = me->left});
		if (!error)
			me->left--;
	}
	if (error == -EAGAIN)
		return 0;
	return error ? boss_check(self, error) : boss_tell_finished(self);
}

static int produce_letters(struct troupe_self *self, struct producer *me)
{
	static const int64_t pages[] = {1, 2, 3, 4};
	const struct play_letter letter = {
		.sender = "From the first author",
		.receiver = "To the second reader",
		.street = "17 Station Road, left",
		.town = "Neustadt am Rübenberg",
		.subject = "What was said on May 1",
		.body = "It is as we had feared",
		.stamp = {.value = 85, .weight = 20.5, .express = true},
		.pages = {.items = pages, .count = 4},
	};
	int error = 0;

	while (me->left > 0 && !error) {
		error = play_letter_send(self, me->consumer, &letter);
		if (!error)
			me->left--;
	}
	if (error == -EAGAIN)
		return 0;
	return error ? boss_check(self, error) : boss_tell_finished(self);
}

static int on_start_numbers(struct troupe_self *self, struct producer *me,
			    struct play_start_call call, const struct play_start *in)
{
	(void)call;
	(void)in;
	return produce_numbers(self, me);
}

static int on_start_letters(struct troupe_self *self, struct producer *me,
			    struct play_start_call call, const struct play_start *in)
{
	(void)call;
	(void)in;
	return produce_letters(self, me);
}

static int on_room_numbers(struct troupe_self *self, struct producer *me,
			   struct troupe_address where, struct troupe_call call)
{
	(void)where;
	(void)call;
	return produce_numbers(self, me);
}

static int on_room_letters(struct troupe_self *self, struct producer *me,
			   struct troupe_address where, struct troupe_call call)
{
	(void)where;
	(void)call;
	return produce_letters(self, me);
}

TROUPE_LIFE(numbers_life, struct producer, void, .on_room = on_room_numbers)
PLAY_HANDLERS(numbers_play, struct producer, .meet = on_meet, .start = on_start_numbers,
	      .leave = on_producer_leave)

TROUPE_ACTOR(numbers) = {
	TROUPE_ABI(numbers),
	.description = "sends numbers for as long as there is room",
	.state_size = sizeof(struct producer),
	.life = &numbers_life,
	.interfaces = {&numbers_play},
};

TROUPE_LIFE(letters_life, struct producer, void, .on_room = on_room_letters)
PLAY_HANDLERS(letters_play, struct producer, .meet = on_meet, .start = on_start_letters,
	      .leave = on_producer_leave)

TROUPE_ACTOR(letters) = {
	TROUPE_ABI(letters),
	.description = "sends letters for as long as there is room",
	.state_size = sizeof(struct producer),
	.life = &letters_life,
	.interfaces = {&letters_play},
};

/* Each of the n producers sends an n-th of the amount, the first ones what is left over. */
static struct play_meet meet_consumer(const struct boss *boss, int64_t player)
{
	int64_t n = boss->wanted - 1;

	return (struct play_meet){.next = boss->players[0],
				  .amount = boss->amount / n + (player <= boss->amount % n)};
}

#define FLOW                                                                                   \
	.least = 2, .most = 1001, .first = TROUPE_ACTOR_TABLE(consumer),                       \
	.meet = meet_consumer, .meets = OTHERS, .starts = OTHERS, .finishes = OTHERS,          \
	.has_total = true

const struct measure counting_measure = {FLOW, .others = TROUPE_ACTOR_TABLE(numbers)};
const struct measure strings_measure = {FLOW, .others = TROUPE_ACTOR_TABLE(letters)};

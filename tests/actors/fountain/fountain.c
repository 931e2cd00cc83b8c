/* fountain.c - a stream as fast as its reader takes it. */
#include "fountain.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/actor.h>

struct jet {
	struct jet *next;
	struct fountain_pour_call call;
	int64_t number, last; /* 0: none is the last */
	char *text;
};

struct fountain {
	struct jet *jets;
	int64_t count, replies;
};

static void remove_jet(struct fountain *me, struct jet *jet)
{
	struct jet **place = &me->jets;

	while (*place != jet)
		place = &(*place)->next;
	*place = jet->next;
	me->count--;
	free(jet->text);
	free(jet);
}

static int pour(struct troupe_self *self, struct fountain *me, struct jet *jet)
{
	/* Replies to a caller who is gone are taken without end; on_cancel follows. */
	while (fountain_pour_wants_reply(self, jet->call)) {
		struct fountain_pour_out out = {.number = jet->number, .text = jet->text};

		if (jet->number == jet->last) {
			int r = fountain_pour_return(self, jet->call, &out);
			remove_jet(me, jet);
			return r;
		}
		int r = fountain_pour_reply(self, jet->call, &out);
		if (r == -EAGAIN)
			return 0; /* on_room goes on */
		if (r < 0)
			return r;
		jet->number++;
		me->replies++;
	}
	return 0;
}

static int on_pour(struct troupe_self *self, struct fountain *me,
		   struct fountain_pour_call call, const struct fountain_pour *in)
{
	struct jet *jet = calloc(1, sizeof(*jet));
	int r = jet ? fountain_pour_keep(self, &call) : -ENOMEM;

	if (r == 0 && !(jet->text = malloc((size_t)in->bytes + 1)))
		r = -ENOMEM;
	if (r < 0) {
		free(jet);
		return r;
	}
	memset(jet->text, 'x', (size_t)in->bytes);
	jet->text[in->bytes] = '\0';
	jet->call = call;
	jet->number = 1;
	jet->last = in->count ? *in->count : 0;
	jet->next = me->jets;
	me->jets = jet;
	me->count++;
	return pour(self, me, jet);
}

static int on_pouring(struct troupe_self *self, struct fountain *me,
		      struct fountain_pouring_call call, const struct fountain_pouring *in)
{
	(void)in;
	return fountain_pouring_return(
		self, call,
		&(struct fountain_pouring_out){.count = me->count, .replies = me->replies});
}

static struct jet *find(struct fountain *me, struct troupe_call call)
{
	struct jet *jet = me->jets;

	while (jet && jet->call.call.id != call.id)
		jet = jet->next;
	return jet;
}

static int on_room(struct troupe_self *self, struct fountain *me, struct troupe_address where,
		   struct troupe_call call)
{
	struct jet *jet = find(me, call);

	(void)where;
	return jet ? pour(self, me, jet) : 0;
}

static int on_cancel(struct troupe_self *self, struct fountain *me, struct troupe_call call)
{
	struct jet *jet = find(me, call);

	(void)self;
	if (jet)
		remove_jet(me, jet);
	return 0;
}

static void end(struct troupe_self *self, struct fountain *me, enum troupe_cause cause)
{
	(void)self;
	(void)cause;
	while (me->jets)
		remove_jet(me, me->jets);
}

FOUNTAIN_HANDLERS(pouring, struct fountain, .pour = on_pour, .pouring = on_pouring)
TROUPE_LIFE(life, struct fountain, void, .fini = end, .on_room = on_room,
	    .on_cancel = on_cancel)

TROUPE_ACTOR(fountain) = {
	TROUPE_ABI(fountain),
	.state_size = sizeof(struct fountain),
	.life = &life,
	.interfaces = {&pouring},
};

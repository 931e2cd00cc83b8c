/* leader.c - measures what goes between two workers, with nothing that another plug-in could
 * not use.
 *
 * Each measurement begins and ends with a call of the follower's Total: the link is up before
 * the clock starts, and what was sent has come before it stops, since messages keep their
 * order.
 *
 * -EAGAIN tells of the link only: what finds the mailbox behind it full is a dead letter. So
 * whoever sends more than a mailbox holds lets the receiver say how far it is.
 */
#include "pair.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <troupe/actor.h>

#define ROUNDS_MAX  10000000
#define CHUNK_MAX   (15 << 20)
#define WINDOW_MAX  1048576
#define PAGE        4096
#define TIMEOUT_NS  600000000000ull
#define PATIENCE_NS 10000000000ull /* without anything that came or went */

enum measure { NOTHING, PINGPONG, ONEWAY, LARGE };

struct leader {
	enum measure measure;
	struct troupe_call call;
	struct troupe_address peer;
	int64_t wanted, sent, taken, window;
	int64_t refusals;
	bool has_asked; /* for the total */
	struct troupe_timer patience;
	int64_t seen; /* sent and taken, when it was looked last */
	uint64_t began_ns, lap_ns;
	uint32_t *laps; /* ns of each round trip */
	char *chunk;
	int64_t chunk_size;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void end(struct troupe_self *self, struct leader *me)
{
	if (me->measure != NOTHING)
		(void)troupe_timer_stop(self, me->patience);
	free(me->laps);
	free(me->chunk);
	me->laps = NULL;
	me->chunk = NULL;
	me->measure = NOTHING;
}

/* ---- the messages */

static int throw(struct troupe_self * self, struct leader *me)
{
	me->lap_ns = now_ns();
	return pair_ball_send(self, me->peer,
			      &(struct pair_ball){.number = me->sent++, .h = me->wanted});
}

static int send_one(struct troupe_self *self, struct leader *me)
{
	int64_t number = me->sent;

	if (me->measure == ONEWAY)
		return pair_drop_send(self, me->peer,
				      &(struct pair_drop){.number = number,
							  .b = 2,
							  .c = 3,
							  .d = 4,
							  .e = 5,
							  .f = 6,
							  .g = 7,
							  .h = ~number});
	for (int64_t at = 0; at + (int64_t)sizeof(number) <= me->chunk_size; at += PAGE)
		memcpy(me->chunk + at, &number, sizeof(number));
	return pair_chunk_send(
		self, me->peer,
		&(struct pair_chunk){.number = number,
				     .data = {me->chunk, (size_t)me->chunk_size}});
}

/* It cannot go on: the caller is told what is known. */
static int give_up(struct troupe_self *self, struct leader *me)
{
	end(self, me);
	return troupe_fail(self, me->call, &pair_lost_error,
			   &(struct pair_lost){.sent = me->sent, .taken = me->taken});
}

static int ask_total(struct troupe_self *self, struct leader *me);

/* As much as the window and the link allow; then the question for the total. What goes on from
 * here: on_taken, on_room, or the answer. */
static int pour(struct troupe_self *self, struct leader *me)
{
	int r = 0;

	if (me->measure != ONEWAY && me->measure != LARGE)
		return 0;
	while (r == 0 && me->sent < me->wanted && me->sent - me->taken < me->window) {
		r = send_one(self, me);
		if (r == 0)
			me->sent++;
	}
	if (r == 0 && me->sent == me->wanted && !me->has_asked) {
		r = ask_total(self, me);
		me->has_asked = r == 0;
	}
	me->refusals += r == -EAGAIN;
	return r == 0 || r == -EAGAIN ? 0 : give_up(self, me);
}

static int compare_laps(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double lap_us(const struct leader *me, double part)
{
	return me->laps[(int64_t)(part * (double)(me->wanted - 1))] / 1e3;
}

static int on_ball(struct troupe_self *self, struct leader *me, struct pair_ball_call call,
		   const struct pair_ball *in)
{
	struct pair_pingpong_out out;
	uint64_t now = now_ns();

	(void)call;
	if (me->measure != PINGPONG)
		return 0;
	if (in->number != me->sent - 1 || in->h != me->wanted)
		return give_up(self, me);
	me->laps[in->number] =
		now - me->lap_ns < UINT32_MAX ? (uint32_t)(now - me->lap_ns) : UINT32_MAX;
	if (me->sent < me->wanted)
		return throw(self, me) < 0 ? give_up(self, me) : 0;
	out.seconds = (double)(now - me->began_ns) / 1e9;
	qsort(me->laps, (size_t)me->wanted, sizeof(*me->laps), compare_laps);
	out.p50Us = lap_us(me, 0.5);
	out.p99Us = lap_us(me, 0.99);
	out.p999Us = lap_us(me, 0.999);
	end(self, me);
	return pair_pingpong_return(self, (struct pair_pingpong_call){me->call}, &out);
}

static int on_taken(struct troupe_self *self, struct leader *me, struct pair_taken_call call,
		    const struct pair_taken *in)
{
	(void)call;
	me->taken = in->count;
	return pour(self, me);
}

static int on_room(struct troupe_self *self, struct leader *me, struct troupe_address where,
		   struct troupe_call call)
{
	(void)where;
	(void)call;
	return pour(self, me);
}

/* ---- begin and end */

static int start(struct troupe_self *self, struct leader *me)
{
	me->began_ns = now_ns();
	if (me->measure != PINGPONG)
		return pour(self, me);
	return throw(self, me) < 0 ? give_up(self, me) : 0;
}

/* Nothing moves any more: some of what was sent is lost. */
static int on_patience(struct troupe_self *self, struct leader *me, uint64_t context)
{
	bool has_moved = me->seen != me->sent + me->taken;

	(void)context;
	me->seen = me->sent + me->taken;
	return has_moved ? 0 : give_up(self, me);
}
TROUPE_TIMER(on_patience, struct leader)

static int finish(struct troupe_self *self, struct leader *me, const struct pair_total_out *out)
{
	double seconds = (double)(now_ns() - me->began_ns) / 1e9;
	enum measure measure = me->measure;

	end(self, me);
	if (out->taken != me->wanted || out->wrong != 0)
		return troupe_fail(self, me->call, &pair_lost_error,
				   &(struct pair_lost){.sent = me->wanted,
						       .taken = out->taken,
						       .wrong = out->wrong});
	if (measure == ONEWAY)
		return pair_oneway_return(self, (struct pair_oneway_call){me->call},
					  &(struct pair_oneway_out){.seconds = seconds,
								    .refusals = me->refusals});
	return pair_large_return(
		self, (struct pair_large_call){me->call},
		&(struct pair_large_out){.seconds = seconds, .refusals = me->refusals});
}

static int on_total(struct troupe_self *self, struct leader *me, uint64_t context,
		    const struct pair_total_reply *reply)
{
	(void)context;
	if (me->measure == NOTHING)
		return 0;
	if (reply->status != TROUPE_OK)
		return give_up(self, me);
	return me->sent == 0 ? start(self, me) : finish(self, me, reply->out);
}
PAIR_TOTAL_REPLY(on_total, struct leader)

static int ask_total(struct troupe_self *self, struct leader *me)
{
	return pair_total_ask(self, me->peer, &(struct pair_total){0}, &on_total_entry, 0,
			      TIMEOUT_NS, NULL);
}

/* Taken comes four times a window, so that it never runs dry. */
static int begin(struct troupe_self *self, struct leader *me, struct troupe_call call,
		 const char *peer, enum measure measure, int64_t wanted, int64_t window)
{
	int r;

	if (me->measure != NOTHING)
		return troupe_fail(self, call, &pair_busy_error, &(struct pair_busy){0});
	if (wanted < 1 || (measure == PINGPONG && wanted > ROUNDS_MAX))
		return troupe_fail_parameter(self, call,
					     measure == PINGPONG ? "rounds" : "messages", NULL);
	if (window < 4 || window > WINDOW_MAX)
		return troupe_fail_parameter(self, call, "window", NULL);
	if (troupe_find(self, peer, &me->peer) < 0)
		return troupe_fail(self, call, &pair_no_such_peer_error,
				   &(struct pair_no_such_peer){.peer = peer});
	me->call = call;
	me->wanted = wanted;
	me->window = window;
	me->sent = me->taken = me->refusals = me->seen = 0;
	me->has_asked = false;
	if (measure == PINGPONG)
		me->laps = calloc((size_t)wanted, sizeof(*me->laps));
	if (measure == LARGE)
		me->chunk = calloc(1, (size_t)me->chunk_size +
					      1); /* of none: a place nevertheless */
	r = (measure == PINGPONG && !me->laps) || (measure == LARGE && !me->chunk) ? -ENOMEM
										   : 0;
	if (r == 0)
		r = pair_begin_send(self, me->peer, &(struct pair_begin){.each = window / 4});
	if (r == 0)
		r = ask_total(self, me);
	if (r == 0)
		r = troupe_timer_start(self, &on_patience_entry, PATIENCE_NS, PATIENCE_NS, 0,
				       &me->patience);
	if (r == 0) {
		me->measure = measure;
		r = troupe_call_keep(self, &me->call);
	}
	if (r < 0)
		end(self, me);
	return r;
}

static int on_pingpong(struct troupe_self *self, struct leader *me,
		       struct pair_pingpong_call call, const struct pair_pingpong *in)
{
	return begin(self, me, call.call, in->peer, PINGPONG, in->rounds, WINDOW_MAX);
}

static int on_oneway(struct troupe_self *self, struct leader *me, struct pair_oneway_call call,
		     const struct pair_oneway *in)
{
	return begin(self, me, call.call, in->peer, ONEWAY, in->messages, in->window);
}

static int on_large(struct troupe_self *self, struct leader *me, struct pair_large_call call,
		    const struct pair_large *in)
{
	if (in->bytes < 0 || in->bytes > CHUNK_MAX)
		return pair_large_fail_parameter(self, call, "bytes", NULL);
	if (me->measure == NOTHING)
		me->chunk_size = in->bytes;
	return begin(self, me, call.call, in->peer, LARGE, in->messages, in->window);
}

static void leader_fini(struct troupe_self *self, struct leader *me, enum troupe_cause cause)
{
	(void)self;
	(void)cause;
	free(me->laps);
	free(me->chunk);
}

TROUPE_LIFE(leader_life, struct leader, void, .fini = leader_fini, .on_room = on_room)
PAIR_HANDLERS(leader_pair, struct leader, .pingpong = on_pingpong, .oneway = on_oneway,
	      .large = on_large, .ball = on_ball, .taken = on_taken)

TROUPE_ACTOR(leader) = {
	TROUPE_ABI(leader),
	.description = "measures what goes to an actor in another worker",
	.state_size = sizeof(struct leader),
	.life = &leader_life,
	.interfaces = {&leader_pair},
	.entries = {&on_total_entry, &on_patience_entry},
};

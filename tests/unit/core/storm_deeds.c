/* storm_deeds.c - what the actors of a storm do: anything they may. */
#include "storm.h"

#include "base/cleanup.h"
#include "core/activation.h"
#include "core/inside.h"
#include <errno.h>

/* One in eight is to itself: only that can come while its turn goes on. */
static void send_one(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);
	struct troupe_address to =
		storm_below(storm, 8) ? storm_anybody(storm) : troupe_address(self);
	uint32_t before = storm_count_waits(self);
	int receiver = storm_id_of(storm, to), rc;
	struct num num = {.n = me->id << 32};

	if (receiver >= 0)
		num.n |= storm->sent[me->id][receiver] + 1;
	rc = troupe_send(self, to, &num_method, &num);
	assert_true(rc == 0 || rc == -EAGAIN || rc == -ESRCH);
	storm_note_result(self, me, to, 0, rc, before);
	if (rc != -EAGAIN)
		storm->sends++; /* -ESRCH is a dead letter at once */
	if (rc == 0 && receiver >= 0)
		storm->sent[me->id][receiver]++;
}

static void call_one(struct troupe_self *self, struct puppet *me)
{
	static const uint64_t timeouts[] = {0, 1000000, 50000000, 2000000000};
	struct storm *storm = storm_of(self);
	unsigned index = storm->n_calls;
	struct troupe_address to = storm_anybody(storm);
	uint32_t before = storm_count_waits(self);
	struct troupe_request request;
	uint64_t timeout_ns = timeouts[storm_below(storm, 4)];
	uint32_t flags = storm_below(storm, 3) ? 0 : TROUPE_MORE;
	uint32_t window = flags && storm_below(storm, 2) ? 1 + storm_below(storm, 6) : 0;
	char text[32], json[64];
	int rc;

	if (index == STORM_CALLS)
		return;
	if (window)
		flags = TROUPE_WINDOW(window);
	(void)snprintf(text, sizeof(text), "storm %u", index);
	(void)snprintf(json, sizeof(json), "{\"text\":\"%s\"}", text);
	rc = storm_below(storm, 3)
		     ? troupe_call(self, to, &text_method, &(struct text){text}, &text_entry,
				   index, timeout_ns, flags, &request)
		     : troupe_call_text(self, to, "test.puppet.Text", json, strlen(json),
					&say_entry, index, timeout_ns, flags, &request);
	assert_true(rc == 0 || rc == -EAGAIN || rc == -ESRCH);
	storm_note_result(self, me, to, 0, rc, before);
	if (rc < 0)
		return;
	storm->n_calls++;
	storm->callers[index] = (uint16_t)me->id;
	storm->requests[index] = request.id;
	storm->windows[index] = window;
	storm->workers[index] = world_of(self)->process.worker;
	if (storm_below(storm, 8) == 0)
		assert_int_equal(troupe_cancel(self, request), 0);
}

/* Keep the call of that number or the send being handled; me->count: it is a send. */
static void keep_call(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      unsigned number, bool is_send)
{
	struct storm *storm = storm_of(self);
	int rc;

	if (me->kept_call.id)
		return;
	rc = troupe_call_keep(self, &call);
	/* a client's share */
	assert_true(rc == 0 || (rc == -ENOBUFS && is_send));
	if (rc < 0)
		return;
	me->kept_call = call;
	me->count = is_send;
	storm->kept_numbers[me->id] = number;
	storm->kept_from[me->id] = troupe_sender(self);
}

static void answer_kept(struct troupe_self *self, struct puppet *me)
{
	unsigned number = storm_of(self)->kept_numbers[me->id];
	uint32_t before = storm_count_waits(self);
	int rc = 0;

	if (!me->kept_call.id)
		return;
	switch (storm_below(storm_of(self), 4)) {
	case 0:
		rc = me->count
			     ? troupe_return(self, me->kept_call, &num_method, &(struct num){1})
			     : storm_return_last(self, me, me->kept_call, number);
		break;
	case 1:
		rc = troupe_call_drop(self, me->kept_call);
		break;
	case 2:
		rc = troupe_fail(self, me->kept_call, &bad_error, &(struct text){"bad"});
		break;
	default:
		rc = me->count
			     ? troupe_reply(self, me->kept_call, &num_method, &(struct num){1})
			     : storm_reply_next(self, me, me->kept_call, number);
		assert_true(rc == 0 || rc == -EAGAIN || rc == -EPROTOTYPE);
		storm_note_result(self, me, storm_of(self)->kept_from[me->id], me->kept_call.id,
				  rc, before);
		return;
	}
	assert_int_equal(rc, 0);
	me->kept_call.id = 0;
}

/* It waits for its tasks. */
static bool is_ending(const struct troupe_self *self, struct troupe_address address)
{
	const struct actor *actor = actor_find(self->runtime, address);

	return actor && actor->marks & ACTOR_ENDING;
}

static void spawn_one(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);
	uint32_t flags = storm_below(storm, 4) ? 0 : TROUPE_DETACHED;
	struct troupe_address address;
	unsigned id = storm->next_id;
	int rc;

	if (id >= STORM_IDS)
		return;
	storm->next_id++;
	storm->parents[id] = flags ? 0 : (uint16_t)(me->id + 1);
	storm->refuses[id] = storm_below(storm, 10) == 0;
	rc = troupe_spawn(self, &puppet_table, &(struct num){id}, flags, &address);
	assert_int_equal(rc, storm->refuses[id] ? -EACCES : 0);
	if (rc == 0 && storm_below(storm, 4) == 0) {
		rc = troupe_stop(self, address);
		/* its own init may have ended it */
		assert_true(rc == -ESRCH || rc == (flags ? -EPERM : 0) ||
			    (rc == -EINPROGRESS && is_ending(self, address)));
	}
}

/* Whoever it is; most are no child of this actor. */
static void stop_one(struct troupe_self *self, struct puppet *me, struct troupe_address address)
{
	struct storm *storm = storm_of(self);
	struct troupe_address own = troupe_address(self);
	bool is_near = address.worker == own.worker && address.incarnation == own.incarnation;
	int id = storm_id_of(storm, address), expected = -ESRCH, rc;

	if (!is_near || (id >= 0 && storm->alive[id]))
		expected = id >= 0 && storm->alive[id] && storm->parents[id] == me->id + 1
				   ? 0
				   : -EPERM;
	rc = troupe_stop(self, address);
	if (rc == -EINPROGRESS) {
		assert_int_equal(expected, 0);
		assert_true(is_ending(self, address));
		return;
	}
	assert_int_equal(rc, expected);
	assert_true(id < 0 || expected != 0 || !storm->alive[id]);
}

/* A child of this actor that lives, or anybody. */
static struct troupe_address some_child(struct storm *storm, const struct puppet *me)
{
	unsigned first = (unsigned)storm_below(storm, storm->n_addresses);

	for (unsigned i = 0; i < storm->n_addresses; i++) {
		unsigned id = (first + i) % storm->n_addresses;

		if (storm->parents[id] == me->id + 1 && storm->alive[id])
			return storm->addresses[id];
	}
	return storm_anybody(storm);
}

static bool has_children(const struct storm *storm, const struct puppet *me)
{
	for (unsigned id = 0; id < STORM_IDS; id++)
		if (storm->parents[id] == me->id + 1 && storm->alive[id])
			return true;
	return false;
}

void storm_act(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);

	/* limits change */
	assert_true(self->actor->load.queued <= (self->actor->unit->mailbox > STORM_WIDEST
							 ? self->actor->unit->mailbox
							 : STORM_WIDEST));
	for (uint64_t n = storm_below(storm, 4); n > 0 && storm->budget > 0; n--) {
		storm->budget--;
		switch (storm_below(storm, 21)) {
		case 20:
			storm_start_task(self);
			break;
		case 0:
			answer_kept(self, me);
			break;
		case 1:
			assert_int_equal(
				troupe_timer_start(
					self, &tick_entry, storm_below(storm, 100000000),
					storm_below(storm, 4) ? 0 : 30000000, 0, &me->timer),
				0);
			break;
		case 2:
			troupe_timer_stop(self, me->timer);
			break;
		case 3:
			troupe_release(self, me->kept);
			me->kept = NULL;
			break;
		case 4:
			spawn_one(self, me);
			break;
		case 5:
			if (storm_below(storm, 3) == 0)
				stop_one(self, me, some_child(storm, me));
			else if (storm_below(storm, 4) == 0)
				troupe_exit(self, -(int)storm_below(storm, 2));
			else /* a handler that takes long */
				sim_advance(world_of(self)->loop, storm_below(storm, 60000000));
			break;
		case 6:
		case 7:
		case 8:
		case 9:
		case 10:
		case 11:
			call_one(self, me);
			break;
		default:
			send_one(self, me);
		}
	}
}

static int on_storm_num(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	struct storm *storm = storm_of(self);
	uint32_t sender = (uint32_t)(n >> 32), sequence = (uint32_t)n;

	storm->handled++;
	if (sequence) {
		assert_true(sequence > storm->seen[sender][me->id]);
		storm->seen[sender][me->id] = sequence;
	}
	if (!me->kept && storm_below(storm, 10) == 0)
		assert_int_equal(troupe_keep(self, &me->kept), 0);
	if (storm_below(storm, 20) == 0)
		keep_call(self, me, call, 0, true);
	storm_act(self, me);
	return storm_below(storm, 20) ? 0 : -EIO;
}

/* Some replies of a stream, perhaps more than its caller takes. */
static void reply_some(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       unsigned number)
{
	struct storm *storm = storm_of(self);
	uint32_t before = storm_count_waits(self);
	int n = storm_below(storm, 20) ? 5 : 1100, rc = 0;

	if (!troupe_call_wants_more(self, call))
		return;
	while (n-- > 0 && rc == 0)
		rc = storm_reply_next(self, me, call, number);
	assert_true(rc == 0 || rc == -EAGAIN);
	storm_note_result(self, me, troupe_sender(self), 0, rc, before);
}

static int on_storm_text(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 const char *text)
{
	struct storm *storm = storm_of(self);
	struct troupe_address to;
	uint64_t before;
	uint32_t waits;
	unsigned number;
	int rc;

	assert_int_equal(sscanf(text, "storm %u", &number), 1);
	storm_act(self, me);
	switch (storm_below(storm, 9)) {
	case 0:
		before = me->kept_call.id;
		keep_call(self, me, call, number, false);
		if (before == me->kept_call.id || storm_below(storm, 4) > 0)
			return 0;
		/* It is answered at once, and the handle is used up. */
		me->kept_call.id = 0;
		return -EIO;
	case 1:
		reply_some(self, me, call, number);
		/* fall through */
	case 2:
		to = storm_anybody(storm);
		waits = storm_count_waits(self);
		rc = troupe_forward(self, to);
		assert_true(rc == 0 || rc == -EAGAIN || rc == -ESRCH);
		storm_note_result(self, me, to, 0, rc, waits);
		return 0;
	case 3:
		return -EIO;
	case 4:
		reply_some(self, me, call, number);
		return storm_return_last(self, me, call, number);
	case 5:
		if (!me->kept_call.id)
			reply_some(self, me, call, number);
		keep_call(self, me, call, number, false);
		return 0;
	case 6:
		stop_one(self, me, troupe_sender(self));
		keep_call(self, me, call, number, false);
		return 0;
	default:
		return storm_return_last(self, me, call, number);
	}
}

/* Take a reply of a stream, or hold it until a timer has it taken. */
static void take_or_hold(struct troupe_self *self, unsigned number)
{
	struct storm *storm = storm_of(self);

	if (!storm->windows[number])
		assert_int_equal(troupe_window_hold(self), -EINVAL);
	if (storm->windows[number] && storm->budget > 0 && storm_below(storm, 3) == 0) {
		assert_int_equal(troupe_window_hold(self), 0);
		assert_int_equal(troupe_timer_start(self, &tick_entry,
						    storm_below(storm, 30000000), 0, number + 1,
						    NULL),
				 0);
		return;
	}
	storm->taken[number]++;
}

/* It has ended, or one that it holds is taken. */
static void take_held(struct troupe_self *self, unsigned number)
{
	struct storm *storm = storm_of(self);
	int rc;

	storm->taken[number]++;
	rc = troupe_window_give(self, (struct troupe_request){storm->requests[number]}, 1);
	assert_true(rc == 0 || rc == -ESRCH);
}

static int on_storm_reply(struct troupe_self *self, struct puppet *me, uint64_t context,
			  const struct troupe_reply *reply)
{
	struct storm *storm = storm_of(self);

	assert_true(context < storm->n_calls);
	assert_int_equal(storm->callers[context], me->id);
	assert_int_equal(storm->calls[context], 0); /* nothing after the end */
	storm_see_reply(storm, (unsigned)context, reply);
	if (reply->continues)
		take_or_hold(self, (unsigned)context);
	else
		storm->calls[context]++;
	storm_act(self, me);
	return 0;
}

/* The same by name: the text is of letters that stand for themselves. */
static int on_storm_said(struct troupe_self *self, struct puppet *me, uint64_t context,
			 const struct troupe_text_reply *said)
{
	struct troupe_reply reply = {.status = said->status, .continues = said->continues};
	struct text text;
	char value[64];

	assert_true(said->status != TROUPE_INVALID_PARAMETER);
	if (said->status == TROUPE_OK) {
		assert_int_equal(sscanf(said->json, "{\"text\":\"%63[^\"]\"}", value), 1);
		text.text = value;
		reply.data = &text;
	}
	return on_storm_reply(self, me, context, &reply);
}

static int on_storm_tick(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	if (context) {
		take_held(self, (unsigned)context - 1);
		return 0;
	}
	storm_act(self, me);
	if (storm_of(self)->budget <= 0) /* let it come to rest */
		troupe_timer_stop(self, me->timer);
	return 0;
}

/* What has no place in an init or a fini. */
static void misbehave(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);
	struct troupe_address address = troupe_address(self);
	struct troupe_kept *kept;

	assert_int_equal(troupe_keep(self, &kept), -EINVAL);
	assert_int_equal(troupe_forward(self, storm_anybody(storm)), -EINVAL);
	assert_int_equal(troupe_call_keep(self, &(struct troupe_call){0}), -EINVAL);
	assert_int_equal(troupe_stop(self, address), -EPERM);
	if (storm->parents[me->id])
		assert_int_equal(
			troupe_stop(self, storm->addresses[storm->parents[me->id] - 1]),
			-EPERM);
	troupe_release(self, NULL);
}

/* What would reach an actor only when it is gone. */
static void begin_nothing(struct troupe_self *self)
{
	struct storm *storm = storm_of(self);
	struct troupe_address address;

	assert_int_equal(troupe_spawn(self, &puppet_table, &(struct num){0},
				      storm_below(storm, 2) ? TROUPE_DETACHED : 0, &address),
			 -EINVAL);
	assert_int_equal(troupe_call(self, storm_anybody(storm), &text_method,
				     &(struct text){"storm"}, &text_entry, 0, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_timer_start(self, &tick_entry, 0, 0, 0, NULL), -EINVAL);
}

static void misbehave_at_the_end(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);

	misbehave(self, me);
	begin_nothing(self);
	answer_kept(self, me);
	if (storm_below(storm, 2))
		troupe_release(self, me->kept);
	for (unsigned i = 0; i < storm->n_calls; i++)
		if (storm->callers[i] == me->id && storm->calls[i] == 0 &&
		    storm_below(storm, 2))
			(void)troupe_cancel(self, (struct troupe_request){storm->requests[i]});
	if (storm_below(storm, 4) == 0)
		troupe_exit(self, -EIO);
}

static int on_storm_init(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);

	if (storm->n_addresses <= (unsigned)me->id)
		storm->n_addresses = (unsigned)me->id + 1;
	storm->addresses[me->id] = troupe_address(self);
	storm->alive[me->id] = true;
	misbehave(self, me);
	storm_act(self, me);
	if (!storm->refuses[me->id])
		return 0;
	storm->alive[me->id] = false; /* what it has spawned ends now */
	storm_forget_refusals(storm, me->id);
	return -EACCES;
}

static void on_storm_fini(struct troupe_self *self, struct puppet *me, enum troupe_cause cause)
{
	struct storm *storm = storm_of(self);

	assert_false(has_children(storm, me));
	assert_true(cause != TROUPE_CAUSE_PARENT || storm->parents[me->id] != 0);
	storm->alive[me->id] = false;
	misbehave_at_the_end(self, me);
	if (storm_below(storm, 2))
		send_one(self, me);
	storm_forget_refusals(storm, me->id);
}

static int on_storm_room(struct troupe_self *self, struct puppet *me,
			 struct troupe_address where)
{
	struct storm *storm = storm_of(self);

	storm_take_room(storm, me->id, where, world_of(self)->room_of.id);
	storm_act(self, me);
	return 0;
}

static int on_storm_cancel(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	assert_int_equal(me->kept_call.id, call.id);
	assert_int_equal(troupe_return(self, call, &text_method, &(struct text){"x"}),
			 -EALREADY);
	me->kept_call.id = 0;
	if (self_can_receive(self))
		storm_act(self, me);
	else
		begin_nothing(self);
	return 0;
}

const struct hooks storm_hooks = {
	.num = on_storm_num,
	.text = on_storm_text,
	.reply = on_storm_reply,
	.said = on_storm_said,
	.tick = on_storm_tick,
	.init = on_storm_init,
	.fini = on_storm_fini,
	.room = on_storm_room,
	.cancel = on_storm_cancel,
};

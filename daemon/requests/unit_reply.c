#include "requests/unit_reply.h"

#include "base/check.h"
#include "clients/errors.h"
#include "clients/pending.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "proto/arena.h"
#include "requests/describe.h"
#include "requests/unit_text.h"
#include "units/unit.h"

/* One that is being made, or waits until those before it have been. */
struct reply {
	struct pending pending;
	struct unit_text text;
	struct buffer out;
};

static struct reply *reply_of(struct pending *pending)
{
	return container_of(pending, struct reply, pending);
}

static void fini(struct pending *pending)
{
	unit_text_fini(&reply_of(pending)->text);
	buffer_fini(&reply_of(pending)->out);
}

static const struct pending_ops ops = {
	.size = sizeof(struct reply),
	.share = SHARE_CLAIMED,
	.fini = fini,
};

/* True: it has been sent, or cannot be made. */
static bool go_on(struct master *master, struct reply *reply)
{
	uint64_t until_ns = loop_clock_ns(master->loop) + UNIT_REPLY_NS;
	int r = unit_text_go_on(&reply->text, master, until_ns, &reply->out);

	if (r == 0)
		return false;
	if (r < 0)
		pending_overload(&reply->pending);
	else
		pending_reply(&reply->pending, &reply->out);
	return true;
}

static void on_timer(struct loop_timer *timer)
{
	struct unit_replies *replies = container_of(timer, struct unit_replies, timer);

	struct pending *first;
	uid_t uid;
	bool is_over;

	if (list_is_empty(&replies->queue))
		return;
	first = pending_at(replies->queue.next);
	uid = first->client->peer->uid;
	is_over = go_on(replies->master, reply_of(first));
	if (list_is_empty(&replies->queue))
		return;
	if (is_over) {
		first = pending_next(&replies->queue, uid);
		list_remove(&first->link);
		list_insert(&replies->queue, &first->link);
	}
	loop_timer_start(&replies->timer, 0);
}

void unit_replies_init(struct unit_replies *replies, struct master *master)
{
	replies->master = master;
	list_init(&replies->queue);
	loop_timer_init(&replies->timer, master->loop, on_timer);
}

void unit_replies_fini(struct unit_replies *replies)
{
	check(list_is_empty(&replies->queue));
	loop_timer_stop(&replies->timer);
}

void unit_reply_with(const struct unit *unit, struct control_call *call,
		     const struct troupe_type *type, const void *out)
{
	struct unit_replies *replies = unit->master->unit_replies;
	bool is_next = list_is_empty(&replies->queue);
	struct reply *reply = pending_new(&ops, unit->master, call, &replies->queue, 0);
	unsigned n = unit->n_instances < LIMIT_LISTED_INSTANCES ? unit->n_instances
								: LIMIT_LISTED_INSTANCES;

	if (!reply)
		return;
	buffer_init(&reply->out, SIZE_MAX);
	if (unit_text_begin(&reply->text, type, out, unit->name, n, &reply->out) < 0) {
		pending_overload(&reply->pending);
		return;
	}
	/* One that is small is sent at once. */
	if (is_next && !go_on(unit->master, reply))
		loop_timer_start(&replies->timer, 0);
}

void unit_reply(const struct unit *unit, struct control_call *call,
		const struct troupe_method *method)
{
	/* All three have this one field. */
	struct api_spawn_out out;
	struct arena arena;

	_Static_assert(sizeof(struct api_spawn_out) == sizeof(struct api_start_out) &&
			       sizeof(struct api_spawn_out) == sizeof(struct api_restart_out),
		       "alike");
	arena_init(&arena);
	if (describe_unit(&arena, unit, &out.unit))
		unit_reply_with(unit, call, method->out, &out);
	else
		control_overloaded(call);
	arena_fini(&arena);
}

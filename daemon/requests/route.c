#include "requests/route.h"

#include "base/limits.h"
#include "base/text.h"
#include "clients/pending.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "requests/resolve.h"
#include "units/unit.h"
#include <stdio.h>
#include <string.h>

/* A call that waits. */
struct waiting_call {
	struct pending pending; /* in unit->calls */
	struct unit *unit;
	struct route_wish wish; /* its texts are in `text` */
	char *text;
};

static struct waiting_call *waiting_of(struct pending *pending)
{
	return container_of(pending, struct waiting_call, pending);
}

static void fini(struct pending *pending)
{
	free(waiting_of(pending)->text);
}

static void on_late(struct pending *pending)
{
	const struct unit *unit = waiting_of(pending)->unit;
	enum api_state state = unit_state(unit);
	char reason[1024];

	/* Of what it was at when it failed: nothing, where an operator has begun to start
	 * it. */
	(void)snprintf(reason, sizeof(reason), "%s is %s%s%s%s", unit->name,
		       state == API_STATE_BACKOFF ? "in " : "", api_state_type.names[state],
		       state == API_STATE_BACKOFF && unit->reason ? ": " : "",
		       state == API_STATE_BACKOFF && unit->reason ? unit->reason : "");
	text_make_utf8(reason);
	control_call_fail(pending->client, &api_timeout_error,
			  &(struct api_timeout){.reason = reason});
	pending_free(pending);
}

static const struct pending_ops ops = {
	.size = sizeof(struct waiting_call),
	.share = SHARE_WAITING,
	.on_late = on_late,
	.fini = fini,
};

/* Copy a text behind those that are there. */
static const char *put_text(char **place, const char *text, size_t size)
{
	const char *begin = *place;

	if (size > 0)
		memcpy(*place, text, size);
	(*place)[size] = '\0';
	*place += size + 1;
	return begin;
}

static void let_wait(struct master *master, struct unit *unit, struct control_call *client,
		     const struct route_wish *wish)
{
	const struct relay_wish *call = &wish->call;
	size_t name = wish->name ? strlen(wish->name) : 0, method = strlen(call->method.text);
	size_t size = name + method + call->parameters.size + 3;
	struct waiting_call *waiting =
		pending_new(&ops, master, client, &unit->calls, sizeof(*waiting) + size);
	char *place;

	if (!waiting)
		return;
	place = waiting->text = malloc(size);
	if (!place) {
		pending_overload(&waiting->pending);
		return;
	}
	waiting->unit = unit;
	waiting->wish = *wish;
	if (wish->name)
		waiting->wish.name = put_text(&place, wish->name, name);
	waiting->wish.call.method.text = put_text(&place, call->method.text, method);
	waiting->wish.call.parameters.at =
		put_text(&place, call->parameters.at, call->parameters.size);
	if (call->deadline_ns != UINT64_MAX)
		loop_timer_start(&waiting->pending.timer,
				 call->deadline_ns - loop_now_ns(master->loop));
}

static enum resolve_outcome resolve_wish(struct master *master, struct control_call *client,
					 const struct route_wish *wish,
					 struct relay_target *ret_target)
{
	return wish->name ? resolve_name(master, client, wish->name, ret_target)
			  : resolve_provider(master, client, wish->call.method, ret_target);
}

/* Varlink knows no deadline: a call that a client makes as any service's lasts as long as its
 * connection, unless the unit has a CallTimeout=. A oneway one has no connection to end
 * with. */
static uint64_t default_timeout(const struct control_call *client,
				const struct route_wish *wish, const struct unit *unit)
{
	if (wish->call.kind == RELAY_DIRECT && !client->oneway && unit)
		return unit->file.call_timeout_ns;
	return LIMIT_CALL_TIMEOUT_DEFAULT_NS;
}

static void set_deadline(struct master *master, const struct control_call *client,
			 const struct unit *unit, struct route_wish *wish)
{
	uint64_t timeout_ns = wish->timeout_ns;

	wish->call.is_default = timeout_ns == 0;
	if (wish->call.is_default)
		timeout_ns = default_timeout(client, wish, unit);
	if (__builtin_add_overflow(loop_now_ns(master->loop), timeout_ns,
				   &wish->call.deadline_ns))
		wish->call.deadline_ns = UINT64_MAX;
}

void route_begin(struct master *master, struct control_call *client,
		 const struct route_wish *in)
{
	struct route_wish wish = *in;
	struct relay_target target;
	enum resolve_outcome outcome = resolve_wish(master, client, &wish, &target);

	if (outcome == RESOLVE_NOWHERE)
		return;
	set_deadline(master, client, target.unit, &wish);
	if (outcome == RESOLVE_COMING) {
		let_wait(master, target.unit, client, &wish);
	} else if (target.unit && !list_is_empty(&target.unit->calls)) {
		/* Not before those that came before it. */
		let_wait(master, target.unit, client, &wish);
		route_again(target.unit);
	} else {
		relays_begin(master, client, &target, &wish.call);
	}
}

static void retry(struct waiting_call *waiting)
{
	struct pending *pending = &waiting->pending;
	struct relay_target target;

	switch (resolve_wish(pending->master, pending->client, &waiting->wish, &target)) {
	case RESOLVE_NOWHERE: /* it was answered */
		break;
	case RESOLVE_COMING:
		if (target.unit != waiting->unit) {
			waiting->unit = target.unit;
			list_remove(&pending->link);
			list_append(&target.unit->calls, &pending->link);
		}
		return;
	case RESOLVE_THERE:
		relays_begin(pending->master, pending->client, &target, &waiting->wish.call);
		break;
	}
	pending_free(pending);
}

void route_again(struct unit *unit)
{
	list_foreach_safe (at, &unit->calls)
		retry(waiting_of(pending_at(at)));
	relays_flush(unit->master);
}

void route_end(struct master *master)
{
	units_foreach (unit, master)
		pending_refuse_all(&unit->calls);
}

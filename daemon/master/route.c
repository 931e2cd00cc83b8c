#include "master/route.h"

#include "base/limits.h"
#include "base/text.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "master/names.h"
#include "master/refusal.h"
#include "master/shares.h"
#include "master/unit.h"
#include <stdio.h>
#include <string.h>

/* A call that waits. */
struct waiting_call {
	struct list link; /* in unit->calls */
	struct unit *unit;
	struct master *master;
	struct control_call *client;
	struct route_wish wish; /* its texts are in `text` */
	struct loop_timer timer;
	char text[];
};

static struct control_call *free_waiting(struct waiting_call *waiting)
{
	struct control_call *client = waiting->client;

	client->on_gone = NULL;
	client->user = NULL;
	list_remove(&waiting->link);
	loop_timer_stop(&waiting->timer);
	free(waiting);
	return client;
}

static void on_gone(struct control_call *client)
{
	(void)free_waiting(client->user);
}

static void on_late(struct loop_timer *timer)
{
	struct waiting_call *waiting = container_of(timer, struct waiting_call, timer);
	const struct unit *unit = waiting->unit;
	enum api_state state = unit_state(unit);
	char reason[1024];

	/* Of what it was at when it failed: nothing, where an operator has begun to start
	 * it. */
	(void)snprintf(reason, sizeof(reason), "%s is %s%s%s%s", unit->name,
		       state == API_STATE_BACKOFF ? "in " : "", api_state_type.names[state],
		       state == API_STATE_BACKOFF && unit->reason ? ": " : "",
		       state == API_STATE_BACKOFF && unit->reason ? unit->reason : "");
	text_make_utf8(reason);
	control_call_fail(free_waiting(waiting), &api_timeout_error,
			  &(struct api_timeout){.reason = reason});
}

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

/* NULL: there is no room, or no memory. */
static struct waiting_call *new_waiting(struct master *master, struct control_call *client,
					const struct route_wish *wish)
{
	const struct call_wish *call = &wish->call;
	size_t name = strlen(wish->name), method = strlen(call->method);
	size_t size = sizeof(struct waiting_call) + name + method + call->parameters.size + 3;
	struct waiting_call *waiting;
	char *place;

	if (control_call_claim(client, SHARE_WAITING, size) < 0)
		return NULL;
	waiting = malloc(size);
	if (!waiting)
		return NULL;
	*waiting = (struct waiting_call){.master = master, .client = client};
	place = waiting->text;
	waiting->wish = *wish;
	waiting->wish.name = put_text(&place, wish->name, name);
	waiting->wish.call.method = put_text(&place, call->method, method);
	waiting->wish.call.parameters.at =
		put_text(&place, call->parameters.at, call->parameters.size);
	client->user = waiting;
	client->on_gone = on_gone;
	return waiting;
}

static void let_wait(struct master *master, struct unit *unit, struct control_call *client,
		     const struct route_wish *wish)
{
	struct waiting_call *waiting = new_waiting(master, client, wish);

	if (!waiting) {
		control_call_fail(client, &api_overloaded_error, &(struct api_overloaded){0});
		return;
	}
	loop_timer_init(&waiting->timer, master->loop, on_late);
	if (wish->call.deadline_ns != UINT64_MAX)
		loop_timer_start(&waiting->timer,
				 wish->call.deadline_ns - loop_now_ns(master->loop));
	waiting->unit = unit;
	list_append(&unit->calls, &waiting->link);
}

static enum names_place find_place(struct master *master, struct control_call *client,
				   const struct route_wish *wish,
				   struct call_target *ret_target)
{
	return wish->is_interface ? names_provider(master, client, wish->name, ret_target)
				  : names_resolve(master, client, wish->name, ret_target);
}

/* Varlink knows no deadline: a call that a client makes as any service's lasts as long as its
 * connection, unless the unit has a CallTimeout=. A oneway one has no connection to end
 * with. */
static uint64_t default_timeout(const struct control_call *client,
				const struct route_wish *wish, const struct unit *unit)
{
	if (wish->call.kind == CALL_DIRECT && !client->oneway && unit)
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
	struct call_target target;
	enum names_place place = find_place(master, client, &wish, &target);

	if (place == NAMES_NOWHERE)
		return;
	set_deadline(master, client, target.unit, &wish);
	if (place == NAMES_COMING) {
		let_wait(master, target.unit, client, &wish);
	} else if (target.unit && !list_is_empty(&target.unit->calls)) {
		/* Not before those that came before it. */
		let_wait(master, target.unit, client, &wish);
		route_again(target.unit);
	} else {
		calls_begin(master, client, &target, &wish.call);
	}
}

static void retry(struct waiting_call *waiting)
{
	struct master *master = waiting->master;
	struct control_call *client = waiting->client;
	struct call_target target;

	/* Who fails there must not be found here any more. */
	list_remove(&waiting->link);
	client->on_gone = NULL;
	switch (find_place(master, client, &waiting->wish, &target)) {
	case NAMES_NOWHERE:
		client = NULL; /* answered, and gone */
		break;
	case NAMES_COMING:
		client->on_gone = on_gone;
		waiting->unit = target.unit;
		list_append(&target.unit->calls, &waiting->link);
		return;
	case NAMES_THERE:
		calls_begin(master, client, &target, &waiting->wish.call);
		break;
	}
	loop_timer_stop(&waiting->timer);
	free(waiting);
}

/* Move all links to another, empty list, in their order. */
static void take_all(struct list *from, struct list *to)
{
	list_init(to);
	while (!list_is_empty(from)) {
		struct list *link = from->next;

		list_remove(link);
		list_append(to, link);
	}
}

void route_again(struct unit *unit)
{
	struct list all;

	/* Those that have to wait on are put back, where they must not be met again. */
	take_all(&unit->calls, &all);
	while (!list_is_empty(&all))
		retry(list_first(&all, struct waiting_call, link));
}

void route_end(struct master *master)
{
	struct unit *unit;

	for (unit = master->units_by_name; unit; unit = unit->by_name.next)
		while (!list_is_empty(&unit->calls))
			(void)control_refuses(
				master, free_waiting(list_first(&unit->calls,
								struct waiting_call, link)));
}

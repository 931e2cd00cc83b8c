/* bridge_close.c - the orderly end: each peer acknowledges all we sent. */
#include "bridge/bridge_inside.h"

/* For what was sent last, when closing, to leave the process; no peer acknowledges it. */
#define LINGER_NS 20000000ull

/* Whether a peer has all we sent, or can do nothing with it any more. */
static bool is_acknowledged(const struct link *link)
{
	return link->is_complete || link->has_ended;
}

unsigned bridge_count_unacknowledged(struct bridge *bridge)
{
	unsigned n = 0;

	routes_foreach (route, &bridge->routes)
		n += route->link && !is_acknowledged(route->link);
	return n;
}

static void finish_closing(struct bridge *bridge)
{
	void (*on_closed)(void *context) = bridge->on_closed;

	loop_timer_stop(&bridge->close_timer);
	bridge->on_closed = NULL;
	if (on_closed)
		on_closed(bridge->config.context);
}

void bridge_on_close_timer(struct loop_timer *timer)
{
	finish_closing(container_of(timer, struct bridge, close_timer));
}

void bridge_check_closed(struct bridge *bridge)
{
	bool owes_nothing = true;

	if (!bridge->is_closing || bridge->is_lingering)
		return;
	routes_foreach (route, &bridge->routes) {
		const struct link *link = route->link;

		if (!link)
			continue;
		if (!is_acknowledged(link) || !link_is_flushed(link))
			return;
		owes_nothing = owes_nothing && !link->has_ended;
	}
	/* Never from inside bridge_close(), hence by the timer. */
	bridge->is_lingering = true;
	loop_timer_start(&bridge->close_timer, owes_nothing ? 0 : LINGER_NS);
}

static void send_mark(struct link *link, enum envelope_kind kind)
{
	/* Short of memory the peer waits until its deadline. */
	link_send_mark(link, kind);
	(void)link_flush(link);
}

void bridge_on_end(struct bridge *bridge, struct link *link, enum envelope_kind kind)
{
	if (kind == ENVELOPE_ENDED) {
		link->is_complete = link->has_sent_end;
	} else if (!link->has_ended) {
		link->has_ended = true;
		send_mark(link, ENVELOPE_ENDED);
	}
	bridge_check_closed(bridge);
}

void bridge_close(struct bridge *bridge, uint64_t timeout_ns, void (*on_closed)(void *context))
{
	bridge->on_closed = on_closed;
	bridge->is_closing = true;
	loop_timer_start(&bridge->close_timer, timeout_ns);
	routes_foreach (route, &bridge->routes)
		if (route->link) {
			route->link->has_sent_end = true;
			send_mark(route->link, ENVELOPE_END);
		}
	bridge_check_closed(bridge);
}

/* bridge_peers.c - peers come up and go down; envelopes find their link. */
#include "bridge/bridge_inside.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "bridge/link_arena.h"
#include <stdio.h>

int bridge_print_path(const struct bridge *bridge, struct process process, char **ret_path)
{
	return asprintf(ret_path, "%s/w%u-%u", bridge->directory, process.worker,
			process.incarnation) < 0
		       ? -ENOMEM
		       : 0;
}

/* ---- up */

static int open_link(struct bridge *bridge, struct route *route, struct process peer)
{
	cleanup_free char *path = NULL;
	struct link *link;
	int r = bridge_print_path(bridge, peer, &path);

	if (r == 0)
		r = link_new(&bridge->lending, peer, path, &bridge->stats, &link);
	if (r < 0)
		return r;
	route->link = link;
	if (peer.worker > bridge->routes.highest)
		bridge->routes.highest = peer.worker;
	return 0;
}

int bridge_peer_up(struct bridge *bridge, struct process peer)
{
	struct route *route = routes_find(&bridge->routes, peer);

	if (!route || peer.incarnation == 0)
		return peer.node != bridge->config.process.node ? -EHOSTUNREACH : -EINVAL;
	if (peer.incarnation <= route->gone)
		return -ESTALE;
	/* Nothing can be sent to it any more, so there is nothing to wait for either. */
	if (bridge->is_closing)
		return 0;
	/* Its successor's frame was faster than the master's word. */
	if (route->link && peer.incarnation < route->link->peer.incarnation)
		return 0;
	if (route->link && !process_equal(route->link->peer, peer))
		bridge_peer_down(bridge, route->link->peer, true);
	route->announced = peer.incarnation;
	return route->link ? 0 : open_link(bridge, route, peer);
}

static struct link *find_leaving(const struct bridge *bridge, struct process peer)
{
	list_each (struct link, link, &bridge->leaving, link)
		if (process_equal(link->peer, peer))
			return link;
	return NULL;
}

struct link *bridge_admit(struct bridge *bridge, struct process peer)
{
	struct route *route = routes_find(&bridge->routes, peer);
	struct link *link = routes_link(&bridge->routes, peer);

	if (link || !route)
		return link;
	link = find_leaving(bridge, peer);
	if (link) {
		link->quiet_ns = loop_clock_ns(bridge->config.loop) + BRIDGE_LEAVE_NS;
		return link;
	}
	if (bridge->is_closing || peer.incarnation <= route->gone)
		return NULL;
	/* The master has reported us to this process, but not yet it, nor its predecessor's
	 * end, to us. */
	if (route->link && peer.incarnation < route->link->peer.incarnation)
		return NULL;
	if (route->link)
		bridge_peer_down(bridge, route->link->peer, true);
	return open_link(bridge, route, peer) < 0 ? NULL : route->link;
}

/* ---- down */

void bridge_peer_down(struct bridge *bridge, struct process peer, bool crashed)
{
	struct route *route = routes_find(&bridge->routes, peer);
	struct link *link = routes_link(&bridge->routes, peer);

	if (!route)
		return;
	if (peer.incarnation > route->gone)
		route->gone = peer.incarnation;
	if (route->announced == peer.incarnation)
		route->announced = 0;
	if (!link) {
		/* Its successor was faster than the master's word. */
		link = find_leaving(bridge, peer);
		if (link)
			link->has_crashed = crashed;
		return;
	}
	route->link = NULL;
	link_cut(link);
	link->has_crashed = crashed;
	link->quiet_ns = loop_clock_ns(bridge->config.loop) + BRIDGE_LEAVE_NS;
	link->latest_ns = loop_clock_ns(bridge->config.loop) + BRIDGE_LEAVE_MOST_NS;
	list_append(&bridge->leaving, &link->link);
	if (!bridge->leave_timer.started)
		loop_timer_start(&bridge->leave_timer, BRIDGE_LEAVE_NS);
}

void bridge_finish_link(struct bridge *bridge, struct link *link)
{
	struct process peer = link->peer;
	bool crashed = link->has_crashed;

	check(bridge->sender != link);
	link_free(link);
	bridge->config.ops->on_down(bridge->config.context, peer, crashed);
}

void bridge_finish_leaving(struct bridge *bridge)
{
	list_each (struct link, link, &bridge->leaving, link)
		if (loop_now_ns(bridge->config.loop) >= link->quiet_ns)
			bridge_finish_link(bridge, link);
	bridge_check_closed(bridge);
}

/* ---- arenas and envelopes */

int bridge_add_arena(struct bridge *bridge, struct process process, int fd)
{
	struct link *link = routes_link(&bridge->routes, process);

	if (process_equal(process, bridge->config.process))
		return bridge->lending.lender ? -EEXIST
					      : lender_new(fd, &bridge->lending.lender);
	return link ? link_map(link, fd) : -ESTALE;
}

/* When the master reported a peer there may have been no descriptor left for its link: once
 * more. */
static struct link *open_late(struct bridge *bridge, struct process peer)
{
	struct route *route = routes_find(&bridge->routes, peer);

	if (!route || route->link || !route->announced ||
	    peer.incarnation != route->announced || open_link(bridge, route, peer) < 0)
		return NULL;
	return route->link;
}

int bridge_send(struct bridge *bridge, const struct envelope *envelope,
		const struct troupe_type *type, const void *data,
		const struct envelope_meaning *meaning)
{
	const struct process to = process_of(envelope->to);
	struct link *link;

	if (bridge->is_closing)
		return -EHOSTUNREACH;
	link = routes_link(&bridge->routes, to);
	if (unlikely(!link))
		link = open_late(bridge, to);
	return likely(link != NULL) ? link_send(link, envelope, type, data, meaning)
				    : -EHOSTUNREACH;
}

bool bridge_find_layout(struct bridge *bridge, struct process from, uint64_t hash,
			const struct troupe_type **ret_type, const char **ret_name)
{
	const struct route *sender = routes_find(&bridge->routes, from);

	/* A hash is checked against its layout, so it means the same whichever peer sent it:
	 * a forwarded message's layout was sent by its forwarder. */
	if (sender && sender->link &&
	    layouts_find(&sender->link->learned, hash, ret_type, ret_name))
		return true;
	routes_foreach (route, &bridge->routes)
		if (route->link &&
		    layouts_find(&route->link->learned, hash, ret_type, ret_name))
			return true;
	list_foreach (at, &bridge->leaving)
		if (layouts_find(&container_of(at, struct link, link)->learned, hash, ret_type,
				 ret_name))
			return true;
	return false;
}

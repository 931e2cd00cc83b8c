/* bridge_peers.c - peers come up and go down; envelopes find their link. */
#include "bridge/bridge_inside.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "bridge/link_arena.h"
#include <stdio.h>

int bridge_print_path(const struct bridge *bridge, uint16_t worker, uint32_t incarnation,
		      char **ret_path)
{
	return asprintf(ret_path, "%s/w%u-%u", bridge->directory, worker, incarnation) < 0
		       ? -ENOMEM
		       : 0;
}

/* ---- up */

static void on_link_room(void *context, struct link *link)
{
	struct bridge *bridge = context;

	bridge->config.ops->on_room(bridge->config.context, link->worker);
}

static struct troupe_address process_address(const struct bridge *bridge, uint16_t worker,
					     uint32_t incarnation)
{
	return (struct troupe_address){
		.node = bridge->config.node, .worker = worker, .incarnation = incarnation};
}

static int open_link(struct bridge *bridge, uint16_t worker, uint32_t incarnation)
{
	cleanup_free char *path = NULL;
	struct link *link;
	int r = bridge_print_path(bridge, worker, incarnation, &path);

	if (r < 0)
		return r;
	r = link_new(bridge->config.loop, &bridge->config.transport, path,
		     process_address(bridge, bridge->config.worker, bridge->config.incarnation),
		     process_address(bridge, worker, incarnation), &bridge->stats,
		     &bridge->lending, &link);
	if (r < 0)
		return r;
	link->on_room = on_link_room;
	link->context = bridge;
	bridge->links[worker] = link;
	if (worker > bridge->highest)
		bridge->highest = worker;
	return 0;
}

static bool is_peer(const struct bridge *bridge, uint16_t worker)
{
	return worker > 0 && worker <= LIMIT_WORKERS && worker != bridge->config.worker;
}

int bridge_peer_up(struct bridge *bridge, uint16_t worker, uint32_t incarnation)
{
	struct link *link;

	if (!is_peer(bridge, worker) || incarnation == 0)
		return -EINVAL;
	if (incarnation <= bridge->gone[worker])
		return -ESTALE;
	/* Nothing can be sent to it any more, so there is nothing to wait for either. */
	if (bridge->is_closing)
		return 0;
	link = bridge->links[worker];
	/* The master knows better than the frame that brought a link up. */
	if (link && link->incarnation != incarnation)
		bridge_peer_down(bridge, worker, link->incarnation);
	bridge->announced[worker] = incarnation;
	if (bridge->links[worker])
		return 0;
	if (bridge->gone[worker] >= incarnation)
		bridge->gone[worker] = incarnation - 1;
	return open_link(bridge, worker, incarnation);
}

struct link *bridge_admit(struct bridge *bridge, uint16_t worker, uint32_t incarnation)
{
	struct link *link;

	if (!is_peer(bridge, worker))
		return NULL;
	link = bridge->links[worker];
	if (link && link->incarnation == incarnation)
		return link;
	list_foreach (at, &bridge->leaving) {
		link = container_of(at, struct link, link);
		if (link->worker != worker || link->incarnation != incarnation)
			continue;
		link->quiet_ns = loop_clock_ns(bridge->config.loop) + BRIDGE_LEAVE_NS;
		return link;
	}
	if (bridge->is_closing || incarnation <= bridge->gone[worker])
		return NULL;
	/* The master has reported us to this process, but not yet it, nor its predecessor's
	 * end, to us. */
	link = bridge->links[worker];
	if (link && incarnation < link->incarnation)
		return NULL;
	if (link)
		bridge_peer_down(bridge, worker, link->incarnation);
	if (open_link(bridge, worker, incarnation) < 0)
		return NULL;
	return bridge->links[worker];
}

/* ---- down */

void bridge_peer_down(struct bridge *bridge, uint16_t worker, uint32_t incarnation)
{
	struct link *link;

	if (!is_peer(bridge, worker))
		return;
	if (incarnation > bridge->gone[worker])
		bridge->gone[worker] = incarnation;
	if (bridge->announced[worker] == incarnation)
		bridge->announced[worker] = 0;
	link = bridge->links[worker];
	if (!link || link->incarnation != incarnation)
		return;
	bridge->links[worker] = NULL;
	link_cut(link);
	link->quiet_ns = loop_clock_ns(bridge->config.loop) + BRIDGE_LEAVE_NS;
	link->latest_ns = loop_clock_ns(bridge->config.loop) + BRIDGE_LEAVE_MOST_NS;
	list_append(&bridge->leaving, &link->link);
	if (!bridge->leave_timer.started)
		loop_timer_start(&bridge->leave_timer, BRIDGE_LEAVE_NS);
}

void bridge_finish_link(struct bridge *bridge, struct link *link)
{
	uint16_t worker = link->worker;
	uint32_t incarnation = link->incarnation;

	check(bridge->sender != link);
	link_free(link);
	bridge->config.ops->on_down(bridge->config.context, worker, incarnation);
}

void bridge_finish_leaving(struct bridge *bridge)
{
	list_foreach_safe (at, &bridge->leaving) {
		struct link *link = container_of(at, struct link, link);

		if (loop_now_ns(bridge->config.loop) >= link->quiet_ns)
			bridge_finish_link(bridge, link);
	}
	bridge_check_closed(bridge);
}

/* ---- arenas and envelopes */

int bridge_add_arena(struct bridge *bridge, uint16_t worker, uint32_t incarnation, int fd)
{
	struct link *link;

	if (worker == bridge->config.worker && incarnation == bridge->config.incarnation)
		return bridge->lending.lender ? -EEXIST
					      : lender_new(fd, &bridge->lending.lender);
	if (!is_peer(bridge, worker))
		return -EINVAL;
	link = bridge->links[worker];
	return link && link->incarnation == incarnation ? link_map(link, fd) : -ESTALE;
}

static struct link *find_link(struct bridge *bridge, uint16_t worker, uint32_t incarnation)
{
	struct link *link;

	/* When the master reported it there may have been no descriptor left: once more. */
	if (!bridge->links[worker] && bridge->announced[worker] != 0)
		(void)open_link(bridge, worker, bridge->announced[worker]);
	link = bridge->links[worker];
	return link && link->incarnation == incarnation ? link : NULL;
}

int bridge_send(struct bridge *bridge, const struct envelope *envelope,
		const struct troupe_type *type, const void *data,
		const struct envelope_meaning *meaning)
{
	const struct troupe_address *to = &envelope->to;
	struct link *link;

	if (to->node != bridge->config.node || to->worker > LIMIT_WORKERS || bridge->is_closing)
		return -EHOSTUNREACH;
	link = bridge->links[to->worker];
	if (unlikely(!link || link->incarnation != to->incarnation)) {
		link = is_peer(bridge, to->worker)
			       ? find_link(bridge, to->worker, to->incarnation)
			       : NULL;
		if (!link)
			return -EHOSTUNREACH;
	}
	return link_send(link, envelope, type, data, meaning);
}

bool bridge_find_layout(struct bridge *bridge, struct troupe_address from, uint64_t hash,
			const struct troupe_type **ret_type, const char **ret_name)
{
	/* A hash is checked against its layout, so it means the same whichever peer sent it:
	 * a forwarded message's layout was sent by its forwarder. */
	if (is_peer(bridge, from.worker) && bridge->links[from.worker] &&
	    layouts_find(&bridge->links[from.worker]->learned, hash, ret_type, ret_name))
		return true;
	for (unsigned i = 1; i <= LIMIT_WORKERS; i++)
		if (bridge->links[i] &&
		    layouts_find(&bridge->links[i]->learned, hash, ret_type, ret_name))
			return true;
	list_foreach (at, &bridge->leaving)
		if (layouts_find(&container_of(at, struct link, link)->learned, hash, ret_type,
				 ret_name))
			return true;
	return false;
}

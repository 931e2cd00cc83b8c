/* bridge.c - its life, and its part of the loop. */
#include "bridge/bridge_inside.h"

#include "base/cleanup.h"
#include <string.h>

/* ---- the loop */

/* The inbox and the timer may both come in one pass, which delivers a bounded amount. */
static void receive_once(struct bridge *bridge)
{
	if (bridge->has_received)
		return;
	bridge->has_received = true;
	bridge_receive(bridge);
}

static void on_leave_timer(struct loop_timer *timer)
{
	struct bridge *bridge = container_of(timer, struct bridge, leave_timer);

	list_each (struct link, link, &bridge->leaving, link) {
		if (loop_now_ns(bridge->config.loop) < link->latest_ns)
			continue;
		/* Only when a stream of other frames has kept us from its last ones for too
		 * long. */
		if (bridge->sender == link)
			bridge_cut_frame(bridge);
		bridge_finish_link(bridge, link);
	}
	receive_once(bridge);
	if (!list_is_empty(&bridge->leaving))
		loop_timer_start(timer, BRIDGE_LEAVE_NS);
}

static void on_inbox(struct loop_io *io, unsigned events)
{
	struct bridge *bridge = container_of(io, struct bridge, inbox_io);

	(void)events;
	receive_once(bridge);
}

/* It makes the loop pass, and each pass tries again what is left. */
static void on_retry_timer(struct loop_timer *timer)
{
	(void)timer;
}

/* After the actors' turns: what they sent leaves. */
static bool on_work(struct loop_work *work)
{
	struct bridge *bridge = container_of(work, struct bridge, work);
	bool had_received, had_room = false;

	routes_foreach (route, &bridge->routes) {
		if (!route->link)
			continue;
		if (!link_flush(route->link))
			loop_timer_start(&bridge->retry_timer, BRIDGE_RETRY_NS);
		/* A frame that was refused for good has given back what it referred to. */
		had_room |= link_check_room(route->link);
	}
	if (bridge->is_closing)
		bridge_check_closed(bridge);
	had_received = bridge->has_received;
	bridge->has_received = false;
	/* on_room was called: actors have mail, and their turns in this pass are over. Once
	 * more. */
	if (!bridge->frame)
		return had_room;
	/* The inbox's descriptor is readable for whole frames only, not for the rest of one. It
	 * is delivered in the next pass, or, where nothing else came, from here: once more,
	 * then, too. */
	if (!had_received)
		bridge_receive(bridge);
	return true;
}

/* ---- life */

int bridge_new(const struct bridge_config *config, struct bridge **ret_bridge)
{
	const struct transport *transport = &config->transport;
	cleanup_free char *path = NULL;
	struct bridge *bridge;
	int r;

	if (config->process.worker == 0 || config->process.worker > LIMIT_WORKERS ||
	    config->process.incarnation == 0)
		return -EINVAL;
	bridge = calloc(1, sizeof(*bridge));
	if (!bridge)
		return -ENOMEM;
	bridge->config = *config;
	bridge->routes.own = config->process;
	list_init(&bridge->leaving);
	bridge->directory = strdup(config->directory);
	r = bridge->directory ? bridge_print_path(bridge, config->process, &path) : -ENOMEM;
	if (r == 0)
		r = transport->ops->inbox_open(transport->context, path, &bridge->inbox);
	if (r < 0)
		goto fail;
	bridge->config.directory = bridge->directory;
	lending_init(&bridge->lending, &bridge->config);
	loop_timer_init(&bridge->leave_timer, config->loop, on_leave_timer);
	loop_timer_init(&bridge->retry_timer, config->loop, on_retry_timer);
	loop_timer_init(&bridge->close_timer, config->loop, bridge_on_close_timer);
	loop_work_init(&bridge->work, config->loop, on_work);
	loop_work_start(&bridge->work);
	loop_io_init(&bridge->inbox_io, config->loop, transport->ops->inbox_fd(bridge->inbox),
		     on_inbox);
	loop_io_set(&bridge->inbox_io, LOOP_READ);
	*ret_bridge = bridge;
	return 0;

fail:
	free(bridge->directory);
	free(bridge);
	return r;
}

void bridge_free(struct bridge *bridge)
{
	if (!bridge)
		return;
	loop_io_stop(&bridge->inbox_io);
	loop_work_stop(&bridge->work);
	loop_timer_stop(&bridge->close_timer);
	loop_timer_stop(&bridge->retry_timer);
	loop_timer_stop(&bridge->leave_timer);
	bridge_drop_frame(bridge);
	list_foreach_safe (at, &bridge->leaving)
		link_free(container_of(at, struct link, link));
	routes_foreach (route, &bridge->routes)
		link_free(route->link);
	lending_fini(&bridge->lending);
	bridge->config.transport.ops->inbox_close(bridge->inbox);
	free(bridge->directory);
	free(bridge);
}

int bridge_publish(struct bridge *bridge)
{
	return bridge->config.transport.ops->inbox_publish(bridge->inbox);
}

/* connections.c - connections, spread over and made again. */
#include "ctl/connections.h"

#include "base/clock.h"
#include <errno.h>

#define PAUSE_NS     (20 * CLOCK_MS_NS)
#define PAUSE_MAX_NS (500 * CLOCK_MS_NS)
#define LOST_NS      (10 * CLOCK_SECOND_NS)

void connections_init(struct connections *connections, struct loop *loop, const char *path,
		      uint64_t count, uint64_t window, struct varlink *first)
{
	*connections = (struct connections){
		.loop = loop,
		.path = path,
		.count = count,
		.window = window,
		.pause_ns = PAUSE_NS,
	};
	connections->items[0].client = first;
}

void connections_fini(struct connections *connections)
{
	for (uint64_t i = 0; i < connections->count; i++) {
		varlink_free(connections->items[i].client);
		connections->items[i].client = NULL;
	}
}

static bool is_usable(const struct map_connection *connection)
{
	return connection->client && !varlink_is_broken(connection->client);
}

bool connections_need_repair(const struct connections *connections)
{
	for (uint64_t i = 0; i < connections->count; i++)
		if (!is_usable(&connections->items[i]))
			return true;
	return false;
}

/* All go to one daemon: when one cannot be made, neither can the others. */
static int connect_missing(struct connections *connections)
{
	for (uint64_t i = 0; i < connections->count; i++) {
		struct map_connection *connection = &connections->items[i];
		int r;

		if (connection->client)
			continue;
		r = varlink_connect(connections->loop, connections->path, 0,
				    &connection->client);
		if (r < 0)
			return r;
	}
	return 0;
}

int connections_repair(struct connections *connections)
{
	uint64_t now = loop_clock_ns(connections->loop);
	bool is_lost = true;

	for (uint64_t i = 0; i < connections->count; i++) {
		struct map_connection *connection = &connections->items[i];

		if (connection->client && varlink_is_broken(connection->client)) {
			varlink_free(connection->client);
			connection->client = NULL;
			/* A daemon that ends lets go of its connections before it lets go of
			 * its socket: not at once. */
			connections->again_ns = now + connections->pause_ns;
		}
	}
	if (now >= connections->again_ns) {
		if (connect_missing(connections) == 0) {
			connections->pause_ns = PAUSE_NS;
		} else {
			connections->pause_ns *= 2;
			if (connections->pause_ns > PAUSE_MAX_NS)
				connections->pause_ns = PAUSE_MAX_NS;
		}
		/* After success, too: a daemon that accepts and closes at once is not asked all
		 * the time. */
		connections->again_ns = now + connections->pause_ns;
	}
	for (uint64_t i = 0; i < connections->count; i++)
		is_lost &= !connections->items[i].client;
	if (!is_lost)
		connections->lost_ns = 0;
	else if (connections->lost_ns == 0)
		connections->lost_ns = now;
	return is_lost && now - connections->lost_ns > LOST_NS ? -ENOTCONN : 0;
}

struct map_connection *connections_find(struct connections *connections)
{
	struct map_connection *best = NULL;

	for (uint64_t i = 0; i < connections->count; i++) {
		struct map_connection *connection = &connections->items[i];

		if (is_usable(connection) && connection->in_flight < connections->window &&
		    (!best || connection->in_flight < best->in_flight))
			best = connection;
	}
	return best;
}

void connections_flush(struct connections *connections)
{
	for (uint64_t i = 0; i < connections->count; i++) {
		struct map_connection *connection = &connections->items[i];

		if (connection->unflushed && connection->client)
			varlink_flush(connection->client);
		connection->unflushed = false;
	}
}

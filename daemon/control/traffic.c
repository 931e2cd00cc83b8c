/* traffic.c - bytes in and out of one client's stream. */
#include "control/traffic.h"

#include "control/dispatch.h"
#include "control/open_call.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define TURN_BYTES  (64u << 10) /* of frames taken on in one turn; one frame may be larger */
#define TURN_FRAMES 64u

/* No reply can reach the client any more: its calls are cancelled; what it sent is still read,
 * for the oneway calls. */
static void hang_up(struct connection *connection)
{
	if (connection->hung_up)
		return;
	connection->hung_up = true;
	connection->blocked = false;
	buffer_fini(&connection->out);
	open_call_cancel_all(connection);
	if (connection->state != CONNECTION_OPEN)
		connection_doom(connection);
}

/* ---- input */

/* Look for the end of the first frame, in the bytes that were not looked at before. */
static void find_frame(struct connection *connection)
{
	size_t size = buffer_size(&connection->in);
	const unsigned char *data, *nul;

	if (connection->has_frame || connection->scanned == size)
		return;
	data = buffer_data(&connection->in);
	nul = memchr(data + connection->scanned, 0, size - connection->scanned);
	connection->has_frame = nul;
	connection->scanned = nul ? (size_t)(nul - data) : size;
	if (connection->scanned > connection->server->config.frame_max)
		dispatch_refuse(connection, "", "the message is too large (FrameMax=)");
}

static void eat_frame(struct connection *connection)
{
	size_t size = connection->scanned + 1;

	buffer_eat(&connection->in, size);
	connection->due -= size < connection->due ? size : connection->due;
	connection->scanned = 0;
	connection->has_frame = false;
	if (buffer_size(&connection->in) == 0)
		buffer_fini(&connection->in); /* idle connections hold no memory */
	find_frame(connection);
}

static void take_on_frames(struct connection *connection, uint64_t until_ns)
{
	size_t bytes = 0;

	for (unsigned n = 0;
	     n < TURN_FRAMES && bytes < TURN_BYTES && connection_may_dispatch(connection);
	     n++) {
		bytes += connection->scanned;
		dispatch_frame(connection, (char *)buffer_data(&connection->in),
			       connection->scanned);
		if (connection->state == CONNECTION_OPEN)
			eat_frame(connection);
		if (loop_clock_ns(connection->io.loop) >= until_ns)
			return;
	}
}

static void take_end_of_input(struct connection *connection)
{
	struct pollfd poll_fd = {.fd = connection->io.fd};

	connection->end_of_input = true;
	/* Closed, or only for writing? The kernel reports HUP unasked when both ways are
	 * shut. */
	if (poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLHUP | POLLERR)))
		hang_up(connection);
}

/* Throw away what comes. */
static void discard_input(struct connection *connection)
{
	char sink[16384];
	ssize_t n = recv(connection->io.fd, sink, sizeof(sink), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		connection_doom(connection);
}

static void read_input(struct connection *connection)
{
	void *place = buffer_reserve(&connection->in, CONNECTION_READ);
	ssize_t n;

	if (!place) {
		host_trouble(connection->server, "no memory for a client's call");
		connection_doom(connection);
		return;
	}
	n = recv(connection->io.fd, place, CONNECTION_READ, MSG_DONTWAIT);
	if (n > 0) {
		buffer_added(&connection->in, (size_t)n);
		find_frame(connection);
		return;
	}
	if (buffer_size(&connection->in) == 0)
		buffer_fini(&connection->in);
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
		take_end_of_input(connection);
}

/* ---- output */

static void flush(struct connection *connection)
{
	size_t size = buffer_size(&connection->out);
	ssize_t n;

	if (size == 0 || connection->blocked)
		return;
	n = send(connection->io.fd, buffer_data(&connection->out), size,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		hang_up(connection);
		return;
	}
	if (n > 0)
		buffer_eat(&connection->out, (size_t)n);
	connection->blocked = buffer_size(&connection->out) > 0;
	if (!connection->blocked)
		buffer_fini(&connection->out);
}

/* ---- turns */

void traffic_turn(struct connection *connection, uint64_t until_ns)
{
	if (connection->closed)
		hang_up(connection);
	connection->closed = false;
	if (connection->readable && connection_may_read(connection)) {
		if (connection->state == CONNECTION_LINGERING)
			discard_input(connection);
		else
			read_input(connection);
	}
	connection->readable = false;
	take_on_frames(connection, until_ns);
	if (connection->state != CONNECTION_DOOMED)
		flush(connection);
	if (connection->state != CONNECTION_DOOMED)
		open_call_give_room(connection);
	connection_update(connection);
}

/* ---- ends */

bool traffic_sweep(struct connection *connection)
{
	if (connection->state == CONNECTION_LINGERING &&
	    loop_now_ns(connection->io.loop) >= connection->linger_until_ns)
		connection_doom(connection);
	return connection->state == CONNECTION_LINGERING;
}

void traffic_end(struct connection *connection)
{
	connection_doom(connection);
	open_call_cancel_all(connection);
	connection_free(connection);
}

/* multi.c - see multi.h. */
#define CURL_DISABLE_DEPRECATION /* curl_multi_socket_all() */
#include "multi.h"
#include "client.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Fewer connections than that are one handle's; of more, each lane has about so many. */
#define CONNECTIONS_MANY    512u
#define CONNECTIONS_OF_LANE 64u

/* NULL: it was not opened here. */
static struct multi_socket *socket_of(const struct multi *multi, int fd)
{
	if (fd < 0 || (size_t)fd >= multi->n_sockets || !multi->sockets[fd].is_open)
		return NULL;
	return &multi->sockets[fd];
}

/* Watch it for what curl waits for. */
static int watch(struct client *client, int fd, struct multi_socket *open)
{
	if (open->watch.id)
		return troupe_watch_set(client->self, open->watch, open->events);
	return client_start_watch(client, fd, open->events, &open->watch);
}

static void unwatch(struct client *client, struct multi_socket *open)
{
	if (open->watch.id)
		(void)troupe_watch_stop(client->self, open->watch);
	open->watch.id = 0;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *data, void *of_socket)
{
	struct multi_lane *lane = data;
	struct client *client = lane->client;
	struct multi *multi = &client->multi;
	struct multi_socket *open = socket_of(multi, fd);

	(void)easy;
	(void)of_socket;
	if (open && open->lane != (unsigned)(lane - multi->lanes)) {
		/* It was given up, and the number is another lane's. */
		lane->has_given_up |= what == CURL_POLL_REMOVE;
		return 0;
	}
	if (!open)
		return 0;
	if (what == CURL_POLL_REMOVE && open->is_used) {
		open->is_idle = true;
		return 0;
	}
	uint32_t events = (what & CURL_POLL_IN ? TROUPE_READABLE : 0) |
			  (what & CURL_POLL_OUT ? TROUPE_WRITABLE : 0);
	open->is_idle = false;
	if (what == CURL_POLL_REMOVE) {
		open->events = 0;
		unwatch(client, open);
		/* It may have been given up. */
		if (fcntl(fd, F_GETFD) < 0) {
			open->is_open = open->is_lost = false;
			lane->has_given_up = true;
			multi->n_open--;
		}
	} else if (!open->watch.id || events != open->events) {
		open->events = events;
		if (watch(client, fd, open) < 0) {
			open->is_lost = true;
			multi->n_lost++;
		}
	}
	return 0;
}

static int on_timeout(CURLM *handle, long ms, void *data)
{
	struct multi_lane *lane = data;

	(void)handle;
	lane->wanted_ns =
		ms < 0 ? 0
		       : troupe_now_ns(lane->client->self) + (uint64_t)ms * TROUPE_MS_NS + 1;
	return 0;
}

unsigned multi_lanes(unsigned most)
{
	unsigned lanes = most < CONNECTIONS_MANY ? 1 : most / CONNECTIONS_OF_LANE;

	return lanes < QUEUE_LANES ? lanes : QUEUE_LANES;
}

int multi_init(struct client *client)
{
	for (unsigned i = 0; i < client->queue.n_lanes; i++) {
		struct multi_lane *lane = &client->multi.lanes[i];

		lane->client = client;
		lane->handle = curl_multi_init();
		if (!lane->handle)
			return -ENOMEM;
		curl_multi_setopt(lane->handle, CURLMOPT_SOCKETFUNCTION, on_socket);
		curl_multi_setopt(lane->handle, CURLMOPT_SOCKETDATA, lane);
		curl_multi_setopt(lane->handle, CURLMOPT_TIMERFUNCTION, on_timeout);
		curl_multi_setopt(lane->handle, CURLMOPT_TIMERDATA, lane);
	}
	multi_limit(client, client->settings.connections);
	return 0;
}

void multi_fini(struct client *client)
{
	struct multi *multi = &client->multi;

	for (unsigned i = 0; i < QUEUE_LANES; i++)
		if (multi->lanes[i].handle)
			curl_multi_cleanup(multi->lanes[i].handle);
	free(multi->sockets);
	memset(multi, 0, sizeof(*multi)); /* clang makes a literal of this size writable */
}

void multi_limit(struct client *client, unsigned most)
{
	for (unsigned i = 0; i < client->queue.n_lanes; i++) {
		/* 0 would be no limit; a lane without a share gets no transfer. */
		long share = (long)queue_share(&client->queue, most, i) ?: 1;
		CURLM *handle = client->multi.lanes[i].handle;

		curl_multi_setopt(handle, CURLMOPT_MAXCONNECTS, share);
		curl_multi_setopt(handle, CURLMOPT_MAX_TOTAL_CONNECTIONS, share);
	}
	client->multi.most_open = most;
}

static void act(struct multi_lane *lane, curl_socket_t fd, int mask)
{
	(void)curl_multi_socket_action(lane->handle, fd, mask, &lane->n_running);
}

/* Sockets that could not be watched: their transfers fail, rather than wait for ever. */
static void fail_lost(struct client *client)
{
	struct multi *multi = &client->multi;

	multi->n_lost = 0;
	for (size_t fd = 0; fd < multi->n_sockets; fd++) {
		if (!multi->sockets[fd].is_lost)
			continue;
		multi->sockets[fd].is_lost = false;
		shutdown((int)fd, SHUT_RDWR);
		act(&multi->lanes[multi->sockets[fd].lane], (curl_socket_t)fd,
		    CURL_CSELECT_IN | CURL_CSELECT_OUT);
	}
}

#define LOOKS 64 /* each may find what is to be looked at again */

/* Transfers that curl would leave as they are. Of several addresses, curl 7.88 connects to the
 * next one when it comes to the transfer again, for which it sets no timer. */
static void look_again(struct client *client, struct multi_lane *lane)
{
	if (lane->has_given_up) {
		lane->has_given_up = false;
		(void)curl_multi_socket_all(lane->handle, &lane->n_running);
	}
	if (client->multi.n_lost)
		fail_lost(client);
	client_look_after(client);
}

/* Let the timer tick by then. A tick that comes too early does no harm. */
static void tick_by(struct client *client, uint64_t wanted_ns)
{
	struct multi *multi = &client->multi;

	if (!wanted_ns || (multi->timer_ns && multi->timer_ns <= wanted_ns))
		return;
	uint64_t now_ns = troupe_now_ns(client->self);
	uint64_t delay_ns = wanted_ns > now_ns ? wanted_ns - now_ns : 0;
	if (multi->timer_ns)
		(void)troupe_timer_stop(client->self, multi->timer);
	multi->timer_ns = wanted_ns;
	if (client_start_timer(client, CLIENT_TIMER_CURL, delay_ns, &multi->timer) < 0)
		multi->timer_ns = 0;
}

/* What curl has asked for meanwhile. */
static void settle(struct client *client, struct multi_lane *lane)
{
	for (int i = 0; (lane->has_given_up || client->multi.n_lost) && i < LOOKS; i++)
		look_again(client, lane);
	tick_by(client, lane->wanted_ns);
}

int multi_add(struct client *client, unsigned number, CURL *easy)
{
	struct multi_lane *lane = &client->multi.lanes[number];
	CURLMcode code = curl_multi_add_handle(lane->handle, easy);

	if (code)
		return -ENOMEM;
	lane->n_added++;
	lane->n_running++;
	settle(client, lane);
	return 0;
}

static bool has_done(const struct multi_lane *lane)
{
	return lane->n_running < (int)lane->n_added;
}

void multi_remove(struct client *client, unsigned number, CURL *easy)
{
	struct multi_lane *lane = &client->multi.lanes[number];

	(void)curl_multi_remove_handle(lane->handle, easy);
	lane->n_added--;
	/* Known exactly with the next action. */
	if (lane->n_running > (int)lane->n_added)
		lane->n_running = (int)lane->n_added;
	settle(client, lane);
}

CURLcode multi_resume(struct client *client, unsigned number, CURL *easy)
{
	CURLcode code = curl_easy_pause(easy, CURLPAUSE_CONT);

	settle(client, &client->multi.lanes[number]);
	client_look_after(client);
	return code;
}

bool multi_on_ready(struct client *client, int fd, uint32_t events)
{
	struct multi_socket *open = socket_of(&client->multi, fd);
	int mask = (events & TROUPE_READABLE ? CURL_CSELECT_IN : 0) |
		   (events & TROUPE_WRITABLE ? CURL_CSELECT_OUT : 0);

	if (!open)
		return false;
	if (open->is_idle) {
		/* Its server has ended it, or says what nobody asked for: curl looks at it
		 * before it uses it again. */
		open->events = 0;
		(void)watch(client, fd, open);
		return false;
	}
	if (!open->connected_ns)
		open->connected_ns = troupe_now_ns(client->self);
	struct multi_lane *lane = &client->multi.lanes[open->lane];
	act(lane, fd, mask);
	settle(client, lane);
	return has_done(lane);
}

bool multi_on_tick(struct client *client)
{
	struct multi *multi = &client->multi;
	uint64_t due_ns = multi->timer_ns, now_ns = troupe_now_ns(client->self);
	bool is_any_done = false;

	if (due_ns < now_ns)
		due_ns = now_ns;
	multi->timer_ns = 0;
	for (unsigned i = 0; i < client->queue.n_lanes; i++) {
		struct multi_lane *lane = &multi->lanes[i];

		if (lane->wanted_ns && lane->wanted_ns <= due_ns) {
			/* Curl says again when to wake it. */
			lane->wanted_ns = 0;
			act(lane, CURL_SOCKET_TIMEOUT, 0);
		}
		settle(client, lane);
		is_any_done |= has_done(lane);
	}
	return is_any_done;
}

CURL *multi_next(struct client *client, CURLcode *ret_code)
{
	const CURLMsg *message;
	int left;

	for (unsigned i = 0; i < client->queue.n_lanes; i++) {
		struct multi_lane *lane = &client->multi.lanes[i];

		while (has_done(lane) &&
		       (message = curl_multi_info_read(lane->handle, &left))) {
			if (message->msg != CURLMSG_DONE)
				continue;
			*ret_code = message->data.result;
			return message->easy_handle;
		}
	}
	return NULL;
}

/* A place for what is known of the descriptor. */
static int make_room(struct multi *multi, int fd)
{
	size_t size = multi->n_sockets ? multi->n_sockets : 64;

	while (size <= (size_t)fd)
		size *= 2;
	if (size == multi->n_sockets)
		return 0;
	struct multi_socket *sockets = realloc(multi->sockets, size * sizeof(*sockets));
	if (!sockets)
		return -ENOMEM;
	for (size_t i = multi->n_sockets; i < size; i++)
		sockets[i] = (struct multi_socket){0};
	multi->sockets = sockets;
	multi->n_sockets = size;
	return 0;
}

curl_socket_t multi_open(struct client *client, unsigned lane,
			 const struct curl_sockaddr *address)
{
	struct multi *multi = &client->multi;
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
			address->protocol);

	if (fd < 0)
		return CURL_SOCKET_BAD;
	if (make_room(multi, fd) < 0) {
		close(fd);
		errno = ENOMEM;
		return CURL_SOCKET_BAD;
	}
	struct multi_socket *open = &multi->sockets[fd];
	/* Of another one that had this number: curl takes this one for it, and says no more. */
	bool was_watched = open->watch.id && open->lane == lane;
	uint32_t events = open->lane == lane ? open->events : 0;
	unwatch(client, open);
	if (!open->is_open)
		multi->n_open++;
	*open = (struct multi_socket){.events = events, .lane = lane, .is_open = true};
	if (was_watched && watch(client, fd, open) < 0) {
		open->is_lost = true;
		multi->n_lost++;
	}
	multi->n_opened++;
	return fd;
}

int multi_close(void *data, curl_socket_t fd)
{
	struct client *client = data;
	struct multi_socket *open = socket_of(&client->multi, fd);

	if (open) {
		unwatch(client, open);
		*open = (struct multi_socket){0};
		client->multi.n_open--;
	}
	return close(fd);
}

void multi_use(struct client *client, int fd)
{
	struct multi_socket *open = socket_of(&client->multi, fd);

	if (open)
		open->is_used = true;
}

uint64_t multi_connected_ns(const struct client *client, int fd)
{
	const struct multi_socket *open = socket_of(&client->multi, fd);

	return open ? open->connected_ns : 0;
}

/* server.c - an HTTP server whose pages are actors' answers: libmicrohttpd on the host's
 * watches and timers.
 *
 * libmicrohttpd runs when its epoll descriptor is ready, when its nearest timeout is there, and
 * at the end of what is queued for the server when answers have come meanwhile: resuming looks
 * at each suspended connection, so that many are resumed together. Connections are accepted
 * here, by which an actor without descriptors rests instead of spinning.
 */
#include "server.h"

#include "call.h"
#include "chunks.h"
#include "events.h"
#include "exchange.h"
#include "leavers.h"
#include "refusal.h"
#include "websocket.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_MAX    64 /* of a listening socket, before others have their turn */
#define REST_NS        (100 * TROUPE_MS_NS)
#define STANDING_NS    TROUPE_MS_NS            /* between runs that give nothing */
#define WARN_AGAIN_NS  (60 * TROUPE_SECOND_NS) /* without a rest, after the last one */
#define DESCRIPTORS    64 /* left to others of the worker, or a quarter of all there may be */
#define NEVER_NS       (24 * 3600 * TROUPE_SECOND_NS)
#define LAST_RUNS      50 /* of libmicrohttpd in fini, for what is to be written */
#define TLS_PRIORITIES "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE:-RSA"

static int on_door(struct troupe_self *self, struct server *server, uint64_t context,
		   const struct troupe_watch_event *event);
static int on_house(struct troupe_self *self, struct server *server, uint64_t context,
		    const struct troupe_watch_event *event);
static int on_parked(struct troupe_self *self, struct server *server, uint64_t peer,
		     const struct troupe_watch_event *event);
static int on_turn(struct troupe_self *self, struct server *server, uint64_t context);
static int on_wake(struct troupe_self *self, struct server *server, uint64_t context);
TROUPE_WATCH(on_door, struct server)
TROUPE_WATCH(on_house, struct server)
TROUPE_WATCH(on_parked, struct server)
TROUPE_WATCH(events_on_reader, struct server)
TROUPE_WATCH(websocket_on_ready, struct server)
TROUPE_TEXT(call_on_answer, struct server)
TROUPE_TIMER(on_turn, struct server)
TROUPE_TIMER(on_wake, struct server)

/* ---- doors: where connections come from */

static void shut_doors(struct server *server)
{
	for (size_t i = 0; i < server->n_doors; i++)
		(void)troupe_watch_set(server->self, server->doors[i].watch, 0);
}

static int watch_door(struct server *server, size_t i)
{
	struct door *door = &server->doors[i];

	return troupe_watch_start(server->self, door->listener.fd, TROUPE_READABLE,
				  &on_door_entry, i, &door->watch);
}

/* A watch that the system refuses to set is of no use any more: then another one. */
static bool open_door(struct server *server, size_t i)
{
	struct door *door = &server->doors[i];

	if (troupe_watch_set(server->self, door->watch, TROUPE_READABLE) == 0)
		return true;
	(void)troupe_watch_stop(server->self, door->watch);
	door->watch = (struct troupe_watch){0};
	return watch_door(server, i) == 0;
}

static void rest(struct server *server, const char *why)
{
	uint64_t now_ns = troupe_now_ns(server->self);

	/* Once, however often it goes on and rests again meanwhile. */
	if (!server->rested_ns || now_ns - server->rested_ns > WARN_AGAIN_NS)
		troupe_log(server->self, 4, "no more connections are accepted for now: %s",
			   why);
	server->rested_ns = now_ns;
	server->is_resting = true;
	shut_doors(server);
}

static void stop_resting(struct server *server)
{
	bool is_open = true;

	for (size_t i = 0; i < server->n_doors; i++)
		is_open &= open_door(server, i);
	/* There may be no room for a watch: it is tried again. */
	server->is_resting = !is_open;
	server->rest_until = is_open ? 0 : troupe_now_ns(server->self) + REST_NS;
}

int server_last_descriptor(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > 1u << 30)
		return 1 << 30;
	rlim_t left = limit.rlim_cur / 4 < DESCRIPTORS ? limit.rlim_cur / 4 : DESCRIPTORS;
	return (int)(limit.rlim_cur - left) - 1;
}

void server_peer_gone(struct server *server)
{
	if (server->is_resting && !server->rest_until && !server->is_stopping)
		stop_resting(server);
}

/* Returns whether another may be accepted. */
static bool accept_one(struct server *server, struct door *door)
{
	struct MHD_Daemon *daemon =
		server->houses[door->listener.is_tls ? SECURE : PLAIN].daemon;
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address);

	if (server->peers.count >= server->settings.connections) {
		rest(server, "there are Connections= of them");
		return false;
	}
	int fd = accept4(door->listener.fd, (struct sockaddr *)&address, &size,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 &&
	    (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
		rest(server, strerror(errno));
		server->rest_until = troupe_now_ns(server->self) + REST_NS;
		return false;
	}
	if (fd < 0) /* EAGAIN: none is left; else that one is gone again */
		return errno != EAGAIN && errno != EBADF && errno != EINVAL;
	if (MHD_add_connection(daemon, fd, (struct sockaddr *)&address, size) != MHD_YES) {
		server->turned_away++; /* closed already: too many of one address */
		return true;
	}
	server->accepted++;
	if (fd >= server_last_descriptor()) {
		rest(server, "descriptors run out");
		return false;
	}
	return true;
}

static int on_door(struct troupe_self *self, struct server *server, uint64_t context,
		   const struct troupe_watch_event *event)
{
	(void)event;
	server->self = self;
	for (int i = 0; i < ACCEPTS_MAX && !server->is_resting; i++)
		if (!accept_one(server, &server->doors[context]))
			break;
	server_turn_soon(server);
	return 0;
}

static int open_doors(struct server *server)
{
	for (size_t i = 0; i < server->settings.n_places; i++) {
		struct door *door = &server->doors[i];
		const char *place = server->settings.places[i];
		int r = listener_open(&door->listener, server->self, place, door->name);

		if (r < 0) {
			troupe_log(server->self, 3, "Listen=%s: %s", place,
				   r == -EINVAL ? "names no place; \"tcp:127.0.0.1:8080\" does"
				   : r == -ENOENT ? "neither Sockets= nor Listen= has it"
						  : strerror(-r));
			return r;
		}
		server->n_doors++;
		r = watch_door(server, i);
		if (r < 0)
			return r;
	}
	return 0;
}

static void close_doors(struct server *server)
{
	for (size_t i = 0; i < server->n_doors; i++)
		listener_close(&server->doors[i].listener);
}

/* ---- houses: libmicrohttpd's daemons */

static void log_line(void *context, const char *format, va_list arguments)
	__attribute__((format(printf, 2, 0)));
static void log_line(void *context, const char *format, va_list arguments)
{
	struct server *server = context;
	char line[512];

	vsnprintf(line, sizeof(line), format, arguments);
	line[strcspn(line, "\n")] = '\0';
	troupe_log(server->self, 7, "%s", line);
	refusal_on_log(server, line);
}

/* A target stays as the client wrote it: what is decoded, and when, is files.c's. */
static size_t leave_escaped(void *context, struct MHD_Connection *connection, char *text)
{
	(void)context;
	(void)connection;
	return strlen(text);
}

static int open_house(struct server *server, int which)
{
	const struct settings *settings = &server->settings;
	struct house *house = &server->houses[which];
	struct MHD_OptionItem secure[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, settings->certificate},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, settings->key},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
	uint64_t idle_s = (settings->idle_ns + TROUPE_SECOND_NS - 1) / TROUPE_SECOND_NS;

	house->daemon = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME |
			MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG |
			(which == SECURE ? MHD_USE_TLS : 0),
		0, NULL, NULL, exchange_on_request, server, MHD_OPTION_EXTERNAL_LOGGER,
		log_line, server, MHD_OPTION_STRICT_FOR_CLIENT, 1,
		MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_CONNECTION_LIMIT,
		settings->connections + 1, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		settings->connections_per_address, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		settings->header_max, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)idle_s,
		MHD_OPTION_NOTIFY_CONNECTION, peer_on_connection, server,
		MHD_OPTION_URI_LOG_CALLBACK, exchange_on_line, server,
		MHD_OPTION_NOTIFY_COMPLETED, exchange_on_end, server,
		MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, NULL, MHD_OPTION_ARRAY,
		which == SECURE ? secure : plain, MHD_OPTION_END);
	if (!house->daemon) {
		troupe_log(server->self, 3, "libmicrohttpd cannot begin%s",
			   which == SECURE ? ": is Key= that of Certificate=?" : "");
		return -EINVAL;
	}
	int fd = MHD_get_daemon_info(house->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
	return troupe_watch_start(server->self, fd, TROUPE_READABLE, &on_house_entry, 0,
				  &house->watch);
}

static int open_houses(struct server *server)
{
	bool wanted[HOUSES] = {false};

	for (size_t i = 0; i < server->settings.n_places; i++)
		wanted[strncmp(server->settings.places[i], "tls:", 4) == 0] = true;
	for (int i = 0; i < HOUSES; i++) {
		int r = wanted[i] ? open_house(server, i) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- turns */

/* Both tick on without end, so that to be called needs nothing that there may be too little of:
 * they are moved, and what comes of a tick that nobody has asked for is harmless. */
static int start_timers(struct server *server)
{
	int r = troupe_timer_start(server->self, &on_turn_entry, NEVER_NS, NEVER_NS, 0,
				   &server->turn);

	server->wake_ns = UINT64_MAX;
	return r < 0 ? r
		     : troupe_timer_start(server->self, &on_wake_entry, NEVER_NS, NEVER_NS, 0,
					  &server->wake);
}

void server_turn_soon(struct server *server)
{
	if (server->is_turn_due || server->is_stopping)
		return;
	server->is_turn_due = true;
	(void)troupe_timer_move(server->self, server->turn, 0);
}

/* A tick at due_ns, or before: one that is early enough stays. */
static void wake_at(struct server *server, uint64_t due_ns)
{
	uint64_t now_ns = troupe_now_ns(server->self);

	if (server->wake_ns <= due_ns)
		return;
	server->wake_ns = due_ns;
	(void)troupe_timer_move(server->self, server->wake,
				due_ns > now_ns ? due_ns - now_ns : 0);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void run(struct server *server)
{
	uint64_t now_ns = troupe_now_ns(server->self), due_ns = UINT64_MAX;
	bool is_ready = false;

	exchange_resume_all(server);
	server->runs++;
	for (int i = 0; i < HOUSES; i++) {
		MHD_UNSIGNED_LONG_LONG left_ms;

		if (!server->houses[i].daemon)
			continue;
		MHD_run(server->houses[i].daemon);
		if (i == SECURE)
			peers_park(server);
		if (MHD_get_timeout(server->houses[i].daemon, &left_ms) != MHD_YES)
			continue;
		is_ready |= left_ms == 0;
		due_ns = least(due_ns, now_ns + left_ms * TROUPE_MS_NS);
	}
	if (is_ready && chunks_stand_still(server))
		due_ns = troupe_now_ns(server->self) + STANDING_NS;
	else if (is_ready)
		server_turn_soon(server);
	due_ns = least(due_ns, least(peers_due_ns(server), events_due_ns(server)));
	due_ns = least(due_ns, least(websockets_due_ns(server), leavers_due_ns(server)));
	if (server->is_resting)
		due_ns = least(due_ns, now_ns + REST_NS);
	wake_at(server, due_ns);
}

static int on_house(struct troupe_self *self, struct server *server, uint64_t context,
		    const struct troupe_watch_event *event)
{
	(void)context;
	(void)event;
	server->self = self;
	run(server);
	return 0;
}

static int on_parked(struct troupe_self *self, struct server *server, uint64_t peer,
		     const struct troupe_watch_event *event)
{
	(void)event;
	server->self = self;
	/* A watch that was stopped has no event any more, and none that is parked is gone. */
	peer_unpark(server, (struct peer *)(uintptr_t)peer);
	server_turn_soon(server);
	return 0;
}

static int on_turn(struct troupe_self *self, struct server *server, uint64_t context)
{
	(void)context;
	server->self = self;
	server->is_turn_due = false;
	run(server);
	return 0;
}

static int on_wake(struct troupe_self *self, struct server *server, uint64_t context)
{
	uint64_t now_ns = troupe_now_ns(self);

	(void)context;
	server->self = self;
	server->wake_ns = UINT64_MAX;
	peers_sweep(server, server->is_resting);
	leavers_sweep(server);
	events_sweep(server);
	websockets_sweep(server);
	if (server->is_resting && server->rest_until && now_ns >= server->rest_until)
		stop_resting(server);
	run(server);
	return 0;
}

/* ---- the actor */

static int on_status(struct troupe_self *self, struct server *server,
		     struct httpserver_status_call call, const struct httpserver_status *in)
{
	const char *names[LISTENERS_MAX];

	(void)in;
	for (size_t i = 0; i < server->n_doors; i++)
		names[i] = server->doors[i].name;
	return httpserver_status_return(
		self, call,
		&(struct httpserver_status_out){
			.listen = {.items = names, .count = server->n_doors},
			.connections = server->peers.count,
			.calls = server->n_calls,
			.streams = server->n_streams,
			.accepted = server->accepted,
			.turnedAway = server->turned_away,
			.requests = server->requests,
			.malformed = server->malformed,
			.timedOut = server->timed_out,
		});
}

/* What waits is told that the server ends; libmicrohttpd writes what the sockets take, then
 * closes. Nothing waits here: no handler may. */
static void end(struct server *server)
{
	server->is_stopping = true;
	close_doors(server);
	peers_unpark(server);
	websockets_stop(server);
	for (unsigned i = 0; server->tickets && i < server->settings.calls; i++) {
		struct exchange *exchange = server->tickets[i].exchange;

		if (exchange && !exchange->is_stream)
			exchange_answer_error(exchange, 503, "io.troupe.httpserver.Stopping",
					      NULL);
	}
	events_stop(server);
	for (int i = 0; i < HOUSES; i++) {
		struct MHD_Daemon *daemon = server->houses[i].daemon;

		for (int n = 0; daemon && n < LAST_RUNS; n++) {
			MHD_UNSIGNED_LONG_LONG left_ms;

			exchange_resume_all(server);
			MHD_run(daemon);
			if (MHD_get_timeout(daemon, &left_ms) != MHD_YES || left_ms > 0)
				break;
		}
	}
	exchange_resume_all(server);
	for (int i = 0; i < HOUSES; i++)
		if (server->houses[i].daemon)
			MHD_stop_daemon(server->houses[i].daemon);
	calls_fini(server);
	settings_fini(&server->settings);
}

static int begin(struct troupe_self *self, struct server *server,
		 const struct httpserver_config *config)
{
	server->self = self;
	server->on_answer = &call_on_answer_entry;
	server->on_reader = &events_on_reader_entry;
	server->on_websocket = &websocket_on_ready_entry;
	server->on_parked = &on_parked_entry;
	peers_init(&server->peers);
	TAILQ_INIT(&server->resumed);
	TAILQ_INIT(&server->opening);
	TAILQ_INIT(&server->streams);
	TAILQ_INIT(&server->websockets);
	if (!config) {
		troupe_log(self, 3, "Listen= must be set");
		return -EINVAL;
	}
	int r = settings_init(&server->settings, self, config);
	if (r == 0)
		r = start_timers(server);
	if (r == 0)
		r = calls_init(server);
	if (r == 0)
		r = open_houses(server);
	if (r == 0)
		r = open_doors(server);
	if (r < 0)
		end(server);
	return r;
}

static void finish(struct troupe_self *self, struct server *server, enum troupe_cause cause)
{
	(void)cause;
	server->self = self;
	end(server);
}

HTTPSERVER_HANDLERS(serving, struct server, .status = on_status)
TROUPE_LIFE(life, struct server, struct httpserver_config, .init = begin, .fini = finish)

TROUPE_ACTOR(httpserver) = {
	TROUPE_ABI(httpserver),
	.description = "Serves HTTP: calls of actors by name, their streams, and files.",
	.state_size = sizeof(struct server),
	.config = &httpserver_config_type,
	.life = &life,
	.interfaces = {&serving},
	.entries = {&on_door_entry, &on_house_entry, &on_turn_entry, &on_wake_entry,
		    &on_parked_entry, &call_on_answer_entry, &events_on_reader_entry,
		    &websocket_on_ready_entry},
};

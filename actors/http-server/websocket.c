/* websocket.c - calls over a WebSocket. */
#include "websocket.h"

#include "call.h"
#include "handshake.h"
#include "json.h"
#include "message.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

#define ERRORS "io.troupe.httpserver."
/* Messages of a client that are ahead of its calls, and their bytes; the last may be of any
 * size up to BodyMax= */
#define PENDING_MAX   16
#define FRAMES_MAX    64   /* that wait to be written, before it is read from again */
#define FRAGMENTS_MAX 1024 /* of a message */
#define PENDING_SIZE  (64u << 10)
#define BUDGET        (64u << 10) /* bytes read in one go, before others have their turn */

struct pending {
	STAILQ_ENTRY(pending) link;
	size_t size;
	char text[];
};

struct websocket {
	TAILQ_ENTRY(websocket) link;
	struct exchange *exchange;
	struct MHD_UpgradeResponseHandle *handle;
	wslay_event_context_ptr frames;
	int fd;
	struct troupe_watch watch;
	uint32_t watched; /* events */
	char *extra;      /* what came behind the handshake; NULL: it was read */
	size_t extra_start, extra_size;
	STAILQ_HEAD(, pending) pending;
	unsigned n_pending;
	size_t pending_size, budget; /* bytes; those that this handler may still read */
	bool is_streaming;           /* its call is counted among the streams */
	unsigned n_fragments;        /* of the message that is under way */
	bool was_heard, was_written; /* since the last ping */
	bool is_broken;              /* it cannot be read any more */
	bool is_ending;  /* all is written: what its client still sends is passed over */
	bool is_closing; /* a close frame was queued here */
	bool is_closed;  /* given back to libmicrohttpd */
};

bool websocket_is_built(void)
{
	return true;
}

/* A client whose messages wait for its calls, or that does not take what its pings are answered
 * with, is not read from. One that is being closed is: nothing of it is kept any more. */
static bool is_ahead(const struct websocket *websocket)
{
	return !websocket->is_closing &&
	       (websocket->n_pending >= PENDING_MAX ||
		websocket->pending_size >= PENDING_SIZE ||
		wslay_event_get_queued_msg_count(websocket->frames) >= FRAMES_MAX);
}

static ssize_t receive(wslay_event_context_ptr frames, uint8_t *data, size_t size, int flags,
		       void *context)
{
	struct websocket *websocket = context;

	(void)flags;
	if (websocket->extra_size > 0) {
		size_t n = websocket->extra_size < size ? websocket->extra_size : size;

		memcpy(data, websocket->extra + websocket->extra_start, n);
		websocket->extra_start += n;
		websocket->extra_size -= n;
		return (ssize_t)n;
	}
	if (is_ahead(websocket) || websocket->budget < size) {
		wslay_event_set_error(frames, WSLAY_ERR_WOULDBLOCK);
		return -1;
	}
	ssize_t n;
	do
		n = recv(websocket->fd, data, size, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n > 0) {
		websocket->was_heard = true;
		websocket->budget -= (size_t)n;
		return n;
	}
	websocket->is_broken = n == 0 || errno != EAGAIN;
	wslay_event_set_error(frames, websocket->is_broken ? WSLAY_ERR_CALLBACK_FAILURE
							   : WSLAY_ERR_WOULDBLOCK);
	return -1;
}

static ssize_t transmit(wslay_event_context_ptr frames, const uint8_t *data, size_t size,
			int flags, void *context)
{
	struct websocket *websocket = context;
	ssize_t n;

	(void)flags;
	do
		n = send(websocket->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		websocket->was_written = true;
	if (n < 0)
		wslay_event_set_error(frames, errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK
							      : WSLAY_ERR_CALLBACK_FAILURE);
	return n;
}

static void on_frame(wslay_event_context_ptr frames,
		     const struct wslay_event_on_frame_recv_start_arg *frame, void *context);
static void on_message(wslay_event_context_ptr frames,
		       const struct wslay_event_on_msg_recv_arg *message, void *context);
static void serve_pending(struct websocket *websocket);

/* ---- its life */

static void count_stream(struct websocket *websocket, bool is_streaming)
{
	if (is_streaming != websocket->is_streaming)
		websocket->exchange->server->n_streams += is_streaming ? 1u : -1u;
	websocket->is_streaming = is_streaming;
}

static void close_now(struct websocket *websocket)
{
	struct server *server = websocket->exchange->server;

	if (websocket->is_closed)
		return;
	websocket->is_closed = true;
	call_forget(websocket->exchange);
	count_stream(websocket, false);
	if (!server->is_stopping)
		troupe_watch_stop(server->self, websocket->watch);
	/* Ends the exchange in the next run of libmicrohttpd. */
	MHD_upgrade_action(websocket->handle, MHD_UPGRADE_ACTION_CLOSE);
	server_turn_soon(server);
}

static void queue_close(struct websocket *websocket, uint16_t status, const char *reason)
{
	websocket->is_closing = true;
	wslay_event_queue_close(websocket->frames, status, (const uint8_t *)reason,
				strlen(reason));
}

/* Its last frame is written. A socket that is closed before all was read is reset, and the
 * client would lose that frame: it is read until it ends, or to the next ping. */
static void finish(struct websocket *websocket)
{
	if (wslay_event_get_close_received(websocket->frames)) {
		close_now(websocket); /* nothing follows a close */
		return;
	}
	if (websocket->is_ending)
		return;
	websocket->is_ending = true;
	call_forget(websocket->exchange);
	count_stream(websocket, false);
	shutdown(websocket->fd, SHUT_WR);
}

static void pass_over(struct websocket *websocket)
{
	char data[4096];
	ssize_t n = recv(websocket->fd, data, sizeof(data), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		close_now(websocket);
}

/* So far that the actor which streams has to wait. How long, the pings see to. */
static bool is_behind(const struct websocket *websocket)
{
	return wslay_event_get_queued_msg_length(websocket->frames) >
	       websocket->exchange->server->settings.stream_buffer;
}

static bool has_room(const struct websocket *websocket)
{
	return wslay_event_get_queued_msg_length(websocket->frames) <=
	       websocket->exchange->server->settings.stream_buffer / 2;
}

/* Write what there is, make the next call, and wait for what can be done. */
static void go_on(struct websocket *websocket)
{
	wslay_event_context_ptr frames = websocket->frames;
	struct server *server = websocket->exchange->server;
	uint32_t events = 0;

	if (websocket->is_closed)
		return;
	if (wslay_event_send(frames) < 0) {
		close_now(websocket);
		return;
	}
	if (has_room(websocket))
		call_take(websocket->exchange);
	serve_pending(websocket); /* there may be room for answers now */
	if (!wslay_event_want_read(frames) && !wslay_event_want_write(frames))
		finish(websocket);
	if (websocket->is_closed)
		return;
	if (websocket->is_ending || (wslay_event_want_read(frames) && !is_ahead(websocket)))
		events |= TROUPE_READABLE;
	if (wslay_event_want_write(frames))
		events |= TROUPE_WRITABLE;
	if (events != websocket->watched &&
	    troupe_watch_set(server->self, websocket->watch, events) < 0)
		close_now(websocket); /* nothing would tell when it goes on */
	websocket->watched = events;
}

/* Read what there is; what breaks the protocol is answered with its status, and the end. */
static void read_frames(struct websocket *websocket)
{
	int r = wslay_event_recv(websocket->frames);

	if (r < 0 && websocket->is_broken)
		close_now(websocket);
	else if (r < 0) /* where wslay has queued a close without a status, that one is sent */
		queue_close(websocket, WSLAY_CODE_PROTOCOL_ERROR, "");
	go_on(websocket);
}

static void begin(void *context, struct MHD_Connection *connection, void *exchange_context,
		  const char *extra, size_t extra_size, MHD_socket fd,
		  struct MHD_UpgradeResponseHandle *handle)
{
	static const struct wslay_event_callbacks callbacks = {
		.recv_callback = receive,
		.send_callback = transmit,
		.on_frame_recv_start_callback = on_frame,
		.on_msg_recv_callback = on_message,
	};
	struct exchange *exchange = exchange_context;
	struct server *server = context;
	struct websocket *websocket = calloc(1, sizeof(*websocket));
	int one = 1;

	(void)connection;
	if (!websocket ||
	    wslay_event_context_server_init(&websocket->frames, &callbacks, websocket) != 0) {
		free(websocket);
		MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
		server_turn_soon(server);
		return;
	}
	wslay_event_config_set_max_recv_msg_length(websocket->frames,
						   server->settings.body_max);
	websocket->exchange = exchange;
	websocket->handle = handle;
	websocket->fd = fd;
	websocket->was_heard = websocket->was_written = true;
	websocket->budget = BUDGET;
	/* A frame's head and its body are written apart. */
	setsockopt(exchange->peer->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	STAILQ_INIT(&websocket->pending);
	TAILQ_INSERT_HEAD(&server->websockets, websocket, link);
	exchange->websocket = websocket;
	if (server->ping_ns == 0)
		server->ping_ns = troupe_now_ns(server->self) + server->settings.heartbeat_ns;
	if (extra_size > 0) {
		websocket->extra = malloc(extra_size);
		if (!websocket->extra) {
			close_now(websocket);
			return;
		}
		memcpy(websocket->extra, extra, extra_size);
		websocket->extra_size = extra_size;
	}
	websocket->watched = TROUPE_READABLE;
	if (troupe_watch_start(server->self, fd, TROUPE_READABLE, server->on_websocket,
			       (uintptr_t)websocket, &websocket->watch) < 0) {
		close_now(websocket);
		return;
	}
	/* What has been read already makes no descriptor ready. */
	read_frames(websocket);
}

void websocket_serve(struct exchange *exchange)
{
	char accepted[HANDSHAKE_KEY];
	unsigned status = handshake_judge(exchange, accepted);
	struct MHD_Response *response = NULL;

	switch (status) {
	case 101:
		response = MHD_create_response_for_upgrade(begin, exchange->server);
		break;
	case 400:
		exchange_answer_error(exchange, 400, ERRORS "BadRequest",
				      "{\"reason\":\"no handshake of a WebSocket\"}");
		return;
	case 403:
		exchange_answer_error(exchange, 403, ERRORS "OtherSite", NULL);
		return;
	case 426:
		exchange_answer_error(exchange, 426, ERRORS "UpgradeRequired", NULL);
		return;
	}
	if (response) {
		MHD_add_response_header(response, MHD_HTTP_HEADER_UPGRADE, "websocket");
		MHD_add_response_header(response, "Sec-WebSocket-Accept", accepted);
	}
	exchange_answer(exchange, response ? 101 : 500, response);
}

void websocket_end(struct exchange *exchange)
{
	struct websocket *websocket = exchange->websocket;
	struct pending *pending;

	if (!websocket)
		return;
	exchange->websocket = NULL;
	TAILQ_REMOVE(&exchange->server->websockets, websocket, link);
	while ((pending = STAILQ_FIRST(&websocket->pending))) {
		STAILQ_REMOVE_HEAD(&websocket->pending, link);
		free(pending);
	}
	wslay_event_context_free(websocket->frames);
	free(websocket->extra);
	free(websocket);
}

void websockets_stop(struct server *server)
{
	struct websocket *websocket;

	TAILQ_FOREACH(websocket, &server->websockets, link)
	{
		if (websocket->is_closed)
			continue;
		queue_close(websocket, WSLAY_CODE_GOING_AWAY, "");
		(void)wslay_event_send(websocket->frames);
		close_now(websocket);
	}
}

/* Since the last ping: it was closed and has not closed in turn, or it was read from and said
 * nothing, or it was to be written to and took nothing. */
static bool is_silent(const struct websocket *websocket)
{
	return websocket->is_ending || wslay_event_get_close_sent(websocket->frames) ||
	       (!websocket->was_heard && websocket->watched & TROUPE_READABLE) ||
	       (!websocket->was_written && websocket->watched & TROUPE_WRITABLE);
}

void websockets_sweep(struct server *server)
{
	uint64_t now_ns = troupe_now_ns(server->self);
	struct websocket *websocket;

	if (!server->ping_ns || server->ping_ns > now_ns)
		return;
	server->ping_ns =
		TAILQ_EMPTY(&server->websockets) ? 0 : now_ns + server->settings.heartbeat_ns;
	TAILQ_FOREACH(websocket, &server->websockets, link)
	{
		struct wslay_event_msg ping = {.opcode = WSLAY_PING};

		if (websocket->is_closed) { /* TLS may have something left that nobody takes */
			shutdown(websocket->exchange->peer->fd, SHUT_RDWR);
			continue;
		}
		if (is_silent(websocket)) {
			server->timed_out++;
			close_now(websocket);
			continue;
		}
		websocket->was_heard = websocket->was_written = false;
		wslay_event_queue_msg(websocket->frames, &ping);
		go_on(websocket);
	}
}

uint64_t websockets_due_ns(const struct server *server)
{
	return server->ping_ns ? server->ping_ns : UINT64_MAX;
}

/* ---- calls */

static void put(struct websocket *websocket, const char *text, size_t size)
{
	struct wslay_event_msg message = {
		.opcode = WSLAY_TEXT_FRAME, .msg = (const uint8_t *)text, .msg_length = size};

	/* -WSLAY_ERR_NO_MORE_MSG: it is being closed. Without memory it ends. */
	if (wslay_event_queue_msg(websocket->frames, &message) == WSLAY_ERR_NOMEM)
		close_now(websocket);
}

/* What a message asks for: a call that is under way then, or an answer. */
static void serve(struct websocket *websocket, const char *text, size_t size)
{
	struct exchange *exchange = websocket->exchange;
	struct server *server = exchange->server;
	struct message message;
	char method[256];

	if (!message_read(text, size, &message) || message.method_size >= sizeof(method)) {
		queue_close(websocket, WSLAY_CODE_POLICY_VIOLATION, "no call");
		return;
	}
	memcpy(method, message.method, message.method_size);
	method[message.method_size] = '\0';
	if (strlen(method) != message.method_size ||
	    !settings_allow(&server->settings, method)) {
		websocket_add_error(exchange, ERRORS "NotFound", NULL);
		return;
	}
	free(exchange->body);
	exchange->body = malloc(message.parameters_size + 1);
	exchange->size = exchange->capacity = 0;
	if (!exchange->body) {
		websocket_add_error(exchange, ERRORS "Busy", NULL);
		return;
	}
	if (message.parameters)
		memcpy(exchange->body, message.parameters, message.parameters_size);
	exchange->size = message.parameters_size;
	exchange->wants_events = message.more;
	call_begin(exchange, method);
	count_stream(websocket, exchange->has_ticket && message.more);
}

static void serve_pending(struct websocket *websocket)
{
	struct pending *pending;

	while (!websocket->is_closed && !websocket->is_closing &&
	       !websocket->exchange->has_ticket &&
	       wslay_event_get_queued_msg_length(websocket->frames) < PENDING_SIZE &&
	       (pending = STAILQ_FIRST(&websocket->pending))) {
		STAILQ_REMOVE_HEAD(&websocket->pending, link);
		websocket->n_pending--;
		websocket->pending_size -= pending->size;
		serve(websocket, pending->text, pending->size);
		free(pending);
	}
}

/* wslay keeps each fragment in memory of its own, however small it is. */
static void on_frame(wslay_event_context_ptr frames,
		     const struct wslay_event_on_frame_recv_start_arg *frame, void *context)
{
	struct websocket *websocket = context;

	if (wslay_is_ctrl_frame(frame->opcode))
		return;
	websocket->n_fragments = frame->fin ? 0 : websocket->n_fragments + 1;
	if (websocket->n_fragments <= FRAGMENTS_MAX)
		return;
	wslay_event_shutdown_read(frames);
	queue_close(websocket, WSLAY_CODE_MESSAGE_TOO_BIG, "fragments");
}

static void on_message(wslay_event_context_ptr frames,
		       const struct wslay_event_on_msg_recv_arg *message, void *context)
{
	struct websocket *websocket = context;

	(void)frames;
	if (wslay_is_ctrl_frame(message->opcode)) /* wslay answers them */
		return;
	if (websocket->is_closing)
		return;
	if (message->opcode != WSLAY_TEXT_FRAME) {
		queue_close(websocket, WSLAY_CODE_UNSUPPORTED_DATA, "text only");
		return;
	}
	struct pending *pending = malloc(sizeof(*pending) + message->msg_length);
	if (!pending) {
		close_now(websocket);
		return;
	}
	pending->size = message->msg_length;
	if (message->msg_length > 0)
		memcpy(pending->text, message->msg, message->msg_length);
	STAILQ_INSERT_TAIL(&websocket->pending, pending, link);
	websocket->n_pending++;
	websocket->pending_size += pending->size;
}

void websocket_add_error(struct exchange *exchange, const char *name, const char *parameters)
{
	char *text = json_error(name, parameters);

	if (text)
		put(exchange->websocket, text, strlen(text));
	else
		close_now(exchange->websocket);
	free(text);
}

void websocket_add(struct exchange *exchange, const struct troupe_text_reply *reply)
{
	struct websocket *websocket = exchange->websocket;
	char *text = NULL;

	if (websocket->is_closed)
		return;
	if (reply->status != TROUPE_OK)
		text = call_error_text(reply);
	else if (asprintf(&text, "{\"parameters\":%s%s}", reply->json,
			  reply->continues ? ",\"continues\":true" : "") < 0)
		text = NULL;
	if (text)
		put(websocket, text, strlen(text));
	else
		close_now(websocket);
	free(text);
	if (!reply->continues)
		count_stream(websocket, false);
	go_on(websocket);
	if (reply->continues && !websocket->is_closed && is_behind(websocket))
		call_hold(exchange);
}

int websocket_on_ready(struct troupe_self *self, struct server *server, uint64_t context,
		       const struct troupe_watch_event *event)
{
	/* It lives: its watch is stopped first, after which no event arrives. */
	struct websocket *websocket = (struct websocket *)(uintptr_t)context;

	server->self = self;
	websocket->budget = BUDGET;
	if (websocket->is_ending) {
		pass_over(websocket);
	} else if (event->events & TROUPE_READABLE) {
		read_frames(websocket);
	} else {
		go_on(websocket);
	}
	return 0;
}

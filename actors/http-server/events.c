/* events.c - streams of replies as server-sent events. */
#include "events.h"

#include "call.h"
#include "json.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ERRORS     "io.troupe.httpserver."
#define BLOCK      4096
#define BEHIND_MAX (64u << 20)      /* bytes that all readers together have not taken */
#define BEHIND_OWN (BEHIND_MAX / 2) /* from here on a reader has no buffer of its own */
#define OPEN_NS    TROUPE_SECOND_NS /* a stream without an event is answered then */

/* ---- what its reader has not taken */

static bool reserve(struct exchange *exchange, size_t more)
{
	size_t needed = exchange->out_size + more;

	if (exchange->out_start + needed <= exchange->out_capacity)
		return true;
	if (exchange->out_size > 0)
		memmove(exchange->out, exchange->out + exchange->out_start, exchange->out_size);
	exchange->out_start = 0;
	if (needed <= exchange->out_capacity)
		return true;
	size_t capacity = exchange->out_capacity ? exchange->out_capacity : 1024;
	while (capacity < needed)
		capacity *= 2;
	char *out = realloc(exchange->out, capacity);
	if (!out)
		return false;
	exchange->out = out;
	exchange->out_capacity = capacity;
	return true;
}

static void put(struct exchange *exchange, const char *text, size_t size)
{
	memcpy(exchange->out + exchange->out_start + exchange->out_size, text, size);
	if (exchange->out_size == 0)
		exchange->taken_ns = troupe_now_ns(exchange->server->self);
	exchange->out_size += size;
	exchange->server->behind += size;
}

/* Without memory for it the stream breaks off: a reader is not left without knowing. */
static void put_event(struct exchange *exchange, const char *head, const char *data,
		      size_t size)
{
	if (!reserve(exchange, strlen(head) + size + 2)) {
		exchange->is_broken = true;
		return;
	}
	put(exchange, head, strlen(head));
	put(exchange, data, size);
	put(exchange, "\n\n", 2);
}

static void touch(struct exchange *exchange)
{
	struct server *server = exchange->server;

	exchange->written_ns = troupe_now_ns(server->self);
	TAILQ_REMOVE(&server->streams, exchange, stream_link);
	TAILQ_INSERT_TAIL(&server->streams, exchange, stream_link);
}

/* Its reader is so far behind that the actor which streams has to wait. */
static bool is_behind(const struct exchange *exchange)
{
	const struct server *server = exchange->server;

	return exchange->out_size > server->settings.stream_buffer ||
	       server->behind > BEHIND_OWN;
}

/* He has taken enough of it, so that it may go on. */
static bool has_room(const struct exchange *exchange)
{
	const struct server *server = exchange->server;

	return exchange->out_size == 0 ||
	       (exchange->out_size <= server->settings.stream_buffer / 2 &&
		server->behind <= BEHIND_OWN);
}

/* libmicrohttpd asks for more when the connection can be written to. */
static ssize_t read_events(void *context, uint64_t position, char *buffer, size_t most)
{
	struct exchange *exchange = context;
	size_t size = exchange->out_size < most ? exchange->out_size : most;

	(void)position;
	if (exchange->is_broken)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	if (size == 0 && exchange->has_ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (size == 0) {
		exchange_suspend(exchange);
		return 0;
	}
	memcpy(buffer, exchange->out + exchange->out_start, size);
	exchange->out_start += size;
	exchange->out_size -= size;
	exchange->server->behind -= size;
	exchange->taken_ns = troupe_now_ns(exchange->server->self);
	if (exchange->out_size == 0)
		exchange->out_start = 0;
	if (has_room(exchange))
		call_take(exchange);
	return (ssize_t)size;
}

/* ---- its life */

void events_begin(struct exchange *exchange)
{
	struct server *server = exchange->server;

	exchange->is_stream = true;
	exchange->written_ns = troupe_now_ns(server->self);
	TAILQ_INSERT_TAIL(&server->opening, exchange, stream_link);
	server->n_streams++;
}

/* The context of its watch; good as long as its call is. */
static uint64_t context_of(const struct exchange *exchange)
{
	const struct ticket *ticket = &exchange->server->tickets[exchange->ticket];

	return (uint64_t)ticket->generation << 32 | exchange->ticket;
}

static void open_stream(struct exchange *exchange)
{
	struct server *server = exchange->server;
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, BLOCK, read_events, exchange, NULL);

	exchange->is_open = true;
	TAILQ_REMOVE(&server->opening, exchange, stream_link);
	TAILQ_INSERT_TAIL(&server->streams, exchange, stream_link);
	if (response) {
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					"text/event-stream");
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
		/* nginx: each event at once */
		MHD_add_response_header(response, "X-Accel-Buffering", "no");
	}
	/* Without the watch a lost reader is found by the next comment. */
	if (exchange->has_ticket && !server->is_stopping)
		exchange->is_watched =
			troupe_watch_start(server->self, exchange->peer->fd, TROUPE_READABLE,
					   server->on_reader, context_of(exchange),
					   &exchange->watch) == 0;
	exchange_answer(exchange, 200, response);
}

static void end_with_error(struct exchange *exchange, const char *text)
{
	put_event(exchange, "event: error\ndata: ", text ? text : "{}",
		  text ? strlen(text) : 2);
	exchange->has_ended = true;
}

static void end_well(struct exchange *exchange)
{
	put_event(exchange, "event: end\ndata: ", "{}", 2);
	exchange->has_ended = true;
}

static void drop_slow_reader(struct exchange *exchange, const char *parameters)
{
	char *text = json_error(ERRORS "TooSlow", parameters);

	end_with_error(exchange, text);
	free(text);
	call_forget(exchange);
}

/* One event of any size is kept. The window of each stream bounds what comes of it; this, what
 * comes of very many. */
static bool is_too_far_behind(const struct exchange *exchange, size_t more)
{
	return exchange->out_size > 0 && exchange->server->behind + more > BEHIND_MAX;
}

/* Whether its reader has taken nothing for too long; then he is let go. */
static bool end_stuck(struct exchange *exchange)
{
	const struct settings *settings = &exchange->server->settings;
	char parameters[96];

	if (exchange->has_ended || exchange->out_size == 0 ||
	    exchange->taken_ns + settings->reader_ns > troupe_now_ns(exchange->server->self))
		return false;
	snprintf(parameters, sizeof(parameters), "{\"limit\":%zu,\"afterMs\":%llu}",
		 settings->stream_buffer,
		 (unsigned long long)(settings->reader_ns / TROUPE_MS_NS));
	drop_slow_reader(exchange, parameters);
	return true;
}

void events_add(struct exchange *exchange, const struct troupe_text_reply *reply)
{
	char parameters[64];

	if (exchange->has_ended)
		return;
	if (!exchange->is_open)
		open_stream(exchange);
	if (reply->status == TROUPE_NO_REPLY && exchange->has_events) {
		/* a handler that replies as it goes, and has returned */
		end_well(exchange);
	} else if (reply->status != TROUPE_OK) {
		char *text = call_error_text(reply);

		end_with_error(exchange, text);
		free(text);
	} else if (is_too_far_behind(exchange, reply->size)) {
		snprintf(parameters, sizeof(parameters), "{\"limit\":%zu}",
			 exchange->server->settings.stream_buffer);
		drop_slow_reader(exchange, parameters);
	} else if (!end_stuck(exchange)) {
		put_event(exchange, "data: ", reply->json, reply->size);
		if (is_behind(exchange))
			call_hold(exchange);
		exchange->has_events = true;
		if (!reply->continues)
			end_well(exchange);
	}
	touch(exchange);
	exchange_resume(exchange);
}

void events_unwatch(struct exchange *exchange)
{
	if (exchange->is_watched && !exchange->server->is_stopping)
		(void)troupe_watch_stop(exchange->server->self, exchange->watch);
	exchange->is_watched = false;
}

void events_end(struct exchange *exchange)
{
	struct server *server = exchange->server;

	if (!exchange->is_stream)
		return;
	exchange->is_stream = false;
	TAILQ_REMOVE(exchange->is_open ? &server->streams : &server->opening, exchange,
		     stream_link);
	server->n_streams--;
	server->behind -= exchange->out_size;
	exchange->out_size = 0;
	events_unwatch(exchange);
	free(exchange->out);
	exchange->out = NULL;
}

void events_stop(struct server *server)
{
	struct exchange *exchange;

	while ((exchange = TAILQ_FIRST(&server->opening)))
		open_stream(exchange);
	TAILQ_FOREACH(exchange, &server->streams, stream_link)
	{
		if (!exchange->has_ended) {
			char *text = json_error(ERRORS "Stopping", NULL);

			end_with_error(exchange, text);
			free(text);
		}
		exchange_resume(exchange);
	}
}

void events_sweep(struct server *server)
{
	uint64_t now_ns = troupe_now_ns(server->self);
	struct exchange *exchange;

	while ((exchange = TAILQ_FIRST(&server->opening)) &&
	       exchange->written_ns + OPEN_NS <= now_ns) {
		open_stream(exchange);
		put_event(exchange, ":", "", 0);
		touch(exchange);
	}
	while ((exchange = TAILQ_FIRST(&server->streams)) &&
	       exchange->written_ns + server->settings.heartbeat_ns <= now_ns) {
		if (exchange->out_size == 0 && !exchange->has_ended)
			put_event(exchange, ":", "", 0);
		else
			(void)end_stuck(exchange);
		touch(exchange);
		exchange_resume(exchange);
	}
}

uint64_t events_due_ns(const struct server *server)
{
	const struct exchange *opening = TAILQ_FIRST(&server->opening);
	const struct exchange *quiet = TAILQ_FIRST(&server->streams);
	uint64_t due_ns = opening ? opening->written_ns + OPEN_NS : UINT64_MAX;

	if (quiet && quiet->written_ns + server->settings.heartbeat_ns < due_ns)
		due_ns = quiet->written_ns + server->settings.heartbeat_ns;
	return due_ns;
}

int events_on_reader(struct troupe_self *self, struct server *server, uint64_t context,
		     const struct troupe_watch_event *event)
{
	struct exchange *exchange = call_find(server, context);
	char byte;

	server->self = self;
	if (!exchange || !exchange->is_watched)
		return 0;
	ssize_t n = recv(event->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	events_unwatch(exchange);
	if (n > 0) /* another request, or TLS's: only comments find its end now */
		return 0;
	call_forget(exchange);
	exchange->is_broken = true;
	exchange_resume(exchange);
	return 0;
}

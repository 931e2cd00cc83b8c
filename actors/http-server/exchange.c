/* exchange.c - a request and its answer, from the request's line to the last byte. */
#include "exchange.h"

#include "call.h"
#include "chunks.h"
#include "events.h"
#include "files.h"
#include "hosts.h"
#include "json.h"
#include "websocket.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#define ERRORS "io.troupe.httpserver."

/* ---- suspending */

void exchange_suspend(struct exchange *exchange)
{
	if (exchange->is_suspended)
		return;
	exchange->is_suspended = true;
	MHD_suspend_connection(exchange->connection);
}

void exchange_resume(struct exchange *exchange)
{
	if (!exchange->is_suspended || exchange->is_resumed)
		return;
	exchange->is_resumed = true;
	TAILQ_INSERT_TAIL(&exchange->server->resumed, exchange, resumed_link);
	server_turn_soon(exchange->server);
}

void exchange_resume_all(struct server *server)
{
	struct exchange *exchange;

	while ((exchange = TAILQ_FIRST(&server->resumed))) {
		TAILQ_REMOVE(&server->resumed, exchange, resumed_link);
		exchange->is_suspended = exchange->is_resumed = false;
		MHD_resume_connection(exchange->connection);
	}
}

/* ---- answering */

void exchange_answer(struct exchange *exchange, unsigned status, struct MHD_Response *response)
{
	exchange->stage = EXCHANGE_ANSWERED;
	exchange->status = status;
	exchange->response = response;
	if (response && exchange->allow && (status == 405 || status == 204))
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, exchange->allow);
	if (response && status == 503)
		MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
	if (response && status == 426)
		MHD_add_response_header(response, "Sec-WebSocket-Version", "13");
	/* Others wait for the place of this connection. */
	if (response && exchange->server->is_resting && status != 101)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	exchange_resume(exchange);
}

void exchange_answer_json(struct exchange *exchange, unsigned status, const char *json,
			  size_t size)
{
	/* The library takes no const, and copies. */
	struct MHD_Response *response = MHD_create_response_from_buffer(
		size, (void *)(uintptr_t)json, MHD_RESPMEM_MUST_COPY);

	if (response)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
					"application/json");
	exchange_answer(exchange, status, response);
}

void exchange_answer_error(struct exchange *exchange, unsigned status, const char *name,
			   const char *parameters)
{
	if (exchange->websocket) {
		websocket_add_error(exchange, name, parameters);
		return;
	}
	char *text = json_error(name, parameters);
	if (text)
		exchange_answer_json(exchange, status, text, strlen(text));
	else
		exchange_answer(exchange, status, NULL);
	free(text);
}

static void answer_empty(struct exchange *exchange, unsigned status)
{
	exchange_answer(exchange, status,
			MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
}

static void refuse(struct exchange *exchange, const char *reason)
{
	char *parameters = json_member("reason", reason);

	exchange->server->malformed++;
	exchange_answer_error(exchange, 400, ERRORS "BadRequest", parameters);
	free(parameters);
}

static void answer_too_large(struct exchange *exchange)
{
	char parameters[64];

	snprintf(parameters, sizeof(parameters), "{\"limit\":%zu}",
		 exchange->server->settings.body_max);
	exchange_answer_error(exchange, 413, ERRORS "TooLarge", parameters);
}

/* ---- what is asked for */

static bool is_verb(const struct exchange *exchange, const char *verb)
{
	return strcmp(exchange->verb, verb) == 0;
}

static const char *header_of(const struct exchange *exchange, const char *name)
{
	return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND, name);
}

/* A page of another site can have a browser send many types, but not this one, without asking
 * this server whether it may. */
static bool is_json(const struct exchange *exchange)
{
	const char *type = header_of(exchange, MHD_HTTP_HEADER_CONTENT_TYPE);

	return type && strncasecmp(type, "application/json", 16) == 0 &&
	       (type[16] == '\0' || type[16] == ';' || type[16] == ' ');
}

static bool wants_events(const struct exchange *exchange)
{
	const char *accept = header_of(exchange, MHD_HTTP_HEADER_ACCEPT);

	return (accept && strcasestr(accept, "text/event-stream")) ||
	       MHD_lookup_connection_value_n(exchange->connection, MHD_GET_ARGUMENT_KIND,
					     "more", 4, NULL, NULL) == MHD_YES;
}

static void serve_call(struct exchange *exchange, const char *method)
{
	exchange->allow = "OPTIONS, POST";
	if (is_verb(exchange, MHD_HTTP_METHOD_OPTIONS)) {
		answer_empty(exchange, 204);
	} else if (!is_verb(exchange, MHD_HTTP_METHOD_POST)) {
		exchange_answer_error(exchange, 405, ERRORS "MethodNotAllowed", NULL);
	} else if (!is_json(exchange)) {
		exchange_answer_error(exchange, 415, ERRORS "UnsupportedMediaType", NULL);
	} else {
		exchange->wants_events = wants_events(exchange);
		exchange->stage = EXCHANGE_WAITING;
		call_begin(exchange, method);
		if (exchange->stage == EXCHANGE_WAITING)
			exchange_suspend(exchange);
	}
}

static void serve_file(struct exchange *exchange, const char *path)
{
	exchange->allow = "GET, HEAD, OPTIONS";
	if (is_verb(exchange, MHD_HTTP_METHOD_GET) || is_verb(exchange, MHD_HTTP_METHOD_HEAD))
		files_serve(exchange, path);
	else if (is_verb(exchange, MHD_HTTP_METHOD_OPTIONS))
		answer_empty(exchange, 204);
	else
		exchange_answer_error(exchange, 405, ERRORS "MethodNotAllowed", NULL);
}

static void serve_websocket(struct exchange *exchange)
{
	exchange->allow = "GET";
	if (is_verb(exchange, MHD_HTTP_METHOD_GET))
		websocket_serve(exchange);
	else
		exchange_answer_error(exchange, 405, ERRORS "MethodNotAllowed", NULL);
}

static void answer_misdirected(struct exchange *exchange)
{
	char *parameters = json_member("host", header_of(exchange, MHD_HTTP_HEADER_HOST));

	exchange_answer_error(exchange, 421, ERRORS "Misdirected", parameters);
	free(parameters);
}

static void serve(struct exchange *exchange, const char *url)
{
	struct server *server = exchange->server;

	peer_enter(server, exchange->peer, PHASE_BUSY);
	chunks_end(server, exchange->peer);
	if (server->is_stopping)
		exchange_answer_error(exchange, 503, ERRORS "Stopping", NULL);
	else if (!hosts_allow(&server->settings, exchange->peer->fd,
			      header_of(exchange, MHD_HTTP_HEADER_HOST)))
		answer_misdirected(exchange);
	else if (url[0] == '*')
		answer_empty(exchange, 204);
	else if (exchange->is_too_large)
		answer_too_large(exchange);
	else if (server->settings.websocket && strcmp(url, server->settings.websocket) == 0)
		serve_websocket(exchange);
	else if (settings_allow(&server->settings, url + 1))
		serve_call(exchange, url + 1);
	else if (server->settings.root >= 0)
		serve_file(exchange, url);
	else
		exchange_answer_error(exchange, 404, ERRORS "NotFound", NULL);
}

/* ---- receiving */

static void await_body(struct exchange *exchange)
{
	peer_enter(exchange->server, exchange->peer, PHASE_BODY);
	if (header_of(exchange, MHD_HTTP_HEADER_TRANSFER_ENCODING))
		chunks_begin(exchange->server, exchange->peer);
}

/* The header is complete: what is answered now ends the connection, since the body, or what is
 * taken for one, was not read. */
static void begin(struct exchange *exchange, const char *url, const char *version)
{
	struct server *server = exchange->server;
	unsigned long long length = 0;
	bool has_body = false;

	server->requests++;
	exchange->stage = EXCHANGE_BODY;
	const char *reason = framing_judge(exchange->connection, exchange->verb, version,
					   exchange->target, &has_body, &length);
	if (!reason && url[0] != '/' &&
	    (strcmp(url, "*") != 0 || !is_verb(exchange, MHD_HTTP_METHOD_OPTIONS)))
		reason = "the target is no path";
	if (!reason && has_body && !is_verb(exchange, MHD_HTTP_METHOD_POST) &&
	    header_of(exchange, MHD_HTTP_HEADER_TRANSFER_ENCODING))
		reason = "a body where none belongs";
	if (!reason && length > 0 && !is_verb(exchange, MHD_HTTP_METHOD_POST))
		reason = "a body where none belongs";
	if (reason)
		refuse(exchange, reason);
	else if (length > server->settings.body_max)
		answer_too_large(exchange);
	else
		await_body(exchange);
}

/* What is too large is read on for a while, so that the client reads why it is refused. */
static enum MHD_Result take(struct exchange *exchange, const char *data, size_t size)
{
	size_t most = exchange->server->settings.body_max;

	chunks_move(exchange->server, exchange->peer);
	if (exchange->size + size > most) {
		exchange->is_too_large = true;
		exchange->size += size;
		return exchange->size > 2 * most + (64 << 10) ? MHD_NO : MHD_YES;
	}
	if (exchange->size + size > exchange->capacity) {
		size_t capacity = exchange->capacity ? exchange->capacity * 2 : 512;

		while (capacity < exchange->size + size)
			capacity *= 2;
		char *body = realloc(exchange->body, capacity);
		if (!body)
			return MHD_NO;
		exchange->body = body;
		exchange->capacity = capacity;
	}
	memcpy(exchange->body + exchange->size, data, size);
	exchange->size += size;
	return MHD_YES;
}

static enum MHD_Result queue(struct exchange *exchange)
{
	struct MHD_Response *response = exchange->response;

	exchange->response = NULL;
	enum MHD_Result result =
		MHD_queue_response(exchange->connection, exchange->status, response);
	MHD_destroy_response(response);
	return result;
}

void *exchange_on_line(void *context, const char *target, struct MHD_Connection *connection)
{
	struct server *server = context;
	struct exchange *exchange = calloc(1, sizeof(*exchange));
	struct peer *peer = peer_of(connection);

	if (!exchange || !peer) {
		free(exchange);
		return NULL;
	}
	exchange->server = server;
	exchange->connection = connection;
	exchange->peer = peer;
	exchange->began_ns = troupe_now_ns(server->self);
	exchange->target = (struct framing_target){.text = target, .size = strlen(target)};
	if (server->settings.access_log)
		exchange->log_target = strndup(target, 1000);
	peer_asks(server, peer);
	return exchange;
}

enum MHD_Result exchange_on_request(void *context, struct MHD_Connection *connection,
				    const char *url, const char *verb, const char *version,
				    const char *data, size_t *size, void **ret_exchange)
{
	struct exchange *exchange = *ret_exchange;

	(void)context;
	(void)connection;
	if (!exchange)
		return MHD_NO;
	exchange->verb = verb;
	if (exchange->stage == EXCHANGE_HEADER) {
		begin(exchange, url, version);
	} else if (*size > 0) {
		enum MHD_Result result = take(exchange, data, *size);
		*size = 0;
		return result;
	} else if (exchange->stage == EXCHANGE_BODY) {
		serve(exchange, url);
	}
	if (exchange->is_suspended || exchange->stage != EXCHANGE_ANSWERED)
		return MHD_YES;
	return exchange->response ? queue(exchange) : MHD_NO;
}

/* ---- its end */

static void print_client(struct exchange *exchange, char *text, size_t size)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(
		exchange->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	char host[INET6_ADDRSTRLEN] = "-";

	if (info && info->client_addr && info->client_addr->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, info->client_addr, sizeof(v4));
		inet_ntop(AF_INET, &v4.sin_addr, host, sizeof(host));
	} else if (info && info->client_addr && info->client_addr->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, info->client_addr, sizeof(v6));
		inet_ntop(AF_INET6, &v6.sin6_addr, host, sizeof(host));
	}
	snprintf(text, size, "%s", host);
}

/* Whatever a client wrote, a line stays a line and its quotes are the log's. */
static void print_safely(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f || *text == '"')
			*text = '?';
}

static void log_access(struct exchange *exchange, enum MHD_RequestTerminationCode code)
{
	char client[INET6_ADDRSTRLEN], verb[32];
	uint64_t took_ns = troupe_now_ns(exchange->server->self) - exchange->began_ns;

	print_client(exchange, client, sizeof(client));
	snprintf(verb, sizeof(verb), "%s", exchange->verb ? exchange->verb : "-");
	print_safely(verb);
	print_safely(exchange->log_target);
	troupe_log(exchange->server->self, 6, "%s \"%s %s\" %u %llu ms%s", client, verb,
		   exchange->log_target, exchange->status,
		   (unsigned long long)(took_ns / TROUPE_MS_NS),
		   code == MHD_REQUEST_TERMINATED_COMPLETED_OK ? "" : ", cut short");
}

void exchange_on_end(void *context, struct MHD_Connection *connection, void **ret_exchange,
		     enum MHD_RequestTerminationCode code)
{
	struct server *server = context;
	struct exchange *exchange = *ret_exchange;

	(void)connection;
	if (!exchange)
		return;
	*ret_exchange = NULL;
	if (exchange->stage == EXCHANGE_HEADER)
		server->malformed++;
	if (exchange->log_target)
		log_access(exchange, code);
	call_forget(exchange);
	events_end(exchange);
	websocket_end(exchange);
	if (exchange->is_resumed)
		TAILQ_REMOVE(&server->resumed, exchange, resumed_link);
	if (exchange->response)
		MHD_destroy_response(exchange->response);
	peer_enter(server, exchange->peer, PHASE_IDLE);
	chunks_end(server, exchange->peer);
	free(exchange->log_target);
	free(exchange->body);
	free(exchange->method);
	free(exchange);
}

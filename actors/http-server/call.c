/* call.c - a request that calls an actor's method. */
#include "call.h"

#include "events.h"
#include "json.h"
#include "websocket.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ERRORS  "io.troupe.httpserver."
#define CONTROL "io.troupe.Control."
#define WINDOW  16 /* replies of a stream that are on their way or held */

/* ---- tickets */

int calls_init(struct server *server)
{
	unsigned count = server->settings.calls;

	server->tickets = calloc(count, sizeof(*server->tickets));
	if (!server->tickets)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++)
		server->tickets[i].next_free = i + 1;
	return 0;
}

void calls_fini(struct server *server)
{
	free(server->tickets);
	server->tickets = NULL;
}

static uint64_t take_ticket(struct exchange *exchange)
{
	struct server *server = exchange->server;
	uint32_t index = server->first_free;
	struct ticket *ticket = &server->tickets[index];

	server->first_free = ticket->next_free;
	ticket->exchange = exchange;
	exchange->ticket = index;
	exchange->has_ticket = true;
	server->n_calls++;
	return (uint64_t)ticket->generation << 32 | index;
}

static void give_ticket_back(struct exchange *exchange)
{
	struct server *server = exchange->server;
	struct ticket *ticket = &server->tickets[exchange->ticket];

	events_unwatch(exchange); /* its events would name a ticket that is another's */
	ticket->exchange = NULL;
	ticket->generation++;
	ticket->next_free = server->first_free;
	server->first_free = exchange->ticket;
	exchange->has_ticket = false;
	exchange->n_held = 0;
	server->n_calls--;
}

struct exchange *call_find(struct server *server, uint64_t context)
{
	const struct ticket *ticket = &server->tickets[(uint32_t)context];

	return ticket->generation == context >> 32 ? ticket->exchange : NULL;
}

void call_forget(struct exchange *exchange)
{
	if (!exchange->has_ticket)
		return;
	give_ticket_back(exchange);
	/* -ESRCH: its answer waits in the mailbox, for nobody now. In fini there is no need. */
	if (!exchange->server->is_stopping)
		(void)troupe_cancel(exchange->server->self, exchange->request);
}

void call_hold(struct exchange *exchange)
{
	if (exchange->has_ticket && troupe_window_hold(exchange->server->self) == 0)
		exchange->n_held++;
}

void call_take(struct exchange *exchange)
{
	/* -ESRCH: it has ended, and that waits in the mailbox. In fini nobody goes on. */
	if (exchange->n_held > 0 && !exchange->server->is_stopping)
		(void)troupe_window_give(exchange->server->self, exchange->request,
					 exchange->n_held);
	exchange->n_held = 0;
}

/* ---- what HTTP says to it */

unsigned call_status(const struct troupe_text_reply *reply)
{
	switch (reply->status) {
	case TROUPE_OK:
		return 200;
	case TROUPE_ERROR:
		return 422;
	case TROUPE_INVALID_PARAMETER:
	case TROUPE_EXPECTED_MORE:
		return 400;
	case TROUPE_PERMISSION_DENIED:
		return 403;
	case TROUPE_NO_SUCH_ACTOR:
	case TROUPE_METHOD_NOT_FOUND:
		return 404;
	case TROUPE_METHOD_NOT_IMPLEMENTED:
		return 501;
	case TROUPE_ACTOR_DIED:
	case TROUPE_PEER_DOWN:
	case TROUPE_NO_REPLY:
		return 502;
	case TROUPE_OVERLOADED:
	case TROUPE_CANCELLED:
		return 503;
	case TROUPE_TIMEOUT:
		return 504;
	default:
		return 500;
	}
}

char *call_error_text(const struct troupe_text_reply *reply)
{
	char *made = NULL;

	if (reply->status == TROUPE_INVALID_PARAMETER)
		made = json_invalid_parameter(reply->detail);
	else if (reply->status == TROUPE_FAILED &&
		 asprintf(&made, "{\"code\":%d}", reply->code) < 0)
		return NULL;
	char *text = json_error(reply->error_name ? reply->error_name : CONTROL "Failed",
				made ? made : reply->json);

	free(made);
	return text;
}

static void answer_failure(struct exchange *exchange, int error)
{
	char *parameters = NULL;

	switch (error) {
	case -EINVAL:
	case -E2BIG:
		parameters = json_member("reason", error == -EINVAL
							   ? "the body is no JSON object"
							   : "the body is nested too deep, or "
							     "holds too many values");
		exchange_answer_error(exchange, 400, ERRORS "BadRequest", parameters);
		break;
	case -EMSGSIZE:
		parameters = json_member("reason", "the body is larger than a message");
		exchange_answer_error(exchange, 413, ERRORS "BadRequest", parameters);
		break;
	case -ENOENT:
		exchange_answer_error(exchange, 404, ERRORS "NotFound", NULL);
		break;
	case -ENOTUNIQ:
		exchange_answer_error(exchange, 500, ERRORS "Ambiguous", NULL);
		break;
	case -EAGAIN:
		exchange_answer_error(exchange, 503, CONTROL "Overloaded", NULL);
		break;
	case -ESRCH:
	case -EINPROGRESS:
		exchange_answer_error(exchange, 503, ERRORS "NotRunning", NULL);
		break;
	default:
		exchange_answer_error(exchange, 503, ERRORS "Busy", NULL);
	}
	free(parameters);
}

/* ---- the call */

void call_begin(struct exchange *exchange, const char *method)
{
	struct server *server = exchange->server;
	struct troupe_address to;

	if (server->first_free == server->settings.calls ||
	    (exchange->wants_events && server->n_streams >= server->settings.streams)) {
		exchange_answer_error(exchange, 503, ERRORS "Busy", NULL);
		return;
	}
	free(exchange->method);
	exchange->method = strdup(method);
	if (!exchange->method) {
		answer_failure(exchange, -ENOMEM);
		return;
	}
	char *dot = strrchr(exchange->method, '.');
	*dot = '\0';
	int r = troupe_find_provider(server->self, exchange->method, &to);
	*dot = '.';
	if (r == 0) {
		uint64_t context = take_ticket(exchange);

		r = troupe_call_text(server->self, to, exchange->method,
				     exchange->size ? exchange->body : NULL, exchange->size,
				     server->on_answer, context,
				     exchange->wants_events ? 0 : server->settings.call_ns,
				     exchange->wants_events ? TROUPE_WINDOW(WINDOW) : 0,
				     &exchange->request);
		if (r < 0)
			give_ticket_back(exchange);
	}
	if (r < 0)
		answer_failure(exchange, r);
	else if (exchange->wants_events && !exchange->websocket)
		events_begin(exchange);
}

int call_on_answer(struct troupe_self *self, struct server *server, uint64_t context,
		   const struct troupe_text_reply *reply)
{
	struct exchange *exchange = call_find(server, context);

	server->self = self;
	if (!exchange)
		return 0;
	if (!reply->continues)
		give_ticket_back(exchange);
	if (exchange->websocket) {
		websocket_add(exchange, reply);
		return 0;
	}
	if (exchange->is_stream && (exchange->is_open || reply->status == TROUPE_OK)) {
		events_add(exchange, reply);
		return 0;
	}
	events_end(exchange); /* a stream that failed before it began is none */
	if (reply->status == TROUPE_OK) {
		exchange_answer_json(exchange, 200, reply->json, reply->size);
		return 0;
	}
	char *text = call_error_text(reply);
	if (text)
		exchange_answer_json(exchange, call_status(reply), text, strlen(text));
	else
		exchange_answer(exchange, 500, NULL);
	free(text);
	return 0;
}

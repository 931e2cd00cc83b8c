/* exchange.h - a request and its answer, from the request's line to the last byte.
 *
 * libmicrohttpd calls for each piece of a request; what is to be done is known when the header
 * is complete and is done when the body is. Until its answer is there an exchange is suspended:
 * libmicrohttpd does not look at its connection. */
#ifndef HTTPSERVER_EXCHANGE_H
#define HTTPSERVER_EXCHANGE_H

#include "framing.h"
#include "server.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct exchange {
	struct server *server;
	struct MHD_Connection *connection;
	struct peer *peer;
	struct framing_target target;
	char *log_target; /* with AccessLog= */
	const char *verb;
	uint64_t began_ns;
	enum {
		EXCHANGE_HEADER,
		EXCHANGE_BODY,
		EXCHANGE_WAITING, /* for a call */
		EXCHANGE_ANSWERED
	} stage;
	bool is_suspended, is_resumed;
	/* its answer, until libmicrohttpd has it */
	struct MHD_Response *response;
	unsigned status;
	const char *allow; /* of 405 and 204 */
	/* the body of the request */
	char *body;
	size_t size, capacity;
	bool is_too_large;
	/* the call; NULL: the request is for something else */
	char *method;
	bool wants_events;
	uint32_t ticket; /* of the call under way, when has_ticket */
	bool has_ticket;
	unsigned n_held; /* replies of its stream that it has no room for */
	struct troupe_request request;
	TAILQ_ENTRY(exchange) resumed_link;
	/* a stream: what its reader has not taken yet */
	bool is_stream, is_open, has_events, has_ended, is_broken, is_watched;
	char *out;
	size_t out_start, out_size, out_capacity;
	uint64_t written_ns;         /* the last event or comment */
	uint64_t taken_ns;           /* when its reader last took something, or had it all */
	struct websocket *websocket; /* NULL: it is none */
	struct troupe_watch watch;
	TAILQ_ENTRY(exchange) stream_link;
};

/* libmicrohttpd's callbacks, whose context is the server. */
void *exchange_on_line(void *context, const char *target, struct MHD_Connection *connection);
enum MHD_Result exchange_on_request(void *context, struct MHD_Connection *connection,
				    const char *url, const char *verb, const char *version,
				    const char *data, size_t *size, void **exchange);
void exchange_on_end(void *context, struct MHD_Connection *connection, void **exchange,
		     enum MHD_RequestTerminationCode code);

/* Suspend it, or have it go on at the end of this turn. */
void exchange_suspend(struct exchange *exchange);
void exchange_resume(struct exchange *exchange);
void exchange_resume_all(struct server *server);

/* Have it answered with a response, which is taken; NULL: there was no memory, the connection
 * is closed. */
void exchange_answer(struct exchange *exchange, unsigned status, struct MHD_Response *response);

/* With JSON text, which is copied; or with an error, whose parameters are JSON text or NULL. */
void exchange_answer_json(struct exchange *exchange, unsigned status, const char *json,
			  size_t size);
void exchange_answer_error(struct exchange *exchange, unsigned status, const char *name,
			   const char *parameters);

#endif

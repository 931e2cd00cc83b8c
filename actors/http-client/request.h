/* request.h - one call, from the handler that gets it to its answer.
 *
 * Made by request_begin(); ends itself once it has answered, or by request_end() when nobody
 * waits for it any more. What curl calls while it works (request_on_sent() and those beside it)
 * only notes things and hands pieces of streams over; what follows from them is done by
 * outcome_follow() afterwards.
 */
#ifndef HTTP_CLIENT_REQUEST_H
#define HTTP_CLIENT_REQUEST_H

#include "client.h"
#include "hash.h"

#define REQUEST_CHUNK (64u << 10) /* bytes of a stream's reply */

/* What a call asks for; borrowed. */
struct wish {
	const char *method;
	const char *url;
	const struct http_client_string_map *headers;
	const char *text;
	const struct troupe_binary *bytes;
	const int64_t *max_bytes;
	const int64_t *redirects;
	const int64_t *retries;
	const struct http_client_timeouts *timeouts;
	bool is_binary;
	bool is_stream;
	const struct troupe_method *called; /* Get, Request or Fetch */
};

enum stage {
	STAGE_NAME,   /* its name is being looked up */
	STAGE_QUEUE,  /* it waits for a place */
	STAGE_ON_WAY, /* curl has it */
	STAGE_PAUSE,  /* before it is tried again */
};

/* What becomes of the answer, as its headers say. */
enum outcome { OUTCOME_NONE, OUTCOME_ANSWER, OUTCOME_REDIRECT, OUTCOME_RETRY };

/* Why we cut curl's transfer short. */
enum cut {
	CUT_NONE,
	CUT_BODY,
	CUT_HEADERS,
	CUT_MEMORY,
	CUT_REDIRECTS,
	CUT_NEEDLESS,
	CUT_CODING,
	CUT_LENGTHS
};

struct request {
	struct request *next, *prev; /* in client->requests */
	UT_hash_handle hh;           /* in client->by_call, by call.id */
	struct client *client;
	const struct troupe_method *called;
	struct troupe_call call;  /* id 0: nobody waits for the answer */
	struct troupe_kept *kept; /* the message that the body lies in; NULL: there is none */

	struct url url;
	char method[16];
	const char *body; /* NULL: none */
	size_t body_size;
	struct curl_slist *headers;
	struct limits limits;
	uint64_t max_bytes;
	unsigned max_redirects, n_redirects;
	unsigned max_retries, n_retries;
	bool is_binary, is_stream;
	bool is_proxied;

	enum stage stage;
	uint64_t begun_ns;
	uint64_t end_ns;   /* by when all must be done */
	uint64_t stage_ns; /* when the stage began; PAUSE: when it ends */
	struct troupe_timer timer;
	uint64_t timer_ns; /* when it ticks; 0: it does not run */

	struct waiter waiter;
	struct curl_slist *resolved; /* for CURLOPT_RESOLVE; NULL: a literal */
	struct place place;
	struct transfer *transfer;
	struct answer answer; /* of a stream: the body that is not handed over yet */
	enum outcome outcome;
	enum cut cut;
	uint64_t n_bytes;       /* of the body that have come */
	uint64_t retry_wait_ns; /* OUTCOME_RETRY */

	/* Streams. */
	struct request *next_unsent, *prev_unsent;
	bool is_unsent;  /* in client->unsent */
	bool has_head;   /* the reader has */
	bool is_blocked; /* the reader has no room; on_room follows */
	bool is_paused;  /* curl is, until the reader has room */
};

/* A call has come. 0: it has been answered, or a request takes care of it. */
int request_begin(struct client *client, const struct wish *wish, struct troupe_call call);

/* Nobody waits for it any more: end whatever it is at, and free it. */
void request_end(struct request *request);

/* Its name is known. */
void request_on_name(struct request *request, const struct name *name);

/* It has a place. */
void request_start(struct request *request);

/* Its timer has ticked. */
void request_on_tick(struct request *request);

/* Curl has begun to send it; has a line of headers; has a piece of the body. -EAGAIN: not now,
 * once more later; other negative values: cut the transfer short. */
void request_on_sent(struct request *request);
int request_on_line(struct request *request, const char *line, size_t size);
int request_on_body(struct request *request, const char *data, size_t size);

/* Set off for the server, for the first time or once more: its name, a place. Before the others
 * of its origin, or behind them. After a while, as one more try. */
void request_go(struct request *request);
void request_wait_for_place(struct request *request, bool is_first);
void request_pause(struct request *request, uint64_t wait_ns);

/* The reader of a stream has room; or there may be something for it. */
void request_on_room(struct request *request);
void request_hand_over(struct request *request);

#endif

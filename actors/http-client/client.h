/* client.h - one http_client actor: what it is made of.
 *
 * A request's course: its name is looked up (names.h), it waits for a place (queue.h), a
 * transfer of curl's takes it to the server and back (transfer.h, multi.h), what comes is
 * collected (answer.h), and followed, tried again or handed over (outcome.h, reply.h).
 */
#ifndef HTTP_CLIENT_CLIENT_H
#define HTTP_CLIENT_CLIENT_H

#include "answer.h"
#include "multi.h"
#include "names.h"
#include "queue.h"
#include "settings.h"
#include "transfer.h"
#include "url.h"

struct request;

/* What the actor's own timers are for; those of requests have the request as their context. */
enum client_timer {
	CLIENT_TIMER_CURL,  /* curl wants to be woken */
	CLIENT_TIMER_AFTER, /* what this turn has brought is handed on */
	CLIENT_TIMER_REST,  /* descriptors may be there again */
};

struct client {
	struct troupe_self *self; /* of the handler that runs */
	struct settings settings;
	struct url proxy; /* handle NULL: none */
	struct multi multi;
	struct names names;
	struct troupe_watch names_watch; /* of its descriptor; id 0: none yet */
	struct queue queue;
	struct transfers transfers;
	struct budget budget;

	struct request *requests; /* all */
	struct request *by_call;  /* uthash: those that somebody waits for */
	struct request *unsent;   /* streams that have something for their reader */
	unsigned n_requests;
	bool looks_after; /* its timer runs */
	bool rests;       /* no descriptor was left; its timer runs */
	bool has_warned;
	uint64_t rested_ns; /* when that was the last time */

	uint64_t n_failed, n_retries, n_redirects, n_begun;
};

/* Hand over pieces of streams, and give places away, when all that waits now has been handled:
 * once for many. */
void client_look_after(struct client *client);

int client_start_timer(struct client *client, enum client_timer timer, uint64_t delay_ns,
		       struct troupe_timer *ret_timer);
int client_start_watch(struct client *client, int fd, uint32_t events,
		       struct troupe_watch *ret_watch);

/* The timer of a request, whose entry is client.c's. */
int client_start_request_timer(struct client *client, struct request *request,
			       uint64_t delay_ns, struct troupe_timer *ret_timer);

/* There was no descriptor: start nothing for a while, and need fewer. */
void client_rest(struct client *client);

#endif

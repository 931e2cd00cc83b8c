/* client.c - the http_client actor: what arrives at it, and what that sets going. */
#include "client.h"
#include "http-client.varlink.h"
#include "outcome.h"
#include "request.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* After what had no descriptor nothing starts for so long. */
#define REST_NS (100 * TROUPE_MS_NS)
/* After so long without that, as many connections as configured are tried again. */
#define RESTED_NS (30 * TROUPE_SECOND_NS)

static int on_ready(struct troupe_self *self, struct client *me, uint64_t context,
		    const struct troupe_watch_event *event);
TROUPE_WATCH(on_ready, struct client)
static int on_names(struct troupe_self *self, struct client *me, uint64_t context,
		    const struct troupe_watch_event *event);
TROUPE_WATCH(on_names, struct client)
static int on_timer(struct troupe_self *self, struct client *me, uint64_t context);
TROUPE_TIMER(on_timer, struct client)
static int on_request_timer(struct troupe_self *self, struct client *me, uint64_t context);
TROUPE_TIMER(on_request_timer, struct client)

int client_start_watch(struct client *client, int fd, uint32_t events,
		       struct troupe_watch *ret_watch)
{
	return troupe_watch_start(client->self, fd, events, &on_ready_entry, 0, ret_watch);
}

int client_start_timer(struct client *client, enum client_timer timer, uint64_t delay_ns,
		       struct troupe_timer *ret_timer)
{
	return troupe_timer_start(client->self, &on_timer_entry, delay_ns, 0, timer, ret_timer);
}

int client_start_request_timer(struct client *client, struct request *request,
			       uint64_t delay_ns, struct troupe_timer *ret_timer)
{
	/* It is stopped before the request goes, and no tick arrives after that. */
	return troupe_timer_start(client->self, &on_request_timer_entry, delay_ns, 0,
				  (uint64_t)(uintptr_t)request, ret_timer);
}

void client_look_after(struct client *client)
{
	if (!client->looks_after)
		client->looks_after =
			client_start_timer(client, CLIENT_TIMER_AFTER, 0, NULL) == 0;
}

void client_rest(struct client *client)
{
	unsigned open = client->multi.n_open;

	client->rested_ns = troupe_now_ns(client->self);
	if (!client->has_warned)
		troupe_log(client->self, 4,
			   "no descriptor is left for a connection, with %u open: fewer are "
			   "used for a while",
			   open);
	client->has_warned = true;
	/* Idle connections make room for others. */
	if (open < client->multi.most_open)
		multi_limit(client, open > 1 ? open - 1 : 1);
	if (!client->rests)
		client->rests =
			client_start_timer(client, CLIENT_TIMER_REST, REST_NS, NULL) == 0;
}

static void start_waiting(struct client *client)
{
	struct place *place;

	if (client->has_warned && troupe_now_ns(client->self) > client->rested_ns + RESTED_NS) {
		client->has_warned = false;
		multi_limit(client, client->settings.connections);
	}
	client->queue.most = client->multi.most_open;
	while (!client->rests && (place = queue_next(&client->queue)))
		request_start(
			(struct request *)((char *)place - offsetof(struct request, place)));
}

/* What curl is done with; at once, as long as the pages are in the processor's cache. */
static void take_done(struct client *client)
{
	struct transfer *done = NULL, **last = &done;
	CURLcode code;
	CURL *easy;

	while ((easy = multi_next(client, &code))) {
		char *private = NULL;

		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
		*last = (struct transfer *)(void *)private;
		(*last)->code = code;
		(*last)->next = NULL;
		last = &(*last)->next;
	}
	/* What follows from one ends no other's request. */
	while (done) {
		struct transfer *transfer = done;

		done = transfer->next;
		multi_remove(client, transfer->lane, transfer->easy);
		outcome_follow(transfer->request, transfer->code);
	}
}

/* All that this turn has brought is here: pieces of streams, and places that are free. */
static void look_after(struct client *client)
{
	take_done(client);
	while (client->unsent)
		request_hand_over(client->unsent);
	start_waiting(client);
}

static int on_timer(struct troupe_self *self, struct client *me, uint64_t context)
{
	me->self = self;
	switch ((enum client_timer)context) {
	case CLIENT_TIMER_CURL:
		if (multi_on_tick(me))
			take_done(me);
		break;
	case CLIENT_TIMER_AFTER:
		me->looks_after = false;
		look_after(me);
		break;
	case CLIENT_TIMER_REST:
		me->rests = false;
		start_waiting(me);
		break;
	}
	return 0;
}

static int on_request_timer(struct troupe_self *self, struct client *me, uint64_t context)
{
	me->self = self;
	request_on_tick((struct request *)(uintptr_t)context);
	return 0;
}

static int on_ready(struct troupe_self *self, struct client *me, uint64_t context,
		    const struct troupe_watch_event *event)
{
	(void)context;
	me->self = self;
	if (multi_on_ready(me, event->fd, event->events))
		take_done(me);
	return 0;
}

static void take_name(struct client *client, const struct lookup_result *result)
{
	const struct name *name;
	struct waiter *waiters =
		names_take(&client->names, result, troupe_now_ns(client->self), &name);

	while (waiters) {
		struct waiter *waiter = waiters;

		waiters = waiter->next;
		request_on_name(
			(struct request *)((char *)waiter - offsetof(struct request, waiter)),
			name);
	}
}

/* Names have been looked up. */
static int on_names(struct troupe_self *self, struct client *me, uint64_t context,
		    const struct troupe_watch_event *event)
{
	struct lookup_result *results;

	(void)context;
	(void)event;
	me->self = self;
	results = lookup_take(me->names.lookup);
	while (results) {
		struct lookup_result *next = results->next;

		take_name(me, results);
		free(results);
		results = next;
	}
	return 0;
}

static int on_get(struct troupe_self *self, struct client *me, struct http_client_get_call call,
		  const struct http_client_get *in)
{
	me->self = self;
	if (!http_client_get_wants_reply(self, call))
		return 0;
	return request_begin(me,
			     &(struct wish){
				     .called = &http_client_get_method,
				     .method = "GET",
				     .url = in->url,
				     .headers = in->headers,
				     .max_bytes = in->maxBytes,
				     .redirects = in->redirects,
				     .timeouts = in->timeouts,
				     .is_binary = in->binary && *in->binary,
			     },
			     call.call);
}

static int on_request(struct troupe_self *self, struct client *me,
		      struct http_client_request_call call,
		      const struct http_client_request *in)
{
	me->self = self;
	return request_begin(me,
			     &(struct wish){
				     .called = &http_client_request_method,
				     .method = in->method,
				     .url = in->url,
				     .headers = in->headers,
				     .text = in->text,
				     .bytes = in->bytes,
				     .max_bytes = in->maxBytes,
				     .redirects = in->redirects,
				     .retries = in->retries,
				     .timeouts = in->timeouts,
				     .is_binary = in->binary && *in->binary,
			     },
			     call.call);
}

static int on_fetch(struct troupe_self *self, struct client *me,
		    struct http_client_fetch_call call, const struct http_client_fetch *in)
{
	me->self = self;
	if (!http_client_fetch_wants_reply(self, call))
		return 0;
	if (!http_client_fetch_wants_more(self, call))
		return http_client_fetch_expect_more(self, call);
	return request_begin(me,
			     &(struct wish){
				     .called = &http_client_fetch_method,
				     .method = in->method ? in->method : "GET",
				     .url = in->url,
				     .headers = in->headers,
				     .text = in->text,
				     .bytes = in->bytes,
				     .max_bytes = in->maxBytes,
				     .redirects = in->redirects,
				     .retries = in->retries,
				     .timeouts = in->timeouts,
				     .is_stream = true,
			     },
			     call.call);
}

static int on_stats(struct troupe_self *self, struct client *me,
		    struct http_client_stats_call call, const struct http_client_stats *in)
{
	(void)in;
	return http_client_stats_return(self, call,
					&(struct http_client_stats_out){
						.active = me->queue.n_taken,
						.waiting = me->n_requests - me->queue.n_taken,
						.connections = me->multi.n_open,
						.memory = (int64_t)me->budget.used,
						.resolving = me->names.n_asked,
						.names = me->names.n_known,
						.requests = (int64_t)me->n_begun,
						.failures = (int64_t)me->n_failed,
						.retries = (int64_t)me->n_retries,
						.redirects = (int64_t)me->n_redirects,
						.connected = (int64_t)me->multi.n_opened,
						.lookups = (int64_t)me->names.n_lookups,
					});
}

static struct request *find(struct client *me, struct troupe_call call)
{
	struct request *request;

	HASH_FIND(hh, me->by_call, &call.id, sizeof(call.id), request);
	return request;
}

static int on_cancel(struct troupe_self *self, struct client *me, struct troupe_call call)
{
	me->self = self;
	struct request *request = find(me, call);
	if (request)
		request_end(request);
	return 0;
}

static int on_room(struct troupe_self *self, struct client *me, struct troupe_address where,
		   struct troupe_call call)
{
	(void)where;
	me->self = self;
	struct request *request = find(me, call);
	if (request)
		request_on_room(request);
	return 0;
}

static int begin_proxy(struct client *me)
{
	const char *reason = "";

	if (!me->settings.proxy)
		return 0;
	int r = url_init(&me->proxy, me->settings.proxy, true, &reason);
	if (r < 0)
		troupe_log(me->self, 3, "proxy: %s", r == -ENOMEM ? strerror(ENOMEM) : reason);
	return r;
}

static int begin_names(struct client *me)
{
	int r = names_init(&me->names, me->settings.names_ns, me->settings.names_failed_ns);
	if (r < 0)
		return r;
	return troupe_watch_start(me->self, lookup_fd(me->names.lookup), TROUPE_READABLE,
				  &on_names_entry, 0, &me->names_watch);
}

static void client_fini(struct troupe_self *self, struct client *me, enum troupe_cause cause)
{
	(void)cause;
	me->self = self;
	while (me->requests)
		request_end(me->requests);
	transfers_fini(&me->transfers);
	multi_fini(me);
	/* a lookup's thread may be the one that closes the descriptor */
	if (me->names_watch.id)
		(void)troupe_watch_stop(self, me->names_watch);
	names_fini(&me->names);
	queue_fini(&me->queue);
	if (me->proxy.handle)
		url_fini(&me->proxy);
	settings_fini(&me->settings);
	curl_global_cleanup();
}

static int client_init(struct troupe_self *self, struct client *me,
		       const struct http_client_config *config)
{
	me->self = self;
	/* Counted by curl, and safe beside other plug-ins that use it. */
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return -ENOMEM;
	int r = settings_init(self, &me->settings, config);
	if (r == 0) {
		me->budget.limit = me->settings.memory;
		queue_init(&me->queue, me->settings.connections,
			   me->settings.connections_per_host,
			   multi_lanes(me->settings.connections));
		r = multi_init(me);
	}
	if (r == 0)
		r = begin_proxy(me);
	if (r == 0)
		r = begin_names(me);
	if (r < 0)
		client_fini(self, me, TROUPE_CAUSE_FAILED);
	return r;
}

HTTP_CLIENT_HANDLERS(client_http, struct client, .get = on_get, .request = on_request,
		     .fetch = on_fetch, .stats = on_stats)
TROUPE_LIFE(client_life, struct client, struct http_client_config, .init = client_init,
	    .fini = client_fini, .on_room = on_room, .on_cancel = on_cancel)

TROUPE_ACTOR(http_client) = {
	TROUPE_ABI(http_client),
	.description = "Fetches what has an http or https address.",
	.state_size = sizeof(struct client),
	.config = &http_client_config_type,
	.life = &client_life,
	.interfaces = {&client_http},
	.entries = {&on_ready_entry, &on_names_entry, &on_timer_entry, &on_request_timer_entry},
};

/* request.c - see request.h. */
#include "request.h"
#include "outcome.h"
#include "reply.h"
#include "wish.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A body that nobody wants is read up to here, so that its connection can be used again. */
#define NEEDLESS_MAX (64u << 10)

/* ------------------------------------------------------------------ time */

/* When the phase it is in has lasted too long; UINT64_MAX: never. */
static uint64_t phase_end(const struct request *request, enum http_client_phase *ret_phase)
{
	const struct transfer *transfer = request->transfer;
	enum http_client_phase phase;
	uint64_t since_ns;

	if (request->stage == STAGE_NAME) {
		phase = HTTP_CLIENT_PHASE_RESOLVE;
		since_ns = request->stage_ns;
	} else if (request->stage != STAGE_ON_WAY) {
		*ret_phase = HTTP_CLIENT_PHASE_QUEUE;
		return UINT64_MAX;
	} else if (request->is_paused) {
		*ret_phase = HTTP_CLIENT_PHASE_TOTAL;
		return UINT64_MAX;
	} else if (transfer->sent_ns && request->answer.status) {
		phase = HTTP_CLIENT_PHASE_IDLE;
		since_ns = transfer->last_ns;
	} else if (transfer->sent_ns) {
		phase = HTTP_CLIENT_PHASE_FIRST_BYTE;
		since_ns = transfer->sent_ns;
	} else {
		since_ns = transfer_connected_ns(transfer);
		phase = since_ns ? HTTP_CLIENT_PHASE_TLS : HTTP_CLIENT_PHASE_CONNECT;
		if (!since_ns)
			since_ns = transfer->started_ns;
	}
	*ret_phase = phase;
	return request->limits.ns[phase] == UINT64_MAX ? UINT64_MAX
						       : since_ns + request->limits.ns[phase];
}

/* Let the timer tick by then. One that ticks sooner looks again: most requests are done before
 * it does, and pay for one start and one stop. */
static void tick_by(struct request *request, uint64_t due_ns)
{
	struct client *client = request->client;
	uint64_t now_ns = troupe_now_ns(client->self);

	if (request->timer_ns && request->timer_ns <= due_ns)
		return;
	if (request->timer_ns)
		(void)troupe_timer_stop(client->self, request->timer);
	request->timer_ns = due_ns;
	if (client_start_request_timer(client, request, due_ns > now_ns ? due_ns - now_ns : 0,
				       &request->timer) < 0)
		request->timer_ns = 0;
}

static void watch_time(struct request *request)
{
	enum http_client_phase phase;
	uint64_t due_ns = phase_end(request, &phase), now_ns;

	if (request->stage == STAGE_PAUSE)
		due_ns = request->stage_ns;
	/* Nothing says when connecting becomes TLS: look when that might be over. */
	if (phase == HTTP_CLIENT_PHASE_CONNECT && request->url.is_tls) {
		now_ns = troupe_now_ns(request->client->self);
		if (due_ns > now_ns + request->limits.ns[HTTP_CLIENT_PHASE_TLS])
			due_ns = now_ns + request->limits.ns[HTTP_CLIENT_PHASE_TLS];
	}
	if (due_ns > request->end_ns)
		due_ns = request->end_ns;
	if (due_ns != UINT64_MAX)
		tick_by(request, due_ns);
}

/* ------------------------------------------------------------------ begin and end */

void request_end(struct request *request)
{
	struct client *client = request->client;

	if (request->transfer)
		transfer_abort(request->transfer);
	if (request->timer_ns)
		(void)troupe_timer_stop(client->self, request->timer);
	names_forget(&client->names, &request->waiter);
	queue_remove(&client->queue, &request->place);
	if (request->is_unsent)
		DL_DELETE2(client->unsent, request, prev_unsent, next_unsent);
	if (request->hh.tbl)
		HASH_DEL(client->by_call, request);
	DL_DELETE(client->requests, request);
	client->n_requests--;
	/* Its place may be another's. */
	client_look_after(client);
	answer_fini(&request->answer);
	url_fini(&request->url);
	curl_slist_free_all(request->headers);
	curl_slist_free_all(request->resolved);
	troupe_release(client->self, request->kept);
	free(request);
}

void request_wait_for_place(struct request *request, bool is_first)
{
	request->stage = STAGE_QUEUE;
	if (queue_add(&request->client->queue, request->url.origin, is_first, &request->place) <
	    0) {
		reply_busy(request->client, request->call, HTTP_CLIENT_BUSY_WHAT_MEMORY,
			   (int64_t)request->client->budget.limit);
		request_end(request);
		return;
	}
	/* Places are given when all that waits now has been handled: as many start at once. */
	client_look_after(request->client);
	watch_time(request);
}

void request_on_name(struct request *request, const struct name *name)
{
	const struct url *url = request->is_proxied ? &request->client->proxy : &request->url;
	const char *addresses = name_addresses(name);
	char *line = NULL;

	if (!addresses) {
		reply_cannot_resolve(request, name_reason(name));
		request_end(request);
		return;
	}
	if (asprintf(&line, "+%s:%u:%s", url->host, url->port, addresses) < 0)
		line = NULL;
	curl_slist_free_all(request->resolved);
	request->resolved = line ? curl_slist_append(NULL, line) : NULL;
	free(line);
	if (!request->resolved) {
		reply_busy(request->client, request->call, HTTP_CLIENT_BUSY_WHAT_MEMORY,
			   (int64_t)request->client->budget.limit);
		request_end(request);
		return;
	}
	request_wait_for_place(request, false);
}

/* The address of a literal may be refused before anything is done; behind a proxy nobody else
 * would. */
static bool is_literal_refused(const struct request *request)
{
	struct sockaddr_storage address = {0};

	return request->url.is_literal && url_address(&request->url, &address) == 0 &&
	       !settings_permit(&request->client->settings, (struct sockaddr *)&address);
}

void request_go(struct request *request)
{
	struct client *client = request->client;
	const struct name *name;

	request->stage = STAGE_NAME;
	request->stage_ns = troupe_now_ns(client->self);
	request->is_proxied = !settings_are_direct(&client->settings, request->url.host);
	curl_slist_free_all(request->resolved);
	request->resolved = NULL;
	if (is_literal_refused(request)) {
		reply_refused(request, request->url.text, "the address is denied");
		request_end(request);
		return;
	}
	const struct url *url = request->is_proxied ? &client->proxy : &request->url;
	if (url->is_literal) {
		request_wait_for_place(request, false);
		return;
	}
	int r = names_ask(&client->names, url->host, request->stage_ns, &request->waiter,
			  &name);
	if (r == 1) {
		request_on_name(request, name);
		return;
	}
	if (r == 0) {
		watch_time(request);
		return;
	}
	if (r == -EAGAIN)
		reply_busy(client, request->call, HTTP_CLIENT_BUSY_WHAT_NAMES, LOOKUP_WAITING);
	else
		reply_cannot_resolve(request, strerror(-r));
	request_end(request);
}

/* All of it that does not need the call to be kept. On failure the call has been answered. */
static int make(struct client *client, const struct wish *wish, struct troupe_call call,
		struct request **ret_request)
{
	const char *reason = "";
	struct request *request = calloc(1, sizeof(*request));

	if (!request)
		return -ENOMEM;
	request->client = client;
	request->called = wish->called;
	request->call = call;
	request->is_stream = wish->is_stream;
	request->is_binary = wish->is_binary;
	answer_init(&request->answer, &client->budget);
	int r = wish_read(client, wish, request, call);
	if (r > 0) {
		r = url_init(&request->url, wish->url, false, &reason);
		if (r == -EINVAL || r == -EPROTONOSUPPORT)
			reply_bad_url(client, call, wish->url, reason);
		r = r == 0 ? 1 : r == -ENOMEM ? r : 0;
	}
	if (r <= 0) {
		curl_slist_free_all(request->headers);
		free(request);
		return r;
	}
	*ret_request = request;
	return 1;
}

int request_begin(struct client *client, const struct wish *wish, struct troupe_call call)
{
	unsigned limit = client->settings.connections + client->settings.waiting;
	struct request *request;
	int r;

	client->n_begun++;
	if (client->n_requests >= limit) {
		reply_busy(client, call, HTTP_CLIENT_BUSY_WHAT_WAITING, limit);
		return 0;
	}
	r = make(client, wish, call, &request);
	if (r <= 0)
		return r;
	if (request->body)
		r = troupe_keep(client->self, &request->kept);
	/* A message that was only sent is done whatever becomes of its sender. */
	if (r >= 0 && troupe_call_wants_reply(client->self, call))
		r = troupe_call_keep(client->self, &request->call);
	else
		request->call.id = 0;
	DL_APPEND(client->requests, request);
	client->n_requests++;
	if (r >= 0 && request->call.id) {
		HASH_ADD(hh, client->by_call, call.id, sizeof(request->call.id), request);
		if (!request->hh.tbl)
			r = -ENOMEM;
	}
	if (r < 0) {
		request_end(request);
		if (r != -ENOBUFS)
			return r;
		reply_busy(client, call, HTTP_CLIENT_BUSY_WHAT_MEMORY,
			   (int64_t)client->budget.limit);
		return 0;
	}
	request->begun_ns = troupe_now_ns(client->self);
	uint64_t total_ns = request->limits.ns[HTTP_CLIENT_PHASE_TOTAL];
	request->end_ns = total_ns == UINT64_MAX ? UINT64_MAX : request->begun_ns + total_ns;
	request_go(request);
	return 0;
}

void request_start(struct request *request)
{
	request->stage = STAGE_ON_WAY;
	request->stage_ns = troupe_now_ns(request->client->self);
	answer_reset(&request->answer);
	request->outcome = OUTCOME_NONE;
	request->cut = CUT_NONE;
	request->n_bytes = 0;
	if (transfer_start(request->client, request) < 0) {
		reply_busy(request->client, request->call, HTTP_CLIENT_BUSY_WHAT_MEMORY,
			   (int64_t)request->client->budget.limit);
		request_end(request);
		return;
	}
	watch_time(request);
}

void request_pause(struct request *request, uint64_t wait_ns)
{
	request->client->n_retries++;
	request->n_retries++;
	request->stage = STAGE_PAUSE;
	request->stage_ns = troupe_now_ns(request->client->self) + wait_ns;
	watch_time(request);
}

void request_on_tick(struct request *request)
{
	uint64_t now_ns = troupe_now_ns(request->client->self);
	enum http_client_phase phase;
	uint64_t phase_ns = phase_end(request, &phase);

	request->timer_ns = 0;
	if (now_ns >= request->end_ns) {
		/* Where it is then tells more than that all took too long. */
		reply_timed_out(request,
				request->stage == STAGE_QUEUE ? HTTP_CLIENT_PHASE_QUEUE
							      : HTTP_CLIENT_PHASE_TOTAL,
				request->limits.ns[HTTP_CLIENT_PHASE_TOTAL]);
		request_end(request);
		return;
	}
	if (now_ns >= phase_ns) {
		reply_timed_out(request, phase, request->limits.ns[phase]);
		request_end(request);
		return;
	}
	if (request->stage == STAGE_PAUSE && now_ns >= request->stage_ns) {
		request_go(request);
		return;
	}
	watch_time(request);
}

void request_on_sent(struct request *request)
{
	watch_time(request);
}

/* ------------------------------------------------------------------ what comes */

int request_on_line(struct request *request, const char *line, size_t size)
{
	bool is_first = request->answer.status == 0;

	int r = answer_add_line(&request->answer, line, size);
	/* From now on it is the time between two pieces that counts. */
	if (is_first)
		watch_time(request);
	if (r == 1)
		return outcome_decide(request);
	if (r < 0)
		request->cut = r == -E2BIG     ? CUT_HEADERS
			       : r == -EBADMSG ? CUT_LENGTHS
					       : CUT_MEMORY;
	return r;
}

int request_on_body(struct request *request, const char *data, size_t size)
{
	struct answer *answer = &request->answer;

	if (request->outcome == OUTCOME_REDIRECT || request->outcome == OUTCOME_RETRY) {
		request->n_bytes += size;
		if (request->n_bytes <= NEEDLESS_MAX)
			return 0;
		request->cut = CUT_NEEDLESS;
		return -ECANCELED;
	}
	if (request->n_bytes + size > request->max_bytes) {
		request->cut = CUT_BODY;
		return -ECANCELED;
	}
	if (request->is_stream && answer->body.size + size > REQUEST_CHUNK) {
		request_hand_over(request);
		if (request->is_blocked) {
			request->is_paused = true;
			return -EAGAIN;
		}
		if (answer->body.size) {
			request->cut = CUT_MEMORY;
			return -ENOMEM;
		}
	}
	int r = answer_add_body(answer, data, size);
	if (r < 0) {
		request->cut = CUT_MEMORY;
		return r;
	}
	request->n_bytes += size;
	/* What is less than a whole piece goes when the turn is over. */
	if (request->is_stream && !request->is_unsent && !request->is_blocked) {
		DL_APPEND2(request->client->unsent, request, prev_unsent, next_unsent);
		request->is_unsent = true;
		client_look_after(request->client);
	}
	return 0;
}

void request_hand_over(struct request *request)
{
	struct client *client = request->client;

	if (request->is_unsent) {
		DL_DELETE2(client->unsent, request, prev_unsent, next_unsent);
		request->is_unsent = false;
	}
	/* After other failures it is still there, and tried again with what comes. */
	if (!request->is_blocked && reply_piece(request) == -EAGAIN)
		request->is_blocked = true;
}

void request_on_room(struct request *request)
{
	request->is_blocked = false;
	request_hand_over(request);
	if (request->is_blocked || !request->is_paused)
		return;
	request->is_paused = false;
	request->transfer->last_ns = troupe_now_ns(request->client->self);
	watch_time(request);
	CURLcode code =
		multi_resume(request->client, request->transfer->lane, request->transfer->easy);
	if (code) {
		multi_remove(request->client, request->transfer->lane, request->transfer->easy);
		outcome_follow(request, code);
	}
}

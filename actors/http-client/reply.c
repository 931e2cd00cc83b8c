/* reply.c - see reply.h. */
#include "reply.h"
#include "http-client.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void fail(struct client *client, struct troupe_call call,
		 const struct troupe_error *error, const void *data)
{
	client->n_failed++;
	/* What fails here fails because nobody waits any more. */
	if (call.id)
		(void)troupe_fail(client->self, call, error, data);
}

void reply_bad_url(struct client *client, struct troupe_call call, const char *url,
		   const char *reason)
{
	fail(client, call, &http_client_bad_url_error,
	     &(struct http_client_bad_url){.url = url, .reason = reason});
}

void reply_busy(struct client *client, struct troupe_call call, enum http_client_busy_what what,
		int64_t limit)
{
	fail(client, call, &http_client_busy_error,
	     &(struct http_client_busy){.what = what, .limit = limit});
}

void reply_refused(struct request *request, const char *url, const char *reason)
{
	fail(request->client, request->call, &http_client_refused_error,
	     &(struct http_client_refused){.url = url, .reason = reason});
}

void reply_cannot_resolve(struct request *request, const char *reason)
{
	const struct url *url = request->is_proxied ? &request->client->proxy : &request->url;

	fail(request->client, request->call, &http_client_cannot_resolve_error,
	     &(struct http_client_cannot_resolve){.host = url->host, .reason = reason});
}

void reply_cannot_connect(struct request *request, const char *reason)
{
	const struct url *url = request->is_proxied ? &request->client->proxy : &request->url;

	fail(request->client, request->call, &http_client_cannot_connect_error,
	     &(struct http_client_cannot_connect){
		     .host = url->host, .port = (int64_t)url->port, .reason = reason});
}

void reply_tls_failed(struct request *request, const char *reason)
{
	fail(request->client, request->call, &http_client_tls_failed_error,
	     &(struct http_client_tls_failed){.host = request->url.host, .reason = reason});
}

void reply_timed_out(struct request *request, enum http_client_phase phase, uint64_t after_ns)
{
	fail(request->client, request->call, &http_client_timed_out_error,
	     &(struct http_client_timed_out){.phase = phase,
					     .afterMs = (int64_t)(after_ns / TROUPE_MS_NS)});
}

void reply_too_large(struct request *request, enum http_client_too_large_what what,
		     uint64_t limit)
{
	fail(request->client, request->call, &http_client_too_large_error,
	     &(struct http_client_too_large){.what = what, .limit = (int64_t)limit});
}

void reply_too_many_redirects(struct request *request, const char *location)
{
	fail(request->client, request->call, &http_client_too_many_redirects_error,
	     &(struct http_client_too_many_redirects){.limit = request->max_redirects,
						      .url = location});
}

void reply_bad_answer(struct request *request, const char *reason)
{
	fail(request->client, request->call, &http_client_bad_answer_error,
	     &(struct http_client_bad_answer){.reason = reason,
					      .bytes = (int64_t)request->n_bytes});
}

_Static_assert(sizeof(struct http_client_get_out) == sizeof(struct http_client_request_out),
	       "Get and Request answer alike");

/* The headers as the interface has them; *ret_items is given. */
static int list_headers(const struct answer *answer, struct http_client_header_array *ret_array,
			struct http_client_header **ret_items)
{
	struct http_client_header *items = calloc(answer->n_headers + 1, sizeof(*items));
	size_t n = 0;

	if (!items)
		return -ENOMEM;
	for (size_t cursor = 0;
	     answer_next_header(answer, &cursor, &items[n].name, &items[n].value);)
		n++;
	*ret_array = (struct http_client_header_array){.items = items, .count = n};
	*ret_items = items;
	return 0;
}

static int64_t between(curl_off_t begin_us, curl_off_t end_us)
{
	return end_us > begin_us ? (int64_t)(end_us - begin_us) : 0;
}

static void read_timings(const struct request *request, struct http_client_timings *ret_timings,
			 bool *ret_reused)
{
	curl_off_t name = 0, connect = 0, tls = 0, sent = 0, first = 0;
	CURL *easy = request->transfer->easy;
	long connections = 0;

	curl_easy_getinfo(easy, CURLINFO_NAMELOOKUP_TIME_T, &name);
	curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &connect);
	curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &tls);
	curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &sent);
	curl_easy_getinfo(easy, CURLINFO_STARTTRANSFER_TIME_T, &first);
	curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connections);
	*ret_reused = connections == 0;
	*ret_timings = (struct http_client_timings){
		.waitUs = (int64_t)(request->stage_ns - request->begun_ns) / 1000,
		.connectUs = *ret_reused ? 0 : between(name, connect),
		.tlsUs = *ret_reused ? 0 : between(connect, tls),
		.firstByteUs = between(sent, first),
		.totalUs = (int64_t)(troupe_now_ns(request->client->self) - request->begun_ns) /
			   1000,
	};
}

static int reply_response(struct request *request)
{
	struct troupe_self *self = request->client->self;
	struct answer *answer = &request->answer;
	struct http_client_header *items;
	struct troupe_binary bytes;
	struct http_client_response response = {
		.status = answer->status,
		.redirects = request->n_redirects,
		.retries = request->n_retries,
	};

	int r = list_headers(answer, &response.headers, &items);
	if (r < 0)
		return r;
	char *url = url_print(&request->url);
	response.url = url ? url : "";
	read_timings(request, &response.timings, &response.reused);
	if (!request->is_binary && answer_make_text(answer)) {
		response.text = answer->body.data;
	} else {
		bytes = (struct troupe_binary){answer->body.data, answer->body.size};
		response.bytes = &bytes;
	}
	/* Get's and Request's outputs are one: the response alone. */
	r = troupe_return(self, request->call, request->called,
			  &(struct http_client_get_out){.response = response});
	free(items);
	free(url);
	return r;
}

/* What of a stream is ready: its head, if the reader has not got it, and bytes. *ret_items is
 * given. */
struct ready {
	struct http_client_fetch_out out;
	struct http_client_head head;
	struct troupe_binary bytes;
	struct http_client_tail tail;
	struct http_client_header *items;
	char *url;
};

static int get_ready(const struct request *request, struct ready *ready)
{
	const struct answer *answer = &request->answer;

	*ready = (struct ready){0};
	if (!request->has_head) {
		int r = list_headers(answer, &ready->head.headers, &ready->items);

		if (r < 0)
			return r;
		ready->url = url_print(&request->url);
		ready->head.status = answer->status;
		ready->head.url = ready->url ? ready->url : "";
		ready->out.head = &ready->head;
	}
	if (answer->body.size) {
		ready->bytes = (struct troupe_binary){answer->body.data, answer->body.size};
		ready->out.bytes = &ready->bytes;
	}
	return 0;
}

static void put_back(struct ready *ready)
{
	free(ready->items);
	free(ready->url);
}

int reply_piece(struct request *request)
{
	struct ready ready;

	if (request->has_head && request->answer.body.size == 0)
		return 0;
	int r = get_ready(request, &ready);
	if (r < 0)
		return r;
	r = http_client_fetch_reply(request->client->self,
				    (struct http_client_fetch_call){request->call}, &ready.out);
	put_back(&ready);
	if (r < 0)
		return r;
	request->has_head = true;
	answer_drop_body(&request->answer);
	return 0;
}

static int reply_end(struct request *request)
{
	struct ready ready;
	bool reused;

	int r = get_ready(request, &ready);
	if (r < 0)
		return r;
	ready.tail.bytes = (int64_t)request->n_bytes;
	read_timings(request, &ready.tail.timings, &reused);
	ready.out.tail = &ready.tail;
	r = http_client_fetch_return(request->client->self,
				     (struct http_client_fetch_call){request->call},
				     &ready.out);
	put_back(&ready);
	return r;
}

void reply_answer(struct request *request)
{
	struct client *client = request->client;
	int r;

	if (!request->call.id)
		return;
	r = request->is_stream ? reply_end(request) : reply_response(request);
	if (r == -EMSGSIZE)
		reply_too_large(request, HTTP_CLIENT_TOO_LARGE_WHAT_BODY, TROUPE_MESSAGE_MAX);
	else if (r == -ENOMEM)
		reply_busy(client, request->call, HTTP_CLIENT_BUSY_WHAT_MEMORY,
			   (int64_t)client->budget.limit);
	else if (r < 0)
		(void)troupe_call_drop(client->self, request->call);
}

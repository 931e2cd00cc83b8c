/* outcome.c - see outcome.h. */
#include "outcome.h"
#include "reply.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static bool is_idempotent(const char *method)
{
	static const char *const names[] = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(method, names[i]) == 0)
			return true;
	return false;
}

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 ||
	       status == 308;
}

static bool may_retry(const struct request *request)
{
	return request->n_retries < request->max_retries && is_idempotent(request->method) &&
	       !request->has_head;
}

/* How long to wait before the next try; 0: there is none, since nobody would wait so long. */
static uint64_t next_wait(const struct request *request, uint64_t asked_ns)
{
	struct client *client = request->client;
	const struct settings *settings = &client->settings;
	uint64_t wait_ns = settings->retry_delay_ns << request->n_retries;

	if (asked_ns > settings->retry_delay_max_ns)
		return 0;
	if (wait_ns > settings->retry_delay_max_ns)
		wait_ns = settings->retry_delay_max_ns;
	wait_ns = wait_ns / 2 + troupe_random(client->self) % (wait_ns / 2 + 1);
	if (wait_ns < asked_ns)
		wait_ns = asked_ns;
	if (troupe_now_ns(client->self) + wait_ns >= request->end_ns)
		return 0;
	return wait_ns ? wait_ns : 1;
}

/* Retry-After: seconds or a date. */
static uint64_t asked_wait(const struct answer *answer)
{
	const char *text = answer_header(answer, "retry-after");
	char *end;

	if (!text)
		return 0;
	unsigned long long seconds = strtoull(text, &end, 10);
	if (end == text || *end) {
		time_t when = curl_getdate(text, NULL), now = time(NULL);

		seconds = when > now ? (unsigned long long)(when - now) : 0;
	}
	return seconds > UINT32_MAX ? UINT64_MAX : seconds * TROUPE_SECOND_NS;
}

/* Curl undoes it unasked, and keeps what it makes while a stream is paused. */
static bool has_coding(const struct answer *answer)
{
	const char *name, *value;

	for (size_t cursor = 0; answer_next_header(answer, &cursor, &name, &value);)
		if (strcmp(name, "transfer-encoding") == 0 && strcasecmp(value, "chunked") != 0)
			return true;
	return false;
}

int outcome_decide(struct request *request)
{
	const struct answer *answer = &request->answer;
	int status = answer->status;

	request->outcome = OUTCOME_ANSWER;
	if (is_redirect(status) && request->max_redirects &&
	    answer_header(answer, "location")) {
		request->outcome = OUTCOME_REDIRECT;
		if (request->n_redirects >= request->max_redirects) {
			request->cut = CUT_REDIRECTS;
			return -ECANCELED;
		}
		return 0;
	}
	if ((status == 502 || status == 503 || status == 504) && may_retry(request)) {
		request->retry_wait_ns = next_wait(request, asked_wait(answer));
		if (request->retry_wait_ns) {
			request->outcome = OUTCOME_RETRY;
			return 0;
		}
	}
	if (request->is_stream && has_coding(answer)) {
		request->cut = CUT_CODING;
		return -ECANCELED;
	}
	bool has_body = strcmp(request->method, "HEAD") != 0 && status != 204 && status != 304;
	if (has_body && answer->has_length && answer->length > request->max_bytes) {
		request->cut = CUT_BODY;
		return -ECANCELED;
	}
	if (request->is_stream)
		request_hand_over(request);
	else if (has_body && answer->has_length)
		request->answer.expected = (size_t)answer->length;
	return 0;
}

/* Headers that are not for another server, and those of a body that is left out. */
static bool is_kept(const char *header, bool is_other_origin, bool is_without_body)
{
	static const char *const secrets[] = {"Authorization", "Cookie", "Host"};
	static const char *const of_body[] = {"Content-Type", "Content-Encoding",
					      "Content-Language", "Content-Location"};
	size_t length = strcspn(header, ":;");

	for (size_t i = 0; is_other_origin && i < sizeof(secrets) / sizeof(secrets[0]); i++)
		if (strlen(secrets[i]) == length &&
		    strncasecmp(header, secrets[i], length) == 0)
			return false;
	for (size_t i = 0; is_without_body && i < sizeof(of_body) / sizeof(of_body[0]); i++)
		if (strlen(of_body[i]) == length &&
		    strncasecmp(header, of_body[i], length) == 0)
			return false;
	return true;
}

static int filter_headers(struct request *request, bool is_other_origin, bool is_without_body)
{
	struct curl_slist *kept = NULL;

	for (const struct curl_slist *one = request->headers; one; one = one->next) {
		if (!is_kept(one->data, is_other_origin, is_without_body))
			continue;
		struct curl_slist *longer = curl_slist_append(kept, one->data);

		if (!longer) {
			curl_slist_free_all(kept);
			return -ENOMEM;
		}
		kept = longer;
	}
	curl_slist_free_all(request->headers);
	request->headers = kept;
	return 0;
}

static void follow(struct request *request)
{
	struct client *client = request->client;
	const char *location = answer_header(&request->answer, "location"), *reason = "";
	int status = request->answer.status;
	struct url next;

	int r = url_follow(&request->url, location, &next, &reason);
	if (r < 0) {
		if (r == -EPROTONOSUPPORT)
			reply_refused(request, location, "a redirect to another protocol");
		else
			reply_bad_answer(request, r == -ENOMEM ? strerror(ENOMEM)
							       : "Location: is no URL");
		request_end(request);
		return;
	}
	/* As all clients do: what was posted is not posted elsewhere. */
	bool is_get =
		(status == 303 && strcmp(request->method, "HEAD") != 0) ||
		((status == 301 || status == 302) && strcmp(request->method, "POST") == 0);
	if (is_get) {
		strcpy(request->method, "GET");
		request->body = NULL;
		request->body_size = 0;
	}
	r = filter_headers(request, strcmp(next.origin, request->url.origin) != 0, is_get);
	url_fini(&request->url);
	request->url = next;
	request->n_redirects++;
	client->n_redirects++;
	if (r < 0) {
		reply_busy(client, request->call, HTTP_CLIENT_BUSY_WHAT_MEMORY,
			   (int64_t)client->budget.limit);
		request_end(request);
		return;
	}
	request_go(request);
}

static bool is_tls_failure(CURLcode code)
{
	return code == CURLE_SSL_CONNECT_ERROR || code == CURLE_PEER_FAILED_VERIFICATION ||
	       code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CIPHER ||
	       code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_ISSUER_ERROR ||
	       code == CURLE_SSL_INVALIDCERTSTATUS || code == CURLE_USE_SSL_FAILED ||
	       code == CURLE_SSL_ENGINE_INITFAILED;
}

/* Whether the next try may do what this one could not. */
static bool is_passing(const struct request *request, CURLcode code)
{
	return code == CURLE_COULDNT_CONNECT ||
	       (code == CURLE_OPERATION_TIMEDOUT && !request->transfer->sent_ns) ||
	       (request->answer.status == 0 &&
		(code == CURLE_GOT_NOTHING || code == CURLE_SEND_ERROR ||
		 code == CURLE_RECV_ERROR || code == CURLE_ABORTED_BY_CALLBACK ||
		 code == CURLE_HTTP2 || code == CURLE_HTTP2_STREAM));
}

/* All addresses are denied. */
static bool is_refused(const struct transfer *transfer)
{
	return transfer->was_refused && !transfer->has_permitted;
}

/* Curl's only limit is that of a connection's making. */
static enum http_client_phase limit_phase(const struct transfer *transfer)
{
	return transfer_connected_ns(transfer) ? HTTP_CLIENT_PHASE_TLS
					       : HTTP_CLIENT_PHASE_CONNECT;
}

/* A line without an end: curl keeps 100 KiB of it, and says of more that it has no memory. What
 * else it needs then is little. */
static bool is_in_line(const struct request *request)
{
	return request->transfer->sent_ns && !request->answer.has_headers;
}

/* The next one would have led there. */
static void fail_of_redirects(struct request *request)
{
	const char *location = answer_header(&request->answer, "location"), *reason;
	struct url next;
	bool is_url = url_follow(&request->url, location, &next, &reason) == 0;

	reply_too_many_redirects(request, is_url ? next.text : location);
	if (is_url)
		url_fini(&next);
}

/* Curl could not do it, or we did not let it. */
static void fail(struct request *request, CURLcode code)
{
	struct transfer *transfer = request->transfer;
	struct client *client = request->client;

	switch (request->cut) {
	case CUT_BODY:
		reply_too_large(request, HTTP_CLIENT_TOO_LARGE_WHAT_BODY, request->max_bytes);
		return;
	case CUT_HEADERS:
		reply_too_large(request, HTTP_CLIENT_TOO_LARGE_WHAT_HEADERS,
				ANSWER_HEADERS_MAX);
		return;
	case CUT_MEMORY:
		reply_busy(client, request->call, HTTP_CLIENT_BUSY_WHAT_MEMORY,
			   (int64_t)client->budget.limit);
		return;
	case CUT_REDIRECTS:
		fail_of_redirects(request);
		return;
	case CUT_CODING:
		reply_bad_answer(request, "a transfer coding that was not asked for");
		return;
	case CUT_LENGTHS:
		reply_bad_answer(request, "two lengths that differ");
		return;
	case CUT_NONE:
	case CUT_NEEDLESS:
		break;
	}
	const char *reason = transfer_reason(transfer, code);
	if (code == CURLE_OUT_OF_MEMORY && is_in_line(request))
		reply_too_large(request, HTTP_CLIENT_TOO_LARGE_WHAT_HEADERS,
				ANSWER_HEADERS_MAX);
	else if (code == CURLE_OUT_OF_MEMORY)
		reply_busy(client, request->call, HTTP_CLIENT_BUSY_WHAT_MEMORY,
			   (int64_t)client->budget.limit);
	else if (code == CURLE_OPERATION_TIMEDOUT)
		reply_timed_out(request, limit_phase(transfer),
				request->limits.ns[limit_phase(transfer)]);
	else if (code == CURLE_COULDNT_CONNECT && is_refused(transfer))
		reply_refused(request, request->url.text, "the address is denied");
	else if (code == CURLE_COULDNT_CONNECT || code == CURLE_PROXY)
		reply_cannot_connect(request, reason);
	else if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY)
		reply_cannot_resolve(request, reason);
	else if (code == CURLE_ABORTED_BY_CALLBACK)
		reply_bad_answer(request, "the connection ended before the answer");
	else if (is_tls_failure(code))
		reply_tls_failed(request, reason);
	else
		reply_bad_answer(request, reason);
}

void outcome_follow(struct request *request, CURLcode code)
{
	struct client *client = request->client;
	struct transfer *transfer = request->transfer;
	bool lacked_socket = transfer->lacked_socket && code == CURLE_COULDNT_CONNECT;
	bool is_done = false;

	if (request->cut == CUT_NONE && code == CURLE_OK &&
	    request->outcome == OUTCOME_ANSWER) {
		reply_answer(request);
		is_done = true;
	}
	uint64_t wait_ns = 0;
	bool is_discarded =
		request->outcome == OUTCOME_REDIRECT || request->outcome == OUTCOME_RETRY;
	if (!is_done && request->outcome == OUTCOME_RETRY)
		wait_ns = request->retry_wait_ns;
	else if (!is_done && !lacked_socket && !is_refused(transfer) &&
		 request->cut == CUT_NONE && is_passing(request, code) && may_retry(request))
		wait_ns = next_wait(request, 0);
	if (!is_done && !lacked_socket && !wait_ns &&
	    (!is_discarded || request->cut == CUT_REDIRECTS)) {
		fail(request, code);
		is_done = true;
	}
	transfer_release(transfer);
	queue_remove(&client->queue, &request->place);
	if (is_done) {
		request_end(request);
	} else if (lacked_socket) {
		client_rest(client);
		request_wait_for_place(request, true);
	} else if (wait_ns) {
		request_pause(request, wait_ns);
	} else {
		follow(request);
	}
}

/* transfer.c - see transfer.h. */
#include "transfer.h"
#include "client.h"
#include "request.h"
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define BUFFER_PAGE   (16l << 10)
#define BUFFER_STREAM (64l << 10)
/* Addresses that we resolved are in curl's own table for that many seconds: long enough to be
 * used once. */
#define CURL_NAMES_SECONDS 10l

/* Curl keeps each line, of provisional answers and trailers too, with so much beside it. */
#define LINE_COST 64
#define LINES_MAX (2 * ANSWER_HEADERS_MAX + 2 * ANSWER_HEADERS * LINE_COST)

static size_t on_line(char *line, size_t one, size_t size, void *data)
{
	struct transfer *transfer = data;

	(void)one;
	transfer->last_ns = troupe_now_ns(transfer->client->self);
	transfer->line_cost += size + LINE_COST;
	if (transfer->line_cost > LINES_MAX) {
		transfer->request->cut = CUT_HEADERS;
		return 0;
	}
	return request_on_line(transfer->request, line, size) < 0 ? 0 : size;
}

static size_t on_body(char *body, size_t one, size_t size, void *data)
{
	struct transfer *transfer = data;

	(void)one;
	transfer->last_ns = troupe_now_ns(transfer->client->self);
	int r = request_on_body(transfer->request, body, size);
	if (r == -EAGAIN)
		return CURL_WRITEFUNC_PAUSE;
	return r < 0 ? 0 : size;
}

/* Which of the sockets that were opened for it has become its connection: one of another
 * address may have been slower. None, when the connection was there already. */
static void note_use(const struct transfer *transfer, int own_port)
{
	for (int i = 0; i < 2; i++) {
		struct sockaddr_storage own = {0};
		socklen_t length = sizeof(own);

		if (transfer->fds[i] < 0 ||
		    getsockname(transfer->fds[i], (struct sockaddr *)&own, &length) < 0)
			continue;
		/* Both families have the port in the same place. */
		if (ntohs(((struct sockaddr_in *)&own)->sin_port) == own_port)
			multi_use(transfer->client, transfer->fds[i]);
	}
}

static int on_sent(void *data, char *address, char *own_address, int port, int own_port)
{
	struct transfer *transfer = data;

	(void)address;
	(void)own_address;
	(void)port;
	/* Curl would send it once more, by another connection, when one that was there already
	 * has ended: whether that may be is for us to say. */
	if (transfer->sent_ns)
		return CURL_PREREQFUNC_ABORT;
	transfer->sent_ns = troupe_now_ns(transfer->client->self);
	note_use(transfer, own_port);
	request_on_sent(transfer->request);
	return CURL_PREREQFUNC_OK;
}

static curl_socket_t on_open(void *data, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = data;

	(void)purpose;
	/* Where a proxy leads to is the proxy's business. */
	if (!transfer->request->is_proxied &&
	    !settings_permit(&transfer->client->settings, &address->addr)) {
		transfer->was_refused = true;
		errno = EACCES;
		return CURL_SOCKET_BAD;
	}
	transfer->has_permitted = true;
	curl_socket_t fd = multi_open(transfer->client, transfer->lane, address);
	if (fd == CURL_SOCKET_BAD &&
	    (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM))
		transfer->lacked_socket = true;
	transfer->fds[1] = transfer->fds[0];
	transfer->fds[0] = fd;
	return fd;
}

static void set_up(struct transfer *transfer)
{
	const struct settings *settings = &transfer->client->settings;
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1l);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0l);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_line);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_sent);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, multi_close);
	curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, transfer->client);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, CURL_NAMES_SECONDS);
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1l);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, settings->user_agent);
	/* Empty: none, whatever the environment says. */
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
	if (settings->ca_file) {
		curl_easy_setopt(easy, CURLOPT_CAINFO, settings->ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	if (transfer->is_stream) {
		curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_STREAM);
		curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
		return;
	}
	curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_PAGE);
	curl_easy_setopt(
		easy, CURLOPT_HTTP_VERSION,
		(long)(settings->http2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
	if (settings->compressed)
		curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
}

/* An idle one, or a new one. NULL: no memory. */
static struct transfer *take(struct client *client, bool is_stream)
{
	struct transfers *transfers = &client->transfers;
	struct transfer *transfer = transfers->idle[is_stream];

	if (transfer) {
		transfers->idle[is_stream] = transfer->next;
		transfers->n_idle[is_stream]--;
		return transfer;
	}
	transfer = calloc(1, sizeof(*transfer));
	if (!transfer)
		return NULL;
	transfer->client = client;
	transfer->is_stream = is_stream;
	transfer->easy = curl_easy_init();
	if (!transfer->easy) {
		free(transfer);
		return NULL;
	}
	set_up(transfer);
	return transfer;
}

static void free_transfer(struct transfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	free(transfer);
}

/* Curl's own limit, in milliseconds, for which TLS counts, too. The request's is shorter. Of
 * several addresses curl gives each, until the last, half of what is left of this: then it must
 * be below twice that of connecting, so that the next one has its turn. */
static long connect_limit(const struct request *request)
{
	const uint64_t longest_ms = 2ull * 3600 * 1000, *ns = request->limits.ns;
	uint64_t connect_ms = ns[HTTP_CLIENT_PHASE_CONNECT] / TROUPE_MS_NS;
	uint64_t tls_ms = request->url.is_tls ? ns[HTTP_CLIENT_PHASE_TLS] / TROUPE_MS_NS : 0;
	uint64_t limit_ms = connect_ms + tls_ms;

	if (!request->resolved || !strchr(request->resolved->data, ','))
		return (long)longest_ms;
	if (limit_ms < connect_ms * 3 / 2)
		limit_ms = connect_ms * 3 / 2;
	if (limit_ms > connect_ms * 19 / 10)
		limit_ms = connect_ms * 19 / 10;
	return (long)(limit_ms < longest_ms ? limit_ms + 1 : longest_ms);
}

/* All that differs from request to request. */
static CURLcode set_request(struct transfer *transfer, const struct request *request)
{
	const struct settings *settings = &request->client->settings;
	bool was_get = transfer->is_get;
	const char *method = request->method;
	CURL *easy = transfer->easy;

	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
	curl_easy_setopt(easy, CURLOPT_RESOLVE, request->resolved);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connect_limit(request));
	if (transfer->is_proxied != request->is_proxied)
		curl_easy_setopt(easy, CURLOPT_PROXY,
				 request->is_proxied ? settings->proxy : "");
	transfer->is_proxied = request->is_proxied;
	transfer->is_get = strcmp(method, "GET") == 0 && !request->body;
	if (transfer->is_get && was_get)
		return curl_easy_setopt(easy, CURLOPT_URL, request->url.text);
	/* Then it is a GET again, whatever it was before. */
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, NULL);
	curl_easy_setopt(easy, CURLOPT_HTTPGET, 1l);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, NULL);
	if (strcmp(method, "HEAD") == 0) {
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1l);
	} else if (request->body || strcmp(method, "POST") == 0) {
		curl_easy_setopt(easy, CURLOPT_POST, 1l);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
				 (curl_off_t)request->body_size);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body ? request->body : "");
		if (strcmp(method, "POST") != 0)
			curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	} else if (strcmp(method, "GET") != 0) {
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
	}
	return curl_easy_setopt(easy, CURLOPT_URL, request->url.text);
}

int transfer_start(struct client *client, struct request *request)
{
	struct transfer *transfer = take(client, request->is_stream);

	if (!transfer)
		return -ENOMEM;
	transfer->was_refused = false;
	transfer->lacked_socket = false;
	transfer->has_permitted = false;
	transfer->line_cost = 0;
	transfer->sent_ns = 0;
	transfer->fds[0] = transfer->fds[1] = -1;
	transfer->started_ns = transfer->last_ns = troupe_now_ns(client->self);
	transfer->error[0] = '\0';
	transfer->request = request;
	transfer->lane = request->place.lane;
	if (set_request(transfer, request) ||
	    multi_add(client, transfer->lane, transfer->easy) < 0) {
		free_transfer(transfer);
		return -ENOMEM;
	}
	request->transfer = transfer;
	return 0;
}

uint64_t transfer_connected_ns(const struct transfer *transfer)
{
	uint64_t first_ns = multi_connected_ns(transfer->client, transfer->fds[0]);

	return first_ns ? first_ns : multi_connected_ns(transfer->client, transfer->fds[1]);
}

void transfer_release(struct transfer *transfer)
{
	struct transfers *transfers = &transfer->client->transfers;

	transfer->request->transfer = NULL;
	transfer->request = NULL;
	if (transfers->n_idle[transfer->is_stream] == TRANSFERS_IDLE) {
		free_transfer(transfer);
		return;
	}
	transfer->next = transfers->idle[transfer->is_stream];
	transfers->idle[transfer->is_stream] = transfer;
	transfers->n_idle[transfer->is_stream]++;
}

void transfer_abort(struct transfer *transfer)
{
	multi_remove(transfer->client, transfer->lane, transfer->easy);
	transfer_release(transfer);
}

const char *transfer_reason(struct transfer *transfer, CURLcode code)
{
	if (!transfer->error[0])
		return curl_easy_strerror(code);
	for (char *c = transfer->error; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = *c == '\n' ? ' ' : '?';
	return transfer->error;
}

void transfers_fini(struct transfers *transfers)
{
	for (int i = 0; i < 2; i++) {
		while (transfers->idle[i]) {
			struct transfer *next = transfers->idle[i]->next;

			free_transfer(transfers->idle[i]);
			transfers->idle[i] = next;
		}
		transfers->n_idle[i] = 0;
	}
}

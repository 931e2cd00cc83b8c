/* wish.c - see wish.h. */
#include "wish.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEADER_MAX (16u << 10) /* bytes of one */

static int refuse(struct client *client, struct troupe_call call, const char *field,
		  const char *reason)
{
	client->n_failed++;
	int r = troupe_fail_parameter(client->self, call, field, reason);

	return r < 0 ? r : 0;
}

/* RFC 9110's token: what names of headers and methods are made of. */
static bool is_token(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= 'A' && *c <= 'Z') &&
		    !(*c >= '0' && *c <= '9') && !strchr("!#$%&'*+-.^_`|~", *c))
			return false;
	return *text;
}

/* Headers that frame a request, or that are between two neighbours only. */
static bool is_ours(const char *name)
{
	static const char *const names[] = {
		"Connection", "Content-Length",   "Expect",
		"Keep-Alive", "Proxy-Connection", "TE",
		"Trailer",    "Upgrade",          "Transfer-Encoding",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	return false;
}

static int append(struct curl_slist **list, const char *format, const char *name,
		  const char *value)
{
	char *line;

	if (asprintf(&line, format, name, value) < 0)
		return -ENOMEM;
	struct curl_slist *longer = curl_slist_append(*list, line);
	free(line);
	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

/* *ret_reason: what is wrong, NULL: nothing. */
static int read_headers(const struct wish *wish, struct request *request,
			const char **ret_reason)
{
	bool has_type = false;
	int r = 0;

	*ret_reason = NULL;
	for (size_t i = 0; r == 0 && wish->headers && i < wish->headers->count; i++) {
		const char *name = wish->headers->items[i].key;
		const char *value = wish->headers->items[i].value;

		if (!is_token(name))
			*ret_reason = "a name is none of HTTP's";
		else if (is_ours(name))
			*ret_reason = "one of them is not the caller's to set";
		else if (strpbrk(value, "\r\n"))
			*ret_reason = "a value has more than one line";
		else if (strlen(name) + strlen(value) > HEADER_MAX)
			*ret_reason = "one of them is longer than 16384 bytes";
		if (*ret_reason)
			return 0;
		has_type |= strcasecmp(name, "Content-Type") == 0;
		/* "Name:" would mean to curl that the header is to be left out. */
		r = append(&request->headers, *value ? "%s: %s" : "%s;", name, value);
	}
	if (r == 0 && request->body && !has_type)
		r = append(&request->headers, "%s: %s", "Content-Type",
			   wish->text ? "text/plain; charset=utf-8"
				      : "application/octet-stream");
	/* Not to wait for "100 Continue" before a body. */
	if (r == 0 && request->body)
		r = append(&request->headers, "%s:%s", "Expect", "");
	return r;
}

static int read_counts(struct client *client, const struct wish *wish, struct request *request,
		       struct troupe_call call)
{
	const struct settings *settings = &client->settings;

	request->max_bytes = wish->is_stream ? UINT64_MAX : settings->body_max;
	request->max_redirects = settings->redirects;
	request->max_retries = settings->retries;
	if (wish->max_bytes) {
		if (*wish->max_bytes < 0)
			return refuse(client, call, "maxBytes", "must not be negative");
		if (!wish->is_stream && (uint64_t)*wish->max_bytes > settings->body_max)
			return refuse(client, call, "maxBytes",
				      "must be at most the unit's bodyMax");
		request->max_bytes = (uint64_t)*wish->max_bytes;
	}
	if (wish->redirects) {
		if (*wish->redirects < 0 || *wish->redirects > settings->redirects)
			return refuse(client, call, "redirects",
				      "must be from 0 to the unit's redirects");
		request->max_redirects = (unsigned)*wish->redirects;
	}
	if (wish->retries) {
		if (*wish->retries < 0 || *wish->retries > settings->retries)
			return refuse(client, call, "retries",
				      "must be from 0 to the unit's retries");
		request->max_retries = (unsigned)*wish->retries;
	}
	return 1;
}

static bool is_method(const char *method)
{
	for (const char *c = method; *c; c++)
		if (*c < 'A' || *c > 'Z')
			return false;
	return *method && strlen(method) < sizeof(((struct request *)0)->method) &&
	       strcmp(method, "CONNECT") != 0 && strcmp(method, "TRACE") != 0;
}

int wish_read(struct client *client, const struct wish *wish, struct request *request,
	      struct troupe_call call)
{
	const char *field = "", *reason;

	if (!is_method(wish->method))
		return refuse(client, call, "method",
			      "must be at most 15 capitals, and not CONNECT nor TRACE");
	if (wish->text && wish->bytes)
		return refuse(client, call, "bytes", "there is a body of text already");
	strcpy(request->method, wish->method);
	if (wish->text) {
		request->body = wish->text;
		request->body_size = strlen(wish->text);
	} else if (wish->bytes) {
		request->body = wish->bytes->size ? wish->bytes->data : "";
		request->body_size = wish->bytes->size;
	}
	if (request->body &&
	    (strcmp(wish->method, "GET") == 0 || strcmp(wish->method, "HEAD") == 0))
		return refuse(client, call, "method", "has no body");
	int r = read_counts(client, wish, request, call);
	if (r <= 0)
		return r;
	request->limits = client->settings.limits;
	if (limits_set(&request->limits, wish->timeouts, &field) < 0)
		return refuse(client, call, field, "must be from 1 to 3600000");
	uint64_t *total_ns = &request->limits.ns[HTTP_CLIENT_PHASE_TOTAL];
	if (*total_ns == 0)
		*total_ns = wish->is_stream ? UINT64_MAX : 120 * TROUPE_SECOND_NS;
	r = read_headers(wish, request, &reason);
	if (r == 0 && reason)
		return refuse(client, call, "headers", reason);
	return r < 0 ? r : 1;
}

#include "io/place.h"

#include "base/endpoint.h"
#include "base/text.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

_Static_assert(TROUPE_PLACE_MAX == ENDPOINT_TEXT, "a place is written as in base");

/* "host:port" or "[host]:port". */
static int split_host(const char *text, char *host, size_t size, uint16_t *ret_port)
{
	const bool in_brackets = *text == '[';
	const char *first = text + in_brackets, *colon = strrchr(text, ':'), *end = colon;
	uint64_t port;

	if (!colon || text_parse_uint(colon + 1, 0, UINT16_MAX, &port) < 0)
		return -EINVAL;
	if (in_brackets && (end == first || *--end != ']'))
		return -EINVAL;
	if (end <= first || (size_t)(end - first) >= size)
		return -EINVAL;
	memcpy(host, first, (size_t)(end - first));
	host[end - first] = '\0';
	/* the colons of an address that stands without brackets are no port's */
	if (!in_brackets && strchr(host, ':'))
		return -EINVAL;
	*ret_port = htons((uint16_t)port);
	return 0;
}

static int parse_internet(const char *text, struct troupe_endpoint *endpoint)
{
	struct sockaddr_in *v4 = (void *)&endpoint->address;
	struct sockaddr_in6 *v6 = (void *)&endpoint->address;
	char host[TROUPE_PLACE_MAX];
	uint16_t port;
	int rc = split_host(text, host, sizeof(host), &port);

	if (rc < 0)
		return rc;
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		endpoint->size = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return -EADDRNOTAVAIL;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = port;
	endpoint->size = sizeof(*v6);
	return 0;
}

static int parse_unix(const char *text, struct troupe_endpoint *endpoint)
{
	struct sockaddr_un *local = (void *)&endpoint->address;
	const size_t size = strlen(text);

	if (size < 2 || size >= sizeof(local->sun_path) || (*text != '/' && *text != '@'))
		return -EINVAL;
	local->sun_family = AF_UNIX;
	memcpy(local->sun_path, text, size + 1);
	endpoint->size = (uint32_t)(offsetof(struct sockaddr_un, sun_path) + size);
	if (*text == '@')
		local->sun_path[0] = '\0'; /* the length is its end */
	else
		endpoint->size++;
	return 0;
}

/* What follows a prefix. NULL: it has another one. */
static const char *after(const char *text, const char *prefix)
{
	const size_t size = strlen(prefix);

	return strncmp(text, prefix, size) == 0 ? text + size : NULL;
}

int place_parse(const char *text, struct place *ret_place)
{
	struct place place = {.is_datagram = false};
	const char *rest;
	int rc = -EINVAL;

	if (!text || strlen(text) >= TROUPE_PLACE_MAX)
		return -EINVAL;
	if ((rest = after(text, "unix:"))) {
		rc = parse_unix(rest, &place.endpoint);
	} else if ((rest = after(text, "tcp:"))) {
		rc = parse_internet(rest, &place.endpoint);
	} else if ((rest = after(text, "tls:"))) {
		place.is_tls = true;
		rc = parse_internet(rest, &place.endpoint);
	} else if ((rest = after(text, "udp:"))) {
		place.is_datagram = true;
		rc = parse_internet(rest, &place.endpoint);
	}
	if (rc == 0)
		*ret_place = place;
	return rc;
}

void place_split(const char *text, struct place_host *ret_host)
{
	uint16_t port = 0;

	/* behind "tcp:", "tls:" or "udp:" */
	(void)split_host(text + 4, ret_host->name, sizeof(ret_host->name), &port);
	snprintf(ret_host->port, sizeof(ret_host->port), "%u", ntohs(port));
}

int troupe_endpoint_of(const char *text, struct troupe_endpoint *ret_endpoint)
{
	struct place place;
	int rc = place_parse(text, &place);

	if (rc < 0)
		return -EINVAL;
	*ret_endpoint = place.endpoint;
	return 0;
}

void troupe_endpoint_place(const struct troupe_endpoint *endpoint, bool is_datagram,
			   char ret_place[TROUPE_PLACE_MAX])
{
	endpoint_print(&endpoint->address, endpoint->size, is_datagram, ret_place);
}

#include "io/place.h"

#include "base/endpoint.h"
#include "base/left_over.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

_Static_assert(TROUPE_PLACE_MAX == ENDPOINT_TEXT, "a place is written as in base");

/* What follows a prefix. NULL: it has another one. */
static const char *after(const char *text, const char *prefix)
{
	const size_t size = strlen(prefix);

	return strncmp(text, prefix, size) == 0 ? text + size : NULL;
}

int place_parse(const char *text, struct place *ret_place)
{
	struct place place = {.is_datagram = false};
	struct troupe_endpoint *endpoint = &place.endpoint;
	const char *rest;
	int rc = -EINVAL;

	if (!text || strlen(text) >= TROUPE_PLACE_MAX)
		return -EINVAL;
	if ((rest = after(text, "unix:"))) {
		rc = endpoint_parse_unix(rest, &endpoint->address, &endpoint->size);
	} else if ((rest = after(text, "tcp:"))) {
		rc = endpoint_parse_internet(rest, &endpoint->address, &endpoint->size);
	} else if ((rest = after(text, "tls:"))) {
		place.is_tls = true;
		rc = endpoint_parse_internet(rest, &endpoint->address, &endpoint->size);
	} else if ((rest = after(text, "udp:"))) {
		place.is_datagram = true;
		rc = endpoint_parse_internet(rest, &endpoint->address, &endpoint->size);
	}
	if (rc == 0)
		*ret_place = place;
	return rc;
}

void place_split(const char *text, struct place_host *ret_host)
{
	uint16_t port = 0;

	/* behind "tcp:", "tls:" or "udp:" */
	(void)endpoint_split_host(text + 4, ret_host->name, sizeof(ret_host->name), &port);
	snprintf(ret_host->port, sizeof(ret_host->port), "%u", port);
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

static bool has_path(const struct troupe_endpoint *endpoint)
{
	const struct sockaddr_un *local = (const void *)&endpoint->address;

	return local->sun_family == AF_UNIX && local->sun_path[0];
}

int place_bind(int fd, const struct troupe_endpoint *endpoint)
{
	int rc;

	if (has_path(endpoint)) {
		rc = left_over_bind(fd, &endpoint->address, endpoint->size);
		return rc == -EEXIST ? -EADDRINUSE : rc;
	}
	return bind(fd, (const struct sockaddr *)&endpoint->address, endpoint->size) < 0
		       ? -errno
		       : 0;
}

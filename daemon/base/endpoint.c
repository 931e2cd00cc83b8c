#include "base/endpoint.h"

#include "base/text.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

_Static_assert(sizeof(struct sockaddr_un) <= sizeof(struct sockaddr_storage), "it fits");

/* ---- from texts */

int endpoint_split_host(const char *text, char *host, size_t size, uint16_t *ret_port)
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
	*ret_port = (uint16_t)port;
	return 0;
}

int endpoint_parse_internet(const char *text, struct sockaddr_storage *ret_address,
			    uint32_t *ret_size)
{
	struct sockaddr_in *v4 = (void *)ret_address;
	struct sockaddr_in6 *v6 = (void *)ret_address;
	char host[ENDPOINT_TEXT];
	uint16_t port;
	int r = endpoint_split_host(text, host, sizeof(host), &port);

	if (r < 0)
		return r;
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		*ret_size = sizeof(*v4);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) != 1)
		return -EADDRNOTAVAIL;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons(port);
	*ret_size = sizeof(*v6);
	return 0;
}

int endpoint_parse_unix(const char *text, struct sockaddr_storage *ret_address,
			uint32_t *ret_size)
{
	struct sockaddr_un *local = (void *)ret_address;
	const size_t size = strlen(text);

	if (size < 2 || size >= sizeof(local->sun_path) || (*text != '/' && *text != '@'))
		return -EINVAL;
	local->sun_family = AF_UNIX;
	memcpy(local->sun_path, text, size + 1);
	*ret_size = (uint32_t)(offsetof(struct sockaddr_un, sun_path) + size);
	if (*text == '@')
		local->sun_path[0] = '\0'; /* the length is its end */
	else
		(*ret_size)++;
	return 0;
}

/* ---- to texts */

static void print_unix(const struct sockaddr_un *local, size_t size, char *text)
{
	const size_t head = offsetof(struct sockaddr_un, sun_path);
	bool is_abstract;

	size = size > head ? size - head : 0;
	if (size > sizeof(local->sun_path))
		size = sizeof(local->sun_path);
	is_abstract = size > 0 && local->sun_path[0] == '\0';
	if (is_abstract)
		snprintf(text, ENDPOINT_TEXT, "unix:@%.*s", (int)size - 1, local->sun_path + 1);
	else
		snprintf(text, ENDPOINT_TEXT, "unix:%.*s", (int)size, local->sun_path);
}

void endpoint_print(const struct sockaddr_storage *address, size_t size, bool is_datagram,
		    char ret_text[ENDPOINT_TEXT])
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;
	const char *prefix = is_datagram ? "udp" : "tcp";
	char host[INET6_ADDRSTRLEN] = "";

	if (size >= sizeof(*v4) && v4->sin_family == AF_INET) {
		(void)inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host));
		snprintf(ret_text, ENDPOINT_TEXT, "%s:%s:%u", prefix, host,
			 ntohs(v4->sin_port));
	} else if (size >= sizeof(*v6) && v6->sin6_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host));
		snprintf(ret_text, ENDPOINT_TEXT, "%s:[%s]:%u", prefix, host,
			 ntohs(v6->sin6_port));
	} else if (size == 0 || v4->sin_family == AF_UNIX) {
		print_unix((const void *)address, size, ret_text);
	} else {
		snprintf(ret_text, ENDPOINT_TEXT, "unknown:");
	}
}

int endpoint_of_socket(int fd, bool of_peer, char ret_text[ENDPOINT_TEXT])
{
	struct sockaddr_storage address = {0};
	socklen_t size = sizeof(address), type_size = sizeof(int);
	int type = SOCK_STREAM, rc;

	rc = of_peer ? getpeername(fd, (struct sockaddr *)&address, &size)
		     : getsockname(fd, (struct sockaddr *)&address, &size);
	if (rc < 0 || getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) < 0)
		return -errno;
	endpoint_print(&address, size, type == SOCK_DGRAM, ret_text);
	return 0;
}

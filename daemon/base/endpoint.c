#include "base/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/un.h>

_Static_assert(sizeof(struct sockaddr_un) <= sizeof(struct sockaddr_storage), "it fits");

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

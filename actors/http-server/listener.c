/* listener.c - sockets that wait for connections. */
#include "listener.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <troupe/stream.h>
#include <unistd.h>

#define BACKLOG 4096

union place {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un local;
};

/* "127.0.0.1:80", "[::]:80". */
static int parse_internet(const char *text, union place *ret_place, socklen_t *ret_size)
{
	char host[INET6_ADDRSTRLEN + 2], *end;
	const char *colon = strrchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : 0;

	if (size == 0 || size >= sizeof(host) || colon[1] < '0' || colon[1] > '9')
		return -EINVAL;
	long port = strtol(colon + 1, &end, 10);
	if (*end || port > 65535)
		return -EINVAL;
	*ret_place = (union place){0};
	if (text[0] == '[' && text[size - 1] == ']') {
		memcpy(host, text + 1, size - 2);
		host[size - 2] = '\0';
		ret_place->v6.sin6_family = AF_INET6;
		ret_place->v6.sin6_port = htons((uint16_t)port);
		*ret_size = sizeof(ret_place->v6);
		return inet_pton(AF_INET6, host, &ret_place->v6.sin6_addr) == 1 ? 0 : -EINVAL;
	}
	memcpy(host, text, size);
	host[size] = '\0';
	ret_place->v4.sin_family = AF_INET;
	ret_place->v4.sin_port = htons((uint16_t)port);
	*ret_size = sizeof(ret_place->v4);
	return inet_pton(AF_INET, host, &ret_place->v4.sin_addr) == 1 ? 0 : -EINVAL;
}

static int parse(const char *text, union place *ret_place, socklen_t *ret_size)
{
	if (strncmp(text, "tcp:", 4) == 0 || strncmp(text, "tls:", 4) == 0)
		return parse_internet(text + 4, ret_place, ret_size);
	if (strncmp(text, "unix:/", 6) != 0 ||
	    strlen(text + 5) >= sizeof(ret_place->local.sun_path))
		return -EINVAL;
	*ret_place = (union place){.local.sun_family = AF_UNIX};
	strcpy(ret_place->local.sun_path, text + 5);
	*ret_size = sizeof(ret_place->local);
	return 0;
}

/* The socket of one who is gone does not stand in the way; anything else at its path does. */
static void remove_stale(const union place *place)
{
	struct stat st;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return;
	if (lstat(place->local.sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    connect(fd, &place->any, sizeof(place->local)) < 0 && errno == ECONNREFUSED)
		unlink(place->local.sun_path);
	close(fd);
}

static void print_name(int fd, const char *place, char *name)
{
	const char *prefix = strncmp(place, "tls:", 4) == 0 ? "tls:" : "tcp:";
	char host[INET6_ADDRSTRLEN];
	union place bound;
	socklen_t size = sizeof(bound);

	snprintf(name, PLACE_MAX, "%s", place);
	if (getsockname(fd, &bound.any, &size) < 0)
		return;
	if (bound.any.sa_family == AF_INET6)
		snprintf(name, PLACE_MAX, "%s[%s]:%u", prefix,
			 inet_ntop(AF_INET6, &bound.v6.sin6_addr, host, sizeof(host)),
			 ntohs(bound.v6.sin6_port));
	else if (bound.any.sa_family == AF_INET)
		snprintf(name, PLACE_MAX, "%s%s:%u", prefix,
			 inet_ntop(AF_INET, &bound.v4.sin_addr, host, sizeof(host)),
			 ntohs(bound.v4.sin_port));
}

int listener_open(struct listener *listener, struct troupe_self *self, const char *place,
		  char *name)
{
	union place address;
	socklen_t size;
	int one = 1, r = -EINVAL;

	*listener = (struct listener){.fd = -1, .is_tls = strncmp(place, "tls:", 4) == 0};
	if (strlen(place) >= PLACE_MAX)
		return r;
	const char *rest = listener->is_tls ? place + 4 : place;
	if (strncmp(rest, "socket:", 7) == 0) {
		/* it is open already, and stays so when it is closed here */
		r = troupe_socket(self, rest, SOCK_STREAM, &listener->fd);
		if (r == 0)
			print_name(listener->fd, place, name);
		return r;
	}
	r = parse(place, &address, &size);
	if (r < 0)
		return r;
	int family = address.any.sa_family;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (family == AF_UNIX)
		remove_stale(&address);
	else if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
		 setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0)
		goto fail;
	if (bind(fd, &address.any, size) < 0)
		goto fail;
	if (family == AF_UNIX)
		strcpy(listener->path, address.local.sun_path);
	listener->fd = fd;
	if (listen(fd, BACKLOG) < 0) {
		r = -errno;
		listener_close(listener);
		return r;
	}
	print_name(fd, place, name);
	return 0;
fail:
	r = -errno;
	close(fd);
	return r;
}

void listener_close(struct listener *listener)
{
	if (listener->fd < 0)
		return;
	if (listener->path[0])
		unlink(listener->path);
	close(listener->fd);
	listener->fd = -1;
}

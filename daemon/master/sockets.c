#include "master/sockets.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "config/conf_path.h"
#include "master/notify.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void sockets_fini(struct sockets *sockets)
{
	while (sockets->n > 0)
		close(sockets->items[--sockets->n].fd);
}

bool sockets_is_control(const struct notify_socket *socket)
{
	static const char unit[] = ".socket";
	const size_t size = strlen(socket->name), tail = sizeof(unit) - 1;

	return strcmp(socket->name, "control") == 0 || strcmp(socket->name, "unknown") == 0 ||
	       (size >= tail && strcmp(socket->name + size - tail, unit) == 0);
}

/* -1: it has no such option. */
static int ask(int fd, int option)
{
	int value = -1;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &size) < 0 ? -1 : value;
}

bool sockets_can_control(int fd)
{
	return ask(fd, SO_DOMAIN) == AF_UNIX && ask(fd, SO_TYPE) == SOCK_STREAM &&
	       ask(fd, SO_ACCEPTCONN) == 1;
}

/* Whether actors can make use of it. */
static bool is_of_use(int fd)
{
	const int type = ask(fd, SO_TYPE);

	return (type == SOCK_STREAM && ask(fd, SO_ACCEPTCONN) == 1) || type == SOCK_DGRAM;
}

/* As if actors had opened it. Of those who share it none may wait in it for another. */
static int prepare(int fd)
{
	const int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	/* those who are accepted have it, too; of another kind there is no such option */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
	return 0;
}

int sockets_add(struct sockets *sockets, const struct notify_socket *socket, struct log *log)
{
	struct socket_named *added = &sockets->items[sockets->n];
	cleanup_close int fd = socket->fd;
	int r = sockets->n < LIMIT_SOCKETS ? 0 : -E2BIG;

	if (r == 0)
		r = endpoint_of_socket(fd, false, added->place);
	if (r == 0 && !conf_is_socket_name(socket->name)) {
		log_error(
			log,
			"the socket %s was handed in as \"%.80s\", which no unit can say in "
			"Sockets=: FileDescriptorName= may have letters, digits, '_', '-' and "
			"'.', at most %u",
			added->place, socket->name, LIMIT_NAME);
		return -EINVAL;
	}
	if (r == 0 && !is_of_use(fd)) {
		log_error(log,
			  "the socket %s (%s) that was handed in is neither a listening one of "
			  "streams nor one of datagrams: ListenStream= without Accept=yes, or "
			  "ListenDatagram=, is of use",
			  socket->name, added->place);
		return -EINVAL;
	}
	if (r == 0)
		r = prepare(fd);
	if (r < 0) {
		log_error(log, "what was handed in as \"%.80s\" is of no use: %s", socket->name,
			  strerror(-r));
		return r;
	}
	memcpy(added->name, socket->name, sizeof(added->name)); /* no longer ones are names */
	added->fd = take_fd(&fd);
	sockets->n++;
	return 0;
}

const struct socket_named *sockets_next(const struct sockets *sockets, const char *name,
					const struct socket_named *after)
{
	for (unsigned i = after ? (unsigned)(after - sockets->items) + 1 : 0; i < sockets->n;
	     i++)
		if (strcmp(sockets->items[i].name, name) == 0)
			return &sockets->items[i];
	return NULL;
}

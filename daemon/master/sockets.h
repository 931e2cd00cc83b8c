/* sockets.h - the sockets that the service manager has handed in for actors: by their names,
 * for as long as the daemon runs.
 *
 * Who listens there is a worker, or several at once; each has a descriptor of its own, and the
 * socket stays open here, so that whoever connects while no worker accepts waits in the
 * kernel's backlog. One name may be that of several sockets, in the order in which they came:
 * one for IPv4 and one for IPv6, say. Of the master; one thread.
 */
#ifndef MASTER_SOCKETS_H
#define MASTER_SOCKETS_H

#include "base/endpoint.h"
#include "base/limits.h"
#include <stdbool.h>

struct log;
struct notify_socket;

struct socket_named {
	char name[LIMIT_NAME + 1];
	char place[ENDPOINT_TEXT];
	int fd;
};

struct sockets {
	struct socket_named items[LIMIT_SOCKETS];
	unsigned n;
};

void sockets_fini(struct sockets *sockets);

/* Whether it is for the control socket: by the name "control", or because nobody has given it
 * one, so that it has that of its .socket unit. */
bool sockets_is_control(const struct notify_socket *socket);

/* Whether it is of the kind that a control socket is: a Unix socket of streams that listens. */
bool sockets_can_control(int fd);

/* Add one for actors (taken, on failure too). -EINVAL, and logged: it has a name that no unit
 * can say, or is neither a listening socket of streams nor one of datagrams. */
int sockets_add(struct sockets *sockets, const struct notify_socket *socket, struct log *log);

/* The next one of that name behind `after` (NULL: the first). NULL: there is none. */
const struct socket_named *sockets_next(const struct sockets *sockets, const char *name,
					const struct socket_named *after);

#endif

/* listener.h - sockets that wait for connections, by the names that Listen= gives them. */
#ifndef HTTPSERVER_LISTENER_H
#define HTTPSERVER_LISTENER_H

#include "settings.h"
#include <stdbool.h>
#include <troupe/actor.h>

struct listener {
	int fd; /* -1: closed */
	bool is_tls;
	char path[PLACE_MAX]; /* "unix:": the socket's, removed when it is closed */
};

/* Open it: "tcp:ADDRESS:PORT", "tls:ADDRESS:PORT", "unix:PATH", where an IPv6 address stands in
 * brackets; or "socket:NAME", "tls:socket:NAME", which its unit has by Sockets=. Several
 * processes may listen on one port and share its connections. A socket that nobody listens on
 * any more is removed; -EADDRINUSE: somebody does. -EINVAL: no place; -ENOENT: its unit has no
 * such socket. Writes what is open now, with its port, into name (PLACE_MAX bytes). */
int listener_open(struct listener *listener, struct troupe_self *self, const char *place,
		  char *name);
void listener_close(struct listener *listener);

#endif

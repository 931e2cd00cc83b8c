/* dial.h - connecting to whichever address of a host answers first.
 *
 * The first address is tried alone; while it is silent, or as soon as it has failed, the next
 * one is tried beside it (RFC 8305): so a dead address costs a quarter of a second, and not the
 * time that the kernel gives a silent host. Each attempt is a stream of the actor's, so that
 * none is left when the task is abandoned. On the stack of the task that connects.
 */
#ifndef IO_DIAL_H
#define IO_DIAL_H

#include "io/stream.h"

/* A socket that is connected: 0; or is about to be: -EINPROGRESS. *ret_fd is given in both
 * cases. -EAGAIN: the backlog of a Unix socket is full; errors of socket(2) and connect(2). */
int dial_socket(const struct troupe_endpoint *endpoint, int *ret_fd);

/* What became of one that was about to be connected, and may be written now. */
int dial_result(int fd);

/* A connection to one of n > 0 addresses of the internet, those to be tried first first, of
 * which LIMIT_CONNECT_ADDRESSES are tried. Errors are those of the last one that is tried;
 * -EHOSTUNREACH: it is silent; or the task's scope is cut. */
int dial_any(struct troupe_self *self, const struct sockaddr_storage *addresses, int n,
	     struct stream **ret_stream);

#endif

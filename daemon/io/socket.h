/* socket.h - the places "socket:NAME" and "socket:NAME:2": sockets that the master has handed
 * to a unit, for its actors to listen at, or for datagrams.
 *
 * The file is shared: with the master, which keeps it open over the ends of workers, and with
 * all actors that use it. Each has a descriptor of its own, so that closing it closes nobody
 * else's; each hears of what comes, and one of them gets it. One thread.
 */
#ifndef IO_SOCKET_H
#define IO_SOCKET_H

#include <stdbool.h>

struct troupe_self;

/* Whether it is such a place. */
bool socket_is_meant(const char *place);

/* A descriptor of the socket at that place, for the actor; type: SOCK_STREAM or SOCK_DGRAM.
 * Given. -EINVAL: no such place; -ENOENT: its unit has no socket of that name, or not so many,
 * which is logged; -EOPNOTSUPP: those are of the other type, or there is no io; -EMFILE. */
int socket_open(const struct troupe_self *self, const char *place, int type);

#endif

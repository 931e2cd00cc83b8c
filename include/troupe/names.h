/* names.h - the addresses of hosts, looked up without holding up the actors. Since ABI 2.1. */
#ifndef TROUPE_NAMES_H
#define TROUPE_NAMES_H

#include <stddef.h>
#include <sys/socket.h>
#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TROUPE_HOST_MAX    253 /* bytes of a host's name */
#define TROUPE_SERVICE_MAX 31

/* Look up a host, as getaddrinfo(3) does for connections of streams, with all that the system
 * knows of names (/etc/hosts, nsswitch.conf). host: a name or an address, IPv6 without
 * brackets; service: a port's number or name, NULL or "": 0. Fills in at most `most` addresses,
 * those to be tried first first, and returns how many there are in ret_addresses, 1 or more.
 *
 * Addresses with a port's number are read at once. All else is done in four threads of the
 * worker that are there for nothing else. Those who ask for the same name at the same time get
 * the same answer; it is remembered for 30 s, that there is none for 5 s. Of a worker's 1,024
 * answers the oldest is forgotten first. One unit's names take three of the threads at most.
 *
 * -ENOENT: there is no such name or service, or it has no address; -EAGAIN: no server answers
 * that; -EIO: one answers with an error; -ENOBUFS: 1,000 names are looked up for this worker
 * already; -EINVAL: host or service is none, or `most` is 0; -ENOMEM, -EMFILE: a limit of the
 * worker or of the process; -EOPNOTSUPP: this host looks up no names. Cancelled, the wait ends
 * at once. */
TROUPE_AWAIT int troupe_resolve(struct troupe_self *self, const char *host, const char *service,
				struct sockaddr_storage *ret_addresses, size_t most);

#ifdef __cplusplus
}
#endif

#endif

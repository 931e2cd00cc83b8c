/* place.h - places as texts, and as the kernel knows them. Pure functions of <troupe/stream.h>,
 * but for the one that binds.
 */
#ifndef IO_PLACE_H
#define IO_PLACE_H

#include <stdbool.h>
#include <troupe/stream.h>

struct place {
	struct troupe_endpoint endpoint;
	bool is_datagram; /* "udp:"; "unix:" may be either */
	bool is_tls;      /* "tls:" */
};

/* What of a place of the internet is its host, without brackets, and its port. */
struct place_host {
	char name[TROUPE_PLACE_MAX];
	char port[6];
};

/* -EINVAL: it is none; -EADDRNOTAVAIL: it names a host where an address is wanted. */
int place_parse(const char *text, struct place *ret_place);

/* Have a socket be at an address, or at a path, where one that nobody has any more is replaced.
 * -EADDRINUSE: somebody has it, or it is no socket; errors of left_over_bind(). */
int place_bind(int fd, const struct troupe_endpoint *endpoint);

/* Of a text that place_parse() gave -EADDRNOTAVAIL for. */
void place_split(const char *text, struct place_host *ret_host);

#endif

/* place.h - places as texts, and as the kernel knows them. Pure functions of <troupe/stream.h>.
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

/* Of a text that place_parse() gave -EADDRNOTAVAIL for. */
void place_split(const char *text, struct place_host *ret_host);

#endif

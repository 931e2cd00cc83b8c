/* networks.h - sets of IP networks, and whether an address lies in one.
 *
 * Memory of the caller, init/fini; one thread at a time.
 */
#ifndef HTTP_CLIENT_NETWORKS_H
#define HTTP_CLIENT_NETWORKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define NETWORKS_MAX 1000 /* written by the user; "private" counts as one */

/* An IPv4 address is held as the IPv6 address that it is mapped to. */
struct network {
	uint8_t address[16];
	unsigned bits;
};

struct networks {
	struct network *items;
	size_t count;
};

/* Of words as "10.0.0.0/8", "192.0.2.1", "fd00::/8", and "private" for all networks that are
 * not public. -EINVAL: a word is none of these, *ret_word names it; -E2BIG: too many;
 * -ENOMEM. */
int networks_init(struct networks *networks, const char *const *words, size_t count,
		  const char **ret_word);
void networks_fini(struct networks *networks);

/* Whether one of them holds the address. An IPv4 address that is wrapped in IPv6 (mapped,
 * translated by NAT64, or tunnelled by 6to4) counts as itself, too. */
bool networks_hold(const struct networks *networks, const struct sockaddr *address);

#endif

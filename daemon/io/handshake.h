/* handshake.h - a task agrees on TLS with the other end of a stream.
 *
 * Both directions are its own meanwhile. There is a limit of time for all of it, whatever the
 * other side sends. Why it failed is in the unit's log.
 */
#ifndef IO_HANDSHAKE_H
#define IO_HANDSHAKE_H

#include "io/stream.h"
#include "io/tls.h"

/* Of a stream that has a struct tls; results as of troupe_start_tls(). */
int handshake_do(struct troupe_self *self, uint64_t stream);

/* As a client, of a stream that has none: the reference to keys is taken, on failure, too. */
int handshake_client(struct troupe_self *self, uint64_t stream, struct keys *keys,
		     const char *name);

/* Whether it is the name of a peer. */
bool handshake_is_name(const char *name);

#endif

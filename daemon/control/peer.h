/* peer.h - the user and process at the other end of a connection, from the kernel.
 *
 * Counted: a connection and its open calls share one peer, since calls may outlive their
 * connection. Belongs to the server's thread.
 */
#ifndef CONTROL_PEER_H
#define CONTROL_PEER_H

#include "control/server.h"

struct peer {
	unsigned refs;
	struct control_peer public;
	gid_t groups[];
};

/* Ask the kernel about the peer of socket `fd`. *ret_peer is given, with one reference. A
 * socket that knows no credentials has a peer of uid and gid -1. -ENOMEM, and errno of
 * getsockopt(2). */
int peer_new(int fd, struct peer **ret_peer);

struct peer *peer_ref(struct peer *peer);
void peer_unref(struct peer *peer); /* NULL is fine */

#endif

/* credentials.h - the user and process at the other end of a connection, from the kernel.
 *
 * Counted: a connection and its open calls share one peer, since calls may outlive their
 * connection. Belongs to the server's thread.
 */
#ifndef CONTROL_CREDENTIALS_H
#define CONTROL_CREDENTIALS_H

#include "control/server.h"

struct credentials {
	unsigned refs;
	struct control_peer public;
	gid_t groups[];
};

/* Ask the kernel about the peer of socket `fd`. *ret_peer is given, with one reference. A
 * socket that knows no credentials has a peer of uid and gid -1. -ENOMEM, and errno of
 * getsockopt(2). */
int credentials_new(int fd, struct credentials **ret_peer);

struct credentials *credentials_ref(struct credentials *peer);
void credentials_unref(struct credentials *peer); /* NULL is fine */

#endif

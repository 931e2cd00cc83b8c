/* listener.h - a listening socket and the connections it brings.
 *
 * Belongs to a server. When descriptors run out it stops accepting for a moment rather than
 * spin: clients wait in the kernel's queue meanwhile.
 */
#ifndef CONTROL_LISTENER_H
#define CONTROL_LISTENER_H

#include "control/host.h"

/* Accept on `fd` (taken, on failure too). -ENOMEM, and errno of fcntl(2). */
int listener_new(struct control_server *server, int fd, bool is_shared);
int listener_fd(struct list *link);
void listener_free(struct list *link); /* by its link in the server's listeners */

/* The server drains: accept those that wait, unless another process will, and no more. */
void listener_drain(struct list *link);

#endif

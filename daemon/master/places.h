/* places.h - what the daemon has in the file system: the control socket, and the private
 * directory of its workers' inboxes.
 *
 * Of the master; one thread. Both are looked at each second: what was deleted is made
 * again, so that clients find the daemon and workers each other.
 */
#ifndef MASTER_PLACES_H
#define MASTER_PLACES_H

struct master;

/* Each: 0 or -errno, with the reason logged. */
int places_make_directory(struct master *master);
/* Listen at the sockets that were handed in, and at the paths of settings and options. */
int places_listen(struct master *master);

/* Make again what has vanished. Once a second. */
void places_tick(struct master *master);

/* Remove the socket's file; the directory, when no worker is left. Not what others have put
 * there meanwhile. */
void places_unlisten(struct master *master);
void places_remove_directory(struct master *master);

#endif

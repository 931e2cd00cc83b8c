/* poller.h - many descriptors that others own, in an epoll of their own.
 *
 * For descriptors that whoever owns them may close when he likes: libev ends the process when
 * it comes to add one that is gone, and learns of none that is. Each has an id of the
 * caller's, never a pointer, so that what comes for one that was removed is noticed. Level-
 * triggered, unless asked otherwise. Nothing is opened before the first one is added. Memory of
 * the caller, init/fini; the loop's thread.
 */
#ifndef BASE_POLLER_H
#define BASE_POLLER_H

#include "base/loop.h"

/* Beside LOOP_READ and LOOP_WRITE, when one is added: report what has become ready, not what
 * is (edge-triggered); or report once, then nothing until it is set again. What is never
 * reported twice needs no poller_renew() when it was closed. */
#define POLLER_EDGE 8u
#define POLLER_ONCE 16u
/* Reported of the edge-triggered, with the others: a hang-up, an error, or urgent data. What is
 * read next may be less than there is, and nothing more be reported. */
#define POLLER_ODD 32u

struct poller {
	/* A descriptor is ready for LOOP_READ, LOOP_WRITE or both; a hang-up or an error counts
	 * as both. It may add, set and remove any, and renew. */
	void (*callback)(struct poller *poller, uint64_t id, unsigned events);
	struct loop_io io;
	int fd; /* -1: none yet */
};

void poller_init(struct poller *poller, struct loop *loop,
		 void (*callback)(struct poller *poller, uint64_t id, unsigned events));
void poller_fini(struct poller *poller);

/* Watch for LOOP_READ, LOOP_WRITE or both, and how. -EBADF; -EPERM: always ready, as a regular
 * file is; -EEXIST: added before; -ENOSPC, -ENOMEM, -EMFILE, -ENFILE: limits of the system;
 * -EINVAL, -ELOOP: an epoll that holds this one. */
int poller_add(struct poller *poller, int fd, unsigned events, uint64_t id);
/* Of one that was added. -EBADF, -ENOENT: it was closed since. */
int poller_set(struct poller *poller, int fd, unsigned events, uint64_t id);
/* The same errors: then the kernel goes on to report it if others have the file open, too;
 * only poller_renew() ends that. */
int poller_remove(struct poller *poller, int fd);

/* None is watched any more: the caller adds those it wants. -EMFILE, -ENFILE, -ENOMEM: all is
 * as before. */
int poller_renew(struct poller *poller);

#endif

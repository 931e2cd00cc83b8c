#include "base/path_lock.h"

#include "base/cleanup.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 8 /* when others remove it at the same moment */

int path_lock(const char *path, struct path_lock *ret_lock)
{
	struct path_lock lock;

	if ((size_t)snprintf(lock.name, sizeof(lock.name), "%s.lock", path) >=
	    sizeof(lock.name))
		return -ENAMETOOLONG;
	for (unsigned i = 0; i < TRIES; i++) {
		cleanup_close int fd =
			open(lock.name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			     0600);
		struct stat ours, there;

		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
		/* Whoever had it before us has removed it, perhaps. */
		if (fstat(fd, &ours) == 0 && lstat(lock.name, &there) == 0 &&
		    ours.st_dev == there.st_dev && ours.st_ino == there.st_ino) {
			if (!S_ISREG(ours.st_mode) || ours.st_size > 0)
				return -EEXIST; /* a lock is empty: it is somebody's own */
			lock.fd = take_fd(&fd);
			*ret_lock = lock;
			return 0;
		}
	}
	return -EADDRINUSE;
}

void path_unlock(struct path_lock *lock)
{
	(void)unlink(lock->name);
	close(lock->fd);
}

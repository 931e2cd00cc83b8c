/* path_lock.h - having a path alone, among those that ask, while something is put there.
 *
 * Between the look at what is at a path and what is done about it no other process may do the
 * same: two would find the same stale socket, or one take the other's for stale. So a file
 * beside it is locked meanwhile, which goes with its lock. Any process and thread; nothing
 * waits.
 */
#ifndef BASE_PATH_LOCK_H
#define BASE_PATH_LOCK_H

#include <stddef.h>
#include <sys/un.h>

struct path_lock {
	int fd;
	char name[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 8]; /* of the file */
};

/* *ret_lock: path_unlock() it when this is 0. -EADDRINUSE: another one has it; -EEXIST: a file
 * that is not empty, and so none of ours, has its name; -ENAMETOOLONG: longer than the path of
 * a socket; errors of open(2). */
int path_lock(const char *path, struct path_lock *ret_lock);
void path_unlock(struct path_lock *lock);

#endif

/* directories.h - the directories whose files an actor may read, and nothing else.
 *
 * Whoever may call the actor chooses the paths; so each is resolved below an allowed
 * directory by the kernel: neither ".." nor a symbolic link leads out of it. Memory of the
 * caller, init/fini.
 */
#ifndef WORDCOUNT_DIRECTORIES_H
#define WORDCOUNT_DIRECTORIES_H

#include <stddef.h>

#define DIRECTORIES_MAX 64

struct directories {
	char **paths; /* absolute, without a slash at the end: "" is the root */
	size_t count;
};

/* Copy the paths. -EINVAL: one is not absolute; -E2BIG: more than DIRECTORIES_MAX; -ENOMEM.
 * Nothing is held after an error. */
int directories_init(struct directories *directories, const char *const *paths, size_t count);
void directories_fini(struct directories *directories);

/* Open a regular file for reading, by its absolute path. *ret_fd is given. -EPERM: it lies
 * in no such directory; -EXDEV: it is reached only through a link that leads out of it;
 * -EINVAL: not an absolute path, or not a regular file; else errno of opening it. Never
 * waits, for a FIFO or a device either. */
int directories_open(const struct directories *directories, const char *path, int *ret_fd);

#endif

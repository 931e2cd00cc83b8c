/* file.h - files, read and written without holding up the actors. Since ABI 2.1.
 *
 * What is in memory already is done at once, on the loop: that is most of what is read again
 * and again. What has to wait for a disk or a server is done in four threads of the worker that
 * are there for files only, of which one unit takes three at most; the task waits meanwhile.
 * Cancelled before a thread has begun, nothing happens, and the function says so; what has
 * begun is waited for, and its result is returned.
 *
 * Descriptors are the plug-in's own, for regular files and directories: close(2) is how they
 * end, and not while a task still waits with one. For all else that may block (rename(2),
 * readdir(3), a library's functions) there is troupe_blocking() in <troupe/pool.h>; for pipes
 * and sockets <troupe/stream.h>.
 *
 * Beside the errors of the system calls these functions return -EAGAIN where a thread is needed
 * and none can be made (a limit of the system), -ENOMEM and -EMFILE for a limit of the worker
 * or this unit's share of it, and -EOPNOTSUPP where this host has no threads for it.
 */
#ifndef TROUPE_FILE_H
#define TROUPE_FILE_H

#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Open a file or a directory as open(2) does, O_CLOEXEC added: its descriptor. mode: of a file
 * that is made, less the umask. Another kind of file is opened in a thread, which waits as
 * long as that takes: the other end of a FIFO may never come, use O_NONBLOCK. */
TROUPE_AWAIT int troupe_file_open(struct troupe_self *self, const char *path, int flags,
				  mode_t mode);

/* What stat(2) says of a path. 0. */
TROUPE_AWAIT int troupe_file_stat(struct troupe_self *self, const char *path,
				  struct stat *ret_status);

/* In place of an offset: where the descriptor is, which moves on. */
#define TROUPE_FILE_HERE (-1)

/* Read `size` bytes from `offset` on: how many it were, fewer than asked for only at the end of
 * the file; 0: there. Up to 64 KiB are looked for in memory first; more are read in a thread.
 * -ESPIPE: a pipe or socket. */
TROUPE_AWAIT ssize_t troupe_file_read(struct troupe_self *self, int fd, void *buffer,
				      size_t size, off_t offset);

/* Write them all: `size`. After an error some may have been written; the error is returned
 * only where none was, else how many. With O_APPEND: at the end, wherever `offset` is. */
TROUPE_AWAIT ssize_t troupe_file_write(struct troupe_self *self, int fd, const void *data,
				       size_t size, off_t offset);

#define TROUPE_SYNC_DATA 1u /* flag: as fdatasync(2), not what only says when it was written */

/* Wait until all that was written is on the disk, as fsync(2) does. 0. */
TROUPE_AWAIT int troupe_file_sync(struct troupe_self *self, int fd, uint32_t flags);

#ifdef __cplusplus
}
#endif

#endif

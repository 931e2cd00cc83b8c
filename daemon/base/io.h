/* io.h - descriptors: flags, whole files, and memory that travels as a
 * descriptor.
 *
 * Stateless functions; any process and thread. Returns 0 or -errno; ret_x is written only on
 * success.
 */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stddef.h>
#include <stdint.h>

int io_set_nonblock(int fd);
int io_set_cloexec(int fd);

/* Read a regular file (or /dev/null, which is empty) as a whole. path is relative to the
 * directory dir_fd, AT_FDCWD for the current one. *ret_data is given (malloc), with a NUL
 * behind its *ret_size bytes. -EFBIG: more than limit bytes; -EISDIR, -EINVAL: a directory,
 * another kind of file. Never waits for a FIFO or a tty. */
int io_file_read(int dir_fd, const char *path, size_t limit, char **ret_data, size_t *ret_size);

/* The same from a descriptor of any kind (borrowed), from its position to its end. */
int io_fd_read(int fd, size_t limit, char **ret_data, size_t *ret_size);

/* Copy `data` into a new memfd and seal it against every change. *ret_fd is given; name is for
 * /proc only. */
int memfd_of(const char *name, const void *data, size_t size, int *ret_fd);

/* Map, for reading, a memfd that a peer sent. -EPERM: not a memfd, or not sealed against
 * shrinking, growing and writing, so that its sender could still change it or have us killed by
 * SIGBUS; -EFBIG: over limit. *ret_data is given: memfd_unmap() it. fd is borrowed and may be
 * closed at once. */
int memfd_map(int fd, size_t limit, const void **ret_data, size_t *ret_size);
void memfd_unmap(const void *data, size_t size);

#endif

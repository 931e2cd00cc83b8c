/* io.c - descriptors. */
#include "base/io.h"

#include "base/cleanup.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SEALS_ALL (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)
#define SEALS_MAP (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

int io_set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int io_set_cloexec(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) < 0)
		return -errno;
	return 0;
}

int io_file_read(int dir_fd, const char *path, size_t limit, char **ret_data, size_t *ret_size)
{
	cleanup_close int fd =
		openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode) &&
	    !(S_ISCHR(status.st_mode) && status.st_rdev == makedev(1, 3)))
		return -EINVAL;
	if (status.st_size > 0 && (size_t)status.st_size > limit)
		return -EFBIG;
	return io_fd_read(fd, limit, ret_data, ret_size);
}

int io_fd_read(int fd, size_t limit, char **ret_data, size_t *ret_size)
{
	cleanup_free char *data = NULL;
	size_t room = 0, size = 0;
	ssize_t n;

	if (limit > SIZE_MAX - 2)
		limit = SIZE_MAX - 2;
	do {
		/* Room for one byte over the limit, and for the NUL. */
		if (size + 1 >= room) {
			char *larger;

			room = room > limit / 2 ? limit + 2 : 2 * room + 4096;
			larger = realloc(data, room);
			if (!larger)
				return -ENOMEM;
			data = larger;
		}
		n = read(fd, data + size, room - 1 - size);
		if (n < 0 && errno != EINTR)
			return -errno;
		size += n > 0 ? (size_t)n : 0;
		if (size > limit)
			return -EFBIG;
	} while (n != 0);
	data[size] = '\0';
	*ret_data = take_pointer(&data);
	*ret_size = size;
	return 0;
}

int memfd_of(const char *name, const void *data, size_t size, int *ret_fd)
{
	cleanup_close int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const unsigned char *at = data;

	if (fd < 0)
		return -errno;
	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		size -= (size_t)n;
	}
	if (fcntl(fd, F_ADD_SEALS, SEALS_ALL) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

int memfd_map(int fd, size_t limit, const void **ret_data, size_t *ret_size)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat status;
	struct statfs system;
	void *data;

	if (seals < 0)
		return errno == EINVAL ? -EPERM : -errno;
	if ((seals & SEALS_MAP) != SEALS_MAP)
		return -EPERM;
	if (fstat(fd, &status) < 0 || fstatfs(fd, &system) < 0)
		return -errno;
	/* A hole in huge pages raises SIGBUS when their pool is empty. */
	if (system.f_type == HUGETLBFS_MAGIC)
		return -EPERM;
	if (status.st_size < 0 || (uint64_t)status.st_size > limit)
		return -EFBIG;
	if (status.st_size == 0) {
		*ret_data = "";
		*ret_size = 0;
		return 0;
	}
	data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	*ret_data = data;
	*ret_size = (size_t)status.st_size;
	return 0;
}

void memfd_unmap(const void *data, size_t size)
{
	if (size > 0)
		munmap((void *)(uintptr_t)data, size);
}

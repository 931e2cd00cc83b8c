/* brittle.c - what stands in for calls of the system that are refused, or end, for other
 * reasons than a lack of memory or descriptors: for tests of who has to bear that. */
#include "tests/failpoints/failpoint.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

bool failpoint_record(const char *call);

#define BRITTLE(type, name, error, parameters, arguments)                                      \
	type failable_##name parameters;                                                       \
	type failable_##name parameters                                                        \
	{                                                                                      \
		if (failpoint_record(#name)) {                                                 \
			errno = (error);                                                       \
			return -1;                                                             \
		}                                                                              \
		return name arguments;                                                         \
	}

BRITTLE(int, bind, EADDRINUSE, (int fd, const struct sockaddr *address, socklen_t size),
	(fd, address, size))
BRITTLE(int, listen, EADDRINUSE, (int fd, int backlog), (fd, backlog))
BRITTLE(int, connect, ECONNREFUSED, (int fd, const struct sockaddr *address, socklen_t size),
	(fd, address, size))
BRITTLE(int, getsockname, ENOBUFS, (int fd, struct sockaddr *address, socklen_t *size),
	(fd, address, size))
BRITTLE(int, setsockopt, ENOBUFS,
	(int fd, int level, int name, const void *value, socklen_t size),
	(fd, level, name, value, size))
BRITTLE(int, getsockopt, ENOBUFS, (int fd, int level, int name, void *value, socklen_t *size),
	(fd, level, name, value, size))
BRITTLE(ssize_t, recv, ECONNRESET, (int fd, void *bytes, size_t size, int flags),
	(fd, bytes, size, flags))
BRITTLE(ssize_t, send, ECONNRESET, (int fd, const void *bytes, size_t size, int flags),
	(fd, bytes, size, flags))
BRITTLE(ssize_t, sendmsg, ECONNRESET, (int fd, const struct msghdr *message, int flags),
	(fd, message, flags))
BRITTLE(ssize_t, read, EIO, (int fd, void *bytes, size_t size), (fd, bytes, size))
BRITTLE(ssize_t, write, EIO, (int fd, const void *bytes, size_t size), (fd, bytes, size))
BRITTLE(ssize_t, pread, EIO, (int fd, void *bytes, size_t size, off_t at),
	(fd, bytes, size, at))
BRITTLE(int, fstat, EIO, (int fd, struct stat *status), (fd, status))
BRITTLE(int, lstat, EACCES, (const char *path, struct stat *status), (path, status))
BRITTLE(int, unlink, EACCES, (const char *path), (path))

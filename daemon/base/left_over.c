#include "base/left_over.h"

#include "base/cleanup.h"
#include "base/path_lock.h"
#include <errno.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int bind_to(int fd, const struct sockaddr_storage *address, uint32_t size)
{
	return bind(fd, (const struct sockaddr *)address, size) < 0 ? -errno : 0;
}

/* 0: at its path is a socket that nobody has any more. Asked is as one of datagrams: who
 * listens for streams gets no connection of it. */
static int find_left_over(const struct sockaddr_storage *address, uint32_t size,
			  const char *path)
{
	cleanup_close int fd = -1;
	struct stat there;

	if (lstat(path, &there) < 0)
		return -errno;
	if (!S_ISSOCK(there.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, size) == 0)
		return -EADDRINUSE;
	if (errno == ECONNREFUSED)
		return 0;
	/* it listens for streams; or it takes datagrams, of its peer or its user alone */
	return errno == EPROTOTYPE || errno == EPERM || errno == EACCES ? -EADDRINUSE : -errno;
}

int left_over_bind(int fd, const struct sockaddr_storage *address, uint32_t size)
{
	const char *path = ((const struct sockaddr_un *)(const void *)address)->sun_path;
	struct path_lock lock;
	int r = bind_to(fd, address, size);

	if (r != -EADDRINUSE)
		return r;
	/* who has only bound his socket has the path already, as connect() sees it */
	r = path_lock(path, &lock);
	if (r == -EACCES || r == -EROFS)
		return -EADDRINUSE; /* it is there, and cannot be replaced */
	if (r < 0)
		return r;
	r = find_left_over(address, size, path);
	if (r == 0 && unlink(path) < 0)
		r = -errno;
	/* gone: its owner has removed it himself */
	if (r == 0 || r == -ENOENT)
		r = bind_to(fd, address, size);
	path_unlock(&lock);
	return r;
}

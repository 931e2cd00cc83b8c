/* listen.c - a listening Unix socket at a path. */
#include "base/cleanup.h"
#include "base/path_lock.h"
#include "control/server.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG 512

/* Whether a process listens at `address`: 0: none does, and what is there is a socket; -ENOENT:
 * nothing is there. */
static int probe(const struct sockaddr_un *address)
{
	cleanup_close int fd = -1;
	struct stat status;

	if (lstat(address->sun_path, &status) < 0)
		return -errno;
	if (!S_ISSOCK(status.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* EAGAIN: its queue is full, so a process listens. Any other socket type is alive too,
	 * if not ours. */
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	    errno == EAGAIN || errno == EPROTOTYPE)
		return -EADDRINUSE;
	return errno == ECONNREFUSED ? 0 : -errno;
}

/* What is at `path`. */
static int find_place(const char *path, struct control_place *ret_place)
{
	struct stat status;

	if (lstat(path, &status) < 0)
		return -errno;
	*ret_place = (struct control_place){status.st_dev, status.st_ino};
	return 0;
}

void control_unlink(const char *path, const struct control_place *place)
{
	struct control_place now;

	if (find_place(path, &now) == 0 && now.device == place->device &&
	    now.inode == place->inode)
		(void)unlink(path);
}

static int listen_at(const char *path, int *ret_fd, struct control_place *ret_place)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	cleanup_close int fd = -1;
	int r;

	strcpy(address.sun_path, path);
	r = probe(&address);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && unlink(path) < 0 && errno != ENOENT)
		return -errno;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	r = ret_place ? find_place(path, ret_place) : 0;
	if (r < 0)
		return r;
	/* Who may do what is decided for each call. Before listen(), so that no client
	 * connects too early. */
	if (chmod(path, 0666) < 0 || listen(fd, BACKLOG) < 0) {
		r = -errno;
		unlink(path);
		return r;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

int control_listen(const char *path, int *ret_fd, struct control_place *ret_place)
{
	struct path_lock lock;
	int r;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return -ENAMETOOLONG;
	r = path_lock(path, &lock);
	if (r < 0)
		return r;
	r = listen_at(path, ret_fd, ret_place);
	path_unlock(&lock);
	return r;
}

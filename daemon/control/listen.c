/* listen.c - a listening Unix socket at a path. */
#include "base/cleanup.h"
#include "control/server.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define BACKLOG    512
#define LOCK_TRIES 8

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

/* Between the look at what is at a path and listen() there, no other daemon may do the same:
 * two would find the same stale socket, or one take the other's for stale, and both would run.
 * So a file beside it is locked meanwhile, which goes with its lock. -EADDRINUSE: another
 * process has locked it. */
static int lock(const char *path, char *name, size_t room, int *ret_fd)
{
	if ((size_t)snprintf(name, room, "%s.lock", path) >= room)
		return -ENAMETOOLONG;
	for (unsigned i = 0; i < LOCK_TRIES; i++) {
		cleanup_close int fd = open(
			name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
		struct stat ours, there;

		if (fd < 0)
			return -errno;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0)
			return errno == EWOULDBLOCK ? -EADDRINUSE : -errno;
		/* Whoever had it before us has removed it, perhaps. */
		if (fstat(fd, &ours) == 0 && lstat(name, &there) == 0 &&
		    ours.st_dev == there.st_dev && ours.st_ino == there.st_ino) {
			*ret_fd = take_fd(&fd);
			return 0;
		}
	}
	return -EADDRINUSE;
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
	char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];
	cleanup_close int locked = -1;
	int r;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return -ENAMETOOLONG;
	r = lock(path, name, sizeof(name), &locked);
	if (r < 0)
		return r;
	r = listen_at(path, ret_fd, ret_place);
	(void)unlink(name);
	return r;
}

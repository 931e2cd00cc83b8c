#include "master/opened.h"

#include "base/cleanup.h"
#include "base/left_over.h"
#include "base/limits.h"
#include "process/place.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 4096 /* the kernel takes its own limit, when that is less */

void opened_init(struct opened_all *all)
{
	list_init(&all->list);
	all->n = 0;
}

/* Whether this is the file that was bound: while the socket is open nobody gets its number. */
static bool is_file_of(const struct opened *opened, const struct stat *file)
{
	return S_ISSOCK(file->st_mode) && file->st_dev == opened->device &&
	       file->st_ino == opened->inode;
}

bool opened_is_there(const struct opened *opened)
{
	const char *path = listen_key_path(&opened->key);
	struct stat now;

	return !path[0] || (lstat(path, &now) == 0 && is_file_of(opened, &now));
}

static void close_one(struct opened_all *all, struct opened *opened)
{
	const char *path = listen_key_path(&opened->key);

	/* the file first: who comes from here on may have its place */
	if (path[0] && opened_is_there(opened))
		(void)unlink(path);
	close(opened->fd);
	list_remove(&opened->link);
	all->n--;
	free(opened);
}

void opened_fini(struct opened_all *all)
{
	while (!list_is_empty(&all->list))
		close_one(all, list_first(&all->list, struct opened, link));
}

struct opened *opened_find(const struct opened_all *all, const struct listen_key *key)
{
	list_foreach (at, &all->list) {
		struct opened *opened = container_of(at, struct opened, link);

		if (opened->key.type == key->type && opened->key.size == key->size &&
		    memcmp(&opened->key.address, &key->address, key->size) == 0 &&
		    opened_is_there(opened))
			return opened;
	}
	return NULL;
}

static unsigned port_of(const struct listen_key *key)
{
	return key->address.ss_family == AF_INET
		       ? ((const struct sockaddr_in *)&key->address)->sin_port
		       : ((const struct sockaddr_in6 *)&key->address)->sin6_port;
}

/* Whether an address of the internet holds all of the other's family; :: takes IPv4 along. */
static bool is_any_for(const struct listen_key *any, const struct listen_key *key)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&any->address;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&any->address;

	return any->address.ss_family == AF_INET6
		       ? IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr)
		       : v4->sin_addr.s_addr == INADDR_ANY && key->address.ss_family == AF_INET;
}

static bool may_collide(const struct opened *opened, const struct listen_key *key)
{
	const bool is_unix = key->address.ss_family == AF_UNIX;
	const char *path = listen_key_path(key);
	struct stat there;

	if (is_unix != (opened->key.address.ss_family == AF_UNIX))
		return false;
	if (!is_unix)
		return opened->key.type == key->type && port_of(&opened->key) == port_of(key) &&
		       (is_any_for(&opened->key, key) || is_any_for(key, &opened->key));
	return path[0] && lstat(path, &there) == 0 && is_file_of(opened, &there);
}

struct opened *opened_find_rival(const struct opened_all *all, const struct listen_key *key)
{
	list_foreach (at, &all->list) {
		struct opened *opened = container_of(at, struct opened, link);

		if (may_collide(opened, key))
			return opened;
	}
	return NULL;
}

/* ---- opening */

/* A file that has its mode from its first moment on. */
static int bind_path(int fd, const struct listen_key *key, mode_t mode)
{
	int r = place_make_parents(listen_key_path(key));
	mode_t before;

	if (r < 0)
		return r;
	before = umask(0777 & ~mode);
	r = left_over_bind(fd, &key->address, key->size);
	(void)umask(before);
	return r;
}

static int bind_place(int fd, const struct listen_key *key, mode_t mode)
{
	if (listen_key_path(key)[0])
		return bind_path(fd, key, mode);
	if (key->type == SOCK_STREAM && key->address.ss_family != AF_UNIX) {
		/* those who are accepted have it, too */
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
		/* what is left of connections to one that was here before is in nobody's way */
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	}
	return bind(fd, (const struct sockaddr *)&key->address, key->size) < 0 ? -errno : 0;
}

/* A descriptor, of a socket that is bound. Of those who share it none may wait in it for
 * another. */
static int open_at(const struct listen_key *key, mode_t mode)
{
	cleanup_close int fd =
		socket(key->address.ss_family, key->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r = fd < 0 ? -errno : bind_place(fd, key, mode);

	if (r == 0 && key->type == SOCK_STREAM && listen(fd, BACKLOG) < 0) {
		r = -errno;
		if (listen_key_path(key)[0])
			(void)unlink(listen_key_path(key));
	}
	return r < 0 ? r : take_fd(&fd);
}

/* What its file is, right after it was bound. -EEXIST: another was quicker. */
static int note_file(struct opened *opened)
{
	const char *path = listen_key_path(&opened->key);
	struct stat file;

	if (!path[0])
		return 0;
	if (lstat(path, &file) < 0)
		return -errno;
	if (!S_ISSOCK(file.st_mode) || file.st_uid != geteuid())
		return -EEXIST;
	opened->device = file.st_dev;
	opened->inode = file.st_ino;
	return 0;
}

int opened_new(struct opened_all *all, const struct listen_key *key, mode_t mode,
	       struct opened **ret_opened)
{
	struct opened *opened;
	int r;

	if (all->n == LIMIT_OPENED)
		return -EUSERS;
	opened = calloc(1, sizeof(*opened));
	if (!opened)
		return -ENOMEM;
	opened->users = 1;
	opened->mode = mode;
	opened->key = *key;
	opened->key.place = NULL; /* the text is not ours */
	opened->fd = open_at(key, mode);
	r = opened->fd < 0 ? opened->fd : note_file(opened);
	if (r < 0) {
		if (opened->fd >= 0)
			close(opened->fd);
		free(opened);
		return r;
	}
	(void)endpoint_of_socket(opened->fd, false, opened->place);
	list_append(&all->list, &opened->link);
	all->n++;
	*ret_opened = opened;
	return 0;
}

int opened_set_mode(struct opened *opened, mode_t mode)
{
	const char *path = listen_key_path(&opened->key);
	char name[32];
	struct stat file;
	cleanup_close int fd = -1;

	if (!path[0] || opened->mode == mode)
		return 0;
	/* by a descriptor, so that it is of this file, whatever is put there meanwhile */
	fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &file) < 0 || !is_file_of(opened, &file))
		return 0;
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (chmod(name, mode) < 0)
		return -errno;
	opened->mode = mode;
	return 0;
}

struct opened *opened_ref(struct opened *opened)
{
	opened->users++;
	return opened;
}

void opened_unref(struct opened_all *all, struct opened *opened)
{
	if (--opened->users == 0)
		close_one(all, opened);
}

/* ---- what to do */

void opened_explain(const struct listen_key *key, int error, char *why, size_t size)
{
	const bool is_unix = key->address.ss_family == AF_UNIX;

	if (error == -EADDRINUSE)
		(void)snprintf(why, size,
			       "another process has it already (ss -%clpn names it; a worker "
			       "of trouped may have yet to close it)%s",
			       is_unix                   ? 'x'
			       : key->type == SOCK_DGRAM ? 'u'
							 : 't',
			       key->address.ss_family == AF_INET6
				       ? "; [::] takes IPv4 along where the system has it so"
				       : "");
	else if (error == -EEXIST)
		(void)snprintf(why, size, "there is something that is not a socket");
	else if (error == -EUSERS)
		(void)snprintf(why, size, "%u such sockets are open already", LIMIT_OPENED);
	else if ((error == -EACCES || error == -EPERM) && is_unix)
		(void)snprintf(why, size,
			       "%s: trouped runs as uid %u, which must be able to make files "
			       "in that directory, and to ask the owner of a socket that is "
			       "there",
			       strerror(-error), geteuid());
	else if (error == -EACCES || error == -EPERM)
		(void)snprintf(why, size,
			       "%s: ports below 1024 need CAP_NET_BIND_SERVICE, which a "
			       "drop-in of trouped.service can give "
			       "(AmbientCapabilities=), or a .socket unit and Sockets=",
			       strerror(-error));
	else if (error == -EMFILE || error == -ENFILE)
		(void)snprintf(why, size,
			       "%s: LimitNOFILE= of trouped.service says how many it may have",
			       strerror(-error));
	else if (error == -EADDRNOTAVAIL)
		(void)snprintf(why, size, "no interface of this machine has that address now");
	else if (error == -EAFNOSUPPORT)
		(void)snprintf(why, size,
			       "the system, or RestrictAddressFamilies= of trouped.service, "
			       "allows no such addresses");
	else
		(void)snprintf(why, size, "%s", strerror(-error));
}

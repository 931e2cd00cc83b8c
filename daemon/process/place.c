#include "process/place.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "config.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#define INBOX         "inbox-"
#define LONGEST_INBOX "/w64-4294967295"

int place_make_parents(const char *path)
{
	char copy[PATH_MAX];
	size_t size = strlen(path);

	if (size >= sizeof(copy))
		return -ENAMETOOLONG;
	memcpy(copy, path, size + 1);
	for (char *at = strchr(copy + 1, '/'); at; at = strchr(at + 1, '/')) {
		*at = '\0';
		if (mkdir(copy, 0755) < 0 && errno != EEXIST)
			return -errno;
		*at = '/';
	}
	return 0;
}

/* Empty an open directory. Only sockets are made there; anything else keeps it, and that is for
 * people to see. */
static void remove_sockets(int directory)
{
	DIR *entries = fdopendir(directory);
	const struct dirent *entry;

	if (!entries) {
		close(directory);
		return;
	}
	while ((entry = readdir(entries)))
		if (entry->d_type == DT_SOCK)
			(void)unlinkat(dirfd(entries), entry->d_name, 0);
	closedir(entries);
}

static int open_directory(int parent, const char *name)
{
	return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A directory whose lock no process holds was left behind. */
static void remove_if_left(int runtime, const char *name)
{
	cleanup_close int fd = open_directory(runtime, name);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() ||
	    flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	remove_sockets(take_fd(&fd));
	(void)unlinkat(runtime, name, AT_REMOVEDIR);
}

static void remove_left(const char *runtime)
{
	DIR *entries = opendir(runtime);
	const struct dirent *entry;

	if (!entries)
		return;
	while ((entry = readdir(entries)))
		if (strncmp(entry->d_name, INBOX, strlen(INBOX)) == 0)
			remove_if_left(dirfd(entries), entry->d_name);
	closedir(entries);
}

/* A private directory below `runtime`, without a name that means anything yet; given. */
static int make_unnamed(const char *runtime, char **ret_made)
{
	cleanup_free char *made = text_printf("%s/.XXXXXX", runtime);
	int r = made ? place_make_parents(made) : -ENOMEM;

	if (r < 0)
		return r;
	if (!mkdtemp(made)) /* 0700 */
		return -errno;
	*ret_made = take_pointer(&made);
	return 0;
}

/* Lock a new directory before it gets its name, so that no daemon takes it for one left
 * behind. On failure it is gone. */
static int name_locked(const char *made, const char *directory, int *ret_lock)
{
	cleanup_close int lock = open_directory(AT_FDCWD, made);

	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0 || rename(made, directory) < 0) {
		int r = -errno;

		(void)rmdir(made);
		return r;
	}
	*ret_lock = take_fd(&lock);
	return 0;
}

int place_make_directory(const char *runtime, char **ret_directory, int *ret_lock)
{
	cleanup_free char *made = NULL, *directory = NULL;
	int r = make_unnamed(runtime, &made);

	if (r < 0)
		return r;
	remove_left(runtime);
	directory = text_printf("%s/" INBOX "%s", runtime, strrchr(made, '.') + 1);
	if (!directory)
		r = -ENOMEM;
	else if (strlen(directory) + strlen(LONGEST_INBOX) > LIMIT_SOCKET_PATH)
		r = -ENAMETOOLONG;
	if (r < 0) {
		(void)rmdir(made);
		return r;
	}
	r = name_locked(made, directory, ret_lock);
	if (r == 0)
		*ret_directory = take_pointer(&directory);
	return r;
}

bool place_is_there(const char *directory, int lock)
{
	struct stat ours, there;

	return fstat(lock, &ours) == 0 && lstat(directory, &there) == 0 &&
	       ours.st_dev == there.st_dev && ours.st_ino == there.st_ino;
}

int place_restore_directory(const char *directory, int *lock)
{
	cleanup_free char *runtime =
		strndup(directory, (size_t)(strrchr(directory, '/') - directory));
	cleanup_free char *made = NULL;
	int new_lock, r = runtime ? make_unnamed(runtime, &made) : -ENOMEM;

	if (r == 0)
		r = name_locked(made, directory, &new_lock);
	if (r < 0)
		return r;
	close(*lock);
	*lock = new_lock;
	return 0;
}

void place_remove_inbox(const char *directory, struct process process)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/w%u-%u", directory, process.worker,
			 process.incarnation);

	if (n > 0 && (size_t)n < sizeof(path))
		(void)unlink(path);
}

void place_remove_directory(const char *directory, int lock)
{
	int fd;

	if (!place_is_there(directory, lock))
		return;
	fd = open_directory(AT_FDCWD, directory);
	if (fd >= 0)
		remove_sockets(fd);
	(void)rmdir(directory);
}

int place_make_state(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	cleanup_free char *root = strndup(path, (size_t)(name - path - 1));
	cleanup_close int parent = -1, fd = -1;
	int r;

	if (!root)
		return -ENOMEM;
	r = place_make_parents(root);
	if (r < 0)
		return r;
	if (mkdir(root, 0700) < 0 && errno != EEXIST)
		return -errno;
	parent = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (parent < 0 || (mkdirat(parent, name, 0700) < 0 && errno != EEXIST))
		return -errno;
	fd = open_directory(parent, name);
	/* Which of the two a symbolic link gives is the kernel's affair. */
	return fd >= 0 ? 0 : errno == ELOOP ? -ENOTDIR : -errno;
}

/* DIRECTORY/NAME, if it can be run; *ret_path is given. */
static int find_in(const char *directory, size_t size, const char *name, char **ret_path)
{
	cleanup_free char *path = text_printf("%.*s/%s", (int)size, directory, name);

	if (!path)
		return -ENOMEM;
	if (access(path, X_OK) < 0)
		return -errno;
	*ret_path = take_pointer(&path);
	return 0;
}

int place_find_program(const char *name, char **ret_path)
{
	char self[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *slash;

	if (size > 0) {
		self[size] = '\0';
		slash = strrchr(self, '/');
		if (slash && find_in(self, (size_t)(slash - self), name, ret_path) == 0)
			return 0;
	}
	return find_in(TROUPE_LIBEXECDIR, strlen(TROUPE_LIBEXECDIR), name, ret_path);
}

#include "process/trust.h"

#include "base/cleanup.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Whether the file or directory at `path` may be read or passed through. 0, or a negative errno
 * value and `why`. */
static int check_owner(const struct stat *st, const char *path, uid_t owner, char *why)
{
	const char *what = S_ISDIR(st->st_mode) ? "directory " : "";

	if (st->st_uid != 0 && st->st_uid != owner) {
		(void)snprintf(why, TRUST_WHY_MAX,
			       "%s%s belongs to user %u: it must belong to root%s", what, path,
			       (unsigned)st->st_uid, owner ? " or to the daemon's user" : "");
		return -EPERM;
	}
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) &&
	    !(S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX))) {
		(void)snprintf(why, TRUST_WHY_MAX,
			       "%s%s may be written by others than its owner (mode %04o): "
			       "chmod go-w it",
			       what, path, (unsigned)(st->st_mode & 07777));
		return -EPERM;
	}
	return 0;
}

static int fail_open(int r, const char *path, char *why)
{
	/* O_DIRECTORY makes a symbolic link ENOTDIR. */
	struct stat st;

	if ((r == -ELOOP || r == -ENOTDIR) && lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) {
		(void)snprintf(why, TRUST_WHY_MAX,
			       "%s is a symbolic link: write the path that it leads to", path);
		return -ELOOP;
	}
	(void)snprintf(why, TRUST_WHY_MAX, "cannot open %s: %s", path, strerror(-r));
	return r;
}

int trust_open(const char *path, uid_t owner, int *ret_fd, char *why)
{
	cleanup_close int at = -1;
	char copy[PATH_MAX], component[NAME_MAX + 1];
	const char *rest = path;
	struct stat st;
	int r;

	if (path[0] != '/' || strlen(path) >= sizeof(copy)) {
		(void)snprintf(why, TRUST_WHY_MAX, "%.300s: not an absolute path", path);
		return -EINVAL;
	}
	at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return fail_open(-errno, "/", why);
	if (fstat(at, &st) < 0)
		return fail_open(-errno, "/", why);
	r = check_owner(&st, "/", owner, why);
	while (r == 0) {
		size_t size;
		bool is_last;
		int next;

		rest += strspn(rest, "/");
		size = strcspn(rest, "/");
		is_last = rest[size + strspn(rest + size, "/")] == '\0';
		if (size == 0 || size > NAME_MAX || (size == 2 && memcmp(rest, "..", 2) == 0)) {
			(void)snprintf(why, TRUST_WHY_MAX, "%.300s: not a plain path of a file",
				       path);
			return -EINVAL;
		}
		memcpy(component, rest, size);
		component[size] = '\0';
		rest += size;
		memcpy(copy, path, (size_t)(rest - path));
		copy[rest - path] = '\0';
		/* Not blocking: a FIFO would wait for a writer. */
		next = openat(at, component,
			      O_CLOEXEC | O_NOFOLLOW |
				      (is_last ? O_RDONLY | O_NONBLOCK | O_NOCTTY
					       : O_PATH | O_DIRECTORY));
		if (next < 0)
			return fail_open(-errno, copy, why);
		close(at);
		at = next;
		if (fstat(at, &st) < 0)
			return fail_open(-errno, copy, why);
		if (is_last && !S_ISREG(st.st_mode)) {
			(void)snprintf(why, TRUST_WHY_MAX, "%.400s is not a regular file",
				       copy);
			return -EINVAL;
		}
		r = check_owner(&st, copy, owner, why);
		if (is_last)
			break;
	}
	if (r < 0)
		return r;
	*ret_fd = take_fd(&at);
	return 0;
}

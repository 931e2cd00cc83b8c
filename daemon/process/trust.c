#include "process/trust.h"

#include "base/cleanup.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

__attribute__((format(printf, 3, 4))) static int refuse(char *why, int r, const char *format,
							...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(why, TRUST_WHY_MAX, format, arguments);
	va_end(arguments);
	return r;
}

static int fail_open(int r, const char *path, char *why)
{
	/* O_DIRECTORY makes a symbolic link ENOTDIR. */
	struct stat st;

	if ((r == -ELOOP || r == -ENOTDIR) && lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return refuse(why, -ELOOP,
			      "%s is a symbolic link: write the path that it leads to", path);
	return refuse(why, r, "cannot open %s: %s", path, strerror(-r));
}

/* Whether the file or directory `fd` at `path`, the last one or not, may be read or passed
 * through. 0, or a negative errno value and `why`. */
static int check_opened(int fd, const char *path, bool is_last, uid_t owner, char *why)
{
	const char *what;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return fail_open(-errno, path, why);
	if (is_last && !S_ISREG(st.st_mode))
		return refuse(why, -EINVAL, "%.400s is not a regular file", path);
	what = S_ISDIR(st.st_mode) ? "directory " : "";
	if (st.st_uid != 0 && st.st_uid != owner)
		return refuse(why, -EPERM, "%s%s belongs to user %u: it must belong to root%s",
			      what, path, (unsigned)st.st_uid,
			      owner ? " or to the daemon's user" : "");
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) &&
	    !(S_ISDIR(st.st_mode) && (st.st_mode & S_ISVTX)))
		return refuse(why, -EPERM,
			      "%s%s may be written by others than its owner (mode %04o): "
			      "chmod go-w it",
			      what, path, (unsigned)(st.st_mode & 07777));
	return 0;
}

int trust_open(const char *path, uid_t owner, int *ret_fd, char *why)
{
	cleanup_close int at = -1;
	char copy[PATH_MAX], component[NAME_MAX + 1];
	const char *rest = path;
	bool is_last = false;
	int r;

	if (path[0] != '/' || strlen(path) >= sizeof(copy))
		return refuse(why, -EINVAL, "%.300s: not an absolute path", path);
	at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = check_opened(at, "/", false, owner, why);
	while (r == 0 && !is_last) {
		size_t size;
		int next;

		rest += strspn(rest, "/");
		size = strcspn(rest, "/");
		is_last = rest[size + strspn(rest + size, "/")] == '\0';
		if (size == 0 || size > NAME_MAX || (size == 2 && memcmp(rest, "..", 2) == 0))
			return refuse(why, -EINVAL, "%.300s: not a plain path of a file", path);
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
		r = check_opened(next, copy, is_last, owner, why);
		close(at);
		at = next;
	}
	if (r == 0)
		*ret_fd = take_fd(&at);
	return r;
}

#include "directories.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int directories_init(struct directories *directories, const char *const *paths, size_t count)
{
	*directories = (struct directories){0};
	if (count > DIRECTORIES_MAX)
		return -E2BIG;
	directories->paths = calloc(count ? count : 1, sizeof(*directories->paths));
	if (!directories->paths)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		size_t length = strlen(paths[i]);

		while (length > 0 && paths[i][length - 1] == '/')
			length--;
		char *path = paths[i][0] == '/' ? strndup(paths[i], length) : NULL;
		if (!path) {
			directories_fini(directories);
			return paths[i][0] == '/' ? -ENOMEM : -EINVAL;
		}
		directories->paths[directories->count++] = path;
	}
	return 0;
}

void directories_fini(struct directories *directories)
{
	for (size_t i = 0; i < directories->count; i++)
		free(directories->paths[i]);
	free(directories->paths);
	*directories = (struct directories){0};
}

/* The part of `path` below `directory`; NULL when it lies elsewhere. */
static const char *below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	if (strncmp(path, directory, length) != 0 || path[length] != '/')
		return NULL;
	path += length;
	while (*path == '/')
		path++;
	return *path ? path : NULL;
}

static int open_below(const char *directory, const char *rest, int *ret_fd)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	struct stat status;

	int dir_fd = open(*directory ? directory : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0)
		return -errno;
	int fd = (int)syscall(SYS_openat2, dir_fd, rest, &how, sizeof(how));
	int r = fd < 0 ? -errno : 0;
	close(dir_fd);
	if (r < 0)
		return r;
	if (fstat(fd, &status) < 0)
		r = -errno;
	else if (!S_ISREG(status.st_mode))
		r = -EINVAL;
	if (r < 0) {
		close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

int directories_open(const struct directories *directories, const char *path, int *ret_fd)
{
	int r = -EPERM;

	if (path[0] != '/')
		return -EINVAL;
	for (size_t i = 0; i < directories->count; i++) {
		const char *rest = below(path, directories->paths[i]);

		if (!rest)
			continue;
		r = open_below(directories->paths[i], rest, ret_fd);
		if (r == 0)
			return 0;
	}
	return r;
}

#include "master/place.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "config.h"
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

int place_make_directory(const char *runtime, char **ret_directory)
{
	cleanup_free char *directory = NULL;
	int r;

	if (asprintf(&directory, "%s/inbox-XXXXXX", runtime) < 0) {
		directory = NULL;
		return -ENOMEM;
	}
	if (strlen(directory) + strlen(LONGEST_INBOX) > LIMIT_SOCKET_PATH)
		return -ENAMETOOLONG;
	r = place_make_parents(directory);
	if (r < 0)
		return r;
	if (!mkdtemp(directory)) /* 0700 */
		return -errno;
	*ret_directory = take_pointer(&directory);
	return 0;
}

void place_remove_directory(const char *directory)
{
	DIR *entries = opendir(directory);
	const struct dirent *entry;

	if (!entries)
		return;
	/* Only sockets are made there; anything else keeps it, and that is for people to see. */
	while ((entry = readdir(entries)))
		if (entry->d_type == DT_SOCK)
			(void)unlinkat(dirfd(entries), entry->d_name, 0);
	closedir(entries);
	(void)rmdir(directory);
}

int place_find_worker(char **ret_path)
{
	char self[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *path, *slash;

	if (size > 0) {
		self[size] = '\0';
		slash = strrchr(self, '/');
		if (slash &&
		    asprintf(&path, "%.*s/troupe-worker", (int)(slash - self), self) >= 0) {
			if (access(path, X_OK) == 0) {
				*ret_path = path;
				return 0;
			}
			free(path);
		}
	}
	if (access(TROUPE_LIBEXECDIR "/troupe-worker", X_OK) < 0)
		return -errno;
	path = strdup(TROUPE_LIBEXECDIR "/troupe-worker");
	if (!path)
		return -ENOMEM;
	*ret_path = path;
	return 0;
}

/* plugin_path.c - a plug-in's name to the path of its file. */
#include "config/plugin_path.h"

#include "base/cleanup.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES_MAX 1024

__attribute__((format(printf, 2, 3))) static int refuse(char *why, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(why, PLUGIN_PATH_WHY_MAX, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

static bool ends_in_so(const char *name)
{
	size_t size = strlen(name);

	return size > 3 && strcmp(name + size - 3, ".so") == 0;
}

/* -ENOENT: it is in none of them; `why` then lists them behind others that it listed before. */
static int find_in(char *const *directories, size_t n, const char *name, char *why,
		   char **ret_path)
{
	for (size_t i = 0; i < n; i++) {
		/* "hello" means hello.so, never a file without that ending. */
		cleanup_free char *path = NULL;
		size_t used = strlen(why);

		if (asprintf(&path, "%s/%s%s", directories[i], name,
			     ends_in_so(name) ? "" : ".so") < 0) {
			path = NULL;
			return -ENOMEM;
		}
		if (access(path, F_OK) == 0) {
			*ret_path = take_pointer(&path);
			return 0;
		}
		/* A list too long for the message is merely cut. */
		(void)snprintf(why + used, PLUGIN_PATH_WHY_MAX - used, "%s%s",
			       why[used - 1] == ' ' ? "" : ", ", directories[i]);
	}
	return -ENOENT;
}

int plugin_path_find(const char *plugin, const struct settings *settings,
		     const struct conf_path *path, char **ret_path, char *why)
{
	int r;

	if (strlen(plugin) > PATH_BYTES_MAX)
		return refuse(why, "the path is longer than %u bytes", PATH_BYTES_MAX);
	if (*plugin == '/') {
		if (access(plugin, F_OK) < 0)
			return refuse(why, "%s", strerror(errno));
		*ret_path = strdup(plugin);
		return *ret_path ? 0 : -ENOMEM;
	}
	if (*plugin == '\0' || strchr(plugin, '/'))
		return refuse(why, "must be an absolute path, or a plug-in's name without "
				   "slashes");
	(void)refuse(why, "there is no such plug-in in ");
	r = find_in(settings->plugin_path.words, settings->plugin_path.n, plugin, why,
		    ret_path);
	if (r == -ENOENT)
		r = find_in(path->plugins, path->n_plugins, plugin, why, ret_path);
	return r == -ENOENT ? -EINVAL : r;
}

/* plugin_path.c - a plug-in's name to the path of its file. */
#include "config/plugin_path.h"

#include "base/cleanup.h"
#include "base/text.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES_MAX 1024

static bool ends_in_so(const char *name)
{
	size_t size = strlen(name);

	return size > 3 && strcmp(name + size - 3, ".so") == 0;
}

/* -ENOENT: it is in none of them; they are put behind those that `list` has. */
static int find_in(char *const *directories, size_t n, const char *name, char *list,
		   size_t list_size, char **ret_path)
{
	for (size_t i = 0; i < n; i++) {
		/* "hello" means hello.so, never a file without that ending. */
		cleanup_free char *path = text_printf("%s/%s%s", directories[i], name,
						      ends_in_so(name) ? "" : ".so");
		size_t used = strlen(list);

		if (!path)
			return -ENOMEM;
		if (access(path, F_OK) == 0) {
			*ret_path = take_pointer(&path);
			return 0;
		}
		/* A list too long for the message is merely cut. */
		(void)snprintf(list + used, list_size - used, "%s%s", used > 0 ? ", " : "",
			       directories[i]);
	}
	return -ENOENT;
}

int plugin_path_find(const char *plugin, const struct conf_setting *setting,
		     const struct settings *settings, const struct conf_path *path,
		     char **ret_path)
{
	char list[1280] = "";
	int r;

	if (strlen(plugin) > PATH_BYTES_MAX)
		return conf_refuse(setting, "the path is longer than %u bytes", PATH_BYTES_MAX);
	if (*plugin == '/') {
		if (access(plugin, F_OK) < 0)
			return conf_refuse(setting, "%s", strerror(errno));
		*ret_path = strdup(plugin);
		return *ret_path ? 0 : -ENOMEM;
	}
	if (*plugin == '\0' || strchr(plugin, '/'))
		return conf_refuse(setting, "must be an absolute path, or a plug-in's name "
					    "without slashes");
	r = find_in(settings->plugin_path.words, settings->plugin_path.n, plugin, list,
		    sizeof(list), ret_path);
	if (r == -ENOENT)
		r = find_in(path->plugins, path->n_plugins, plugin, list, sizeof(list),
			    ret_path);
	if (r != -ENOENT)
		return r;
	return problems_add(setting->problems, setting->file, setting->line,
			    "%s=%.80s: there is no such plug-in in %s", setting->key,
			    setting->value, list);
}

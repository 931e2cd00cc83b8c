/* plugin_path.h - which file a unit's Plugin= means.
 *
 * Looks for files, and opens none; master process (and --check), one thread.
 */
#ifndef CONFIG_PLUGIN_PATH_H
#define CONFIG_PLUGIN_PATH_H

#include "config/conf_path.h"
#include "config/settings.h"

#define PLUGIN_PATH_WHY_MAX 1280

/* An absolute path is taken as it is; a name without slashes ("hello", "hello.so") is looked
 * for in settings->plugin_path, then in path->plugins. The file is there. *ret_path is given.
 * -EINVAL: why (PLUGIN_PATH_WHY_MAX bytes) says for people what is wrong; -ENOMEM. */
int plugin_path_find(const char *plugin, const struct settings *settings,
		     const struct conf_path *path, char **ret_path, char *why);

#endif

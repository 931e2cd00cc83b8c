/* plugin_path.h - which file a unit's Plugin= means.
 *
 * Looks for files, and opens none; master process (and --check), one thread.
 */
#ifndef CONFIG_PLUGIN_PATH_H
#define CONFIG_PLUGIN_PATH_H

#include "config/conf_path.h"
#include "config/settings.h"

/* An absolute path is taken as it is; a name without slashes ("hello", "hello.so") is looked
 * for in settings->plugin_path, then in path->plugins. The file is there. *ret_path is given.
 * setting: the assignment that names it. -EINVAL: noted; -ENOMEM. */
int plugin_path_find(const char *plugin, const struct conf_setting *setting,
		     const struct settings *settings, const struct conf_path *path,
		     char **ret_path);

#endif

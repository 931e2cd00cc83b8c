/* spawn.h - the definition of a unit out of what an operator asks for. Pure; master process, one thread. */
#ifndef CONFIG_SPAWN_H
#define CONFIG_SPAWN_H

#include "config/problems.h"
#include "config/unit_file.h"

struct api_spawn;

#define SPAWN_PLUGIN_LINE 2 /* the line of a problem that is the plug-in's */

/* The same rules as for a NAME.actor file hold. *unit is filled in on success. -EINVAL: problems were noted, their lines
 * mean nothing to people; -ENOMEM. */
int spawn_define(struct unit_file *unit, const struct api_spawn *spawn,
		 const struct settings *settings, const struct conf_path *path,
		 struct problems *problems);

#endif

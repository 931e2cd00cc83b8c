/* spawn.h - the definition of a unit out of what an operator asks for. Looks for the plug-in's
 * file; master process, one thread.
 */
#ifndef CONFIG_SPAWN_H
#define CONFIG_SPAWN_H

#include "config/problems.h"
#include "config/unit_file.h"

struct api_spawn;

/* The same rules as for a NAME.actor file hold. *unit is filled in on success. -EINVAL,
 * -ENOENT: a problem was noted, which has no line; -ENOENT: it is the plug-in's. -ENOMEM. */
int spawn_define(struct unit_file *unit, const struct api_spawn *spawn,
		 const struct settings *settings, const struct conf_path *path,
		 struct problems *problems);

#endif

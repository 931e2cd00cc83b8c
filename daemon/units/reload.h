/* reload.h - reading the configuration again, and applying what has changed. Master process,
 * one thread. */
#ifndef UNITS_RELOAD_H
#define UNITS_RELOAD_H

#include "config/problems.h"
#include <stddef.h>

struct master;

struct reload_names {
	char **names;
	size_t n;
};

struct reload_result {
	/* Units, in the order of their names. changed: applied without a restart */
	struct reload_names started, restarted, changed, stopped;
	struct reload_names applied; /* changed keys of trouped.conf that are in force now */
	struct reload_names
		pending;          /* keys of trouped.conf that need the daemon's next start */
	struct problems problems; /* of all files, warnings too */
};

/* Read the unit files for the first time: make the units, start none. -ENOMEM. */
int reload_first(struct master *master);

/* Read everything again. When trouped.conf is wrong nothing is applied (-EINVAL); a bad unit
 * file leaves its unit as it runs. What was found in files that were read is also the master's
 * from now on; units are not read when trouped.conf is wrong. -ENOMEM: what was applied until
 * then stays. *ret_result is filled in in any case: reload_result_fini() it. */
int reload_run(struct master *master, struct reload_result *ret_result);
void reload_result_fini(struct reload_result *result);

#endif

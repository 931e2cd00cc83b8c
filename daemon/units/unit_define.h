/* unit_define.h - from what a file or an operator asks for to a unit that runs, and goes.
 * Master process, one thread. */
#ifndef UNITS_UNIT_DEFINE_H
#define UNITS_UNIT_DEFINE_H

#include <stdbool.h>

struct master;
struct problems;
struct unit;
struct unit_file;

/* Take a definition in: file is taken over (emptied). config: JSON text of a spawned unit,
 * NULL: made from file->config. The unit is there even if it is broken; mistakes of its file
 * are noted in `problems`. -ENOMEM; -ENOSPC: LIMIT_UNITS. */
int unit_new(struct master *master, struct unit_file *file, const char *config,
	     bool is_configured, struct problems *problems, struct unit **ret_unit);
/* A unit whose file could not be read, for people to see. reason: copied. */
int unit_new_broken(struct master *master, const char *name, const char *file,
		    const char *reason, struct unit **ret_unit);
/* It cannot be found by its name any more. */
void unit_hide(struct unit *unit);
/* At once, without a word to its actors. Nobody waits for it any more. NULL is fine. */
void unit_free(struct unit *unit);

/* Nothing of it runs: become what next_file and next_version say. */
void unit_renew(struct unit *unit);

/* Give each instance that has none a worker. false: there is none to be had, and the unit is
 * broken. */
bool unit_place_or_break(struct unit *unit);

/* Start what does not run, with a clean record. */
void unit_start(struct unit *unit);
/* Stop it, then forget it. */
void unit_remove(struct unit *unit);

#endif

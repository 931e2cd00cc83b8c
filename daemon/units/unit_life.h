/* unit_life.h - from what a file or an operator asks for to a unit that runs, stops or
 * fails, and goes. Master process, one thread. */
#ifndef UNITS_UNIT_LIFE_H
#define UNITS_UNIT_LIFE_H

#include <stdbool.h>
#include <stdint.h>

struct master;
struct problems;
struct unit;
struct unit_file;
struct worker;

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

/* Stop all instances; then it is `stopped`. */
void unit_stop(struct unit *unit);

/* It cannot run, for its reason: stops what runs. */
void unit_break(struct unit *unit);
/* It cannot run on that worker: its instances there that were to start are given up, the others
 * go on. what: whose fault it is; NULL: its own. error: a negative errno, 0 for none; when
 * memory or descriptors ran out, which may pass, they failed to start as by an init that fails,
 * and are started again by the unit's rules. */
void unit_fail_on(struct unit *unit, const struct worker *worker, const char *what,
		  const char *why, int64_t error);
/* The same for all units that are made of the deployment of that number, which it could not
 * load. Other workers still try it, for a worker's page may hold anything. */
void units_fail_on(struct worker *worker, uint32_t deployment, const char *why, int64_t error);

#endif

/* trouped.h - the whole master: made from the configuration, run until it is stopped, freed.
 *
 * Belongs to main(); one thread.
 */
#ifndef TROUPED_TROUPED_H
#define TROUPED_TROUPED_H

#include "master/master.h"

/* Read the configuration, make the private directory and the control socket, start the workers.
 * On failure the reason has been logged, and nothing is left behind. log: taken (also on
 * failure), to be used no more. */
int master_new(const struct master_options *options, struct log *log,
	       struct master **ret_master);

/* Serve until stopped in order. */
void master_run(struct master *master);

/* NULL is fine. Kills what still runs. */
void master_free(struct master *master);

/* Read the whole configuration as --check does, and print what is wrong with it on standard
 * output, a problem a line; if nothing is, how many units were read and where. Returns how many
 * there are; negative: -errno, nothing could be read. */
int master_check(const struct master_options *options);

#endif

/* tree.h - what the tree is made of, for its two forms: lines for people, one object for
 * programs.
 *
 * All of it is borrowed from verb_tree().
 */
#ifndef CTL_TREE_H
#define CTL_TREE_H

#include "ctl/census.h"
#include "ctl/ctl.h"
#include "io.troupe.Control.varlink.h"

struct tree {
	const struct api_status_out *status;
	const struct api_worker_array *workers;
	const struct api_unit_array *units;
	struct census census;
};

/* The worker that an instance lives in; 0: none, whichever it is meant for. */
int64_t tree_lives_in(const struct api_instance *instance);

/* Whether a unit, or some instance of it, is in no worker. */
bool tree_is_missing(const struct api_unit *unit);

/* One object, as troupectl(1) describes it. An exit status, explained. */
int tree_print_json(struct ctl *ctl, const struct tree *tree);

#endif

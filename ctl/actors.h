/* actors.h - lists of actors. */
#ifndef CTL_ACTORS_H
#define CTL_ACTORS_H

#include "ctl/ctl.h"
#include "ctl/table.h"
#include "io.troupe.Control.varlink.h"

/* A table of actors, a row each. */
void actors_table_init(struct table *table);
void actors_table_add(struct table *table, const struct api_actor *actor);

/* Every actor alive, of one worker or (0) of all, a batch at a time; on_batch is called at
 * least once, with the reply that the batch came in. An exit status, explained; or what
 * on_batch returned when that is not 0. */
int actors_for_each(struct ctl *ctl, uint64_t worker,
		    int (*on_batch)(struct ctl *ctl, const struct api_actor_array *actors,
				    const struct answer *answer, void *context),
		    void *context);

#endif

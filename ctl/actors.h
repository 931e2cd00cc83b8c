/* actors.h - lists of actors. */
#ifndef CTL_ACTORS_H
#define CTL_ACTORS_H

#include "ctl/ctl.h"
#include "io.troupe.Control.varlink.h"

void actors_print(struct ctl *ctl, const struct api_actor_array *actors);

/* Every actor alive, a batch at a time. An exit status, explained; or what on_batch returned
 * when that is not 0. */
int actors_for_each(struct ctl *ctl, const int64_t *worker,
		    int (*on_batch)(struct ctl *ctl, const struct api_actor_array *actors,
				    void *context),
		    void *context);

#endif

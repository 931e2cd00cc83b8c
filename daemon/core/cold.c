#include "core/cold.h"

#include "base/cleanup.h"
#include <stdlib.h>

struct actor_cold *cold_new(struct runtime *runtime, struct actor *actor)
{
	struct actor_cold *cold = slots_take(&runtime->colds);

	check(cold); /* the table is as long as that of the actors */
	cold->window.limit = LIMIT_STREAM_UNREAD;
	actor->cold = cold->slot.index + 1;
	return cold;
}

void cold_free(struct runtime *runtime, struct actor *actor)
{
	struct actor_cold *cold = cold_find(runtime, actor);

	if (!cold)
		return;
	if (cold->times)
		runtime->n_timed--;
	free(take_pointer(&cold->times));
	cold->slot.generation = 0; /* no handle names it, so that it need not be retired */
	slots_give(&runtime->colds, cold);
	actor->cold = 0;
}

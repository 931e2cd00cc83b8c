#include "core/tasked.h"

#include "core/cold.h"

COLD struct tasked *tasked_make(struct runtime *runtime, struct actor *actor)
{
	struct tasked *tasked = runtime->taskeds + actor_slot(runtime, actor);

	*tasked = (struct tasked){0};
	(void)cold_get(runtime, actor); /* its end looks no further where there is none */
	actor->marks |= ACTOR_TASKS;
	runtime->n_tasked++;
	return tasked;
}

COLD void tasked_rest_look_slow(struct runtime *runtime, struct actor *actor)
{
	const struct tasked *tasked = tasked_find(runtime, actor);

	if (!tasked->rest.alone && tasked->live + tasked->places < actor->unit->tasks)
		rest_end(runtime, actor);
}

#include "core/more.h"

struct more *more_new(struct runtime *runtime, struct actor *actor)
{
	struct more *more = slots_take(&runtime->mores);

	check(more); /* the table is as long as that of the actors */
	actor->more = more->slot.index + 1;
	return more;
}

void more_free(struct runtime *runtime, struct actor *actor)
{
	struct more *more = more_find(runtime, actor);

	if (!more)
		return;
	more->slot.generation = 0; /* nobody names it, so that it need not be retired */
	slots_give(&runtime->mores, more);
	actor->more = 0;
}

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
	if (!actor->more)
		return;
	slots_give(&runtime->mores, more_find(runtime, actor));
	actor->more = 0;
}

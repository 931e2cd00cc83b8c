#include "core/keeping.h"

#include "core/cold.h"
#include <errno.h>

static struct load load_of(size_t size)
{
	return (struct load){0, (uint32_t)slab_units(size)};
}

int keeping_take(struct runtime *runtime, struct actor *actor, size_t size, void **ret_piece)
{
	struct actor_cold *cold = cold_get(runtime, actor);
	struct load load = load_of(size);
	void *piece;

	if (size > LIMIT_MAILBOX_BYTES_MAX ||
	    cold->keeping.charged + load.charged > actor->unit->mailbox_units)
		return -ENOBUFS;
	piece = slab_take(&runtime->states, size);
	if (!piece)
		return -ENOMEM;
	load_add(&cold->keeping, load);
	*ret_piece = piece;
	return 0;
}

void keeping_give(struct runtime *runtime, struct actor *actor, void *piece, size_t size)
{
	load_subtract(&cold_find(runtime, actor)->keeping, load_of(size));
	slab_give(&runtime->states, piece, size);
}

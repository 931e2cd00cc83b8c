#include "core/belonging.h"

#include "core/chain.h"
#include "core/share.h"
#include <errno.h>

/* What a number names. */
struct record {
	struct slot slot;
	struct belonging *belonging;
};

_Static_assert(sizeof(struct record) == BELONGING_RECORD, "the runtime makes the table");

int belonging_join(struct troupe_self *self, struct belonging *belonging,
		   const struct belonging_kind *kind)
{
	struct runtime *runtime = self->runtime;
	struct record *record =
		share_take(&runtime->belongings, self->actor->unit, SHARE_BELONGINGS);

	if (!record)
		return -ENOMEM;
	record->belonging = belonging;
	belonging->kind = kind;
	belonging->id = slots_id(record);
	belonging->actor = actor_slot(runtime, self->actor);
	chain_append(&cold_get(runtime, self->actor)->belongings, &belonging->of_actor);
	return 0;
}

void belonging_leave(struct runtime *runtime, struct belonging *belonging)
{
	struct record *record = slots_find_id(&runtime->belongings, belonging->id);
	struct actor *actor = belonging_actor(runtime, belonging);

	if (!record || record->belonging != belonging)
		return;
	chain_remove(&cold_find(runtime, actor)->belongings, &belonging->of_actor);
	share_give(&runtime->belongings, record, actor->unit, SHARE_BELONGINGS);
	slots_give(&runtime->belongings, record);
	belonging->id = 0;
}

struct belonging *belonging_at(const struct runtime *runtime, uint64_t id)
{
	const struct record *record = slots_find_id(&runtime->belongings, id);

	return record ? record->belonging : NULL;
}

struct belonging *belonging_find(const struct troupe_self *self, uint64_t id,
				 const struct belonging_kind *kind)
{
	struct belonging *belonging = belonging_at(self->runtime, id);

	return belonging && belonging->kind == kind &&
			       belonging->actor == actor_slot(self->runtime, self->actor)
		       ? belonging
		       : NULL;
}

struct belonging *belonging_next(const struct runtime *runtime, uint32_t *at)
{
	while (*at < runtime->belongings.used) {
		const struct record *record = slots_at(&runtime->belongings, (*at)++);

		if (!slots_is_closed(&record->slot))
			return record->belonging;
	}
	return NULL;
}

void belongings_drop(struct runtime *runtime, struct actor *actor)
{
	const struct actor_cold *cold = cold_find(runtime, actor);

	while (cold->belongings) {
		struct belonging *belonging =
			container_of(cold->belongings, struct belonging, of_actor);

		belonging_leave(runtime, belonging);
		belonging->kind->on_gone(runtime, belonging);
	}
}

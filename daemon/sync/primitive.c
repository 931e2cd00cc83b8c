#include "sync/primitive.h"

#include "core/keeping.h"
#include <errno.h>

int primitive_open(struct troupe_self *self, size_t size, const struct belonging_kind *kind,
		   struct primitive **ret_primitive)
{
	struct runtime *runtime = self->runtime;
	struct primitive *primitive;
	void *piece;
	int rc = keeping_take(runtime, self->actor, size, &piece);

	if (rc < 0)
		return rc;
	primitive = piece;
	*primitive = (struct primitive){.size = size};
	rc = belonging_join(self, &primitive->belonging, kind);
	if (rc < 0)
		keeping_give(runtime, self->actor, piece, size);
	else
		*ret_primitive = primitive;
	return rc;
}

static void let_go(struct runtime *runtime, struct primitive *primitive)
{
	keeping_give(runtime, belonging_actor(runtime, &primitive->belonging), primitive,
		     primitive->size);
}

void primitive_close(struct runtime *runtime, struct primitive *primitive)
{
	belonging_leave(runtime, &primitive->belonging);
	task_wake_all(runtime, &primitive->waiters, -EPIPE);
	let_go(runtime, primitive);
}

struct primitive *primitive_find(const struct troupe_self *self, uint64_t id,
				 const struct belonging_kind *kind)
{
	struct belonging *belonging = belonging_find(self, id, kind);

	return belonging ? container_of(belonging, struct primitive, belonging) : NULL;
}

int primitive_missing(const struct troupe_self *self, uint64_t id)
{
	return belonging_is_past(self->runtime, id) ? -EPIPE : -EINVAL;
}

void primitive_on_gone(struct runtime *runtime, struct belonging *belonging)
{
	let_go(runtime, container_of(belonging, struct primitive, belonging));
}

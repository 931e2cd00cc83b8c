/* family.h - parents and children: which actor was spawned by which, so that a child ends with
 * its parent.
 *
 * Each slot of an actor has a place in a table beside that of the heads, which is touched only
 * for actors that another one has spawned: children (ACTOR_CHILD in their marks) and the
 * detached. All actors handed in are not closed yet. One runtime, one thread.
 */
#ifndef CORE_FAMILY_H
#define CORE_FAMILY_H

#include "core/cold.h"

#define FAMILY_TICK 23 /* births are noted in units of 2^23 ns, 8 ms: unique for over a year */

/* Links are slots of actors, SLOT_NONE where there is none. A parent's is in its cold part. */
struct kin {
	uint32_t parent, older, newer; /* of a child: siblings, in order of their spawning */
	uint32_t born;                 /* of any actor that another one has spawned */
};

static inline struct kin *family_kin(const struct runtime *runtime, uint32_t slot)
{
	return runtime->kins + slot;
}

static inline uint32_t family_now(const struct runtime *runtime)
{
	return (uint32_t)(runtime->now_ns >> FAMILY_TICK);
}

/* `child`, which has no parent, becomes the newest child of `parent`. */
static inline void family_join(struct runtime *runtime, struct actor *parent,
			       struct actor *child)
{
	struct actor_cold *cold = cold_get(runtime, parent);
	uint32_t at = child->slot.index, older = SLOT_NONE;

	if (parent->marks & ACTOR_PARENT) {
		older = cold->newest;
		family_kin(runtime, older)->newer = at;
	}
	cold->newest = at;
	parent->marks |= ACTOR_PARENT;
	*family_kin(runtime, at) = (struct kin){
		.parent = parent->slot.index,
		.older = older,
		.newer = SLOT_NONE,
		.born = family_now(runtime),
	};
	child->marks |= ACTOR_CHILD;
}

/* How long an actor that another one has spawned has lived, 8 ms more or less. */
static inline uint64_t family_lived_ns(const struct runtime *runtime, const struct actor *actor)
{
	uint32_t born = family_kin(runtime, actor->slot.index)->born;

	return (uint64_t)(family_now(runtime) - born) << FAMILY_TICK;
}

/* The child ends. */
static inline void family_leave(struct runtime *runtime, struct actor *child)
{
	const struct kin *kin = family_kin(runtime, child->slot.index);
	struct actor *parent = actor_at(runtime, kin->parent);

	if (kin->older != SLOT_NONE)
		family_kin(runtime, kin->older)->newer = kin->newer;
	if (kin->newer != SLOT_NONE)
		family_kin(runtime, kin->newer)->older = kin->older;
	else if (kin->older != SLOT_NONE)
		cold_find(runtime, parent)->newest = kin->older;
	else
		parent->marks &= ~ACTOR_PARENT;
	child->marks &= ~ACTOR_CHILD;
}

/* NULL: it has none. */
static inline struct actor *family_parent(const struct runtime *runtime,
					  const struct actor *child)
{
	if (!(child->marks & ACTOR_CHILD))
		return NULL;
	return actor_at(runtime, family_kin(runtime, child->slot.index)->parent);
}

/* The child spawned last. NULL: there is none. */
static inline struct actor *family_newest(const struct runtime *runtime,
					  const struct actor *parent)
{
	if (!(parent->marks & ACTOR_PARENT))
		return NULL;
	return actor_at(runtime, cold_find(runtime, parent)->newest);
}

/* Of `root` and all that descend from it, the one after `at`. NULL: that was the last. */
static inline struct actor *family_next(const struct runtime *runtime, const struct actor *root,
					struct actor *at)
{
	struct actor *child = family_newest(runtime, at);

	for (; !child && at != root; at = family_parent(runtime, at)) {
		uint32_t older = family_kin(runtime, at->slot.index)->older;

		child = older == SLOT_NONE ? NULL : actor_at(runtime, older);
	}
	return child;
}

#endif

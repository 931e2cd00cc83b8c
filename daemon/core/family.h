/* family.h - parents and children: which actor was spawned by which, so that a child ends with
 * its parent.
 *
 * Each slot of an actor has a place in a table beside that of the heads, which is touched only
 * for actors that have a parent or a child (ACTOR_CHILD, ACTOR_PARENT in their marks), or were
 * spawned detached. All
 * actors handed in are not closed yet. One runtime, one thread.
 */
#ifndef CORE_FAMILY_H
#define CORE_FAMILY_H

#include "core/inside.h"

/* All are slots of actors, SLOT_NONE where there is none. */
struct __attribute__((aligned(32))) kin {
	uint32_t parent, older, newer; /* of a child: siblings, in order of their spawning */
	uint32_t newest;               /* of a parent: its child that was spawned last */
	uint64_t born_ns;              /* of any actor that another one has spawned */
};

static inline struct kin *family_kin(const struct runtime *runtime, uint32_t slot)
{
	return runtime->kins + slot;
}

/* `child`, which has no parent, becomes the newest child of `parent`. */
static inline void family_join(struct runtime *runtime, struct actor *parent,
			       struct actor *child)
{
	uint32_t at = child->slot.index, older = SLOT_NONE;
	struct kin *kin = family_kin(runtime, parent->slot.index);

	if (parent->marks & ACTOR_PARENT) {
		older = kin->newest;
		family_kin(runtime, older)->newer = at;
	}
	kin->newest = at;
	parent->marks |= ACTOR_PARENT;
	kin = family_kin(runtime, at);
	kin->parent = parent->slot.index;
	kin->older = older;
	kin->newer = SLOT_NONE;
	kin->born_ns = runtime->now_ns;
	child->marks |= ACTOR_CHILD;
}

/* The child ends. */
static inline void family_leave(struct runtime *runtime, struct actor *child)
{
	const struct kin *kin = family_kin(runtime, child->slot.index);

	if (kin->older != SLOT_NONE)
		family_kin(runtime, kin->older)->newer = kin->newer;
	if (kin->newer != SLOT_NONE)
		family_kin(runtime, kin->newer)->older = kin->older;
	else if (kin->older != SLOT_NONE)
		family_kin(runtime, kin->parent)->newest = kin->older;
	else
		actor_at(runtime, kin->parent)->marks &= ~ACTOR_PARENT;
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
	return actor_at(runtime, family_kin(runtime, parent->slot.index)->newest);
}

#endif

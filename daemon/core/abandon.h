/* abandon.h - what an actor's end does with tasks that have not ended: they are given up where
 * they are.
 *
 * Their stacks and records, and the actor's state, stay as they are for as long as the worker
 * runs, and count as lost: whoever has a pointer into them may still follow it. One runtime,
 * one thread.
 */
#ifndef CORE_ABANDON_H
#define CORE_ABANDON_H

#include "core/inside.h"

/* An actor that has or had tasks is gone, and whoever has not ended is abandoned: named in the
 * log. Then its state is set aside, too: it is not to be freed. */
void tasks_drop(struct runtime *runtime, struct actor *actor);

#endif

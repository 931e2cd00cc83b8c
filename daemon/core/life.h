/* life.h - how actors begin and end.
 *
 * An end is one event (report_gone() in life.c): when the fini has run, all that hang on the
 * actor learn that it is gone. One runtime, one thread.
 */
#ifndef CORE_LIFE_H
#define CORE_LIFE_H

#include "core/inside.h"

/* Make an actor, a child of `parent` unless that is NULL, and run its init. Errors: see
 * runtime_spawn(). */
int life_begin(struct runtime *runtime, struct definition *unit, struct actor *parent,
	       uint32_t instance, const void *config, struct troupe_address *ret_address);

/* End an actor that is in no handler: its children, those spawned last first, and theirs before
 * them; its fini; everything it owned. The C stack does not grow with the family. Where one of
 * them has tasks this only begins (ACTOR_ENDING), and is to be called once more when the last
 * task of one of them has ended. */
void life_end(struct runtime *runtime, struct actor *actor, enum troupe_cause cause, int error);

/* An end that has begun is in its last quarter, or its time is up: it has left the wheel. */
void life_grace_due(struct runtime *runtime, struct actor *actor);

/* Do not wait for the tasks of an actor whose end has begun. */
void life_abandon(struct runtime *runtime, struct actor *actor);

#endif

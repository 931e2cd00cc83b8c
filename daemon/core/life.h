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
 * them; its fini; everything it owned. The C stack does not grow with the family. */
void life_end(struct runtime *runtime, struct actor *actor, enum troupe_cause cause, int error);

#endif

/* inlet.h - what threads of plug-ins hand to actors, see <troupe/inlet.h>.
 *
 * An inlet has two sides. The threads' side is shared memory: a bounded handoff. The loop's
 * side is a record of the runtime: whose it is and where it arrives. A post is a message of a
 * kind of its own: it lies in the handoff until the loop wakes, then in the actor's mailbox, in
 * the order of all else that arrives; it is counted in the inlet until it has been handled.
 *
 * The hub has the inlets of a runtime of which something is to be taken, and wakes the loop. It
 * is made with the first inlet: a worker that has none pays nothing. Its memory is zeroed in a
 * process that is forked, whose posts reach nobody.
 *
 * All functions here: the loop's thread. The bodies of <troupe/inlet.h>'s are in inlet.c, too.
 */
#ifndef CORE_INLET_H
#define CORE_INLET_H

#include "core/activation.h"

struct inlet {
	struct slot slot;
	struct troupe_inlet *shared;
	struct list of_actor;
	uint64_t context;
	uint32_t actor; /* slot */
	uint8_t entry;  /* the place in the table of entries */
};

/* A post has left the mailbox: run the handler. */
void inlet_handle(struct troupe_self *self, struct mail *mail);

/* The same of an actor that is gone. */
void inlet_drop(struct runtime *runtime, struct actor *actor, struct mail *mail);

/* The actor is about to end: its threads' posts fail from now on, and none of them waits. */
void inlet_close_all(struct runtime *runtime, struct actor *actor);

/* Its mailbox is empty. */
void inlet_free_all(struct runtime *runtime, struct actor *actor);

/* The runtime ends; no actor is left. */
void inlets_free(struct runtime *runtime);

#endif

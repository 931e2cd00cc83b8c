/* keeping.h - memory that an actor keeps beside its state, for things of its own that other
 * folders make.
 *
 * It counts with the messages that the actor keeps, whose bounds are the mailbox's, and so for
 * what its unit has of the worker's memory: core/budget.h. One runtime, one thread.
 */
#ifndef CORE_KEEPING_H
#define CORE_KEEPING_H

#include "core/inside.h"

/* `size` bytes, not zeroed. -ENOBUFS: the actor keeps too much; -ENOMEM. */
int keeping_take(struct runtime *runtime, struct actor *actor, size_t size, void **ret_piece);

/* Give back what was taken for the same size. The actor may be on its end. */
void keeping_give(struct runtime *runtime, struct actor *actor, void *piece, size_t size);

#endif

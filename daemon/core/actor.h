/* actor.h - the head of an actor: one cache line in the runtime's reserved mapping.
 *
 * It holds what a message touches; what few actors need is apart (core/cold.h). Actors belong
 * to their runtime, one thread.
 */
#ifndef CORE_ACTOR_H
#define CORE_ACTOR_H

#include "base/limits.h"
#include "core/message.h"
#include "core/slots.h"
#include <stdint.h>
#include <string.h>

/* Of a turn, all cleared when nothing is left to do: */
#define ACTOR_QUEUED         1u  /* is in the run queue, or at its turn */
#define ACTOR_AWAITED        2u  /* `waiters` is not empty */
#define ACTOR_DEAD           4u  /* ended; the slot waits for the run queue to let go of it */
#define ACTOR_RESTS          8u  /* its messages are set aside, see core/rest.h */
#define ACTOR_RELEASED       16u /* they are not any more, and not in the mailbox yet */
#define ACTOR_LOST           32u /* it stays where it is, and so does its unit, for ever */
#define ACTOR_FLAGS          0xffu
#define ACTOR_CHILD          0x100u /* it has a parent, see core/family.h */
#define ACTOR_PARENT         0x200u /* it has children */
#define ACTOR_ENDING         0x400u /* its tasks run to their ends, then it is gone */
#define ACTOR_TASKS          0x800u /* it has or had tasks, see core/tasked.h */
#define ACTOR_INSTANCE_SHIFT 12

_Static_assert(LIMIT_INSTANCES < 1u << (32 - ACTOR_INSTANCE_SHIFT), "an instance has room");

/* What a mailbox's bounds are for. Two halves of one word, so that a message is added to both
 * at once: load_add(). */
struct load {
	uint32_t queued;  /* messages */
	uint32_t charged; /* memory in units of 16 bytes */
};

struct actor {
	struct slot slot;
	struct mail *tail; /* of the mailbox, see core/mailbox.h; NULL: it is empty */
	void *state;
	struct definition *unit;
	uint64_t handled;
	struct load load;  /* of the mailbox */
	uint32_t run_next; /* the slot behind in the run queue */
	uint32_t timers;   /* index of the first struct timer, plus 1 */
	uint32_t cold;     /* index of the struct actor_cold, plus 1 */
	uint32_t marks;    /* instance << ACTOR_INSTANCE_SHIFT | ACTOR_* */
};

_Static_assert(sizeof(struct actor) == 64, "an actor's head is one cache line");

static inline uint32_t actor_instance(const struct actor *actor)
{
	return actor->marks >> ACTOR_INSTANCE_SHIFT;
}

static inline uint64_t load_word(struct load load)
{
	uint64_t word;

	memcpy(&word, &load, sizeof(word));
	return word;
}

/* Neither half can overflow: both have bounds, and are subtracted only what was added. */
static inline void load_add(struct load *load, struct load more)
{
	uint64_t word = load_word(*load) + load_word(more);

	memcpy(load, &word, sizeof(word));
}

static inline void load_subtract(struct load *load, struct load less)
{
	uint64_t word = load_word(*load) - load_word(less);

	memcpy(load, &word, sizeof(word));
}

#endif

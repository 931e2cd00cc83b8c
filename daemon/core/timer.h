/* timer.h - timers of actors: in the wheel until due, then a notice in the mailbox.
 *
 * Since the notice is part of the timer there is never more than one tick of a timer in a
 * mailbox, and no tick needs memory. Owned by the actor, one thread.
 *
 * A timer is in the wheel or in the mailbox, never in both: one with a period goes back into
 * the wheel when its tick is read. So the links of the two may share their place.
 */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "core/inside.h"

#define TIMER_PERIODIC 1u
/* Its notice lies in the mailbox, and it was moved since: to at_ns. */
#define TIMER_MOVED 2u

/* Of a timer that ticks again and again: from the slab. */
struct timer_period {
	uint64_t period_ns;
	uint64_t context;
};

struct timer {
	struct slot slot;
	union {
		struct {
			struct wheel_node node; /* while it is not due */
			uint32_t marks;
			uint32_t actor; /* slot; where messages have their size */
		};
		struct {
			uint64_t at_ns;   /* the node's: outlives the links */
			struct mail mail; /* MAIL_TICK; mail.entry: the place in the table of
					   * entries; mail.status: TIMER_* */
		};
	};
	uint32_t next, previous; /* of the actor's timers, by index: a ring, while not closed */
	union {
		uint64_t context;
		struct timer_period *period; /* when it has a period */
	};
};

_Static_assert(sizeof(struct timer) == 48, "there may be a million timers");
_Static_assert(offsetof(struct timer, at_ns) == offsetof(struct timer, node.at_ns) &&
		       offsetof(struct timer, mail.next) == offsetof(struct timer, node.next) &&
		       offsetof(struct timer, mail.kind) == offsetof(struct timer, marks) &&
		       offsetof(struct timer, mail.size) == offsetof(struct timer, actor),
	       "only links share the place of links");
_Static_assert(LIMIT_TIMERS <= 1u << WHEEL_INDEX_BITS && LIMIT_CALLS <= 1u << WHEEL_INDEX_BITS,
	       "the wheel has names for all");

/* A new timer; delay 0: the tick is queued at once. NULL: the limit is reached. */
struct timer *timer_new(struct runtime *runtime, struct actor *actor, uint8_t entry,
			uint64_t delay_ns, uint64_t period_ns, uint64_t context);

/* Its time has come: it has left the wheel. */
void timer_due(struct runtime *runtime, struct timer *timer);

/* Its tick has left the mailbox, to be handled: the timer goes on, or it was the only tick and
 * the timer is gone now. False: not now, since it was moved meanwhile, or stopped: then it is
 * freed now. */
bool timer_tick(struct runtime *runtime, struct timer *timer, uint64_t *ret_context);

/* Its tick has left the mailbox of an actor that is gone. */
void timer_untick(struct runtime *runtime, struct timer *timer);

/* The next tick comes after delay_ns, wherever it is now. */
void timer_move(struct runtime *runtime, struct timer *timer, uint64_t delay_ns);

/* No tick any more; freed when the mailbox lets go of it. */
void timer_stop(struct runtime *runtime, struct timer *timer);
void timer_stop_all(struct runtime *runtime, struct actor *actor);

#endif

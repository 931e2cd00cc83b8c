/* timer.h - timers of actors: in the wheel until due, then a notice in the mailbox.
 *
 * Since the notice is part of the timer there is never more than one tick of a timer in a
 * mailbox, and no tick needs memory. Owned by the actor, one thread.
 */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "core/inside.h"

struct timer {
	struct slot slot;
	struct mail mail; /* MAIL_TICK; mail.entry: the place in the table of entries */
	struct wheel_node node;
	struct list of_actor; /* actor->timers, while not closed */
	uint64_t period_ns;   /* 0: once */
	uint64_t context;
	uint32_t actor; /* slot */
};

/* A new timer; delay 0: the tick is queued at once. NULL: the limit is reached. */
struct timer *timer_new(struct runtime *runtime, struct actor *actor, uint8_t entry,
			uint64_t delay_ns, uint64_t period_ns, uint64_t context);

/* Its time has come: it has left the wheel. */
void timer_due(struct runtime *runtime, struct timer *timer);

/* Its tick has left the mailbox. False: it was stopped meanwhile, and is freed now. */
bool timer_untick(struct runtime *runtime, struct timer *timer);

/* No tick any more; freed when the mailbox lets go of it. */
void timer_stop(struct runtime *runtime, struct timer *timer);

#endif

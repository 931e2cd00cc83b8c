/* slice.h - how long actors have the loop at a stretch, and what time it is for them.
 *
 * A slice ends by time, however long handlers take: after about a millisecond, in the middle of
 * a turn if need be, so that the loop sees its descriptors, timers are due, and the neighbours
 * have their turn. Reading the clock for each message would take longer than handling it, so it
 * is read after each of the first few handlers of a slice, and then each SLICE_STRIDE of them.
 * From there on an overrun (base/overrun.h) sees to it that it is read after the handler at
 * hand when the slice has lasted too long. So the time that handlers get is never much more
 * than a millisecond old, even if the one before took a second.
 *
 * What is known of time by that is counted, too: of each unit, and of all, how long handlers
 * took (struct histogram). Where the clock was read after each, that is exact; of those between
 * two looks the mean is taken, for the unit of the last one, unless that one held up the slice:
 * then it alone is counted, by what it took beyond the slice's time. Those after the last look
 * of a slice are not counted. Of each actor (of LIMIT_TIMED_ACTORS, first come) only those are
 * counted whose own time is known: the first few of a slice, and what holds one up. And how
 * long the passes of the loop took, until the last look in each.
 *
 * One runtime, one thread.
 */
#ifndef CORE_SLICE_H
#define CORE_SLICE_H

#include "core/inside.h"
#include "core/page.h"

/* A slice begins; no handler is on the stack. The runtime's time is now. */
void slice_begin(struct runtime *runtime);
/* It is over; outside of slices handlers (init, fini) read the clock whenever they ask. */
void slice_end(struct runtime *runtime);

/* Read the clock, between two messages: the slice may be over then. actor: whose handler ran
 * last; NULL: it is gone. */
void slice_look(struct runtime *runtime, struct actor *actor);

/* End the slice: after the message at hand, when there is one. */
void slice_cut(struct runtime *runtime);

/* To be asked after each message: whether slice_look() has to be called. */
static inline bool slice_wants_look(const struct runtime *runtime)
{
	return page_load(&runtime->page->thread.sequence) >= page_load(&runtime->slice.look_at);
}

/* Whether the runtime's time may be much older than a millisecond, or need not be old at
 * all. */
static inline bool slice_is_stale(const struct runtime *runtime)
{
	return unlikely(page_load(&runtime->slice.look_at) == 0);
}

/* What slice_now_ns() leaves to a call. */
uint64_t slice_read_ns(struct runtime *runtime);

/* The time for the handler on the stack: at most about a millisecond old, however long it has
 * been running. */
static inline uint64_t slice_now_ns(struct runtime *runtime)
{
	return slice_is_stale(runtime) ? slice_read_ns(runtime) : runtime->now_ns;
}

/* So long from then on; the end of time is far enough for what passes it. */
static inline uint64_t slice_later_ns(struct runtime *runtime, uint64_t delay_ns)
{
	uint64_t at_ns;

	return __builtin_add_overflow(slice_now_ns(runtime), delay_ns, &at_ns) ? UINT64_MAX
									       : at_ns;
}

#endif

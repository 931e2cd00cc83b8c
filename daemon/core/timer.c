#include "core/timer.h"
#include "core/mailbox.h"
#include "core/share.h"
#include "core/slice.h"

/* ------------------------------------------------------------------ the actor's ring */

static struct timer *timer_at(const struct runtime *runtime, uint32_t index)
{
	return slots_at(&runtime->timers, index);
}

static void enter_ring(struct runtime *runtime, struct actor *actor, struct timer *timer)
{
	uint32_t index = timer->slot.index;
	struct timer *first, *last;

	if (!actor->timers) {
		timer->next = timer->previous = index;
		actor->timers = index + 1;
		return;
	}
	first = timer_at(runtime, actor->timers - 1);
	last = timer_at(runtime, first->previous);
	timer->next = actor->timers - 1;
	timer->previous = first->previous;
	last->next = first->previous = index;
}

static void leave_ring(struct runtime *runtime, struct actor *actor, struct timer *timer)
{
	uint32_t index = timer->slot.index;

	if (timer->next == index) {
		actor->timers = 0;
		return;
	}
	if (actor->timers == index + 1)
		actor->timers = timer->next + 1;
	timer_at(runtime, timer->previous)->next = timer->next;
	timer_at(runtime, timer->next)->previous = timer->previous;
}

/* ------------------------------------------------------------------ lives */

static void add_to_wheel(struct runtime *runtime, struct timer *timer, uint64_t at_ns)
{
	wheel_add(&runtime->wheel, wheel_name(RUNTIME_TIMER_NODE, timer->slot.index), at_ns);
}

static bool is_periodic(const struct timer *timer)
{
	return timer->mail.status & TIMER_PERIODIC;
}

static void give_timer(struct runtime *runtime, struct timer *timer)
{
	share_give(&runtime->timers, timer, actor_at(runtime, timer->actor)->unit,
		   SHARE_TIMERS);
	slots_give(&runtime->timers, timer);
}

/* It leaves its actor. The mailbox may still hold it. */
static void close_timer(struct runtime *runtime, struct timer *timer)
{
	leave_ring(runtime, actor_at(runtime, timer->actor), timer);
	if (is_periodic(timer))
		slab_give(&runtime->states, timer->period, sizeof(*timer->period));
	slots_close(&timer->slot);
}

/* In no wheel and no mailbox; delay 0: it is due. */
static void set_time(struct runtime *runtime, struct timer *timer, uint64_t at_ns, bool is_due)
{
	if (is_due) {
		timer->at_ns = at_ns;
		timer_due(runtime, timer);
	} else {
		add_to_wheel(runtime, timer, at_ns);
	}
}

struct timer *timer_new(struct runtime *runtime, struct actor *actor, uint8_t entry,
			uint64_t delay_ns, uint64_t period_ns, uint64_t context)
{
	struct timer *timer = share_take_raw(&runtime->timers, actor->unit, SHARE_TIMERS);

	if (!timer)
		return NULL;
	timer->mail = (struct mail){.entry = entry};
	timer->actor = actor_slot(runtime, actor);
	timer->context = context;
	if (period_ns) {
		struct timer_period *period = slab_take(&runtime->states, sizeof(*period));

		if (!period) {
			give_timer(runtime, timer);
			return NULL;
		}
		*period = (struct timer_period){period_ns, context};
		timer->period = period;
		timer->mail.status = TIMER_PERIODIC;
	}
	enter_ring(runtime, actor, timer);
	set_time(runtime, timer, slice_later_ns(runtime, delay_ns), delay_ns == 0);
	return timer;
}

void timer_due(struct runtime *runtime, struct timer *timer)
{
	mailbox_notify(runtime, actor_at(runtime, timer->actor), &timer->mail, MAIL_TICK);
}

/* What the worker could not keep up with is skipped; the phase stays. */
static void start_next_period(struct runtime *runtime, struct timer *timer)
{
	uint64_t behind = runtime->now_ns > timer->at_ns ? runtime->now_ns - timer->at_ns : 0;
	uint64_t period_ns = timer->period->period_ns, step, at_ns;

	if (__builtin_mul_overflow(behind / period_ns + 1, period_ns, &step) ||
	    __builtin_add_overflow(timer->at_ns, step, &at_ns))
		at_ns = UINT64_MAX;
	add_to_wheel(runtime, timer, at_ns);
}

bool timer_tick(struct runtime *runtime, struct timer *timer, uint64_t *ret_context)
{
	timer->mail.flags &= (uint8_t)~MAIL_QUEUED;
	if (unlikely(slots_is_closed(&timer->slot))) {
		give_timer(runtime, timer);
		return false;
	}
	if (unlikely(timer->mail.status & TIMER_MOVED)) {
		timer->mail.status &= (uint8_t)~TIMER_MOVED;
		if (timer->at_ns > runtime->now_ns) {
			add_to_wheel(runtime, timer, timer->at_ns);
			return false;
		}
	}
	if (is_periodic(timer)) {
		*ret_context = timer->period->context;
		start_next_period(runtime, timer);
	} else {
		*ret_context = timer->context;
		close_timer(runtime, timer);
		give_timer(runtime, timer);
	}
	return true;
}

void timer_untick(struct runtime *runtime, struct timer *timer)
{
	/* an actor's timers are stopped before its mailbox is drained */
	check(slots_is_closed(&timer->slot));
	give_timer(runtime, timer);
}

void timer_move(struct runtime *runtime, struct timer *timer, uint64_t delay_ns)
{
	uint64_t at_ns = slice_later_ns(runtime, delay_ns);

	if (timer->mail.flags & MAIL_QUEUED) { /* where a node's links are, there is a mail's */
		timer->at_ns = at_ns;
		timer->mail.status |= TIMER_MOVED;
		return;
	}
	wheel_remove(&runtime->wheel, &timer->node);
	set_time(runtime, timer, at_ns, delay_ns == 0);
}

void timer_stop(struct runtime *runtime, struct timer *timer)
{
	close_timer(runtime, timer);
	if (timer->mail.flags & MAIL_QUEUED)
		return;
	wheel_remove(&runtime->wheel, &timer->node);
	give_timer(runtime, timer);
}

void timer_stop_all(struct runtime *runtime, struct actor *actor)
{
	while (actor->timers)
		timer_stop(runtime, timer_at(runtime, actor->timers - 1));
}

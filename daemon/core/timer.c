#include "core/timer.h"
#include "core/chain.h"
#include "core/mailbox.h"

/* The chain of an actor's timers; its head is an index, since each actor has one. */
static struct list *first_link(const struct runtime *runtime, const struct actor *actor)
{
	struct timer *first;

	if (!actor->timers)
		return NULL;
	first = slots_at(&runtime->timers, actor->timers - 1);
	return &first->of_actor;
}

static void set_first(struct actor *actor, struct list *link)
{
	actor->timers = link ? container_of(link, struct timer, of_actor)->slot.index + 1 : 0;
}

static void join_actor(struct runtime *runtime, struct actor *actor, struct timer *timer)
{
	struct list *first = first_link(runtime, actor);

	chain_append(&first, &timer->of_actor);
	set_first(actor, first);
}

static void leave_actor(struct runtime *runtime, struct actor *actor, struct timer *timer)
{
	struct list *first = first_link(runtime, actor);

	chain_remove(&first, &timer->of_actor);
	set_first(actor, first);
}

struct timer *timer_new(struct runtime *runtime, struct actor *actor, uint8_t entry,
			uint64_t delay_ns, uint64_t period_ns, uint64_t context)
{
	struct timer *timer = slots_take(&runtime->timers);

	if (!timer)
		return NULL;
	timer->mail.entry = entry;
	timer->period_ns = period_ns;
	timer->context = context;
	timer->actor = actor_slot(runtime, actor);
	join_actor(runtime, actor, timer);
	if (delay_ns == 0) {
		timer->node.at_ns = runtime->now_ns;
		timer_due(runtime, timer);
	} else {
		/* the end of time is far enough for delays that pass it */
		if (delay_ns > UINT64_MAX - runtime->now_ns)
			delay_ns = UINT64_MAX - runtime->now_ns;
		wheel_add(&runtime->wheel, &timer->node, runtime->now_ns + delay_ns);
	}
	return timer;
}

void timer_due(struct runtime *runtime, struct timer *timer)
{
	if (timer->period_ns) {
		uint64_t behind = runtime->now_ns > timer->node.at_ns
					  ? runtime->now_ns - timer->node.at_ns
					  : 0;
		uint64_t skipped = behind / timer->period_ns;
		uint64_t step = timer->period_ns;

		/* what the worker could not keep up with is skipped; the phase stays */
		if (__builtin_mul_overflow(skipped + 1, timer->period_ns, &step) ||
		    step > UINT64_MAX - timer->node.at_ns)
			step = UINT64_MAX - timer->node.at_ns;
		wheel_add(&runtime->wheel, &timer->node, timer->node.at_ns + step);
	}
	if (!(timer->mail.flags & MAIL_QUEUED))
		mailbox_notify(runtime, actor_at(runtime, timer->actor), &timer->mail,
			       MAIL_TICK);
}

bool timer_untick(struct runtime *runtime, struct timer *timer)
{
	timer->mail.flags &= (uint8_t)~MAIL_QUEUED;
	if (slots_is_closed(&timer->slot)) {
		slots_give(&runtime->timers, timer);
		return false;
	}
	return true;
}

void timer_stop(struct runtime *runtime, struct timer *timer)
{
	wheel_remove(&runtime->wheel, &timer->node);
	leave_actor(runtime, actor_at(runtime, timer->actor), timer);
	slots_close(&timer->slot);
	if (!(timer->mail.flags & MAIL_QUEUED))
		slots_give(&runtime->timers, timer);
}

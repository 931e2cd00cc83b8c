#include "core/notice.h"
#include "core/call.h"
#include "core/handler.h"
#include "core/kept.h"
#include "core/page.h"
#include "core/reply.h"
#include "core/timer.h"
#include "core/wait.h"

static void handle_tick(struct troupe_self *self, struct timer *timer)
{
	static const struct troupe_event_head tick = {sizeof(tick), TROUPE_ENTRY_TIMER};
	const struct troupe_entry *entry = &self->actor->unit->type->entries[timer->mail.entry];
	uint64_t context;

	/* also when it was stopped: that takes time, too */
	page_doing(self->runtime, PAGE_DOING_TIMER);
	if (!timer_tick(self->runtime, timer, &context))
		return;
	take_result(self, entry->on_event(self, self->actor->state, context, &tick));
}

static void handle_room(struct troupe_self *self, struct wait *wait)
{
	struct runtime *runtime = self->runtime;
	const struct troupe_life *life = &self->actor->unit->type->life;
	const struct wait_past past = wait_finish(runtime, wait);

	page_doing(runtime, PAGE_DOING_ROOM);
	if (life->on_room)
		take_result(self, life->on_room(self, self->actor->state, past.where,
						(struct troupe_call){past.handle}));
	wait_settle(runtime, actor_slot(runtime, self->actor), &past);
}

static void handle_cancel(struct troupe_self *self, struct kept_call *kept)
{
	struct runtime *runtime = self->runtime;
	const struct troupe_life *life = &self->actor->unit->type->life;
	struct troupe_call handle = {slots_id(kept)};

	page_doing(runtime, PAGE_DOING_CANCEL);
	kept->mail.flags &= (uint8_t)~MAIL_QUEUED;
	if (slots_is_closed(&kept->slot)) { /* answered or dropped meanwhile */
		kept_give(runtime, kept);
		return;
	}
	kept_free(runtime, kept);
	if (life->on_cancel)
		take_result(self, life->on_cancel(self, self->actor->state, handle));
}

void notice_handle(struct troupe_self *self, struct mail *mail)
{
	self->message = NULL;
	self->outcome.call = SELF_NO_MESSAGE;
	self->sender = (struct troupe_address){0};
	switch (mail->kind) {
	case MAIL_END:
		reply_handle_end(self, container_of(mail, struct call, mail));
		break;
	case MAIL_TICK:
		handle_tick(self, container_of(mail, struct timer, mail));
		break;
	case MAIL_ROOM:
		handle_room(self, container_of(mail, struct wait, mail));
		break;
	default:
		handle_cancel(self, container_of(mail, struct kept_call, mail));
	}
}

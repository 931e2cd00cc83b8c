#include "core/notice.h"
#include "core/call.h"
#include "core/handler.h"
#include "core/inlet.h"
#include "core/kept.h"
#include "core/page.h"
#include "core/reply.h"
#include "core/step.h"
#include "core/task.h"
#include "core/timer.h"
#include "core/wait.h"
#include "core/watch.h"

/* ------------------------------------------------------------------ replies */

static void handle_reply(struct troupe_self *self, struct mail *mail)
{
	reply_handle(self, message_of(mail));
}

static void drop_reply(struct runtime *runtime, struct actor *actor, struct mail *mail)
{
	struct message *message = message_of(mail);

	drop_message(runtime, actor, message, message_head(mail->kind));
}

static void handle_end(struct troupe_self *self, struct mail *mail)
{
	activation_begin_notice(self);
	reply_handle_end(self, container_of(mail, struct call, mail));
}

static void drop_end(struct runtime *runtime, struct actor *actor, struct mail *mail)
{
	(void)actor;
	call_give(runtime, container_of(mail, struct call, mail));
}

/* ------------------------------------------------------------------ timers */

static void handle_tick(struct troupe_self *self, struct mail *mail)
{
	static const struct troupe_event_head tick = {sizeof(tick), TROUPE_ENTRY_TIMER};
	const struct troupe_entry *entry = &self->actor->unit->type->entries[mail->entry];
	uint64_t context;

	activation_begin_notice(self);
	/* also when it was stopped: that takes time, too */
	page_doing(self->runtime, PAGE_DOING_TIMER);
	if (timer_tick(self->runtime, container_of(mail, struct timer, mail), &context))
		take_result(self, entry->on_event(self, self->actor->state, context, &tick));
}

static void drop_tick(struct runtime *runtime, struct actor *actor, struct mail *mail)
{
	(void)actor;
	timer_untick(runtime, container_of(mail, struct timer, mail));
}

/* ------------------------------------------------------------------ watches */

static void handle_ready(struct troupe_self *self, struct mail *mail)
{
	activation_begin_notice(self);
	page_doing(self->runtime, PAGE_DOING_WATCH); /* also when it was stopped */
	watch_handle(self, container_of(mail, struct watch, mail));
}

static void drop_ready(struct runtime *runtime, struct actor *actor, struct mail *mail)
{
	(void)actor;
	watch_drop(runtime, container_of(mail, struct watch, mail));
}

/* ------------------------------------------------------------------ posts */

static void handle_post(struct troupe_self *self, struct mail *mail)
{
	activation_begin_notice(self);
	page_doing(self->runtime, PAGE_DOING_POST);
	inlet_handle(self, mail);
}

/* ------------------------------------------------------------------ room */

/* It sends again, unless it has left, or will: its scope was cut. */
static void resume_for_room(struct troupe_self *self, struct wait_seat *seat)
{
	struct task *task = container_of(seat, struct task, room);

	if (task->state == TASK_WAITING)
		step_resume(self, task, 0);
}

static void handle_room(struct troupe_self *self, struct mail *mail)
{
	struct runtime *runtime = self->runtime;
	const struct troupe_life *life = &self->actor->unit->type->life;
	const struct wait_past past =
		wait_finish(runtime, container_of(mail, struct wait, mail));

	activation_begin_notice(self);
	page_doing(runtime, PAGE_DOING_ROOM);
	if (past.seat)
		resume_for_room(self, past.seat);
	else if (life->on_room && !past.is_of_task)
		take_result(self, life->on_room(self, self->actor->state, past.where,
						(struct troupe_call){past.handle}));
	wait_pass_on(runtime, actor_slot(runtime, self->actor), &past);
}

/* The next one has what this one does not use. */
static void drop_room(struct runtime *runtime, struct actor *actor, struct mail *mail)
{
	const struct wait_past past =
		wait_finish(runtime, container_of(mail, struct wait, mail));

	wait_pass_on(runtime, actor_slot(runtime, actor), &past);
}

/* ------------------------------------------------------------------ callers that are gone */

static void handle_cancel(struct troupe_self *self, struct mail *mail)
{
	struct runtime *runtime = self->runtime;
	const struct troupe_life *life = &self->actor->unit->type->life;
	struct kept_call *kept = container_of(mail, struct kept_call, mail);
	struct troupe_call handle = {slots_id(kept)};

	activation_begin_notice(self);
	page_doing(runtime, PAGE_DOING_CANCEL);
	mail->flags &= (uint8_t)~MAIL_QUEUED;
	if (slots_is_closed(&kept->slot)) { /* answered or dropped meanwhile */
		kept_give(runtime, kept);
		return;
	}
	kept_free(runtime, kept);
	if (life->on_cancel)
		take_result(self, life->on_cancel(self, self->actor->state, handle));
}

/* An actor's kept calls are closed before its mailbox is emptied. */
static void drop_cancel(struct runtime *runtime, struct actor *actor, struct mail *mail)
{
	struct kept_call *kept = container_of(mail, struct kept_call, mail);

	(void)actor;
	check(slots_is_closed(&kept->slot));
	kept_give(runtime, kept);
}

/* ------------------------------------------------------------------ tasks */

/* An actor's tasks are closed before its mailbox is emptied. */
static void drop_resume(struct runtime *runtime, struct actor *actor, struct mail *mail)
{
	struct task *task = container_of(mail, struct task, mail);

	(void)actor;
	check(slots_is_closed(&task->slot));
	(void)task_take_notice(runtime, task);
}

/* ------------------------------------------------------------------ the kinds */

const struct notice_kind notice_kinds[MAIL_KINDS] = {
	[MAIL_REPLY] = {handle_reply, drop_reply},    [MAIL_ERROR] = {handle_reply, drop_reply},
	[MAIL_FAILURE] = {handle_reply, drop_reply},  [MAIL_END] = {handle_end, drop_end},
	[MAIL_TICK] = {handle_tick, drop_tick},       [MAIL_ROOM] = {handle_room, drop_room},
	[MAIL_CANCEL] = {handle_cancel, drop_cancel}, [MAIL_TEXT] = {handle_reply, drop_reply},
	[MAIL_READY] = {handle_ready, drop_ready},    [MAIL_POST] = {handle_post, inlet_drop},
	[MAIL_RESUME] = {NULL, drop_resume},
};

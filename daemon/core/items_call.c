/* Streams that tasks read item by item, as <troupe/items.h> says. */
#include "core/await_call.h"
#include "core/caller.h"
#include "core/items.h"
#include "core/kept_message.h"
#include "core/pause.h"
#include "core/send.h"
#include <errno.h>
#include <troupe/items.h>

/* Call, as often as it takes until the callee, or the link to it, has room. */
static int call_items(struct task *task, struct troupe_address to, struct items_call *call,
		      uint64_t *ret_call)
{
	struct runtime *runtime = task->self.runtime;
	int rc;

	call->deadline_ns = await_deadline_ns(task, &call->until_kept);
	for (;;) {
		runtime->seat = &task->room;
		rc = send_call_of_items(task, to, call, ret_call);
		runtime->seat = NULL;
		if (rc != -EAGAIN)
			return rc;
		rc = await_room(task, call->deadline_ns);
		if (rc < 0)
			return rc;
	}
}

int troupe_items_open(struct troupe_self *self, struct troupe_address to,
		      const struct troupe_method *method,
		      const struct troupe_interface *interface, const void *in, uint32_t window,
		      struct troupe_items *items)
{
	struct runtime *runtime = self->runtime;
	struct items_call call = {.method = method, .in = in, .window = window};
	struct items *opened;
	struct task *task;
	int rc = pause_begin(self, &task);

	if (rc < 0)
		return rc;
	if (!method || !interface || !items || window == 0 || window > TROUPE_WINDOW_MAX)
		return -EINVAL;
	troupe_items_close(self, items);
	if (pause_is_cut(task))
		return pause_refuse(task);
	opened = items_new(runtime, task);
	if (!opened)
		return -ENOMEM;
	opened->method = method;
	opened->interface = interface;
	call.items = slots_index(&runtime->items, opened);
	call.halvings = items_begin_share(runtime, opened);
	rc = call_items(task, to, &call, &opened->call);
	if (rc < 0) {
		items_close(runtime, opened);
		return rc;
	}
	items->id = slots_id(opened);
	return pause_ready(task, 0);
}

/* Until there is something to hand out. */
static int wait_for_item(struct task *task, struct items *items)
{
	int rc;

	if (items->first || items->is_over)
		return pause_ready(task, 0);
	items->is_waited = true;
	task->waits_for = "item";
	rc = pause_wait(task, false);
	items->is_waited = false;
	return rc;
}

/* The first of what has come is the task's: as many more may follow. */
static struct message *take_first(struct runtime *runtime, struct items *items)
{
	struct message *message;
	struct call *call;

	if (!items->first)
		return NULL;
	message = items_pop(items);
	call = call_find(runtime, items->call);
	if (call)
		caller_taken(runtime, call, call_own_window(runtime, call), 1,
			     message->mail.size);
	return message;
}

int troupe_items_next(struct troupe_self *self, struct troupe_items *items)
{
	struct runtime *runtime = self->runtime;
	struct await_reading reading = {0};
	struct items *opened;
	struct message *message;
	int rc = pause_begin(self, &reading.task);

	if (rc < 0)
		return rc;
	opened = items ? items_find(runtime, reading.task, items->id) : NULL;
	if (!opened)
		return -EINVAL;
	troupe_answer_free(self, &items->now);
	if (opened->has_ended)
		return pause_ready(reading.task, 0);
	if (pause_is_cut(reading.task))
		return pause_refuse(reading.task);
	reading.kept = kept_message_reserve(runtime, self->actor, &reading.task->answers);
	if (!reading.kept)
		return -ENOMEM;
	rc = wait_for_item(reading.task, opened);
	if (rc == 0) {
		reading.method = opened->method;
		reading.interface = opened->interface;
		message = take_first(runtime, opened);
		opened->has_ended = !message || !(message->mail.flags & MAIL_CONTINUES);
		if (opened->has_ended)
			items_end_share(runtime, opened);
		await_read(&reading, message, opened->end);
		rc = await_give(&reading, &items->now);
		if (rc == -ETIMEDOUT) /* its time was that of the scope */
			scope_tell(reading.task->scope);
		if (rc == 0)
			rc = 1;
		else if (rc == -ENODATA && opened->has_ended)
			rc = 0; /* who streamed has returned, and needed no last words */
	}
	if (!items->now.kept)
		kept_message_drop(runtime, reading.kept);
	if (rc == 0)
		troupe_answer_free(self, &items->now);
	return rc;
}

void troupe_items_close(struct troupe_self *self, struct troupe_items *items)
{
	struct items *opened =
		self->task ? items_find(self->runtime, self->task, items->id) : NULL;

	if (opened)
		items_close(self->runtime, opened);
	troupe_answer_free(self, &items->now);
	items->id = 0;
}

#include "core/items.h"

#include "core/callee.h"
#include "core/chain.h"
#include "core/share.h"

struct items *items_new(struct runtime *runtime, struct task *task)
{
	struct items *items =
		share_take(&runtime->items, task_actor(runtime, task)->unit, SHARE_ITEMS);

	if (!items)
		return NULL;
	items->task = slots_index(&runtime->tasks, task);
	chain_append(&task->items, &items->of_task);
	return items;
}

#define SHARE_PARTS 16u /* of what is left: so much is one stream's */

uint8_t items_begin_share(struct runtime *runtime, struct items *items)
{
	struct actor *actor = task_actor(runtime, task_at(runtime, items->task));
	struct tasked *tasked = tasked_find(runtime, actor);
	const uint64_t all = (uint64_t)actor->unit->mailbox_units * 16 / 2;
	const uint64_t left = all > tasked->items_bytes ? all - tasked->items_bytes : 0;
	uint8_t halvings = 0;

	while (LIMIT_STREAM_UNREAD_BYTES >> halvings > left / SHARE_PARTS)
		halvings++;
	items->share = LIMIT_STREAM_UNREAD_BYTES >> halvings;
	if (items->share < LIMIT_ITEMS_SHARE_MIN) {
		halvings = ENVELOPE_HALVINGS_MAX;
		items->share = 0;
	}
	tasked->items_bytes += items->share;
	return halvings;
}

void items_end_share(struct runtime *runtime, struct items *items)
{
	struct actor *actor = task_actor(runtime, task_at(runtime, items->task));

	tasked_find(runtime, actor)->items_bytes -= items->share;
	items->share = 0;
}

struct items *items_find(const struct runtime *runtime, const struct task *task, uint64_t id)
{
	struct items *items = slots_find_id(&runtime->items, id);

	return items && items->task == slots_index(&runtime->tasks, task) ? items : NULL;
}

static void charge(struct runtime *runtime, const struct call *call, struct message *message)
{
	load_add(&actor_at(runtime, call->caller)->load,
		 (struct load){0, message_charge(message)});
}

static void append(struct items *items, struct message *message)
{
	message->mail.next = NULL;
	if (items->first)
		items->last->next = &message->mail;
	else
		items->first = &message->mail;
	items->last = &message->mail;
}

/* What it waits for is there; if its scope was cut in the same moment, it has it all the
 * same. */
static void wake(struct runtime *runtime, struct items *items)
{
	struct task *task = task_at(runtime, items->task);

	if (!items->is_waited)
		return;
	items->is_waited = false;
	if (task->state == TASK_WAITING) {
		task_wake(runtime, task, 0);
	} else if (task->is_cut) {
		task->is_cut = false;
		task->result = 0;
	}
}

void items_reply(struct runtime *runtime, struct call *call, struct message *message)
{
	struct items *items = items_of(runtime, call);

	charge(runtime, call, message);
	append(items, message);
	if (message->mail.flags & MAIL_CONTINUES) {
		window_claim(call_own_window(runtime, call), message->mail.size);
	} else {
		items->is_over = true;
		call_close(runtime, call);
	}
	wake(runtime, items);
}

void items_end(struct runtime *runtime, struct call *call, struct call_end end,
	       struct message *message)
{
	struct items *items = items_of(runtime, call);

	if (message) {
		message->from = call->target;
		charge(runtime, call, message);
		append(items, message);
	}
	items->end = (struct call_end){.status = end.status, .code = end.code};
	items->is_over = true;
	call_close(runtime, call);
	wake(runtime, items);
}

struct message *items_pop(struct items *items)
{
	struct message *message = message_of(items->first);

	items->first = message->mail.next;
	return message;
}

void items_close(struct runtime *runtime, struct items *items)
{
	struct task *task = task_at(runtime, items->task);
	struct actor *actor = task_actor(runtime, task);
	struct call *call = call_find(runtime, items->call);

	if (call) {
		callee_cancel(runtime, call);
		call_close(runtime, call);
	}
	while (items->first) {
		struct message *message = items_pop(items);

		load_subtract(&actor->load, (struct load){0, message_charge(message)});
		message_free(&runtime->messages, message);
	}
	items_end_share(runtime, items);
	chain_remove(&task->items, &items->of_task);
	share_give(&runtime->items, items, actor->unit, SHARE_ITEMS);
	slots_give(&runtime->items, items);
}

void items_close_all(struct runtime *runtime, struct task *task)
{
	while (task->items)
		items_close(runtime, container_of(task->items, struct items, of_task));
}

void items_close_abandoned(struct runtime *runtime, struct actor *actor)
{
	chain_foreach (at, tasked_find(runtime, actor)->tasks)
		items_close_all(runtime, container_of(at, struct task, of_actor));
}

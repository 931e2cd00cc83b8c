#include "core/awaited.h"

#include "core/mailbox.h"

/* The call is over: the task goes on, with this if its scope was cut in the same moment. */
static void finish(struct runtime *runtime, struct call *call)
{
	struct task *task = task_at(runtime, (uint32_t)call->context);

	task->awaited->is_over = true;
	call_close(runtime, call);
	if (task->state == TASK_WAITING) {
		task_wake(runtime, task, 0);
	} else if (task->is_cut) {
		task->is_cut = false;
		task->result = 0;
	}
}

void awaited_reply(struct runtime *runtime, struct call *call, struct message *message)
{
	struct actor *caller = actor_at(runtime, call->caller);

	load_add(&caller->load, (struct load){0, message_charge(message)});
	awaited_of(runtime, call)->message = message;
	finish(runtime, call);
}

void awaited_end(struct runtime *runtime, struct call *call, struct call_end end,
		 struct message *message)
{
	struct awaited *awaited = awaited_of(runtime, call);

	if (message) {
		message->from = call->target;
		load_add(&actor_at(runtime, call->caller)->load,
			 (struct load){0, message_charge(message)});
	}
	awaited->message = message;
	awaited->end = (struct call_end){.status = end.status, .code = end.code};
	finish(runtime, call);
}

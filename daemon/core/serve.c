#include "core/serve.h"

#include "core/answer.h"
#include "core/await.h"
#include "core/dead_letter.h"
#include "core/handler.h"
#include "core/step.h"
#include "core/task_handler.h"
#include <errno.h>

static const struct type_way *way_of(const struct troupe_self *self)
{
	return type_way(self->actor->unit->type, self->activation.handler);
}

static int serve_plain(struct troupe_self *self, void *state, struct troupe_call call,
		       const void *in)
{
	if (!rest_is_due(self->actor))
		return way_of(self)->handler(self, state, call, in);
	rest_hold(self, &tasked_find(self->runtime, self->actor)->rest);
	return 0;
}

static int serve_run(struct troupe_self *self, void *state, void *arg, void *shared)
{
	const struct type_way *way = arg;

	(void)shared;
	return way->handler(self, state, (struct troupe_call){self->activation.call_id},
			    message_block(self->activation.message));
}

/* There is no task for the message. */
COLD static int refuse(struct troupe_self *self)
{
	const struct message *message = self->activation.message;

	answer_end(self, self->activation.call_id,
		   (struct call_end){.status = TROUPE_OVERLOADED, .detail = "task-limit"});
	if (message->mail.kind == MAIL_SEND)
		dead_letter(self->runtime, message->from,
			    actor_address(self->runtime, self->actor), message->descriptor,
			    "task-limit");
	return 0;
}

/* The message is the task's to handle: what a turn has set of its activation when it comes to a
 * handler. Member by member, since a load that is wider than the stores before it has to wait
 * for the cache. */
static inline void hand_over(const struct troupe_self *self, struct message *message,
			     struct task *task)
{
	const struct activation *from = &self->activation;
	struct activation *to = &task->self.activation;

	to->message = message;
	to->handler = from->handler;
	to->call_id = from->call_id;
	to->outcome.call = from->outcome.call;
	outcome_make_usual(&to->outcome);
	to->exit_error = 0;
}

/* It has returned in its first step: what it leaves is what a handler does. */
static int take_back(struct troupe_self *self, struct task *task)
{
	const struct activation *from = &task->self.activation;
	struct activation *to = &self->activation;
	int result = task->result;

	to->outcome.call = from->outcome.call;
	to->kept_id = from->kept_id;
	if (unlikely(!outcome_is_usual(&from->outcome))) {
		to->outcome = from->outcome;
		to->exit_error = from->exit_error;
	}
	task_end_handler(self->runtime, task);
	if (!scope_is_word(result))
		return result;
	answer_result(self, self->activation.call_id, result);
	return 0;
}

static void on_wait(struct task *task)
{
	struct troupe_self *self = &task->self;
	const struct type_way *way = task->arg;

	task->is_fresh = false;
	task_list_self(self);
	if (way->is_alone) {
		tasked_find(self->runtime, self->actor)->rest.alone = task;
		rest_begin(self->actor);
	}
	/* Without a record it only does not learn that its caller has gone. */
	answer_hold(task);
}

/* Its mailbox goes on; when the task is gone. */
static void leave_alone(struct runtime *runtime, const struct task *task)
{
	const struct type_way *way = task->arg;

	if (way->is_alone)
		tasked_find(runtime, task->self.actor)->rest.alone = NULL;
}

static void on_end(struct task *task, int result)
{
	struct troupe_self *self = &task->self;
	struct self_outcome *outcome = &self->activation.outcome;

	leave_alone(self->runtime, task);
	if (outcome->call == SELF_OPEN || outcome->call == SELF_HELD) {
		if (scope_is_word(result) && self->actor->marks & ACTOR_ENDING)
			answer_end(self, self->activation.call_id,
				   (struct call_end){.status = TROUPE_ACTOR_DIED});
		else
			answer_result(self, self->activation.call_id, result);
	} else if (outcome->call == SELF_KEPT && result < 0) {
		answer_result(self, self->activation.kept_id, result);
	}
	if (result < 0 && !scope_is_word(result))
		failure_take(self, result);
	drop_message(self->runtime, self->actor, self->activation.message,
		     message_head(self->activation.message->mail.kind));
}

/* Its message stays as it is, whoever may still read it; and so does its `self`, which may be
 * lent. */
static void on_abandon(struct runtime *runtime, struct task *task)
{
	struct troupe_self self = task->self;

	self.runtime = runtime;
	leave_alone(runtime, task);
	answer_end(&self, self.activation.call_id,
		   (struct call_end){.status = TROUPE_ACTOR_DIED});
	load_subtract(&self.actor->load,
		      (struct load){0, message_charge(self.activation.message)});
	runtime->n_aside++;
}

static const struct task_duty duty = {on_wait, on_end, on_abandon};

/* Tasks= are all at work: until one has ended. */
COLD static int begin_rest(struct troupe_self *self, struct tasked *tasked)
{
	rest_begin(self->actor);
	rest_hold(self, &tasked->rest);
	return 0;
}

static int serve_task(struct troupe_self *self, void *state, struct troupe_call call,
		      const void *in)
{
	struct runtime *runtime = self->runtime;
	const struct type_way *way = way_of(self);
	struct message *message = self->activation.message;
	struct tasked *tasked;
	struct task *task;

	(void)state;
	(void)call;
	(void)in;
	if (unlikely(runtime->no_tasks))
		return await_refuse_tasks(self);
	tasked = tasked_get(runtime, self->actor);
	if (rest_is_due(self->actor)) {
		rest_hold(self, &tasked->rest);
		return 0;
	}
	if (unlikely(tasked->live + tasked->places >= self->actor->unit->tasks))
		return begin_rest(self, tasked);
	task = task_make_handler(runtime, self->actor, tasked, &way->entry,
				 (void *)(uintptr_t)way);
	if (unlikely(!task))
		return refuse(self);
	hand_over(self, message, task);
	task->is_alone = way->is_alone;
	task->duty = &duty;
	if (message->mail.kind == MAIL_CALL)
		task->deadline_ns = message->extra;
	if (!step_begin(self, task))
		return take_back(self, task);
	/* neither the call nor the message is this turn's any more */
	self->activation.outcome.call = SELF_NO_MESSAGE;
	self->activation.outcome.kept = true;
	return 0;
}

const struct type_serving serve_serving = {serve_plain, serve_task, serve_run};

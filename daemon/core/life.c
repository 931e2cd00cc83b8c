#include "core/life.h"
#include "core/abandon.h"
#include "core/activation.h"
#include "core/belonging.h"
#include "core/call.h"
#include "core/callee.h"
#include "core/caller.h"
#include "core/cold.h"
#include "core/dead_letter.h"
#include "core/family.h"
#include "core/handler.h"
#include "core/inlet.h"
#include "core/items.h"
#include "core/kept.h"
#include "core/kept_message.h"
#include "core/mailbox.h"
#include "core/notice.h"
#include "core/page.h"
#include "core/peer.h"
#include "core/share.h"
#include "core/task.h"
#include "core/task_end.h"
#include "core/tasked.h"
#include "core/timer.h"
#include "core/wait.h"
#include "core/watch.h"
#include "proto/codec.h"
#include <errno.h>
#include <string.h>

static void count_actor(struct runtime *runtime, int32_t change)
{
	runtime->n_actors += (uint32_t)change;
	page_store(&runtime->page->actors, runtime->n_actors);
}

static int run_init(struct runtime *runtime, struct actor *actor, const struct actor *parent,
		    const void *config, bool *ret_exiting, int *ret_error)
{
	const struct troupe_life *life = &actor->unit->type->life;
	struct troupe_self self;
	int rc;

	if (!life->init)
		return 0;

	self = (struct troupe_self){.runtime = runtime, .actor = actor};
	if (parent)
		self.activation.sender = actor_address(runtime, parent);
	runtime->depth++;
	page_enter(runtime, actor, PAGE_DOING_INIT);
	rc = life->init(&self, actor->state, config);
	runtime->depth--;
	if (!runtime->depth)
		page_leave(runtime);

	*ret_exiting = self.activation.outcome.exiting;
	*ret_error = self.activation.exit_error;
	return rc;
}

static void run_fini(struct runtime *runtime, struct actor *actor, enum troupe_cause cause)
{
	const struct troupe_life *life = &actor->unit->type->life;
	struct troupe_self self;

	if (!life->fini)
		return;

	self = (struct troupe_self){.runtime = runtime, .actor = actor, .is_last = true};
	runtime->depth++;
	page_enter(runtime, actor, PAGE_DOING_FINI);
	life->fini(&self, actor->state, cause);
	runtime->depth--;
	if (!runtime->depth)
		page_leave(runtime);
}

static bool make_state(struct runtime *runtime, struct actor *actor, size_t size)
{
	if (size <= STATE_NEAR)
		actor->state = state_near(runtime, actor->slot.index);
	else if (unlikely(actor->unit->share->is_hog && !actor->unit->number))
		return false; /* what an actor spawns can wait until the unit has less */
	else
		actor->state = slab_take(&runtime->states, size);
	if (!actor->state)
		return false;
	memset(actor->state, 0, size);
	return true;
}

static void free_state(struct runtime *runtime, struct actor *actor, size_t size)
{
	if (size > STATE_NEAR && actor->state) /* unless it is set aside */
		slab_give(&runtime->states, actor->state, size);
	actor->state = NULL;
}

/* Cancel its calls, of its tasks only with of_tasks: their callees get a notice. */
NOINLINE static void drop_calls(struct runtime *runtime, struct actor *actor, bool of_tasks)
{
	chain_foreach (at, cold_find(runtime, actor)->calls) {
		struct call *call = container_of(at, struct call, of_caller);

		if (call->flags & CALL_TASK && !of_tasks)
			continue;
		callee_cancel(runtime, call);
		call_close(runtime, call);
	}
}

/* The caller of what it had gets ActorDied: of `kept` in another process, of `call` here; NULL
 * where there is none. */
static void drop_call(struct runtime *runtime, struct actor *actor, struct kept_call *kept,
		      struct call *call)
{
	const struct call_end end = {.status = TROUPE_ACTOR_DIED};

	if (call)
		caller_fail(runtime, call, end);
	else if (kept && kept->peer)
		peer_fail(runtime, actor_address(runtime, actor), kept->caller, kept->call,
			  end);
	if (kept)
		kept_free(runtime, kept);
}

NOINLINE static void drop_kept_calls(struct runtime *runtime, struct actor *actor)
{
	struct actor_cold *cold = cold_find(runtime, actor);

	while (cold->kept) {
		struct kept_call *kept = container_of(cold->kept, struct kept_call, of_owner);
		bool is_near = !kept->peer && !kept->is_oneway && kept->call;

		drop_call(runtime, actor, kept,
			  is_near ? call_find(runtime, kept->call) : NULL);
	}
}

static void drop_mail(struct runtime *runtime, struct actor *actor, struct mail *mail)
{
	struct message *message = message_of(mail);

	if (mail->kind != MAIL_SEND && mail->kind != MAIL_CALL) {
		notice_kinds[mail->kind].drop(runtime, actor, mail);
		return;
	}
	if (mail->kind == MAIL_SEND)
		dead_letter(runtime, message->from, actor_address(runtime, actor),
			    message->descriptor, "actor-died");
	else if (mail->flags & MAIL_INBOUND)
		drop_call(runtime, actor, kept_find(runtime, message->call), NULL);
	else
		drop_call(runtime, actor, NULL, call_find(runtime, message->call));
	load_subtract(&actor->load, (struct load){1, 0});
	drop_message(runtime, actor, message, message_head(mail->kind));
}

NOINLINE static void drop_mailbox(struct runtime *runtime, struct actor *actor)
{
	while (actor->tail) {
		struct mail *mail = actor->tail->next;

		if (mail == actor->tail)
			actor->tail = NULL;
		else
			actor->tail->next = mail->next;
		drop_mail(runtime, actor, mail);
	}
}

static void free_actor(struct runtime *runtime, struct actor *actor)
{
	struct definition *unit = actor->unit;

	free_state(runtime, actor, unit->type->table.state_size);
	actor->marks |= ACTOR_DEAD;
	if (!(actor->marks & ACTOR_QUEUED))
		actor_give(runtime, actor);
	share_give(&runtime->actors, actor, unit, SHARE_ACTORS);
	count_actor(runtime, -1);
	if (likely(!(actor->marks & ACTOR_LOST)))
		definition_leave(runtime, unit);
}

/* This actor is gone: one event, for whatever end and for an init that failed. All that depend
 * on it get their notice here, each found by a chain of the actor's own, in this order; its
 * children are gone before. */
static void report_gone(struct runtime *runtime, struct actor *actor)
{
	/* its parent */
	if (actor->marks & ACTOR_CHILD)
		family_leave(runtime, actor);
	/* whom it has called, and whoever waits for what it has kept */
	if (actor->cold) {
		drop_calls(runtime, actor, true);
		drop_kept_calls(runtime, actor);
		kept_message_drop_all(runtime, actor);
	}
	if (actor->timers)
		timer_stop_all(runtime, actor);
	if (actor->cold) {
		watch_stop_all(runtime, actor);
		if (actor->marks & ACTOR_TASKS) {
			items_close_abandoned(runtime, actor);
			tasks_drop(runtime, actor);
		}
	}
	/* The senders of messages that it did not handle. After those, since some of their
	 * records lie in the mailbox as notices; before the waits, since those that do not lie
	 * there are in the chains of others. */
	if (actor->tail)
		drop_mailbox(runtime, actor);
	if (actor->cold) {
		inlet_free_all(runtime, actor);
		belongings_drop(runtime, actor);
		wait_forget_all(runtime, actor, true);
	}
	/* from here on it is not found any more; and the senders that it refused are woken */
	slots_close(&actor->slot);
	if (actor->cold) {
		wait_wake_all(runtime, &cold_find(runtime, actor)->window.waiters);
		cold_free(runtime, actor);
	}
	free_actor(runtime, actor);
}

/* The host gets an end last, for its log; a failed init is returned to it as an error. */
static void end_one(struct runtime *runtime, struct actor *actor, enum troupe_cause cause,
		    int error)
{
	const struct runtime_end end = {
		.actor = actor_address(runtime, actor),
		.version = actor->unit->number,
		.origin = actor->unit->origin,
		.type = actor->unit->type->table.name,
		.instance = actor_instance(actor),
		.cause = cause,
		.error = error,
		.lived_ns = family_lived_ns(runtime, actor),
	};

	if (actor->cold)
		inlet_close_all(runtime, actor); /* so that fini can join their threads */
	run_fini(runtime, actor, cause);
	report_gone(runtime, actor);
	runtime->ops->on_end(runtime->context, &end);
}

/* All that descend from an actor. No fini can add to them, since none may spawn. */
NOINLINE static void end_family(struct runtime *runtime, struct actor *root)
{
	struct actor *at = root, *parent, *child;

	do {
		while ((child = family_newest(runtime, at)))
			at = child;
		parent = family_parent(runtime, at);
		end_one(runtime, at, TROUPE_CAUSE_PARENT, 0);
		at = parent;
	} while (root->marks & ACTOR_PARENT);
}

int life_begin(struct runtime *runtime, struct definition *unit, struct actor *parent,
	       uint32_t instance, const void *config, struct troupe_address *ret_address)
{
	const struct troupe_actor *table = &unit->type->table;
	struct troupe_address address;
	bool exiting = false;
	struct actor *actor;
	int rc, error = 0;

	/* a type with a configuration always gets one, and one without never does */
	if (!table->config != !config)
		return -EINVAL;
	if (config) {
		size_t size;

		rc = codec_size(table->config, config, &size, NULL);
		if (rc < 0)
			return rc;
	}
	actor = share_take_raw(&runtime->actors, unit, SHARE_ACTORS);
	if (!actor)
		return -EAGAIN;
	*actor = (struct actor){
		.slot = actor->slot, .unit = unit, .marks = instance << ACTOR_INSTANCE_SHIFT};
	if (!make_state(runtime, actor, table->state_size)) {
		share_give(&runtime->actors, actor, unit, SHARE_ACTORS);
		slots_give(&runtime->actors, actor);
		return -ENOMEM;
	}
	if (parent)
		family_join(runtime, parent, actor);
	else if (!unit->number) /* detached */
		family_kin(runtime, actor->slot.index)->born = family_now(runtime);
	count_actor(runtime, 1);
	definition_enter(unit);
	address = actor_address(runtime, actor);
	rc = run_init(runtime, actor, parent, config, &exiting, &error);
	if (rc < 0) { /* it never was, and its fini is not called */
		if (actor->marks & ACTOR_PARENT)
			end_family(runtime, actor);
		report_gone(runtime, actor);
		return rc;
	}
	*ret_address = address;
	if (exiting)
		life_end(runtime, actor, error ? TROUPE_CAUSE_FAILED : TROUPE_CAUSE_NORMAL,
			 error);
	return 0;
}

/* ------------------------------------------------------------------ ends of actors with tasks
 *
 * Such an end takes time: the tasks of the whole family are cancelled, and run until they have
 * returned. It goes on where it began, in life_end(), when the last one has.
 */

/* More messages than any mailbox may hold: nothing is added to it any more. */
#define LOAD_ENDING (1u << 30)

static inline void end_at_once(struct runtime *runtime, struct actor *actor,
			       enum troupe_cause cause, int error)
{
	if (actor->marks & ACTOR_PARENT)
		end_family(runtime, actor);
	end_one(runtime, actor, cause, error);
}

static bool has_tasks(const struct runtime *runtime, struct actor *root)
{
	for (struct actor *at = root; at; at = family_next(runtime, root, at))
		if (tasks_count(runtime, at) > 0)
			return true;
	return false;
}

static bool is_for_tasks(struct mail *mail)
{
	return mail->kind == MAIL_RESUME || mail->kind == MAIL_CANCEL ||
	       (mail->kind == MAIL_ROOM && container_of(mail, struct wait, mail)->seat);
}

/* What its tasks wait for stays, and the calls whose handles they may have. */
static void keep_notices(struct runtime *runtime, struct actor *actor)
{
	struct mail *mail = actor->tail ? mailbox_take_all(actor) : NULL, *next;

	for (; mail; mail = next) {
		next = mail->next;
		if (is_for_tasks(mail))
			mailbox_push(runtime, actor, mail);
		else
			drop_mail(runtime, actor, mail);
	}
}

/* From now on only its tasks run. */
static void begin_end(struct runtime *runtime, struct actor *actor)
{
	struct tasked *tasked = tasked_get(runtime, actor);

	if (actor->marks & ACTOR_ENDING)
		return;
	actor->marks |= ACTOR_ENDING;
	if (actor->cold) {
		inlet_close_all(runtime, actor);
		drop_calls(runtime, actor, false);
		watch_stop_all(runtime, actor);
	}
	if (actor->timers)
		timer_stop_all(runtime, actor);
	rest_empty(actor, &tasked->rest);
	keep_notices(runtime, actor);
	if (actor->cold)
		wait_forget_all(runtime, actor, false);
	load_add(&actor->load, (struct load){LOAD_ENDING, 0});
	scope_cut(runtime, &tasked->scope, -ECANCELED, false);
}

static void wait_for(struct runtime *runtime, const struct actor *actor, uint64_t delay_ns)
{
	wheel_add(&runtime->wheel, wheel_name(RUNTIME_GRACE_NODE, actor_slot(runtime, actor)),
		  runtime->now_ns + delay_ns);
}

/* How long shields hold, and what is left for those in them. */
static uint64_t shield_ns(const struct actor *actor)
{
	return actor->unit->task_grace_ns / 4 * 3;
}

static void begin_ends(struct runtime *runtime, struct actor *root, enum troupe_cause cause,
		       int error)
{
	struct tasked *tasked = tasked_get(runtime, root);

	if (tasked->has_cause)
		return;
	tasked->has_cause = true;
	tasked->cause = cause;
	tasked->error = error;
	for (struct actor *at = root; at; at = family_next(runtime, root, at))
		begin_end(runtime, at);
	wait_for(runtime, root, shield_ns(root));
}

/* All that waited only for tasks of this actor's family end now: it, or those whose end has
 * begun and that it descends from. */
static void go_on(struct runtime *runtime, struct actor *actor)
{
	while (actor && actor->marks & ACTOR_ENDING) {
		struct actor *parent = family_parent(runtime, actor);
		const struct tasked *tasked = tasked_find(runtime, actor);

		if (tasked->has_cause && !has_tasks(runtime, actor))
			end_at_once(runtime, actor, tasked->cause, tasked->error);
		actor = parent;
	}
}

NOINLINE static void end_with_tasks(struct runtime *runtime, struct actor *actor,
				    enum troupe_cause cause, int error)
{
	if (!(actor->marks & ACTOR_ENDING) && !has_tasks(runtime, actor)) {
		end_at_once(runtime, actor, cause, error);
		return;
	}
	if (!(actor->marks & ACTOR_ENDING) || tasks_count(runtime, actor) > 0)
		begin_ends(runtime, actor, cause, error);
	go_on(runtime, actor);
}

static void cut_shields(struct runtime *runtime, struct actor *root)
{
	for (struct actor *at = root; at; at = family_next(runtime, root, at)) {
		struct tasked *tasked = tasked_find(runtime, at);

		if (!tasked)
			continue;
		tasked->is_exposed = true;
		scope_cut(runtime, &tasked->scope, -ECANCELED, true);
	}
}

void life_grace_due(struct runtime *runtime, struct actor *actor)
{
	struct tasked *tasked = tasked_find(runtime, actor);

	if (tasked->is_late) {
		page_wake_watch(runtime);
		end_at_once(runtime, actor, tasked->cause, tasked->error);
		return;
	}
	tasked->is_late = true;
	cut_shields(runtime, actor);
	wait_for(runtime, actor, actor->unit->task_grace_ns - shield_ns(actor));
}

void life_end(struct runtime *runtime, struct actor *actor, enum troupe_cause cause, int error)
{
	if (unlikely(runtime->n_tasked > 0))
		end_with_tasks(runtime, actor, cause, error);
	else
		end_at_once(runtime, actor, cause, error);
}

void life_abandon(struct runtime *runtime, struct actor *actor)
{
	const struct tasked *tasked = tasked_find(runtime, actor);

	if (actor->marks & ACTOR_ENDING && tasked->has_cause)
		end_at_once(runtime, actor, tasked->cause, tasked->error);
}

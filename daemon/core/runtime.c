#include "core/runtime.h"
#include "base/cleanup.h"
#include "base/thread.h"
#include "core/call.h"
#include "core/caller.h"
#include "core/client.h"
#include "core/client_call.h"
#include "core/cold.h"
#include "core/family.h"
#include "core/inlet.h"
#include "core/inside.h"
#include "core/items.h"
#include "core/kept.h"
#include "core/kept_message.h"
#include "core/life.h"
#include "core/mailbox.h"
#include "core/mapping.h"
#include "core/open_scope.h"
#include "core/page.h"
#include "core/peer.h"
#include "core/serve.h"
#include "core/task.h"
#include "core/tasked.h"
#include "core/timer.h"
#include "core/turn.h"
#include "core/wait.h"
#include "core/watch.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Let the loop wake up for the wheel, when it would sleep too long otherwise. */
static void arm_alarm(struct runtime *runtime)
{
	uint64_t next_ns = wheel_next_ns(&runtime->wheel), now_ns = runtime->now_ns;

	if (next_ns == runtime->armed_ns)
		return;
	runtime->armed_ns = next_ns;
	if (next_ns == UINT64_MAX)
		loop_timer_stop(&runtime->alarm);
	else
		loop_timer_start(&runtime->alarm, next_ns > now_ns ? next_ns - now_ns : 0);
}

static void on_alarm(struct loop_timer *timer)
{
	struct runtime *runtime = container_of(timer, struct runtime, alarm);

	/* the work that follows in this pass looks at the wheel */
	runtime->armed_ns = UINT64_MAX;
}

static bool on_work(struct loop_work *work)
{
	struct runtime *runtime = container_of(work, struct runtime, work);
	bool again = turn_run(runtime);

	page_store(&runtime->page->memory, runtime_bytes(runtime));
	arm_alarm(runtime);
	idle_watch(runtime);
	return again;
}

static uint32_t limit_of(uint32_t configured, uint32_t limit)
{
	return configured && configured < limit ? configured : limit;
}

static int init_tables(struct runtime *runtime, const struct runtime_config *config)
{
	const uint32_t actors = limit_of(config->max_actors, LIMIT_ACTORS);
	const uint32_t kept = limit_of(config->max_kept_calls, LIMIT_KEPT_CALLS);
	const struct {
		uint32_t size, limit;
	} sizes[RUNTIME_TABLES] = {
		{sizeof(struct call), limit_of(config->max_calls, LIMIT_CALLS)},
		{sizeof(struct kept_call), kept},
		{sizeof(struct troupe_kept), kept},
		{sizeof(struct timer), limit_of(config->max_timers, LIMIT_TIMERS)},
		{sizeof(struct actor_cold), actors},
		{sizeof(struct wait), LIMIT_CALLS},
		{sizeof(struct watch), limit_of(config->max_watches, LIMIT_WATCHES)},
		{sizeof(struct inlet), limit_of(config->max_inlets, LIMIT_INLETS)},
		{sizeof(struct task), limit_of(config->max_tasks, LIMIT_TASKS)},
		{sizeof(struct open_scope), limit_of(config->max_tasks, LIMIT_TASKS)},
		{BELONGING_RECORD, limit_of(config->max_belongings, LIMIT_BELONGINGS)},
		{sizeof(struct call_window), limit_of(config->max_calls, LIMIT_CALLS)},
		{sizeof(struct items), limit_of(config->max_calls, LIMIT_CALLS)},
	};
	int rc = slots_init(&runtime->actors, sizeof(struct actor), actors);

	for (size_t i = 0; i < RUNTIME_TABLES && rc == 0; i++)
		rc = slots_init(&runtime->tables[i], sizes[i].size, sizes[i].limit);
	for (size_t i = 0; i < RUNTIME_INDEXES && rc == 0; i++)
		rc = index_init(&runtime->indexes[i]);
	if (rc < 0)
		return rc;
	runtime->near = mapping_reserve((size_t)actors * STATE_NEAR);
	runtime->kins = mapping_reserve((size_t)actors * sizeof(struct kin));
	runtime->taskeds = mapping_reserve_small((size_t)actors * sizeof(struct tasked));
	return runtime->near && runtime->kins && runtime->taskeds ? 0 : -ENOMEM;
}

static void fini_tables(struct runtime *runtime)
{
	mapping_release(runtime->taskeds,
			(size_t)runtime->actors.limit * sizeof(struct tasked));
	mapping_release(runtime->kins, (size_t)runtime->actors.limit * sizeof(struct kin));
	mapping_release(runtime->near, (size_t)runtime->actors.limit * STATE_NEAR);
	for (size_t i = 0; i < RUNTIME_INDEXES; i++)
		index_fini(&runtime->indexes[i]);
	for (size_t i = 0; i < RUNTIME_TABLES; i++)
		slots_fini(&runtime->tables[i]);
	slots_fini(&runtime->actors);
}

int runtime_new(const struct runtime_config *config, struct runtime **ret_runtime)
{
	struct runtime *runtime;
	int rc;

	if (!config->loop || !config->page || !config->ops || !config->process.incarnation)
		return -EINVAL;
	runtime = calloc(1, sizeof(*runtime));
	if (!runtime)
		return -ENOMEM;
	rc = init_tables(runtime, config);
	if (rc == 0)
		rc = overrun_new(config->loop, &runtime->slice.look_at,
				 &runtime->slice.overrun);
	if (rc < 0) {
		fini_tables(runtime);
		free(runtime);
		return rc;
	}
	slab_init(&runtime->messages, SLAB_SMALL);
	slab_init(&runtime->states, SLAB_HUGE);
	runtime->self = config->process;
	runtime->run_first = SLOT_NONE;
	runtime->run_end = &runtime->run_first;
	runtime->loop = config->loop;
	runtime->thread = thread_here();
	runtime->page = config->page;
	/* sequence numbers are the names of activations, too */
	page_store(&runtime->page->thread.sequence,
		   page_load(&runtime->page->thread.sequence) | SELF_ACTIVATION);
	runtime->ops = config->ops;
	runtime->context = config->context;
	runtime->watch_sleeps =
		config->watch_sleeps ? config->watch_sleeps : &runtime->unwatched;
	runtime->now_ns = loop_clock_ns(config->loop);
	runtime->armed_ns = UINT64_MAX;
	random_init(&runtime->random, config->seed);
	runtime->secret = random_next(&runtime->random);
	memcpy(runtime->alias_key, config->secret, sizeof(runtime->alias_key));
	wheel_init(&runtime->wheel, runtime->now_ns);
	wheel_set_kind(&runtime->wheel, RUNTIME_CALL_NODE,
		       &((struct call *)(void *)runtime->calls.base)->deadline,
		       sizeof(struct call));
	wheel_set_kind(&runtime->wheel, RUNTIME_TIMER_NODE,
		       &((struct timer *)(void *)runtime->timers.base)->node,
		       sizeof(struct timer));
	wheel_set_kind(&runtime->wheel, RUNTIME_TASK_NODE,
		       &((struct task *)(void *)runtime->tasks.base)->sleep,
		       sizeof(struct task));
	wheel_set_kind(&runtime->wheel, RUNTIME_SCOPE_NODE,
		       &((struct open_scope *)(void *)runtime->scopes.base)->deadline,
		       sizeof(struct open_scope));
	wheel_set_kind(&runtime->wheel, RUNTIME_GRACE_NODE, &runtime->taskeds->grace,
		       sizeof(struct tasked));
	loop_timer_init(&runtime->alarm, config->loop, on_alarm);
	poller_init(&runtime->poller, config->loop, watch_on_ready);
	runtime->no_tasks = flow_refusal();
	runtime->serving = &serve_serving;
	stacks_init(&runtime->stacks, config->loop, STACKS_MADVISE);
	idle_init(runtime);
	budget_init(runtime, config->memory);
	loop_work_init(&runtime->work, config->loop, on_work);
	loop_work_start(&runtime->work);
	*ret_runtime = runtime;
	return 0;
}

static void abandon_all(struct runtime *runtime);

void runtime_free(struct runtime *runtime)
{
	struct actor *actor;

	if (!runtime)
		return;
	check(runtime->depth == 0);
	runtime_stop_all(runtime);
	abandon_all(runtime);
	while ((actor = runq_pop(runtime)))
		actor_give(runtime, actor);
	while (runtime->client_calls) {
		struct call *call = container_of(runtime->client_calls, struct call, of_caller);

		caller_fail(runtime, call, (struct call_end){.status = TROUPE_ACTOR_DIED});
	}
	client_calls_drain(runtime);
	loop_work_stop(&runtime->work);
	loop_timer_stop(&runtime->alarm);
	poller_fini(&runtime->poller);
	idle_fini(runtime);
	budget_fini(runtime);
	inlets_free(runtime);
	overrun_free(runtime->slice.overrun);
	peers_free(runtime);
	clients_free(runtime);
	units_free(runtime);
	types_free(runtime);
	stacks_fini(&runtime->stacks);
	slab_fini(&runtime->states);
	slab_fini(&runtime->messages);
	fini_tables(runtime);
	free(runtime);
}

/* ------------------------------------------------------------------ lives */

int runtime_spawn(struct runtime *runtime, uint32_t number, uint32_t instance,
		  const void *config, struct troupe_address *ret_address)
{
	struct definition *unit = definition_find(runtime, number);

	if (!unit)
		return -ENOENT;
	runtime_touch(runtime);
	page_wake_watch(runtime);
	return life_begin(runtime, unit, NULL, instance, config, ret_address);
}

int runtime_stop(struct runtime *runtime, struct troupe_address address)
{
	struct actor *actor = actor_find(runtime, address);

	check(runtime->depth == 0);
	if (!actor)
		return -ESRCH;
	runtime_touch(runtime);
	page_wake_watch(runtime);
	life_end(runtime, actor, TROUPE_CAUSE_SHUTDOWN, 0);
	return 0;
}

static bool keeps_calls(const struct runtime *runtime, const struct actor *actor)
{
	const struct actor_cold *cold = cold_find(runtime, actor);

	chain_foreach (at, cold ? cold->kept : NULL) {
		const struct kept_call *kept = container_of(at, struct kept_call, of_owner);

		if (kept->call && !kept->is_oneway && !(kept->flags & MAIL_MORE))
			return true;
	}
	return false;
}

static bool is_awaited(const struct runtime *runtime, struct mail *mail)
{
	const struct message *message = message_of(mail);
	const struct kept_call *kept;

	if (mail->kind != MAIL_CALL)
		return false;
	if (!(mail->flags & MAIL_INBOUND))
		return call_find(runtime, message->call) != NULL;
	kept = kept_find(runtime, message->call);
	return kept && kept->state != KEPT_GONE;
}

static bool has_calls(const struct runtime *runtime, const struct actor *actor)
{
	const struct tasked *tasked = tasked_find(runtime, actor);
	struct mail *mail = actor->load.queued > 0 ? actor->tail : NULL;

	for (struct mail *held = tasked ? tasked->rest.first : NULL; held; held = held->next)
		if (is_awaited(runtime, held))
			return true;
	while (mail) {
		if (is_awaited(runtime, mail))
			return true;
		mail = mail->next == actor->tail ? NULL : mail->next;
	}
	return false;
}

bool runtime_owes_answers(struct runtime *runtime, struct troupe_address address)
{
	struct actor *root = actor_find(runtime, address);

	for (struct actor *at = root; at; at = family_next(runtime, root, at))
		if (keeps_calls(runtime, at) || (at != root && has_calls(runtime, at)))
			return true;
	return false;
}

/* The actor in the first slot from *at on that holds one. */
static struct actor *next_actor(struct runtime *runtime, uint32_t *at)
{
	while (*at < runtime->actors.used) {
		struct actor *actor = actor_at(runtime, (*at)++);

		if (!slots_is_closed(&actor->slot))
			return actor;
	}
	return NULL;
}

void runtime_stop_all(struct runtime *runtime)
{
	struct actor *actor;
	uint32_t at = 0;

	runtime_touch(runtime);
	page_wake_watch(runtime);
	while ((actor = next_actor(runtime, &at)))
		if (!(actor->marks & ACTOR_CHILD)) /* it ends with its parent, in order */
			life_end(runtime, actor, TROUPE_CAUSE_SHUTDOWN, 0);
}

static void abandon_all(struct runtime *runtime)
{
	struct actor *actor;
	uint32_t at = 0;

	while ((actor = next_actor(runtime, &at)))
		if (!(actor->marks & ACTOR_CHILD))
			life_abandon(runtime, actor);
}

/* ------------------------------------------------------------------ looking in */

static void fill_info(const struct runtime *runtime, const struct actor *actor,
		      struct runtime_info *info)
{
	const struct actor_cold *cold = cold_find(runtime, actor);
	const struct tasked *tasked = tasked_find(runtime, actor);
	const struct actor *parent = family_parent(runtime, actor);

	*info = (struct runtime_info){
		.address = actor_address(runtime, actor),
		.version = actor->unit->number,
		.origin = actor->unit->origin,
		.parent = parent ? actor_address(runtime, parent) : (struct troupe_address){0},
		.instance = actor_instance(actor),
		.unit_name = actor->unit->name,
		.table = actor->unit->type->given,
		.queued = mailbox_count(actor) + (tasked ? tasked->rest.count : 0),
		.queued_bytes = (uint64_t)actor->load.charged * 16,
		.handled = actor->handled,
		.failed = cold ? cold->failed : 0,
		.refused = cold ? cold->refused : 0,
		.times = &actor->unit->times,
		.own_times = cold ? cold->times : NULL,
	};
}

int runtime_info(struct runtime *runtime, struct troupe_address address,
		 struct runtime_info *ret_info)
{
	const struct actor *actor = actor_find(runtime, address);

	if (!actor)
		return -ESRCH;
	fill_info(runtime, actor, ret_info);
	return 0;
}

bool runtime_next(struct runtime *runtime, uint32_t *at, struct runtime_info *ret_info)
{
	const struct actor *actor = next_actor(runtime, at);

	if (actor)
		fill_info(runtime, actor, ret_info);
	return actor != NULL;
}

bool runtime_is_empty(const struct runtime *runtime)
{
	return runtime->n_actors == 0;
}

bool runtime_find_overflow(const struct runtime *runtime, uintptr_t address,
			   const char **ret_task, size_t *ret_bytes)
{
	const struct stack *stack = stacks_find(&runtime->stacks, address);
	const struct task *task = runtime->overflown;

	if (!task && stack)
		task = stack->owner;
	if (!task)
		return false;
	*ret_task = task->entry->name;
	*ret_bytes = stacks_size(task->stack);
	return true;
}

bool runtime_find_astray(const struct runtime *runtime, const char **ret_task,
			 const char **ret_function)
{
	const struct task *task = runtime->astray;

	if (!task)
		return false;
	*ret_task = task->entry->name;
	*ret_function = task->scope->function;
	return true;
}

#include "core/budget.h"

#include "base/cleanup.h"
#include "core/cold.h"
#include "core/inside.h"
#include "core/wait.h"

#define PARTS      16u         /* of the budget: with each one a count is complete */
#define STEP       65536u      /* slots at a stretch, of the timer */
#define STEP_LEAST 256u        /* and of growth */
#define TRIM_NS    1000000u    /* at a stretch */
#define AGAIN_NS   10000000u   /* between two looks at units that have too much */
#define AGAIN_MAX  1000000000u /* the same, while nothing is done */

static uint64_t free_of(const struct budget *budget)
{
	return budget->bytes > budget->counted ? budget->bytes - budget->counted : 0;
}

static uint64_t bytes_of(const struct runtime *runtime, const struct actor *actor)
{
	const struct actor_cold *cold = cold_find(runtime, actor);
	size_t state = actor->unit->type->table.state_size;

	return (uint64_t)actor->load.charged * 16 +
	       (cold ? (uint64_t)cold->keeping.charged * 16 : 0) +
	       (state > STATE_NEAR ? state : 0);
}

static void begin_count(struct runtime *runtime)
{
	runtime->budget.counted = 0;
	runtime->budget.at = 0;
	for (struct definition *unit = runtime->units; unit; unit = unit->next) {
		unit->share->bytes = 0;
		unit->share->n_actors = 0;
	}
}

/* The next n slots. True: the count is complete. */
static bool count_more(struct runtime *runtime, uint64_t n)
{
	struct budget *budget = &runtime->budget;
	uint32_t used = runtime->actors.used;

	if (budget->at == 0)
		begin_count(runtime);
	for (; budget->at < used && n > 0; n--) {
		const struct actor *actor = actor_at(runtime, budget->at++);
		uint64_t bytes;

		if (slots_is_closed(&actor->slot))
			continue;
		bytes = bytes_of(runtime, actor);
		actor->unit->share->bytes += bytes;
		actor->unit->share->n_actors++;
		budget->counted += bytes;
	}
	if (budget->at < used)
		return false;
	budget->at = 0;
	return true;
}

static void report(struct runtime *runtime, const struct definition *unit)
{
	const struct unit_share *share = unit->share;

	if (runtime->ops->on_memory)
		runtime->ops->on_memory(
			runtime->context,
			&(struct runtime_memory){.version = unit->origin,
						 .bytes = share->bytes,
						 .budget = runtime->budget.bytes,
						 .is_short = share->is_hog});
}

/* What a unit may have from now on: the same however often it is asked between two counts. */
static void judge(struct runtime *runtime, const struct definition *unit)
{
	struct unit_share *share = unit->share;
	uint64_t free = free_of(&runtime->budget);
	uint64_t bound = SHARE_UNBOUNDED;
	bool was_hog = share->is_hog;

	share->is_hog = runtime->budget.bytes && share->bytes > (was_hog ? 2 : 3) * free;
	if (share->is_hog && share->n_actors)
		bound = free / share->n_actors / 16;
	share->bound = bound < SHARE_UNBOUNDED ? (uint32_t)bound : SHARE_UNBOUNDED;
	if (share->is_hog != was_hog)
		report(runtime, unit);
}

static void judge_all(struct runtime *runtime)
{
	struct budget *budget = &runtime->budget;

	budget->has_hogs = false;
	for (struct definition *unit = runtime->units; unit; unit = unit->next) {
		uint32_t before = unit->mailbox_units;

		judge(runtime, unit);
		definition_bound(unit);
		budget->has_hogs |= unit->share->is_hog;
		if (unit->mailbox_units > before)
			budget->wake_at = 0;
	}
}

static bool has_more_to_do(const struct budget *budget)
{
	return budget->has_hogs || budget->wants_trim || budget->wake_at != SLOT_NONE;
}

/* Unless it runs: soon. */
static void start_timer(struct budget *budget)
{
	if (budget->timer.started)
		return;
	budget->wait_ns = AGAIN_NS;
	loop_timer_start(&budget->timer, AGAIN_NS);
}

/* Of a slab. From anywhere, inside handlers too: may lower bounds, and wakes no waiter. */
static void on_growth(void *context)
{
	struct runtime *runtime = context;
	struct budget *budget = &runtime->budget;
	uint64_t now = runtime_bytes(runtime), grown;

	if (budget->bytes == 0)
		return;
	if (budget->seen < budget->bytes / 2)
		budget->seen = budget->bytes / 2;
	if (now <= budget->bytes / 2) {
		budget->seen = 0;
		return;
	}
	grown = now > budget->seen ? now - budget->seen : 0;
	budget->seen = now;
	budget->wants_trim |= now > budget->bytes;
	if (grown > budget->bytes / PARTS)
		grown = budget->bytes / PARTS;
	if (count_more(runtime,
		       runtime->actors.used * grown / (budget->bytes / PARTS) + STEP_LEAST))
		judge_all(runtime);
	if (has_more_to_do(budget))
		start_timer(budget);
}

/* Bounds have risen: who waits for room may find it now. */
static void wake_more(struct runtime *runtime)
{
	struct budget *budget = &runtime->budget;
	uint32_t used = runtime->actors.used;

	for (uint32_t n = 0; budget->wake_at < used && n < STEP; n++) {
		struct actor *actor = actor_at(runtime, budget->wake_at++);

		if (!slots_is_closed(&actor->slot))
			wait_wake(runtime, actor);
	}
	if (budget->wake_at >= used)
		budget->wake_at = SLOT_NONE;
}

/* Give back what is free. False: that was all. */
static bool trim_more(struct runtime *runtime)
{
	struct slab *slabs[] = {&runtime->messages, &runtime->states};
	uint64_t until_ns = loop_clock_ns(runtime->loop) + TRIM_NS;

	for (size_t i = 0; i < ARRAY_LEN(slabs); i++)
		while (slab_trim(slabs[i]))
			if (loop_clock_ns(runtime->loop) >= until_ns)
				return true;
	return false;
}

static void on_timer(struct loop_timer *timer)
{
	struct runtime *runtime = container_of(timer, struct runtime, budget.timer);
	struct budget *budget = &runtime->budget;
	bool is_quiet = runtime->handled == budget->handled, is_complete;

	budget->handled = runtime->handled;
	runtime_touch(runtime);
	is_complete = count_more(runtime, STEP);
	if (is_complete)
		judge_all(runtime);
	if (budget->wake_at != SLOT_NONE)
		wake_more(runtime);
	if (budget->wants_trim)
		budget->wants_trim =
			runtime_bytes(runtime) > budget->bytes && trim_more(runtime);
	is_complete &= !budget->wants_trim && budget->wake_at == SLOT_NONE;
	if (is_complete && !has_more_to_do(budget))
		return;
	budget->wait_ns = is_quiet && is_complete ? 2 * budget->wait_ns : AGAIN_NS;
	if (budget->wait_ns > AGAIN_MAX)
		budget->wait_ns = AGAIN_MAX;
	loop_timer_start(timer, budget->wait_ns);
}

void budget_init(struct runtime *runtime, uint64_t bytes)
{
	runtime->budget = (struct budget){.bytes = bytes, .wake_at = SLOT_NONE};
	loop_timer_init(&runtime->budget.timer, runtime->loop, on_timer);
	slab_watch(&runtime->messages, on_growth, runtime);
	slab_watch(&runtime->states, on_growth, runtime);
}

void runtime_set_memory(struct runtime *runtime, uint64_t bytes)
{
	struct budget *budget = &runtime->budget;

	if (bytes == budget->bytes)
		return;
	budget->bytes = bytes;
	budget->seen = 0;
	budget->at = 0;
	/* it counts again, bounds units that have too much, and wakes waiters at the others */
	start_timer(budget);
}

void budget_fini(struct runtime *runtime)
{
	runtime->budget.bytes = 0;
	loop_timer_stop(&runtime->budget.timer);
}

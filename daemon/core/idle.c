#include "core/idle.h"

#include "base/cleanup.h"
#include "core/family.h"
#include "core/inside.h"
#include "core/mapping.h"
#include "core/page.h"
#include "core/task.h"
#include <malloc.h>

#define IDLE_NS 1000000000u
#define STEP_NS 1000000u /* between two amounts */

/* For less than that an actor that ticks now and then is not worth a wakeup of its own. */
#define WORTH_MESSAGES 1000u
#define WORTH_BYTES    ((uint64_t)1 << 20)
/* The actors there may have ended without a message: all children with their parent. */
#define WORTH_SLOTS ((uint32_t)(WORTH_BYTES / sizeof(struct actor)))

static uint32_t count_vacant(const struct runtime *runtime)
{
	return runtime->actors.used - runtime->actors.count;
}

static bool is_worth_it(const struct runtime *runtime)
{
	uint64_t messages = runtime->handled - runtime->idle.done;

	return messages >= WORTH_MESSAGES ||
	       count_vacant(runtime) >= runtime->idle.vacant + WORTH_SLOTS ||
	       (messages > 0 && runtime_bytes(runtime) >= WORTH_BYTES);
}

static void trim_actors(struct runtime *runtime)
{
	uint32_t trimmed = slots_trim(&runtime->actors), used = runtime->actors.used;

	mapping_discard(state_near(runtime, used), (size_t)trimmed * STATE_NEAR);
	if (runtime->tasks.floor > 0 || runtime->tasks.used > 0) /* there ever were any */
		mapping_discard(runtime->taskeds + used, trimmed * sizeof(*runtime->taskeds));
	mapping_discard(runtime->kins + used, trimmed * sizeof(*runtime->kins));
}

/* The next amount. False: that was all. */
static bool trim_more(struct runtime *runtime)
{
	struct slab *slabs[] = {&runtime->messages, &runtime->states};
	uint32_t stage = runtime->idle.stage;

	if (stage < ARRAY_LEN(slabs)) {
		if (slab_trim(slabs[stage]))
			return true;
	} else if (stage < ARRAY_LEN(slabs) + RUNTIME_TABLES) {
		(void)slots_trim(&runtime->tables[stage - ARRAY_LEN(slabs)]);
	} else if (stage == ARRAY_LEN(slabs) + RUNTIME_TABLES) {
		trim_actors(runtime);
	} else {
		/* of plug-ins, too; some 15 ms for each 100 MB, when they lie in pieces */
		(void)malloc_trim(0);
		runtime->idle.stage = 0;
		return false;
	}
	runtime->idle.stage++;
	return true;
}

static void on_timer(struct loop_timer *timer)
{
	struct runtime *runtime = container_of(timer, struct runtime, idle.timer);
	struct idle *idle = &runtime->idle;

	if (runtime->handled != idle->seen) {
		idle->seen = runtime->handled;
		idle->again = true;
		loop_timer_start(timer, IDLE_NS);
		return;
	}
	if (!idle->is_under_way) {
		idle->is_under_way = true;
		idle->again = false;
	}
	if (trim_more(runtime)) {
		loop_timer_start(timer, STEP_NS);
	} else if (idle->again) {
		idle->again = false;
		loop_timer_start(timer, STEP_NS);
	} else {
		idle->is_under_way = false;
		idle->done = runtime->handled;
		idle->vacant = count_vacant(runtime);
	}
	page_store(&runtime->page->memory, runtime_bytes(runtime));
}

void idle_init(struct runtime *runtime)
{
	loop_timer_init(&runtime->idle.timer, runtime->loop, on_timer);
}

void idle_fini(struct runtime *runtime)
{
	loop_timer_stop(&runtime->idle.timer);
}

void idle_watch(struct runtime *runtime)
{
	struct idle *idle = &runtime->idle;

	if (likely(idle->timer.started))
		return;
	if (count_vacant(runtime) < idle->vacant)
		idle->vacant = count_vacant(runtime);
	if (!is_worth_it(runtime))
		return;
	idle->seen = runtime->handled;
	loop_timer_start(&idle->timer, IDLE_NS);
}

#include "core/slice.h"

#include "base/limits.h"
#include "core/cold.h"
#include <stdlib.h>

#define SLICE_NS       1000000u /* turns between two looks at the loop */
#define SLICE_MESSAGES 65536u   /* the same, if the clock does not advance */
#define STEP           2ull     /* of the sequence for each handler, see page_doing() */

static void read_clock(struct runtime *runtime)
{
	uint64_t sequence = page_load(&runtime->page->thread.sequence);

	/* An overrun that was noticed just now is answered by this very look. */
	page_store(&runtime->slice.look_at,
		   runtime->slice.looks < SLICE_LOOKS ? 0 : sequence + STEP * SLICE_STRIDE);
	runtime->now_ns = loop_clock_ns(runtime->loop);
	page_store(&runtime->page->messages, runtime->handled);
}

/* The clock was read. */
static inline void mark(struct runtime *runtime, uint64_t sequence)
{
	runtime->slice.looked_ns = runtime->now_ns;
	runtime->slice.looked_sequence = sequence;
}

/* The actor's own; NULL: those before it have all that there are, or there is no memory. */
static struct histogram *own_times(struct runtime *runtime, struct actor *actor)
{
	struct actor_cold *cold = cold_find(runtime, actor);
	struct histogram *times;

	if (likely(cold && cold->times))
		return cold->times;
	if (runtime->n_timed >= LIMIT_TIMED_ACTORS)
		return NULL;
	times = calloc(1, sizeof(*times));
	if (times) {
		cold_get(runtime, actor)->times = times;
		runtime->n_timed++;
	}
	return times;
}

static inline void add(struct runtime *runtime, struct actor *actor, uint64_t ns, uint64_t n)
{
	if (likely(actor != NULL))
		histogram_add(&actor->unit->times, ns, n);
	histogram_add(&runtime->page->handlers, ns, n);
}

/* One whose time is known, not a mean of several, which may be others' as well. */
static inline void add_one(struct runtime *runtime, struct actor *actor, uint64_t ns)
{
	struct histogram *own = likely(actor != NULL) ? own_times(runtime, actor) : NULL;

	if (likely(own != NULL))
		histogram_add(own, ns, 1);
	add(runtime, actor, ns, 1);
}

/* How long the n handlers since the last look took, of which the last one is that actor's. */
static inline void measure(struct runtime *runtime, struct actor *actor, uint64_t n)
{
	const struct slice *slice = &runtime->slice;
	uint64_t took_ns = runtime->now_ns - slice->looked_ns, mean_ns, last_ns;

	if (n <= 1) {
		add_one(runtime, actor, took_ns);
		return;
	}
	mean_ns = took_ns / n;
	last_ns = runtime->now_ns - slice->until_ns;
	if (likely(runtime->now_ns < slice->until_ns || slice->until_ns < slice->looked_ns ||
		   last_ns <= mean_ns))
		add(runtime, actor, mean_ns, n);
	else /* none begins once the slice is to end: what has passed since then is its own */
		add_one(runtime, actor, last_ns);
}

void slice_begin(struct runtime *runtime)
{
	struct slice *slice = &runtime->slice;

	slice->looks = 0;
	slice->is_over = false;
	read_clock(runtime);
	mark(runtime, page_load(&runtime->page->thread.sequence));
	slice->until_sequence =
		page_load(&runtime->page->thread.sequence) + STEP * SLICE_MESSAGES;
	slice->until_ns = runtime->now_ns + SLICE_NS;
}

void slice_look(struct runtime *runtime, struct actor *actor)
{
	struct slice *slice = &runtime->slice;
	uint64_t sequence;

	/* Most slices are short: only the others are worth the thread's attention. */
	if (++slice->looks == SLICE_LOOKS)
		overrun_begin(slice->overrun, slice->until_ns);
	read_clock(runtime);
	sequence = page_load(&runtime->page->thread.sequence);
	measure(runtime, actor, (sequence - slice->looked_sequence) / STEP);
	mark(runtime, sequence);
	if (runtime->now_ns >= slice->until_ns || sequence >= slice->until_sequence)
		slice->is_over = runtime->pause = true;
}

void slice_cut(struct runtime *runtime)
{
	runtime->slice.until_ns = 0;
	page_store(&runtime->slice.look_at, 0);
}

void slice_end(struct runtime *runtime)
{
	struct slice *slice = &runtime->slice;
	uint64_t began_ns = loop_now_ns(runtime->loop);

	histogram_add(&runtime->page->passes,
		      runtime->now_ns > began_ns ? runtime->now_ns - began_ns : 0, 1);
	if (slice->looks >= SLICE_LOOKS)
		overrun_end(slice->overrun);
	page_store(&slice->look_at, 0);
	page_store(&runtime->page->messages, runtime->handled);
}

COLD uint64_t slice_read_ns(struct runtime *runtime)
{
	runtime->now_ns = loop_clock_ns(runtime->loop);
	return runtime->now_ns;
}

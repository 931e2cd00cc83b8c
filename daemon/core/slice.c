#include "core/slice.h"

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

void slice_begin(struct runtime *runtime)
{
	struct slice *slice = &runtime->slice;

	slice->looks = 0;
	slice->is_over = false;
	read_clock(runtime);
	slice->until_sequence =
		page_load(&runtime->page->thread.sequence) + STEP * SLICE_MESSAGES;
	slice->until_ns = runtime->now_ns + SLICE_NS;
}

void slice_look(struct runtime *runtime)
{
	struct slice *slice = &runtime->slice;

	/* Most slices are short: only the others are worth the thread's attention. */
	if (++slice->looks == SLICE_LOOKS)
		overrun_begin(slice->overrun, slice->until_ns);
	read_clock(runtime);
	if (runtime->now_ns >= slice->until_ns ||
	    page_load(&runtime->page->thread.sequence) >= slice->until_sequence)
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

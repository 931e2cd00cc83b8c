#include "process/activity.h"

#include "base/cleanup.h"

bool activity_read(const struct page_thread *thread, struct activity *ret_activity)
{
	uint64_t actor = atomic_load_explicit(&thread->actor, memory_order_relaxed);

	*ret_activity = (struct activity){
		.sequence = atomic_load_explicit(&thread->sequence, memory_order_relaxed),
		.unit = atomic_load_explicit(&thread->unit, memory_order_relaxed),
		.instance = atomic_load_explicit(&thread->instance, memory_order_relaxed),
		.type_hash = atomic_load_explicit(&thread->type_hash, memory_order_relaxed),
		.address = {.slot = (uint32_t)(actor >> 32), .generation = (uint32_t)actor},
	};
	if (atomic_load_explicit(&thread->call_sequence, memory_order_relaxed) ==
	    ret_activity->sequence)
		ret_activity->call = atomic_load_explicit(&thread->call, memory_order_relaxed);
	return ret_activity->sequence & 1;
}

const char *activity_doing(uint64_t type_hash)
{
	static const char *const words[] = {
		[PAGE_DOING_NOTHING] = "nothing known",
		[PAGE_DOING_INIT] = "init",
		[PAGE_DOING_FINI] = "fini",
		[PAGE_DOING_REPLY] = "a reply",
		[PAGE_DOING_TIMER] = "a timer",
		[PAGE_DOING_ROOM] = "on_room",
		[PAGE_DOING_CANCEL] = "on_cancel",
		[PAGE_DOING_LOAD] = "loading a plug-in",
		[PAGE_DOING_DEFINE] = "reading a configuration",
	};

	_Static_assert(ARRAY_LEN(words) == PAGE_DOING_COUNT, "a word for each");
	return type_hash < ARRAY_LEN(words) ? words[type_hash] : NULL;
}

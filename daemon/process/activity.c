#include "process/activity.h"

bool activity_read(const struct page_thread *thread, struct activity *ret_activity)
{
	uint64_t actor = atomic_load_explicit(&thread->actor, memory_order_relaxed);

	*ret_activity = (struct activity){
		.sequence = atomic_load_explicit(&thread->sequence, memory_order_relaxed),
		.version = atomic_load_explicit(&thread->version, memory_order_relaxed),
		.instance = atomic_load_explicit(&thread->instance, memory_order_relaxed),
		.type_hash = atomic_load_explicit(&thread->type_hash, memory_order_relaxed),
		.address = {.slot = (uint32_t)(actor >> 32), .generation = (uint32_t)actor},
	};
	if (atomic_load_explicit(&thread->call_sequence, memory_order_relaxed) ==
	    ret_activity->sequence)
		ret_activity->call = atomic_load_explicit(&thread->call, memory_order_relaxed);
	return ret_activity->sequence & 1;
}

/* page.h - the runtime's entries in the worker's status page: what is being done, for the
 * master to see.
 *
 * Plain loads and stores, no clock. The thread that runs the plug-ins' code only.
 */
#ifndef CORE_PAGE_H
#define CORE_PAGE_H

#include "core/inside.h"
#include <stdatomic.h>

#define page_store(place, value) atomic_store_explicit(place, value, memory_order_relaxed)
#define page_load(place)         atomic_load_explicit(place, memory_order_relaxed)

/* Handlers follow soon: if their watch sleeps it is woken. Should it fall asleep just now, it
 * looks once more a moment later. */
static inline void page_wake_watch(struct runtime *runtime)
{
	if (unlikely(page_load(runtime->watch_sleeps)))
		runtime->ops->on_busy(runtime->context);
}

/* Handlers follow, until page_leave(). */
static inline void page_begin(struct runtime *runtime)
{
	struct page_thread *thread = &runtime->page->thread;

	page_store(&thread->sequence, (page_load(&thread->sequence) + 1) | 1);
}

/* The next handler of the same actor, after page_begin(): `doing` is a type's hash or
 * PAGE_DOING_*. Returns the sequence number, odd and never the same twice. */
static inline uint64_t page_doing(struct runtime *runtime, uint64_t doing)
{
	struct page_thread *thread = &runtime->page->thread;
	uint64_t sequence = page_load(&thread->sequence) + 2;

	page_store(&thread->sequence, sequence);
	/* the reader is another process on the same memory: the compiler must not swap these */
	atomic_signal_fence(memory_order_release);
	page_store(&thread->type_hash, doing);
	return sequence;
}

/* The next page_doing() is for a client's call. */
static inline void page_call(struct runtime *runtime, uint64_t number)
{
	struct page_thread *thread = &runtime->page->thread;
	const uint64_t sequence = page_load(&thread->sequence) + 2;

	page_store(&thread->call, number);
	page_store(&thread->call_sequence, sequence);
}

/* Whose handlers follow. */
static inline void page_actor(struct runtime *runtime, const struct actor *actor)
{
	struct page_thread *thread = &runtime->page->thread;
	const uint32_t origin = actor->unit->origin, instance = actor_instance(actor);
	const uint64_t id = slots_id(actor);

	page_store(&thread->actor, id << 32 | id >> 32); /* the other way round: one load */
	page_store(&thread->version, origin);
	page_store(&thread->instance, instance);
}

/* An init or fini begins, or a handler goes on after one inside it. */
static inline void page_enter(struct runtime *runtime, const struct actor *actor,
			      uint64_t doing)
{
	struct page_thread *thread = &runtime->page->thread;

	page_begin(runtime);
	atomic_signal_fence(memory_order_release);
	page_store(&thread->type_hash, doing);
	page_actor(runtime, actor);
}

/* No handler is on the stack. */
static inline void page_leave(struct runtime *runtime)
{
	struct page_thread *thread = &runtime->page->thread;

	page_store(&thread->sequence, (page_load(&thread->sequence) + 1) & ~1ull);
}

#endif

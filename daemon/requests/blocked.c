/* blocked.c - the answer to Blocked: handlers that take long, or did. */
#include "base/clock.h"
#include "clients/errors.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "proto/arena.h"
#include "requests/control_handlers.h"
#include "requests/describe.h"
#include "units/slow.h"
#include <stdlib.h>
#include <string.h>

/* False: no memory. */
static bool describe(struct arena *arena, const struct worker *worker,
		     const struct slow_handler *handler, struct api_slow_handler *ret_handler)
{
	struct api_string_array backtrace;

	if (!describe_frames(arena, handler->frames, handler->n_frames, &backtrace))
		return false;
	*ret_handler = (struct api_slow_handler){
		.worker = worker->number,
		.actor = handler->names.actor[0] ? handler->names.actor : NULL,
		.child = handler->names.child[0] ? handler->names.child : NULL,
		.message = handler->names.message,
		.timeMs = (int64_t)handler->time_ms,
		.forMs = (int64_t)(handler->for_ns / CLOCK_MS_NS),
		.running = !handler->is_over,
		.backtrace = backtrace,
	};
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct api_slow_handler *one = a, *other = b;

	if (one->running != other->running)
		return other->running - one->running;
	return (one->timeMs < other->timeMs) - (one->timeMs > other->timeMs);
}

/* The last ones of each worker, as many of each: one with many does not hide the others. */
static bool collect(struct master *master, struct arena *arena, struct api_slow_handler *items,
		    size_t *n)
{
	workers_foreach (worker, master)
		slow_look(worker);
	for (size_t i = 0; i < LIMIT_SLOW_KEPT; i++)
		workers_foreach (worker, master) {
			const struct slow_handler *handler = slow_at(worker, i);

			if (handler && *n < LIMIT_SLOW_LISTED &&
			    !describe(arena, worker, handler, &items[(*n)++]))
				return false;
		}
	return true;
}

static int64_t count_missed(const struct master *master)
{
	uint64_t missed = 0;

	workers_foreach (worker, master)
		if (worker->slow &&
		    __builtin_add_overflow(missed, worker->slow->missed, &missed))
			missed = UINT64_MAX;
	return missed > INT64_MAX ? INT64_MAX : (int64_t)missed;
}

void control_on_blocked(void *context, struct control_call *call, const void *in)
{
	struct master *master = context;
	struct api_blocked_out out = {0};
	struct api_slow_handler *items;
	struct arena arena;

	(void)in;
	arena_init(&arena);
	items = arena_alloc(&arena, LIMIT_SLOW_LISTED * sizeof(*items));
	if (items && collect(master, &arena, items, &out.handlers.count)) {
		qsort(items, out.handlers.count, sizeof(*items), compare);
		out.handlers.items = items;
		out.missed = count_missed(master);
		(void)control_call_reply(call, &api_blocked_method, &out, false);
	} else {
		control_overloaded(call);
	}
	arena_fini(&arena);
}

/* actor_log.h - what actors say, and what is said of them, at a limited rate.
 *
 * Lines of troupe_log() are limited for each unit, whose actors' children count for it. Of
 * handlers that fail, the first of a kind is logged at once, of children that end with an error
 * the first ACTOR_LOG_ENDS, the others of ACTOR_LOG_INTERVAL_NS as a number. What was left out
 * is reported at the end of its interval, whether anything follows or not. Memory of the
 * caller, init/fini; belongs to the agent, one thread.
 */
#ifndef WORKER_ACTOR_LOG_H
#define WORKER_ACTOR_LOG_H

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/rate_limit.h"
#include "core/runtime.h"
#include "worker/units.h"

#define ACTOR_LOG_INTERVAL_NS (30 * CLOCK_SECOND_NS)
#define ACTOR_LOG_ENDS        10 /* lines about one type's ends in it */

/* One kind of what is said of actors. */
struct actor_log_kind {
	uint32_t version;
	const void *key; /* a method, or a constant text; NULL: this place is free */
	bool is_end;
	char actor[64]; /* its unit, or a child's type; cut */
	char what[128]; /* the method's name; of an end, where the child comes from; cut */
	int error;      /* the last one */
	struct rate_limit limit;
};

struct actor_log {
	struct log *log; /* borrowed */
	struct loop *loop;
	struct units *units;     /* borrowed; they hold the limits of lines */
	struct loop_timer timer; /* runs while something is left to be said */
	/* Of actors whose unit is no more, all together */
	struct rate_limit orphans;
	struct actor_log_kind kinds[LIMIT_LOGGED_KINDS];
	struct actor_log_kind others; /* those for which there is no place */
};

/* All borrowed until actor_log_fini(); what the log has to write later is seen to meanwhile. */
void actor_log_init(struct actor_log *actors, struct log *log, struct loop *loop,
		    struct units *units);
/* What was left out is reported now. */
void actor_log_fini(struct actor_log *actors);

/* A unit goes: report what its actors' lines left out. */
void actor_log_forget(struct actor_log *actors, int64_t version);

/* For runtime_ops. */
void actor_log_line(struct actor_log *actors, uint32_t version, int priority, const char *actor,
		    const char *text);
void actor_log_failure(struct actor_log *actors, const struct runtime_failure *failure);
/* An actor that another one has spawned ended: with an error, a line, of those of one type and
 * unit ACTOR_LOG_ENDS in the interval; otherwise one at debug, as if the actor had logged
 * it. */
void actor_log_end(struct actor_log *actors, const struct runtime_end *end);

/* A unit has too much of the worker's memory: a line each half minute, with how often it was so
 * meanwhile. */
void actor_log_memory(struct actor_log *actors, const struct runtime_memory *memory);

/* Report all that was left out, whatever interval is under way. */
void actor_log_flush(struct actor_log *actors);

#endif

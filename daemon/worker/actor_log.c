#include "worker/actor_log.h"

#include "base/list.h"
#include "base/text.h"
#include "proto/address.h"
#include "proto/cause.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LOOK_NS    CLOCK_SECOND_NS /* between looks at what was left out */
#define ERROR_TEXT 96
#define END_TEXT   (TROUPE_ADDRESS_TEXT + TROUPE_NAME_MAX + 128)

/* ---- what was left out */

/* "EINVAL (22): Invalid argument" */
static void print_error(int error, char text[static ERROR_TEXT])
{
	const char *name = error > -4096 ? strerrorname_np(-error) : NULL;

	if (name)
		(void)snprintf(text, ERROR_TEXT, "%s (%d): %s", name, -error,
			       strerrordesc_np(-error));
	else
		(void)snprintf(text, ERROR_TEXT, "%d, which is no errno value", error);
}

static void report_lines(struct actor_log *actors, struct rate_limit *limit, const char *name,
			 uint64_t now_ns)
{
	uint64_t n = rate_limit_take_suppressed(limit, now_ns);

	if (n > 0)
		log_warning(actors->log, "%s: %ju line%s dropped (LogRateLimitBurst=%ju)", name,
			    (uintmax_t)n, n == 1 ? "" : "s", (uintmax_t)limit->burst);
}

static void report_kind(struct actor_log *actors, struct actor_log_kind *kind, uint64_t now_ns)
{
	uint64_t n = rate_limit_take_suppressed(&kind->limit, now_ns);
	char error[ERROR_TEXT];

	if (n == 0)
		return;
	print_error(kind->error, error);
	if (kind->is_end)
		log_warning(actors->log, "%s%s: %ju more ended, last with %s", kind->actor,
			    kind->what, (uintmax_t)n, error);
	else
		log_warning(actors->log, "%s: %s failed %ju more time%s, last with %s",
			    kind->actor, kind->what, (uintmax_t)n, n == 1 ? "" : "s", error);
}

static void report_all(struct actor_log *actors, uint64_t now_ns)
{
	for (struct units_unit *unit = actors->units->units; unit; unit = unit->by_number.next)
		report_lines(actors, &unit->lines, unit->name, now_ns);
	report_lines(actors, &actors->orphans, "actors of units that are gone", now_ns);
	for (size_t i = 0; i < LIMIT_LOGGED_KINDS; i++)
		report_kind(actors, &actors->kinds[i], now_ns);
	report_kind(actors, &actors->others, now_ns);
}

static bool is_any_left(const struct actor_log *actors)
{
	uint64_t left = actors->orphans.suppressed | actors->others.limit.suppressed;

	for (struct units_unit *unit = actors->units->units; unit; unit = unit->by_number.next)
		left |= unit->lines.suppressed;
	for (size_t i = 0; i < LIMIT_LOGGED_KINDS; i++)
		left |= actors->kinds[i].limit.suppressed;
	return left != 0;
}

static void on_timer(struct loop_timer *timer)
{
	struct actor_log *actors = container_of(timer, struct actor_log, timer);
	bool is_flushed;

	report_all(actors, loop_now_ns(actors->loop));
	is_flushed = log_flush(actors->log);
	if (!is_flushed || is_any_left(actors))
		loop_timer_start(timer, LOOK_NS);
}

/* The log has left something for log_flush() to do, or a line was left out. */
static void on_stuck(void *context)
{
	struct actor_log *actors = context;

	if (!actors->timer.started)
		loop_timer_start(&actors->timer, LOOK_NS);
}

void actor_log_flush(struct actor_log *actors)
{
	report_all(actors, UINT64_MAX);
}

/* Count one event. True: it may be logged. */
static bool pass(struct actor_log *actors, struct rate_limit *limit)
{
	if (rate_limit_pass(limit, loop_now_ns(actors->loop)))
		return true;
	on_stuck(actors);
	return false;
}

/* ---- lines of actors */

void actor_log_line(struct actor_log *actors, uint32_t number, int priority, const char *actor,
		    const char *text)
{
	struct units_unit *unit;
	struct rate_limit *limit;

	/* What would not be written does not count. */
	if (priority > actors->log->level)
		return;
	unit = units_find_unit(actors->units, number);
	limit = unit ? &unit->lines : &actors->orphans;
	report_lines(actors, limit, unit ? unit->name : "actors of units that are gone",
		     loop_now_ns(actors->loop));
	if (pass(actors, limit))
		log_write(actors->log, priority, "%s%s%s", actor, actor[0] ? ": " : "", text);
}

void actor_log_forget(struct actor_log *actors, int64_t number)
{
	struct units_unit *unit = units_find_unit(actors->units, number);

	if (unit)
		report_lines(actors, &unit->lines, unit->name, UINT64_MAX);
}

/* ---- lines about actors */

/* The place of a kind, or one that is free for it: its interval is over, and nothing of it is
 * left to be said. */
static struct actor_log_kind *find_kind(struct actor_log *actors, uint32_t version,
					const void *key, bool is_end)
{
	uint64_t now = loop_now_ns(actors->loop);
	struct actor_log_kind *free_one = NULL;

	for (size_t i = 0; i < LIMIT_LOGGED_KINDS; i++) {
		struct actor_log_kind *kind = &actors->kinds[i];

		if (kind->key == key && kind->version == version && kind->is_end == is_end)
			return kind;
		if (!free_one &&
		    (!kind->key || (kind->limit.suppressed == 0 &&
				    now - kind->limit.begin_ns >= ACTOR_LOG_INTERVAL_NS)))
			free_one = kind;
	}
	if (!free_one)
		return &actors->others;
	*free_one = (struct actor_log_kind){.version = version, .key = key, .is_end = is_end};
	rate_limit_init(&free_one->limit, ACTOR_LOG_INTERVAL_NS, is_end ? ACTOR_LOG_ENDS : 1);
	return free_one;
}

/* Count it, and report what was left out of it before. The kind, when it is to be logged; else
 * NULL. */
static struct actor_log_kind *pass_kind(struct actor_log *actors, uint32_t unit,
					const void *key, bool is_end, int error)
{
	struct actor_log_kind *kind = find_kind(actors, unit, key, is_end);

	report_kind(actors, kind, loop_now_ns(actors->loop));
	kind->error = error;
	return pass(actors, &kind->limit) ? kind : NULL;
}

/* What it is called when others of it are left out. */
static void name_kind(struct actor_log *actors, struct actor_log_kind *kind, const char *actor,
		      const char *what)
{
	if (kind == &actors->others)
		return;
	(void)snprintf(kind->actor, sizeof(kind->actor), "%s", actor);
	(void)snprintf(kind->what, sizeof(kind->what), "%s", what);
}

void actor_log_failure(struct actor_log *actors, const struct runtime_failure *failure)
{
	const struct troupe_method *method = failure->method;
	const void *key = method          ? (const void *)method
			  : failure->task ? failure->task
					  : failure->doing;
	struct actor_log_kind *kind =
		pass_kind(actors, failure->version, key, false, failure->error);
	char error[ERROR_TEXT], what[sizeof(kind->what)], number[16] = "";

	if (!kind)
		return;
	print_error(failure->error, error);
	if (failure->task)
		(void)snprintf(what, sizeof(what), "task %s", failure->task);
	else
		(void)snprintf(what, sizeof(what), "%s%s%s", method ? method->interface : "",
			       method ? "." : "", method ? method->name : failure->doing);
	name_kind(actors, kind, failure->actor, what);
	if (!failure->is_child)
		(void)snprintf(number, sizeof(number), "/%u", failure->instance);
	log_warning(actors->log, "%s%s: %s failed: %s%s%s", failure->actor, number, what, error,
		    failure->detail[0] ? ": " : "", failure->detail);
}

void actor_log_end(struct actor_log *actors, const struct runtime_end *end)
{
	const struct units_unit *unit = units_find_unit(actors->units, end->origin);
	struct actor_log_kind *kind = NULL;
	char address[TROUPE_ADDRESS_TEXT], of_unit[TROUPE_NAME_MAX + 8] = "", lived[64];
	char error[ERROR_TEXT], text[END_TEXT];

	if (end->cause == TROUPE_CAUSE_FAILED)
		kind = pass_kind(actors, end->origin, end->type, true, end->error);
	if (!kind && (end->cause == TROUPE_CAUSE_FAILED || actors->log->level < LOG_P_DEBUG))
		return;
	address_print(end->actor, address);
	if (unit)
		(void)snprintf(of_unit, sizeof(of_unit), " of %s", unit->name);
	text_print_time_ns(end->lived_ns, lived, sizeof(lived));
	(void)snprintf(text, sizeof(text), "%s%s ended: %s after %s", address, of_unit,
		       cause_name(end->cause), lived);
	if (!kind) {
		actor_log_line(actors, end->origin, LOG_P_DEBUG, end->type, text);
		return;
	}
	name_kind(actors, kind, end->type, of_unit);
	print_error(end->error, error);
	log_warning(actors->log, "%s %s: %s; it stays ended", end->type, text, error);
}

void actor_log_memory(struct actor_log *actors, const struct runtime_memory *memory)
{
	struct units_unit *unit = units_find_unit(actors->units, memory->version);
	struct rate_limit *limit = unit ? &unit->shortages : &actors->orphans;
	uint64_t now = loop_now_ns(actors->loop), others = 0;
	char more[64] = "";

	if (!memory->is_short)
		return;
	if (unit)
		others = rate_limit_take_suppressed(limit, now);
	if (!rate_limit_pass(limit, now))
		return;
	if (others)
		(void)snprintf(more, sizeof(more),
			       ", and so %" PRIu64 " times since this was logged", others);
	log_warning(actors->log,
		    "%s: its actors hold %" PRIu64 " MiB of the %" PRIu64
		    " MiB of this worker (WorkerMemory=): messages to them are refused until "
		    "they hold less%s",
		    unit ? unit->name : "a unit that is no more", memory->bytes >> 20,
		    memory->budget >> 20, more);
}

/* ---- life */

void actor_log_init(struct actor_log *actors, struct log *log, struct loop *loop,
		    struct units *units)
{
	*actors = (struct actor_log){
		.log = log,
		.loop = loop,
		.units = units,
		.others = {.actor = "various actors", .what = "various handlers"},
	};
	rate_limit_init(&actors->orphans, LIMIT_LOG_INTERVAL_DEFAULT_NS,
			LIMIT_LOG_BURST_DEFAULT);
	rate_limit_init(&actors->others.limit, ACTOR_LOG_INTERVAL_NS, 1);
	loop_timer_init(&actors->timer, loop, on_timer);
	log_on_stuck(log, on_stuck, actors);
}

void actor_log_fini(struct actor_log *actors)
{
	log_on_stuck(actors->log, NULL, NULL);
	actor_log_flush(actors);
	loop_timer_stop(&actors->timer);
}

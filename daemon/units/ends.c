#include "units/ends.h"

#include "base/text.h"
#include "master/master.h"
#include "master/worker.h"
#include "proto/cause.h"
#include "units/unit.h"
#include <stdio.h>

#define SPAN 64

static void print_next(const struct instance *instance, char *text, size_t size)
{
	char span[SPAN];

	switch (instance->state) {
	case API_STATE_BACKOFF:
		text_print_time_ns(instance->wait_ns, span, sizeof(span));
		(void)snprintf(text, size, "it is started again in %s", span);
		break;
	case API_STATE_STARTING:
		(void)snprintf(text, size, "it is started again%s",
			       instance->worker && worker_is_up(instance->worker)
				       ? ""
				       : " with its worker");
		break;
	case API_STATE_ENDED:
		(void)snprintf(text, size, "it stays ended");
		break;
	case API_STATE_FAILED:
		(void)snprintf(text, size, "it is not started again");
		break;
	default:
		(void)snprintf(text, size, "%s",
			       instance->comes_back ? "it is started again"
						    : "it stays stopped");
		break;
	}
}

static void report_more(struct unit *unit, uint64_t now_ns)
{
	uint64_t n = rate_limit_take_suppressed(&unit->ends, now_ns);

	if (n > 0)
		log_warning(&unit->master->log, "%s: %ju more of its actors ended",
			    unit->file.name, (uintmax_t)n);
	n = rate_limit_take_suppressed(&unit->given_up, now_ns);
	if (n > 0)
		log_error(&unit->master->log, "%s: %ju more of its actors are given up",
			  unit->file.name, (uintmax_t)n);
}

void ends_log_given_up(struct instance *instance, const char *how)
{
	struct unit *unit = instance->unit;
	uint64_t now = loop_now_ns(unit->master->loop);

	report_more(unit, now);
	if (rate_limit_pass(&unit->given_up, now))
		log_error(&unit->master->log, "%s/%u is given up (%s): %s", unit->file.name,
			  instance->number, how,
			  unit->reason ? unit->reason : "it ended too often");
}

/* An end that was asked for, or that the actor wanted. */
static bool is_sound(const struct end *end)
{
	return end->cause == TROUPE_CAUSE_NORMAL || end->cause == TROUPE_CAUSE_SHUTDOWN;
}

void ends_print(const struct instance *instance, const struct end *end, char *text, size_t size)
{
	uint64_t now = loop_now_ns(instance->unit->master->loop);
	char lived[SPAN], next[SPAN + 64];

	print_next(instance, next, sizeof(next));
	if (instance->since_ns == 0) {
		(void)snprintf(text, size, "could not be started: %s; %s",
			       end->text ? end->text : cause_name(end->cause), next);
		return;
	}
	text_print_time_ns(now - instance->since_ns, lived, sizeof(lived));
	(void)snprintf(text, size, "ended: %s after %s%s%s; %s", cause_name(end->cause), lived,
		       end->text ? ": " : "", end->text ? end->text : "", next);
}

void ends_log(struct instance *instance, const struct end *end)
{
	struct unit *unit = instance->unit;
	struct master *master = unit->master;
	uint64_t now = loop_now_ns(master->loop);
	bool sound = is_sound(end);
	char text[ENDS_TEXT];
	int priority;

	/* It never ran, and ended in order: not logged. */
	if (sound && instance->since_ns == 0)
		return;
	report_more(unit, now);
	if (!master->is_stopping && !end->must_log && !rate_limit_pass(&unit->ends, now))
		return;
	/* While the daemon stops all actors end, as expected: for debugging only. */
	priority = master->is_stopping ? LOG_P_DEBUG : sound ? LOG_P_INFO : LOG_P_WARNING;
	ends_print(instance, end, text, sizeof(text));
	log_write(&master->log, priority, "%s/%u %s", unit->file.name, instance->number, text);
}

void ends_tick(struct master *master)
{
	uint64_t now = loop_now_ns(master->loop);

	units_foreach (unit, master)
		report_more(unit, now);
}

void ends_flush(struct unit *unit)
{
	report_more(unit, UINT64_MAX);
}

#include "units/stall.h"

#include "base/clock.h"
#include "base/text.h"
#include "clients/watchers.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "units/activity_print.h"
#include "units/unit.h"
#include "units/worker_requests.h"
#include <stdio.h>

#define TICK_NS    CLOCK_SECOND_NS
#define QUIET_NS   (2 * TICK_NS - TICK_NS / 10) /* a worker full of work may be late */
#define STALL_TEXT (ACTIVITY_ACTOR + ACTIVITY_CHILD + ACTIVITY_MESSAGE + 128)
#define LOG_NS     (5 * TICK_NS - TICK_NS / 10)

uint64_t stall_ns(const struct worker *worker)
{
	const struct stall *stall = &worker->stall;

	return stall->busy_ns > stall->silent_ns ? stall->busy_ns : stall->silent_ns;
}

bool stall_outlasts(const struct worker *worker, uint64_t ns)
{
	return worker->stall.is_stalled && stall_ns(worker) >= ns;
}

bool stall_name(const struct worker *worker, struct activity_names *ret_names)
{
	if (worker->stall.busy_ns < STALL_BUSY_NS)
		return false;
	(void)activity_print(worker, &worker->stall.activity, ret_names);
	return true;
}

/* "crash/0 has been in io.troupe.test.crash.Loop for 3s", "it has not answered for 3s". */
static void print_stall(const struct worker *worker, char text[STALL_TEXT])
{
	struct activity_names names;
	char span[64];

	text_print_span_ns(stall_ns(worker) / TICK_NS * TICK_NS, span, sizeof(span));
	if (stall_name(worker, &names))
		(void)snprintf(text, STALL_TEXT, "%s%s%s%s has been in %s for %s",
			       names.actor[0] ? names.actor : "the host",
			       names.child[0] ? " (its child " : "", names.child,
			       names.child[0] ? ")" : "", names.message, span);
	else
		(void)snprintf(text, STALL_TEXT, "it has not answered for %s%s", span,
			       worker_is_halted(worker) ? ", its process is stopped" : "");
}

static void show(struct worker *worker, bool is_stalled)
{
	struct stall *stall = &worker->stall;
	struct instance *before = instance_stalling(worker), *now;
	char text[STALL_TEXT];
	int64_t number;

	if (is_stalled == stall->is_stalled)
		return;
	stall->is_stalled = is_stalled;
	stall->is_logged = false;
	if (is_stalled)
		worker->master->n_stalled++;
	else
		worker->master->n_stalled--;
	now = instance_stalling(worker);
	if (before || now)
		unit_mark_changed((now ? now : before)->unit);
	if (is_stalled)
		print_stall(worker, text);
	if (!now)
		now = before;
	number = now ? now->number : 0;
	watchers_put(worker->master->watchers,
		     &(struct api_watch_out){
			     .event = is_stalled ? API_WATCH_OUT_EVENT_STALLED
						 : API_WATCH_OUT_EVENT_RESUMED,
			     .worker = &(int64_t){worker->number},
			     .unit = now ? now->unit->file.name : NULL,
			     .instance = now ? &number : NULL,
			     .text = is_stalled ? text : NULL,
		     });
}

void stall_forget(struct worker *worker)
{
	struct instance *instance = instance_stalling(worker);

	/* Not reported: the end of its process is. */
	if (worker->stall.is_stalled)
		worker->master->n_stalled--;
	if (instance)
		unit_mark_changed(instance->unit);
	worker->stall = (struct stall){0};
}

bool stall_is_blamed(const struct worker *worker, const struct crash *crash)
{
	return worker->stall.is_blamed && crash->in_handler &&
	       crash->activity.sequence == worker->stall.activity.sequence;
}

bool stall_on_pong(struct worker *worker, uint64_t ping)
{
	struct stall *stall = &worker->stall;

	/* One that is stopping was forgotten. */
	if (stall->ping == 0 || stall->ping != ping)
		return worker->state == API_STATE_STOPPING;
	stall->ping = stall->silent_ns = 0;
	stall->is_early = false;
	if (stall->busy_ns < STALL_BUSY_NS)
		show(worker, false);
	return true;
}

static void note_activity(struct worker *worker, uint64_t passed_ns)
{
	struct stall *stall = &worker->stall;
	uint64_t before = stall->activity.sequence;
	bool was_in_handler = stall->in_handler;
	struct activity now;
	bool in_handler = activity_read(&worker->page->thread, &now);

	if (in_handler && was_in_handler && now.sequence == before) {
		stall->busy_ns += passed_ns;
		return;
	}
	/* Now, while stall->activity still names the unit. */
	if (stall->busy_ns >= STALL_BUSY_NS)
		show(worker, false);
	stall->in_handler = in_handler;
	stall->activity = now;
	stall->busy_ns = 0;
}

static void ping(struct worker *worker, uint64_t passed_ns)
{
	struct stall *stall = &worker->stall;

	if (stall->ping != 0) {
		stall->silent_ns += stall->is_early ? 0 : passed_ns;
		stall->is_early = false;
		return;
	}
	stall->ping = ++worker->master->last_request;
	stall->silent_ns = 0;
	if (worker_send(worker, &worker_ping_method,
			&(struct worker_ping){.request = (int64_t)stall->ping}, -1) < 0)
		stall->ping =
			0; /* for lack of memory; if the channel failed, that is its end */
	else
		worker_fence_calls(worker);
}

void stall_ping(struct worker *worker)
{
	if (!worker_is_up(worker) || worker->killed_why || worker->stall.ping != 0)
		return;
	ping(worker, 0);
	worker->stall.is_early = true;
}

/* At the limit: end it. */
static void judge(struct worker *worker)
{
	static const char why[] = "it did not answer within WorkerWatchdog=";
	struct stall *stall = &worker->stall;
	uint64_t limit_ns = worker->master->settings.worker_watchdog_ns;

	if (limit_ns == 0 || stall->silent_ns < limit_ns)
		return;
	/* The actor whose handler ran for at least half of the limit is blamed; none for a
	 * process that is stopped. */
	if (worker_is_halted(worker)) {
		worker_kill_explained(worker, why);
		return;
	}
	stall->is_blamed = stall->busy_ns >= limit_ns / 2;
	worker_kill(worker, why, true);
}

/* StartTimeout= holds for what it was asked to load and start: that time is not of its silence,
 * also when it has come to an end and its Pong not yet. */
static bool has_time_of_its_own(const struct worker *worker)
{
	return worker->stall.in_handler && worker_request_at(worker, &worker->stall.activity);
}

static void look(struct worker *worker, uint64_t passed_ns)
{
	struct stall *stall = &worker->stall;
	char text[STALL_TEXT];

	/* What is to end has another deadline. */
	if (worker->killed_why)
		return;
	if (!worker_is_up(worker)) {
		stall_forget(worker);
		return;
	}
	note_activity(worker, passed_ns);
	ping(worker, has_time_of_its_own(worker) ? 0 : passed_ns);
	show(worker, stall->busy_ns >= STALL_BUSY_NS || stall->silent_ns >= QUIET_NS);
	if (stall->is_stalled && !stall->is_logged && stall_ns(worker) >= LOG_NS) {
		stall->is_logged = true;
		print_stall(worker, text);
		log_warning(&worker->master->log,
			    "worker %u is stalled: %s; the other actors there wait",
			    worker->number, text);
	}
	judge(worker);
}

void stall_tick(struct master *master)
{
	uint64_t now = loop_clock_ns(master->loop), passed_ns = now - master->stalls_ns;

	/* More can only be our own sleep: what has come meanwhile was not read yet. */
	if (passed_ns > 2 * TICK_NS)
		passed_ns = 0;
	master->stalls_ns = now;
	workers_foreach (worker, master)
		look(worker, passed_ns);
}

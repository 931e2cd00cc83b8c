/* worker_death.c - what follows from the end of a worker's process. */
#include "trouped/worker_death.h"

#include "base/text.h"
#include "clients/watchers.h"
#include "master/master.h"
#include "master/worker.h"
#include "process/place.h"
#include "requests/inquiry.h"
#include "requests/relays.h"
#include "units/activity_print.h"
#include "units/instance.h"
#include "units/names.h"
#include "units/stall.h"
#include "units/suspects.h"
#include "units/unit.h"
#include "units/unit_life.h"
#include "units/unit_place.h"
#include "units/worker_requests.h"
#include <signal.h>
#include <string.h>

#define FRAMES_LOGGED 16 /* Workers() returns all that there are */

/* Put names to the numbers that the page held. The instance to blame, or NULL. */
static struct instance *attribute(struct worker *worker)
{
	struct crash *crash = &worker->crash;
	struct instance *instance;

	if (!crash->in_handler)
		return NULL;
	instance = activity_print(worker, &crash->activity, &crash->names);
	return crash->is_blamed ? instance : NULL;
}

static void log_frames(struct log *log, const struct crash *crash)
{
	for (unsigned i = 0; i < crash->n_frames && i < FRAMES_LOGGED; i++) {
		const struct crash_frame *frame = &crash->frames[i];

		log_error(log, "worker %u: #%u %s%s%s", crash->process.worker, i, frame->text,
			  frame->place[0] ? " " : "", frame->place);
	}
}

static void log_crash(struct worker *worker, const char *text)
{
	struct log *log = &worker->master->log;
	const struct crash *crash = &worker->crash;

	log_error(log, "worker %u (incarnation %u, pid %d) died: %s", worker->number,
		  worker->incarnation, (int)worker->pid, text);
	/* With their places in the sources, where these can be found. */
	if (symbolizer_start(&worker->master->symbolizer, &worker->master->deployments, crash) <
	    0)
		log_frames(log, crash);
}

void worker_on_places(void *context, const struct crash *crash)
{
	struct master *master = context;
	struct worker *worker = master->workers[crash->process.worker];

	log_frames(&master->log, crash);
	/* It may be another worker's number by now, or have died again. */
	if (worker && worker->has_crashed &&
	    process_equal(worker->crash.process, crash->process))
		memcpy(worker->crash.frames, crash->frames, sizeof(crash->frames));
}

/* By its last notice and, as far as that is known, by how it went then. */
static bool is_sound_end(const struct worker *worker)
{
	return worker->is_sound && !worker->killed_why &&
	       (worker->end.cause == LAUNCH_UNKNOWN ||
		(worker->end.cause == LAUNCH_EXITED && worker->end.number == 0));
}

/* What the process was asked to make and did not come back from: in time, or outside of all
 * handlers, when it died by its own fault. */
static struct request_what find_request(const struct worker *worker)
{
	const struct crash *crash = &worker->crash;
	const struct request *at = crash->in_handler && crash->is_blamed
					   ? worker_request_at(worker, &crash->activity)
					   : NULL;

	if (worker->culprit.kind != REQUEST_NONE)
		return worker->culprit;
	return at && at->what.kind != REQUEST_SPAWN ? at->what : (struct request_what){0};
}

/* Whether the kernel killed it because memory ran out: then no actor can be blamed. */
static bool is_oom(struct worker *worker)
{
	const struct launch_end *end = &worker->crash.end;
	bool may_be = end->cause == LAUNCH_UNKNOWN ||
		      (end->cause == LAUNCH_SIGNALED && end->number == SIGKILL);

	return may_be && !worker->killed_why && oom_has_killed(&worker->master->oom);
}

/* What is to blame for a death; all empty: nothing that is known. */
struct blame {
	struct instance *actor;   /* its handler was at fault */
	struct instance *hanging; /* its init did not return */
	uint32_t deployment;      /* it was being loaded */
	uint32_t definition;      /* a unit: its configuration was being decoded */
	bool is_pinned;           /* units have is_pinned */
	const char *why;          /* they have */
};

static bool is_anybody_to_blame(const struct blame *blame)
{
	return blame->actor || blame->hanging || blame->deployment || blame->definition ||
	       blame->is_pinned;
}

static void find_blame(struct worker *worker, struct blame *blame)
{
	bool is_open, was_sent = worker->crash.was_sent && !worker->killed_why;
	struct request_what request = find_request(worker);

	blame->actor = attribute(worker);
	/* A hostile process could name one that is down each time, and so never be delayed. */
	if (blame->actor && !instance_is_alive(blame->actor))
		blame->actor = NULL;
	if (request.kind == REQUEST_SPAWN)
		blame->hanging =
			unit_instance(worker->master, request.number, request.instance);
	blame->deployment = request.kind == REQUEST_LOAD ? request.number : 0;
	blame->definition = request.kind == REQUEST_DEFINE ? request.number : 0;
	/* A signal from another process, a kill that was asked for and memory that ran out are
	 * evidence against no unit. */
	is_open = worker->state == API_STATE_RUNNING && !was_sent && !worker->is_explained &&
		  !worker->crash.is_oom;
	if (is_open && !is_anybody_to_blame(blame))
		blame->is_pinned = suspects_find(worker, worker_life_ns(worker), &blame->why);
	/* That we had to end it is its fault after all. */
	worker->crash.is_blamed |= blame->hanging || worker->culprit.kind == REQUEST_LOAD ||
				   worker->culprit.kind == REQUEST_DEFINE;
}

/* Which of its records the end counts in: see worker_start_next(). */
static const struct restart *judge(const struct worker *worker, const struct blame *blame)
{
	/* A signal that was sent may come at any moment, and is no sign that the next process
	 * fails. */
	bool was_sent = worker->crash.was_sent && !worker->killed_why;

	if (is_anybody_to_blame(blame))
		return NULL;
	return worker->crash.is_oom || (worker->state != API_STATE_RUNNING && !was_sent)
		       ? &worker->trouble
		       : &worker->deaths;
}

/* What does not wait and is not tried again: a plug-in or configuration that ended the process,
 * an init that did not return. */
static void fail_for_good(struct worker *worker, const struct blame *blame)
{
	struct instance *hanging = blame->hanging;
	struct unit *unit = unit_by_number(worker->master, blame->definition);
	char span[64];

	if (blame->deployment)
		units_fail_on(worker, blame->deployment,
			      worker->culprit.kind ? "it did not load in time"
						   : "loading it crashed a worker",
			      0);
	if (unit)
		unit_fail_on(unit, worker, NULL,
			     worker->culprit.kind
				     ? "its configuration was not decoded in time"
				     : "decoding its configuration crashed a worker",
			     0);
	if (!hanging)
		return;
	text_print_span_ns(hanging->unit->file.life.start_timeout_ns, span, sizeof(span));
	unit_set_reason(hanging->unit, "init did not return within %s", span);
	instance_give_up(hanging);
}

static void note_crash(const struct worker *worker, struct unit *unit,
		       const struct blame *blame, const char *text)
{
	unit_set_reason(unit, "it crashed worker %u: %s%s%s%s", worker->number, text,
			blame->why ? " (" : "", blame->why ? blame->why : "",
			blame->why ? ")" : "");
	unit_note_crash(unit);
}

static void report_to(struct worker *worker, const struct blame *blame, bool blamed,
		      const char *text)
{
	list_each (struct instance, instance, &worker->instances, on_worker)
		if ((instance == blame->actor || instance->unit->is_pinned) == blamed)
			instance_worker_down(instance, blamed, text);
}

/* Report the death to its instances: those blamed count a failure, the others come back with
 * the next process. */
static void lose_instances(struct worker *worker, const struct blame *blame, const char *text)
{
	if (blame->actor)
		note_crash(worker, blame->actor->unit, blame, text);
	units_foreach (unit, worker->master)
		if (unit->is_pinned) {
			log_error(&worker->master->log, "unit %s is blamed for that: %s",
				  unit->file.name, blame->why);
			note_crash(worker, unit, blame, text);
		}
	/* Those blamed first, so that the log begins with them. */
	report_to(worker, blame, true, text);
	report_to(worker, blame, false, text);
	units_foreach (unit, worker->master)
		unit->is_pinned = false;
}

void worker_on_death(struct worker *worker)
{
	struct master *master = worker->master;
	struct blame blame = {0};
	char text[CRASH_TEXT] = "";
	bool was_stopping = worker->state == API_STATE_STOPPING;
	bool was_sound = is_sound_end(worker);
	const struct restart *counts = &worker->deaths;

	if (!was_sound) {
		crash_read(&worker->crash, worker->page, &worker->end);
		worker->crash.process = worker_process(worker);
		worker->has_crashed = true;
		crash_note_failure(&worker->crash, worker->failure);
		if (is_oom(worker))
			crash_note_oom(&worker->crash);
		if (worker->killed_why)
			crash_note_killed(&worker->crash, worker->killed_why,
					  worker->is_explained);
		worker->crash.is_blamed |= stall_is_blamed(worker, &worker->crash);
		find_blame(worker, &blame);
		counts = judge(worker, &blame);
		crash_print(&worker->crash, text, sizeof(text));
		log_crash(worker, text);
		watchers_put(master->watchers, &(struct api_watch_out){
						       .event = API_WATCH_OUT_EVENT_WORKER_DIED,
						       .worker = &(int64_t){worker->number},
						       .text = text,
					       });
	} else {
		log_debug(&master->log, "worker %u (pid %d) has ended", worker->number,
			  (int)worker->pid);
	}
	worker->state = was_stopping ? API_STATE_STOPPING : API_STATE_BACKOFF;
	suspects_down(worker);
	relays_worker_down(worker, worker->crash.is_blamed && !was_sound
					   ? worker->crash.activity.call
					   : 0);
	inquiries_worker_down(worker);
	names_worker_down(worker, !was_sound);
	place_remove_inbox(master->directory, worker_process(worker));
	fail_for_good(worker, &blame);
	worker_forget_process(worker);
	lose_instances(worker, &blame, text);
	master_check_soon(master);
	if (was_stopping)
		worker_ended(worker);
	else
		worker_start_next(worker, counts);
}

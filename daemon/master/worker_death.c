/* worker_death.c - what follows from the end of a worker's process. */
#include "master/worker.h"

#include "base/text.h"
#include "master/calls.h"
#include "master/deploy.h"
#include "master/inquiry.h"
#include "master/master.h"
#include "master/names.h"
#include "master/place.h"
#include "master/unit.h"
#include "master/version.h"
#include "master/watch.h"
#include <string.h>

#define FRAMES_LOGGED 16 /* Workers tells of all that there are */

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

		log_error(log, "worker %u: #%u %s%s%s", crash->worker, i, frame->text,
			  frame->place[0] ? " " : "", frame->place);
	}
}

static void tell_of_crash(struct worker *worker, const char *text)
{
	struct log *log = &worker->master->log;
	const struct crash *crash = &worker->crash;

	log_error(log, "worker %u (incarnation %u, pid %d) died: %s%s%s", worker->number,
		  worker->incarnation, (int)worker->pid, text,
		  worker->killed_why ? "; we ended it: " : "",
		  worker->killed_why ? worker->killed_why : "");
	/* With their places in the sources, where these can be found. */
	if (symbolizer_start(&worker->master->symbolizer, &worker->master->deployments, crash) <
	    0)
		log_frames(log, crash);
}

void worker_on_places(void *context, const struct crash *crash)
{
	struct master *master = context;
	struct worker *worker = master->workers[crash->worker];

	log_frames(&master->log, crash);
	/* It may be another worker's number by now, or have died again. */
	if (worker && worker->has_crashed && worker->crash.incarnation == crash->incarnation)
		memcpy(worker->crash.frames, crash->frames, sizeof(crash->frames));
}

static bool is_sound_end(const struct worker *worker)
{
	return worker->state == WORKER_STOPPING && worker->end.si_code == CLD_EXITED &&
	       worker->end.si_status == 0;
}

/* Loading the plug-in was its end: no unit of it can run here. What another worker makes of it, that one will see: this one's
 * page may tell anything. */
static void fail_units(struct worker *worker, uint32_t deployment, const char *why)
{
	struct unit *unit, *next;

	HASH_ITER (by_name, worker->master->units_by_name, unit, next)
		if (unit->version->deployment &&
		    unit->version->deployment->number == deployment)
			unit_fail_on(unit, worker, "%s: %s", unit->version->deployment->path,
				     why);
}

/* The plug-in that the process was told to load when it died; 0: it was not at that. */
static uint32_t loading(const struct worker *worker)
{
	const struct request *first;

	if (!worker->crash.in_handler || worker->crash.activity.type_hash != PAGE_DOING_LOAD ||
	    !worker->crash.is_blamed)
		return 0;
	if (list_is_empty(&worker->requests))
		return 0;
	first = list_first(&worker->requests, struct request, link);
	return first->kind == REQUEST_LOAD ? first->number : 0;
}

/* The kernel killed it because memory ran out, which is nobody's fault that could be named. */
static bool is_oom(struct worker *worker)
{
	return !worker->killed_why && worker->end.si_code == CLD_KILLED &&
	       worker->end.si_status == SIGKILL && oom_has_killed(&worker->master->oom);
}

static bool is_alive(const struct instance *instance)
{
	return instance->state == INSTANCE_STARTING || instance->state == INSTANCE_RUNNING ||
	       instance->state == INSTANCE_STOPPING;
}

/* Nobody has to pay for it: when does the next process start? */
static enum worker_end judge_unblamed(const struct worker *worker, bool was_ready)
{
	/* What somebody sent may come at any moment; the next one will be no worse. */
	bool was_sent = worker->crash.was_sent && !worker->killed_why;

	return worker->crash.is_oom || (!was_ready && !was_sent) ? WORKER_END_TROUBLE
								 : WORKER_END_NEUTRAL;
}

void worker_bury(struct worker *worker)
{
	struct master *master = worker->master;
	struct instance *blamed = NULL, *hanging = NULL;
	uint32_t deployment = 0;
	char text[CRASH_TEXT] = "";
	bool was_stopping = worker->state == WORKER_STOPPING;
	bool was_ready = worker->state == WORKER_RUNNING;
	enum worker_end end = WORKER_END_NEUTRAL;

	if (!is_sound_end(worker)) {
		crash_read(&worker->crash, worker->page, &worker->end);
		worker->crash.worker = worker->number;
		worker->crash.incarnation = worker->incarnation;
		worker->has_crashed = true;
		if (is_oom(worker))
			crash_note_oom(&worker->crash);
		blamed = attribute(worker);
		/* A process may name one that is down again and again: nobody would pay. */
		if (blamed && !is_alive(blamed))
			blamed = NULL;
		hanging = unit_instance(master, worker->culprit_unit, worker->culprit_instance);
		/* That we had to end it is its fault after all. */
		worker->crash.is_blamed |= hanging || worker->culprit_deployment;
		deployment = worker->culprit_deployment ? worker->culprit_deployment
							: loading(worker);
		end = blamed || hanging || deployment ? WORKER_END_BLAMED
						      : judge_unblamed(worker, was_ready);
		crash_print(&worker->crash, text, sizeof(text));
		tell_of_crash(worker, text);
		watch_worker_died(master, worker, text);
	} else {
		log_debug(&master->log, "worker %u (pid %d) has ended", worker->number,
			  (int)worker->pid);
	}
	worker->state = was_stopping ? WORKER_STOPPING : WORKER_BACKOFF;
	calls_worker_down(worker, worker->crash.is_blamed && !is_sound_end(worker)
					  ? worker->crash.activity.call
					  : 0);
	inquiries_worker_down(worker);
	names_worker_down(worker, !is_sound_end(worker));
	place_remove_inbox(master->directory, worker->number, worker->incarnation);
	if (deployment)
		fail_units(worker, deployment,
			   worker->culprit_deployment ? "it did not load in time"
						      : "loading it crashed a worker");
	if (hanging) {
		char span[64];

		text_print_span_ns(hanging->unit->file.start_timeout_ns, span, sizeof(span));
		unit_set_reason(hanging->unit, "init did not return within %s", span);
		log_error(&master->log, "%s/%u has failed: %s", hanging->unit->file.name,
			  hanging->number, hanging->unit->reason ? hanging->unit->reason : "");
		instance_give_up(hanging);
	}
	worker_forget_process(worker);
	list_foreach_safe (at, &worker->instances) {
		struct instance *instance = container_of(at, struct instance, on_worker);

		instance_worker_down(instance, instance == blamed && instance != hanging, text);
	}
	master_settle(master);
	if (was_stopping)
		worker_ended(worker);
	else
		worker_follow_end(worker, end);
}

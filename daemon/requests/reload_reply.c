#include "requests/reload_reply.h"

#include "base/clock.h"
#include "base/text.h"
#include "clients/errors.h"
#include "clients/pending.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "requests/control_handlers.h"
#include "requests/describe.h"
#include "units/reload.h"
#include "units/stopping.h"
#include "units/unit.h"
#include "units/unit_change.h"
#include <errno.h>

#define GRACE_NS CLOCK_SECOND_NS

struct reload_reply {
	struct pending pending; /* in master->reload_replies */
	struct reload_result result;
};

static struct reload_reply *reply_of(struct pending *pending)
{
	return container_of(pending, struct reload_reply, pending);
}

static void fini(struct pending *pending)
{
	reload_result_fini(&reply_of(pending)->result);
}

static struct api_string_array names_of(const struct reload_names *names)
{
	return (struct api_string_array){(const char *const *)names->names, names->n};
}

static void answer(struct control_call *call, const struct reload_result *result)
{
	struct api_reload_out out = {
		.started = names_of(&result->started),
		.restarted = names_of(&result->restarted),
		.stopped = names_of(&result->stopped),
		.changed = names_of(&result->changed),
		.applied = names_of(&result->applied),
		.pending = names_of(&result->pending),
	};
	const struct problems *problems = &result->problems;
	struct arena arena;

	arena_init(&arena);
	if (describe_problems(&arena, &problems, 1, &out.problems, &out.warnings))
		(void)control_call_reply(call, &api_reload_method, &out, false);
	else
		control_overloaded(call);
	arena_fini(&arena);
}

/* Whether a unit is as it was to become; noted as a problem if not. */
static bool has_come_up(struct reload_reply *reply, const char *name)
{
	struct problems *problems = &reply->result.problems;
	const struct unit *unit = unit_find(reply->pending.master, name);

	if (!unit || unit_state(unit) == API_STATE_FAILED ||
	    unit_state(unit) == API_STATE_BACKOFF) {
		(void)problems_add(problems, unit ? unit->file.file : name, 0, "%s %s: %s",
				   name,
				   !unit                                  ? "is gone"
				   : unit_state(unit) == API_STATE_FAILED ? "has failed"
									  : "is in backoff",
				   unit && unit->reason ? unit->reason : "see the log");
		return false;
	}
	if (unit_is_changing(unit))
		(void)problems_add(problems, unit->file.file, 0,
				   "%s is still being restarted: see troupectl show %s", name,
				   name);
	return true;
}

static void drop_failed(struct reload_reply *reply, struct reload_names *names)
{
	size_t n = 0;

	for (size_t i = 0; i < names->n; i++)
		if (has_come_up(reply, names->names[i]))
			names->names[n++] = names->names[i];
		else
			free(names->names[i]);
	names->n = n;
}

/* All have settled, or the time is over. */
static void finish(struct pending *pending)
{
	struct reload_reply *reply = reply_of(pending);

	drop_failed(reply, &reply->result.started);
	drop_failed(reply, &reply->result.restarted);
	answer(pending->client, &reply->result);
	pending_free(pending);
}

static bool has_started(const struct unit *unit)
{
	return !unit->is_resumed && !unit_is_changing(unit) &&
	       unit->n_in[API_STATE_STARTING] == 0;
}

static bool is_kept(const struct unit *unit)
{
	return !unit->is_removed;
}

/* Whether that holds for all of them that are there. */
static bool have_all(struct master *master, const struct reload_names *names,
		     bool (*has)(const struct unit *unit))
{
	for (size_t i = 0; i < names->n; i++) {
		const struct unit *unit = unit_find(master, names->names[i]);

		if (unit && !has(unit))
			return false;
	}
	return true;
}

static bool has_settled(const struct reload_reply *reply)
{
	struct master *master = reply->pending.master;

	return have_all(master, &reply->result.started, has_started) &&
	       have_all(master, &reply->result.restarted, has_started) &&
	       have_all(master, &reply->result.stopped, is_kept);
}

static const struct pending_ops ops = {
	.size = sizeof(struct reload_reply),
	.share = SHARE_CLAIMED,
	.on_late = finish,
	.fini = fini,
};

void control_on_reload(void *context, struct control_call *call, const void *in)
{
	struct master *master = context;
	const struct life_keys *life = &master->settings.life;
	struct reload_reply *reply;
	uint64_t timeout_ns;

	(void)in;
	if (!control_begins_change(master, call))
		return;
	reply = pending_new(&ops, master, call, &master->reload_replies, 0);
	if (!reply)
		return;
	if (reload_run(master, &reply->result) == -ENOMEM) {
		pending_overload(&reply->pending);
		return;
	}
	timeout_ns = life->start_timeout_ns + 2 * life->stop_timeout_ns + /* draining, too */
		     STOPPING_GRACE_NS;
	if (life->start_timeout_ns == TEXT_INFINITY || life->stop_timeout_ns == TEXT_INFINITY ||
	    timeout_ns > LIMIT_WAIT_NS - GRACE_NS)
		timeout_ns = LIMIT_WAIT_NS - GRACE_NS;
	loop_timer_start(&reply->pending.timer, timeout_ns + GRACE_NS);
}

void reload_replies_check(struct master *master)
{
	list_each (struct reload_reply, reply, &master->reload_replies, pending.link)
		if (has_settled(reply))
			finish(&reply->pending);
}

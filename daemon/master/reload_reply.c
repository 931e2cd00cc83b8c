#include "master/reload_reply.h"

#include "base/clock.h"
#include "base/text.h"
#include "io.troupe.Control.varlink.h"
#include "master/describe.h"
#include "master/master.h"
#include "master/refusal.h"
#include "master/stopping.h"
#include "master/unit.h"

#define GRACE_NS CLOCK_SECOND_NS

struct reload_reply {
	struct list link; /* in master->reload_replies */
	struct master *master;
	struct control_call *call;
	struct reload_result result;
	struct loop_timer timer;
};

static void free_reply(struct reload_reply *reply)
{
	list_remove(&reply->link);
	loop_timer_stop(&reply->timer);
	reload_result_fini(&reply->result);
	free(reply);
}

static void on_gone(struct control_call *call)
{
	free_reply(call->user);
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
		describe_fail(call);
	arena_fini(&arena);
}

/* Whether a unit is as it was to become; noted as a problem if not. */
static bool has_come_up(struct reload_reply *reply, const char *name)
{
	struct problems *problems = &reply->result.problems;
	const struct unit *unit = unit_find(reply->master, name);

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

static void finish(struct reload_reply *reply)
{
	drop_failed(reply, &reply->result.started);
	drop_failed(reply, &reply->result.restarted);
	reply->call->on_gone = NULL;
	answer(reply->call, &reply->result);
	free_reply(reply);
}

static void on_late(struct loop_timer *timer)
{
	finish(container_of(timer, struct reload_reply, timer));
}

static bool have_started(struct master *master, const struct reload_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		const struct unit *unit = unit_find(master, names->names[i]);

		if (unit &&
		    (unit->is_resumed || unit_is_changing(unit) ||
		     unit->n_in[INSTANCE_WAITING] > 0 || unit->n_in[INSTANCE_STARTING] > 0))
			return false;
	}
	return true;
}

static bool have_gone(struct master *master, const struct reload_names *names)
{
	for (size_t i = 0; i < names->n; i++) {
		const struct unit *unit = unit_find(master, names->names[i]);

		if (unit && unit->is_removed)
			return false;
	}
	return true;
}

static bool has_settled(const struct reload_reply *reply)
{
	return have_started(reply->master, &reply->result.started) &&
	       have_started(reply->master, &reply->result.restarted) &&
	       have_gone(reply->master, &reply->result.stopped);
}

void reload_reply_when_settled(struct master *master, struct control_call *call,
			       struct reload_result *result)
{
	struct reload_reply *reply = calloc(1, sizeof(*reply));
	uint64_t start_ns = master->settings.life.start_timeout_ns;
	uint64_t stop_ns = master->settings.life.stop_timeout_ns,
		 timeout_ns = start_ns + 2 * stop_ns + STOPPING_GRACE_NS; /* draining, too */

	if (!reply) {
		answer(call, result);
		reload_result_fini(result);
		return;
	}
	reply->master = master;
	reply->call = call;
	reply->result = *result;
	call->user = reply;
	call->on_gone = on_gone;
	list_append(&master->reload_replies, &reply->link);
	loop_timer_init(&reply->timer, master->loop, on_late);
	if (start_ns == TEXT_INFINITY || stop_ns == TEXT_INFINITY ||
	    timeout_ns > LIMIT_WAIT_NS - GRACE_NS)
		timeout_ns = LIMIT_WAIT_NS - GRACE_NS;
	loop_timer_start(&reply->timer, timeout_ns + GRACE_NS);
	master_settle(master);
}

void reload_replies_check(struct master *master)
{
	bool again = true;

	/* Answering may close connections, and so take others out of the list. */
	while (again) {
		again = false;
		list_foreach (at, &master->reload_replies) {
			struct reload_reply *reply =
				container_of(at, struct reload_reply, link);

			if (!has_settled(reply))
				continue;
			finish(reply);
			again = true;
			break;
		}
	}
}

void reload_replies_end(struct master *master)
{
	while (!list_is_empty(&master->reload_replies)) {
		struct reload_reply *reply =
			list_first(&master->reload_replies, struct reload_reply, link);
		struct control_call *call = reply->call;

		call->on_gone = NULL;
		free_reply(reply);
		(void)control_refuses(master, call);
	}
}

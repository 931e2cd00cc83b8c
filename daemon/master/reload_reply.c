#include "master/reload_reply.h"

#include "base/clock.h"
#include "io.troupe.Control.varlink.h"
#include "master/describe.h"
#include "master/master.h"
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
		.pending = names_of(&result->pending),
	};
	struct arena arena;

	arena_init(&arena);
	if (describe_problems(&arena, &result->problems, &out.problems))
		(void)control_call_reply(call, &api_reload_method, &out, false);
	else
		describe_fail(call);
	arena_fini(&arena);
}

static void finish(struct reload_reply *reply)
{
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

		if (unit && (unit->is_resumed || unit->n_in[INSTANCE_WAITING] > 0 ||
			     unit->n_in[INSTANCE_STARTING] > 0))
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
	uint64_t timeout_ns = master->settings.start_timeout_ns;

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
	if (timeout_ns > LIMIT_WAIT_NS - GRACE_NS)
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

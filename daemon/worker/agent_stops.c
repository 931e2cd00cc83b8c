/* agent_stops.c - Stop, at once or when an actor has done its work; and what becomes of
 * actors. */
#include "worker/agent_stops.h"

#include "base/clock.h"
#include "base/hash.h"
#include <errno.h>

/* How often actors that drain are looked at. A notice of theirs would cost time with each
 * message. */
#define DRAIN_LOOK_NS (5 * CLOCK_MS_NS)
/* Of many less often, so that the looks take a small part of the time. */
#define DRAIN_LOOK_EACH_NS 1000

/* A Stop that is answered when its actor has ended: in the list are those that drain, for an
 * actor that is not to drain ends at once. Of one actor there may be several. */
struct stop {
	struct list link; /* in agent->stops */
	UT_hash_handle by_actor;
	struct troupe_address actor;
	int64_t request;
	uint64_t target; /* messages handled once its mailbox is through */
};

static void free_stop(struct agent *agent, struct stop *stop)
{
	list_remove(&stop->link);
	HASH_DELETE(by_actor, agent->stops_by_actor, stop);
	free(stop);
}

/* NULL: no memory. */
static struct stop *new_stop(struct agent *agent, const struct worker_stop *in)
{
	struct stop *stop = malloc(sizeof(*stop));

	if (!stop)
		return NULL;
	*stop = (struct stop){.request = in->request, .actor = in->actor};
	HASH_ADD(by_actor, agent->stops_by_actor, actor, sizeof(stop->actor), stop);
	if (!stop->by_actor.tbl) {
		free(stop);
		return NULL;
	}
	list_append(&agent->stops, &stop->link);
	return stop;
}

static void answer_stop(struct agent *agent, struct stop *stop, bool found)
{
	struct worker_stopped stopped = {.request = stop->request, .found = found};

	free_stop(agent, stop);
	agent_send(agent, &worker_stopped_method, &stopped);
}

/* ---- draining */

static void begin_drain(struct agent *agent, struct stop *stop)
{
	struct runtime_info info;

	if (runtime_info(agent->runtime, stop->actor, &info) < 0) {
		answer_stop(agent, stop, false);
		return;
	}
	stop->target = info.handled + info.queued;
	/* At once if it is idle; not from here, for it is one of a list. */
	loop_timer_start(&agent->drain_timer, 0);
}

static bool has_drained(struct agent *agent, const struct stop *stop)
{
	struct runtime_info info;

	return runtime_info(agent->runtime, stop->actor, &info) == 0 &&
	       info.handled >= stop->target &&
	       !runtime_owes_answers(agent->runtime, stop->actor);
}

/* Once round: an actor's end may take others with it out of the list, whose first one is always
 * there. */
static void on_drain_timer(struct loop_timer *timer)
{
	struct agent *agent = container_of(timer, struct agent, drain_timer);
	unsigned n = HASH_CNT(by_actor, agent->stops_by_actor), n_draining = 0;

	for (; n > 0 && !list_is_empty(&agent->stops); n--) {
		struct stop *stop = list_first(&agent->stops, struct stop, link);

		list_remove(&stop->link);
		list_append(&agent->stops, &stop->link);
		if (!has_drained(agent, stop)) {
			n_draining++;
			continue;
		}
		/* Its end is what answers it. */
		(void)runtime_stop(agent->runtime, stop->actor);
	}
	if (n_draining > 0)
		loop_timer_start(timer, DRAIN_LOOK_NS + n_draining * DRAIN_LOOK_EACH_NS);
}

void agent_stops_init(struct agent *agent)
{
	list_init(&agent->stops);
	loop_timer_init(&agent->drain_timer, agent->config.loop, on_drain_timer);
}

void agent_stops_fini(struct agent *agent)
{
	loop_timer_stop(&agent->drain_timer);
	while (!list_is_empty(&agent->stops))
		free_stop(agent, list_first(&agent->stops, struct stop, link));
}

void agent_on_stop(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_stop *in = data;
	/* First, since the actor may end before runtime_stop() returns. */
	struct stop *stop = new_stop(agent, in);

	if (!stop)
		agent_fail(agent, "cannot stop an actor", -ENOMEM);
	else if (in->drain)
		begin_drain(agent, stop);
	else if (runtime_stop(agent->runtime, in->actor) < 0)
		answer_stop(agent, stop, false);
}

/* ---- ends */

NOINLINE static void report_end(struct agent *agent, const struct runtime_end *end)
{
	struct stop *stop;

	if (end->version != 0)
		agent_send(agent, &worker_ended_method,
			   &(struct worker_ended){
				   .version = end->version,
				   .instance = end->instance,
				   .actor = end->actor,
				   .cause = end->cause,
				   .code = end->error,
			   });
	else
		actor_log_end(&agent->actor_log, end);
	for (;;) {
		HASH_FIND(by_actor, agent->stops_by_actor, &end->actor, sizeof(end->actor),
			  stop);
		if (!stop)
			break;
		answer_stop(agent, stop, true);
	}
}

void agent_actor_ended(void *context, const struct runtime_end *end)
{
	struct agent *agent = agent_of(context);

	/* most were spawned by others and end well, which few want to read of */
	if (end->version != 0 || end->cause == TROUPE_CAUSE_FAILED ||
	    !list_is_empty(&agent->stops) || agent->config.log->level >= LOG_P_DEBUG)
		report_end(agent, end);
}

/* agent_peers.c - the other workers: what comes from them, what goes to them, and which
 * actors a name has. */
#include "worker/agent_peers.h"

#include "base/cleanup.h"
#include <string.h>

/* ---- notices */

void agent_on_peer(void *context, const void *data, int *fd)
{
	struct agent *agent = agent_of(context);
	const struct worker_peer *in = data;
	int r;

	(void)fd;
	if (in->worker < 1 || in->worker > LIMIT_WORKERS || in->incarnation < 1 ||
	    in->incarnation > UINT32_MAX) {
		log_error(agent->config.log, "the master tells of a worker that cannot be");
		agent_end(agent, AGENT_FAILED);
		return;
	}
	if (!in->up) {
		/* on_down() follows when the inbox holds nothing more of it. */
		if (!in->crashed)
			agent->ended[in->worker] = (uint32_t)in->incarnation;
		bridge_peer_down(agent->bridge, (uint16_t)in->worker,
				 (uint32_t)in->incarnation);
		return;
	}
	r = bridge_peer_up(agent->bridge, (uint16_t)in->worker, (uint32_t)in->incarnation);
	if (r < 0)
		log_warning(agent->config.log, "no link to worker %jd: %s",
			    (intmax_t)in->worker, strerror(-r));
}

void agent_on_arena(void *context, const void *data, int *fd)
{
	struct agent *agent = agent_of(context);
	const struct worker_arena *in = data;
	int r = -EINVAL;

	if (*fd >= 0 && in->worker >= 1 && in->worker <= LIMIT_WORKERS &&
	    in->incarnation >= 1 && in->incarnation <= UINT32_MAX)
		r = bridge_add_arena(agent->bridge, (uint16_t)in->worker,
				     (uint32_t)in->incarnation, *fd);
	/* -ESTALE: gone meanwhile. */
	if (r < 0 && r != -ESTALE && r != -EEXIST)
		log_warning(agent->config.log, "no arena of worker %jd: %s",
			    (intmax_t)in->worker, strerror(-r));
}

void agent_on_name(void *context, const void *data, int *fd)
{
	struct agent *agent = agent_of(context);
	const struct worker_name *in = data;
	cleanup_free struct troupe_address *actors =
		calloc(in->actors.count ? in->actors.count : 1, sizeof(*actors));
	int r = -ENOMEM;

	(void)fd;
	/* Which actor of a pool has least to do only the master knows, for the calls it
	 * passes on: between actors the turn goes round. */
	for (size_t i = 0; actors && i < in->actors.count; i++)
		actors[i] = in->actors.items[i].actor;
	if (actors)
		r = names_set(&agent->names, in->name, in->comesBack, actors, in->actors.count);
	if (r < 0)
		log_warning(agent->config.log, "name %s: %s", in->name, strerror(-r));
}

/* ---- the runtime's side */

int agent_forward(void *context, const struct envelope *e, const struct troupe_type *type,
		  const void *data, const struct envelope_meaning *meaning)
{
	struct agent *agent = agent_of(context);

	return bridge_send(agent->bridge, e, type, data, meaning);
}

bool agent_find_layout(void *context, struct troupe_address from, uint64_t hash,
		       const struct troupe_type **ret_type, const char **ret_name)
{
	struct agent *agent = agent_of(context);

	return bridge_find_layout(agent->bridge, from, hash, ret_type, ret_name);
}

int agent_find_name(void *context, const char *name, struct troupe_address *ret_address)
{
	struct agent *agent = agent_of(context);

	return names_find(&agent->names, name, ret_address);
}

/* ---- the bridge's side */

static void on_envelope(void *context, struct troupe_address peer,
			const struct envelope *envelope)
{
	struct agent *agent = agent_of(context);

	runtime_deliver(agent->runtime, peer, envelope);
}

static void on_room(void *context, uint16_t worker)
{
	struct agent *agent = agent_of(context);

	runtime_link_room(agent->runtime, agent->node, worker);
}

static void on_down(void *context, uint16_t worker, uint32_t incarnation)
{
	struct agent *agent = agent_of(context);

	runtime_peer_down(agent->runtime, agent->node, worker, incarnation,
			  agent->ended[worker] == incarnation ? TROUPE_PEER_DOWN
							      : TROUPE_ACTOR_DIED);
}

static void on_gap(void *context, uint16_t worker, uint64_t lost)
{
	struct agent *agent = agent_of(context);

	log_warning(agent->config.log, "%ju messages from worker %u were lost", (uintmax_t)lost,
		    worker);
	dead_letters_add(&agent->dead_letters,
			 &(struct dead_letter){.from = {.worker = worker},
					       .method = "",
					       .reason = "lost-on-link"},
			 (int64_t)(lost & INT64_MAX));
}

static void on_dropped(void *context, const struct envelope *envelope, const char *reason)
{
	struct agent *agent = agent_of(context);

	struct dead_letter letter = {.method = "", .reason = reason};

	if (envelope) {
		letter.from = envelope->from;
		letter.to = envelope->to;
	}
	dead_letters_add(&agent->dead_letters, &letter, 1);
}

static void on_arena_wanted(void *context, uint16_t worker, uint32_t incarnation)
{
	agent_send(context, &worker_borrow_method,
		   &(struct worker_borrow){.worker = worker, .incarnation = incarnation});
}

const struct bridge_ops agent_bridge_ops = {
	.on_envelope = on_envelope,
	.on_room = on_room,
	.on_down = on_down,
	.on_gap = on_gap,
	.on_dropped = on_dropped,
	.on_arena_wanted = on_arena_wanted,
};

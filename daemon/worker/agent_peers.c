/* agent_peers.c - the other workers: what comes from them, what goes to them, and which
 * actors a name has. */
#include "worker/agent_peers.h"

#include "base/cleanup.h"
#include <string.h>

/* ---- notices */

void agent_on_peer(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_peer *in = data;
	const struct process peer = process_of(in->process);
	int r;

	if (!in->up) {
		/* on_down() follows when the inbox holds nothing more of it. */
		bridge_peer_down(agent->bridge, peer, in->crashed);
		return;
	}
	r = bridge_peer_up(agent->bridge, peer);
	if (r < 0)
		log_warning(agent->config.log, "no link to worker %u: %s", peer.worker,
			    strerror(-r));
}

void agent_on_arena(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_arena *in = data;
	int r = bridge_add_arena(agent->bridge, process_of(in->process),
				 *channel_fd(agent->channel));

	/* -ESTALE: gone meanwhile. */
	if (r < 0 && r != -ESTALE && r != -EEXIST)
		log_warning(agent->config.log, "no arena of worker %u: %s", in->process.worker,
			    strerror(-r));
}

void agent_on_name(void *context, const void *data)
{
	struct agent *agent = agent_of(context);
	const struct worker_name *in = data;
	cleanup_free struct troupe_address *actors =
		calloc(in->actors.count ? in->actors.count : 1, sizeof(*actors));
	int r = -ENOMEM;

	/* Which actor of a pool has least to do only the master knows, for the calls it
	 * passes on: between actors the turn goes round. */
	for (size_t i = 0; actors && i < in->actors.count; i++)
		actors[i] = in->actors.items[i].actor;
	if (actors)
		r = registry_set(&agent->names, &(struct registry_name){
							.name = in->name,
							.actors = actors,
							.n_actors = in->actors.count,
							.comes_back = in->comesBack,
							.is_default = in->isDefault,
							.interfaces = in->interfaces.items,
							.n_interfaces = in->interfaces.count,
						});
	agent->missed_names |= r == -ENOMEM;
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

bool agent_find_layout(void *context, struct process from, uint64_t hash,
		       const struct troupe_type **ret_type, const char **ret_name)
{
	struct agent *agent = agent_of(context);

	return bridge_find_layout(agent->bridge, from, hash, ret_type, ret_name);
}

int agent_find_name(void *context, const char *name, struct troupe_address *ret_address)
{
	struct agent *agent = agent_of(context);

	return registry_find(&agent->names, name, ret_address);
}

int agent_find_provider(void *context, const char *interface,
			struct troupe_address *ret_address)
{
	struct agent *agent = agent_of(context);

	return registry_find_provider(&agent->names, interface, ret_address);
}

/* ---- the bridge's side */

static void on_envelope(void *context, struct process peer, const struct envelope *envelope)
{
	struct agent *agent = agent_of(context);

	runtime_deliver(agent->runtime, peer, envelope);
}

static void on_room(void *context, struct process peer)
{
	struct agent *agent = agent_of(context);

	runtime_link_room(agent->runtime, peer);
}

static void on_down(void *context, struct process peer, bool crashed)
{
	struct agent *agent = agent_of(context);

	runtime_peer_down(agent->runtime, peer, crashed ? TROUPE_ACTOR_DIED : TROUPE_PEER_DOWN);
}

static void on_gap(void *context, struct process peer, uint64_t lost)
{
	struct agent *agent = agent_of(context);

	log_warning(agent->config.log, "%ju messages from worker %u were lost", (uintmax_t)lost,
		    peer.worker);
	dead_letters_add(&agent->dead_letters,
			 &(struct worker_dead_letter){.from = process_address(peer),
						      .method = "",
						      .reason = "lost-on-link",
						      .count = (int64_t)(lost & INT64_MAX)});
}

static void on_dropped(void *context, const struct envelope *envelope, const char *reason)
{
	struct agent *agent = agent_of(context);

	struct worker_dead_letter letter = {.method = "", .reason = reason, .count = 1};

	if (envelope) {
		letter.from = envelope->from;
		letter.to = envelope->to;
	}
	dead_letters_add(&agent->dead_letters, &letter);
}

static void on_arena_wanted(void *context, struct process process)
{
	agent_send(context, &worker_borrow_method,
		   &(struct worker_borrow){.process = process_address(process)});
}

const struct bridge_ops agent_bridge_ops = {
	.on_envelope = on_envelope,
	.on_room = on_room,
	.on_down = on_down,
	.on_gap = on_gap,
	.on_dropped = on_dropped,
	.on_arena_wanted = on_arena_wanted,
};

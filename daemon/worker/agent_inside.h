/* agent_inside.h - the agent, for the files it is made of. */
#ifndef WORKER_AGENT_INSIDE_H
#define WORKER_AGENT_INSIDE_H

#include "base/check.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/page.h"
#include "bridge/bridge.h"
#include "bridge/nanomsg.h"
#include "core/runtime.h"
#include "io.troupe.Worker.varlink.h"
#include "plugin/loader.h"
#include "proto/channel.h"
#include "worker/actor_log.h"
#include "worker/agent.h"
#include "worker/calls.h"
#include "worker/dead_letters.h"
#include "worker/names.h"
#include "worker/units.h"

#define AGENT_MAGIC 0x6167656eu

struct agent {
	uint32_t magic;
	struct agent_config config;
	struct channel *channel;
	struct loop_timer timer; /* while shutting down: the channel's last notices */
	bool is_started;
	bool is_stopping;
	bool is_ended;

	/* From Start on: */
	uint16_t node, worker;
	uint32_t incarnation;
	struct page *page; /* mapped */
	struct loader *loader;
	struct runtime *runtime;
	struct nanomsg nanomsg;
	struct bridge *bridge;

	struct units units;
	struct names names;
	/* By worker: the incarnation that ended in order, last */
	uint32_t ended[LIMIT_WORKERS + 1];
	struct calls calls;
	struct dead_letters dead_letters;
	struct actor_log actor_log;
	struct list stops; /* Stop notices whose actors have not ended yet; of agent_stops.c */
	struct stop *stops_by_actor; /* the same; uthash */
	struct loop_timer
		drain_timer; /* while one of them waits for its actor to have done its work */
};

/* The agent that whoever calls back was given as its context. */
static inline struct agent *agent_of(void *context)
{
	struct agent *agent = context;

	check(agent->magic == AGENT_MAGIC);
	return agent;
}

/* Send a notice. What cannot be sent ends the agent: the master would wait for it for ever. */
void agent_send(struct agent *agent, const struct troupe_method *method, const void *in);

/* The end, told once. */
void agent_end(struct agent *agent, enum agent_end end);

/* agent_units.c: plug-ins, units, and making their actors */
void agent_on_load(void *context, const void *in, int *fd);
void agent_on_define(void *context, const void *in, int *fd);
void agent_on_redefine(void *context, const void *in, int *fd);
void agent_on_undefine(void *context, const void *in, int *fd);
void agent_on_spawn(void *context, const void *in, int *fd);

/* agent_stops.c: how they end */
void agent_on_stop(void *context, const void *in, int *fd);
void agent_actor_ended(void *context, const struct runtime_end *end); /* for runtime_ops */
void agent_stops_init(struct agent *agent);
void agent_stops_fini(struct agent *agent);

/* agent_calls.c: clients' calls */
void agent_on_call(void *context, const void *in, int *fd);
void agent_on_cancel(void *context, const void *in, int *fd);
void agent_on_taken(void *context, const void *in, int *fd);
void agent_on_client_gone(void *context, const void *in, int *fd);
void agent_calls_have_room(struct agent *agent); /* the master has read all replies */
void agent_calls_fini(struct agent *agent);

/* agent_census.c: who lives here */
void agent_on_inquire(void *context, const void *in, int *fd);
void agent_on_describe(void *context, const void *in, int *fd);

/* agent_peers.c: other workers and their actors' names */
void agent_on_peer(void *context, const void *in, int *fd);
void agent_on_arena(void *context, const void *in, int *fd);
void agent_on_name(void *context, const void *in, int *fd);
extern const struct bridge_ops agent_bridge_ops;
int agent_forward(void *context, const struct envelope *e, const struct troupe_type *type,
		  const void *data,
		  const struct envelope_meaning *meaning); /* these three for runtime_ops */
bool agent_find_layout(void *context, struct troupe_address from, uint64_t hash,
		       const struct troupe_type **ret_type, const char **ret_name);
int agent_find_name(void *context, const char *name, struct troupe_address *ret_address);

#endif

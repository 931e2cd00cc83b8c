/* agent_inside.h - the agent, for the files it is made of, and what all of them do with it.
 *
 * Its parts are agent_units.h, agent_stops.h, agent_calls.h, agent_census.h, agent_tasks.h and
 * agent_peers.h.
 * One thread.
 */
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
#include "io/io.h"
#include "plugin/loader.h"
#include "proto/channel.h"
#include "proto/json.h"
#include "worker/actor_log.h"
#include "worker/agent.h"
#include "worker/client_calls.h"
#include "worker/dead_letters.h"
#include "worker/registry.h"
#include "worker/slow_watch.h"
#include "worker/units.h"

#define AGENT_MAGIC 0x6167656eu

struct agent {
	uint32_t magic;
	struct agent_config config;
	struct channel *channel;
	struct loop_timer timer; /* while shutting down: the channel's last notices */
	bool is_started;
	bool is_stopping;
	bool is_closing; /* all actors have ended */
	bool is_ended;

	/* From Start on: */
	struct process process;
	struct page *page;             /* mapped */
	struct slow_watch *slow_watch; /* NULL: there is none */
	struct loader *loader;
	struct runtime *runtime;
	struct io *io;
	struct nanomsg nanomsg;
	struct bridge *bridge;

	struct units units;
	struct registry names;
	bool missed_names; /* for want of memory; the next Pong says so */
	struct client_calls calls;
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

/* Send a notice; soon: by channel_send_soon(). What cannot be sent ends the agent: the master
 * would wait for it for ever. Once it has ended nothing is sent: that the worker's end is the
 * end of its actors is for the master to find, who starts them again. */
void agent_send(struct agent *agent, const struct troupe_method *method, const void *in);
void agent_send_soon(struct agent *agent, const struct troupe_method *method, const void *in);

/* Log what failed, and end: the master starts another worker. */
void agent_fail(struct agent *agent, const char *what, int error);
/* Report the end by on_end, once. */
void agent_end(struct agent *agent, enum agent_end end);

#endif

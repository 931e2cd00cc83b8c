/* agent.h - the master's hand in a worker: takes its notices and makes runtime, loader and
 * bridge do as they say.
 *
 * One per worker process, in the thread of its loop, which is the one that runs plug-in code.
 * It opens everything else when Start comes.
 */
#ifndef WORKER_AGENT_H
#define WORKER_AGENT_H

#include "base/log.h"
#include "base/loop.h"
#include "worker/recorder.h"
#include <stdbool.h>

struct agent;

/* How it came to its end. */
enum agent_end {
	/* Shutdown was asked for and is complete. */
	AGENT_DONE,
	/* The master has gone: nothing is of use any more, not even an actor's fini. */
	AGENT_ORPHANED,
	/* Something it cannot be without has failed, or the master's notices make no sense;
	 * logged. */
	AGENT_FAILED,
};

struct agent_config {
	struct loop *loop;      /* borrowed */
	int channel;            /* the socket to the master, taken */
	struct log *log;        /* borrowed; Start sets its tag and level */
	struct recorder *crash; /* borrowed; may be NULL */
	/* Called once, from the loop; agent_free() is not to be called in it. */
	void (*on_end)(void *context, enum agent_end end);
	void *context;
};

/* *ret_agent is given. -ENOMEM; on failure the socket is closed. */
int agent_new(const struct agent_config *config, struct agent **ret_agent);
/* Whether a thread is still at something that an actor of it asked for: then nothing can be
 * freed, and the process is to leave as it is. */
bool agent_is_held(const struct agent *agent);
/* Actors that still live end now. NULL is fine. */
void agent_free(struct agent *agent);

#endif

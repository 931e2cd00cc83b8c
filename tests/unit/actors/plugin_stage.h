/* plugin_stage.h - an actor of a plug-in in the simulated world, for unit tests and fuzzers: it
 * listens on real sockets, whose other ends are here, and its time is simulated.
 *
 * Beside it is a puppet, whom all who ask for test.puppet find: of tests/unit/core.
 */
#ifndef TEST_ACTORS_PLUGIN_STAGE_H
#define TEST_ACTORS_PLUGIN_STAGE_H

#include "io/io.h"
#include "tests/unit/core/world.h"

struct plugin_stage {
	struct world world;
	struct io *io;
	struct troupe_address actor; /* the last that was spawned */
	void *config;
	char reply[4096]; /* the last one, as JSON */
	int lowest;       /* descriptor that was free before */
};

/* Begin with an actor of that table; config: its [Config] section as JSON. */
void plugin_stage_begin(struct plugin_stage *stage, const struct troupe_actor *table,
			const char *config);
/* The same without the actor. */
void plugin_stage_prepare(struct plugin_stage *stage, const struct troupe_actor *table,
			  const char *config);
/* An actor, in that state in which its init has left it: what that returned, or why it was not
 * asked. */
int plugin_stage_spawn(struct plugin_stage *stage);
/* It ends, with all that it has open. */
void plugin_stage_stop(struct plugin_stage *stage);
/* All ends, and nothing is left: no memory, no descriptor. */
void plugin_stage_end(struct plugin_stage *stage);

/* Run, and let time pass. */
void plugin_stage_run(struct plugin_stage *stage, uint64_t ns);

/* Call a method, that answers at once: the status of its reply (whose text is in `reply`), or
 * -errno when it could not be called. */
int plugin_stage_call(struct plugin_stage *stage, const char *interface, const char *method,
		      const char *json);
/* What a method without parameters returns, as JSON; borrowed until the next call. */
const char *plugin_stage_ask(struct plugin_stage *stage, const char *interface,
			     const char *method);
/* A number of what plugin_stage_ask() returned; it has to be there. */
long plugin_stage_number(const char *reply, const char *name);

/* A connection to the socket at that path, that never blocks. */
int plugin_stage_connect(const char *path);

#endif

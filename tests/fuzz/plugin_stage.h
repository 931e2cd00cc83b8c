/* plugin_stage.h - an actor of a plug-in in the simulated world, for fuzzers: it listens on
 * real sockets, whose other ends are here, and its time is simulated.
 *
 * Beside it is a puppet, whom all who ask for test.puppet find: of tests/unit/core.
 */
#ifndef TESTS_FUZZ_PLUGIN_STAGE_H
#define TESTS_FUZZ_PLUGIN_STAGE_H

#include "io/io.h"
#include "tests/unit/core/world.h"

struct plugin_stage {
	struct world world;
	struct io *io;
	struct troupe_address actor;
	int lowest; /* descriptor that was free before */
};

/* Begin with an actor of that table; config: its [Config] section as JSON. */
void plugin_stage_begin(struct plugin_stage *stage, const struct troupe_actor *table,
			const char *config);
/* All ends, and nothing is left: no memory, no descriptor. */
void plugin_stage_end(struct plugin_stage *stage);

/* Run, and let time pass. */
void plugin_stage_run(struct plugin_stage *stage, uint64_t ns);

/* What a method without parameters returns, as JSON; borrowed until the next call. */
const char *plugin_stage_ask(struct plugin_stage *stage, const char *interface,
			     const char *method);

/* A connection to the socket at that path, that never blocks. */
int plugin_stage_connect(const char *path);

#endif

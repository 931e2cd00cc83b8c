/* world.h - one simulated machine: a master, its workers, what they say to each other, and
 * time.
 *
 * The master is the real one, on a simulated loop. Its workers are processes only by the word
 * of process.h: real agents, with real runtimes and bridges, each on a loop of its own. All
 * loops go by one clock, which jumps when none has anything to do; whose pass is next, and all
 * else that a machine leaves open, the seed decides, so that a seed gives one run. What real
 * code asks of the system is answered by kernel.c, and in place of nanomsg stands wire.c. One
 * thread, one world.
 */
#ifndef TESTS_UNIT_WORLD_WORLD_H
#define TESTS_UNIT_WORLD_WORLD_H

#include "base/list.h"
#include "base/random.h"
#include "tests/unit/bridge/memory.h"
#include "trouped/trouped.h"
#include <stdbool.h>
#include <stdint.h>

#define WORLD_FILES 32

struct world_process;

struct world {
	uint64_t seed;
	struct random random; /* for whatever happens */
	struct random kernel; /* for getrandom(2) */
	char directory[64], socket[80], build[512];
	char *files[WORLD_FILES]; /* of the configuration */
	unsigned n_files;
	struct master_options options;
	struct master *master; /* NULL: not started */
	struct list
		processes; /* struct world_process: those that live, and those not released */
	struct world_process *current; /* whose pass this is; NULL: the master's, or nobody's */
	struct memory memory;          /* the wires between workers */
	int log;                       /* of all processes; a memfd */
	uint64_t hash;                 /* of what was noted */
	uint64_t steps;

	/* Who acts from outside, between two passes: what they do next, and when. Also while a
	 * handler sleeps. */
	void (*act)(void *context);
	uint64_t (*next_act_ns)(void *context);
	void *context;

	/* What becomes of the next launches */
	unsigned launches;      /* so far that went well */
	unsigned refuse;        /* of the next launches: fail with -EAGAIN */
	unsigned refused_of_10; /* of later ones, by lot */
	uint64_t late_ns; /* launches are reported up to so late, ends an eighth, by lot */
	/* For the end: deaths that the master did not ask for, ends in order */
	unsigned deaths, ends;
};

/* The world that there is, for the kernel. */
extern struct world *world_of_kernel;

/* An empty world: a directory with a trouped.conf. settings: further lines of [Daemon]. */
struct world *world_new(uint64_t seed, unsigned n_workers, const char *settings);
/* Write a file of the configuration. %B in a text stands for the build directory. */
void world_write(struct world *world, const char *name, const char *text);
void world_remove(struct world *world, const char *name);
/* Start the master. */
void world_start(struct world *world);
/* Stop it in order, if it runs, and undo all. Fails the test when anything is left behind. */
void world_free(struct world *world);

uint64_t world_now_ns(const struct world *world);

/* One pass of one process, or one jump of the clock, which does not go beyond until_ns. False:
 * it is there, and nothing is left to do. */
bool world_step(struct world *world, uint64_t until_ns);
/* Run for so long. */
void world_run(struct world *world, uint64_t ns);
/* Run until something is so, a simulated minute at most; false: it is not. */
bool world_until(struct world *world, bool (*is_so)(struct world *world));
bool world_is_running(struct world *world);

/* Chance: true in `n` cases of `of`. */
bool world_chance(struct world *world, unsigned n, unsigned of);

/* How many frames each worker's inbox takes from now on before those who send to it must
 * wait. */
void world_limit_wires(struct world *world, unsigned frames);

/* Let a text take part in the hash of the run. */
void world_note(struct world *world, const char *text, size_t size);
/* The hash so far, of what was noted and of the log. */
uint64_t world_hash(struct world *world);
/* Whether that is anywhere in the log. */
bool world_has_logged(struct world *world, const char *text);
/* Print the log. */
void world_print_log(struct world *world);

#endif

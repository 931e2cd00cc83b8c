/* process.h - a worker process of the simulated world: an agent on a loop of its own, and a
 * life as kernel and master see it.
 *
 * Belongs to its world. What a process does once it is dead reaches nobody: one that dies
 * within a handler is cut off at once, and its memory is freed when the handler has returned.
 */
#ifndef TESTS_UNIT_WORLD_PROCESS_H
#define TESTS_UNIT_WORLD_PROCESS_H

#include "base/log.h"
#include "world.h"
#include <signal.h>

#define PROCESS_FILES 64

struct world_process {
	struct launch launch; /* what the master asked for */
	bool is_answered;     /* it was launched, or that was refused */
	bool is_end_reported, is_released;
	struct list link; /* in world->processes */
	struct world *world;
	pid_t pid;         /* 0: not launched */
	int channel;       /* its end; -1: the agent has it */
	struct loop *loop; /* NULL: not begun, or buried */
	struct agent *agent;
	int agent_channel;
	struct log log;
	uint64_t wake_ns;        /* it does nothing before */
	bool is_busy;            /* in a handler that sleeps: its stack lies below */
	bool is_done, is_failed; /* the agent has ended */
	bool is_dead;
	struct launch_end end;
	int files[PROCESS_FILES]; /* of plug-ins; to be closed at its end */
	unsigned n_files;
};

extern const struct launcher_ops process_launcher;

/* The one that is worker `number` now and lives; NULL. */
struct world_process *process_of_worker(struct world *world, unsigned number);

/* One pass of its loop. */
void process_step(struct world_process *process);
bool process_is_due(struct world_process *process);
/* When it is due next; UINT64_MAX. */
uint64_t process_next_ns(struct world_process *process);

/* A signal from outside: SIGKILL ends it, SIGABRT too unless it is stopped. */
void process_signal(struct world_process *process, int number);
/* A fault in the handler that runs, or between two. */
void process_fault(struct world_process *process, int number);
/* It does nothing for so long, as if it were stopped. */
void process_stall(struct world_process *process, uint64_t ns);
/* The handler that runs sleeps; the rest of the world goes on. */
void process_sleep(struct world_process *process, uint64_t ns);

/* At the end of the world. */
void process_free(struct world_process *process);

#endif

/* stage.h - a whole master, with the test in its workers' and its clients' place.
 *
 * It runs on the simulated loop, in simulated time. There are no processes: what they would
 * say, the test says, and the kernel's part in their lives is played here. Waits fail the test
 * after a simulated minute. One thread, one stage.
 */
#ifndef TESTS_UNIT_SIM_STAGE_H
#define TESTS_UNIT_SIM_STAGE_H

#include "base/loop.h"
#include "clients/shares.h"
#include "control/host.h"
#include "io.troupe.Worker.varlink.h"
#include "master/worker.h"
#include "proto/channel.h"
#include "requests/shutdown.h"
#include "trouped/trouped.h"
#include <sys/types.h>

#define STAGE_WORKERS 2
#define STAGE_CALLS   16

/* A worker of the test: our end of its channel. */
struct stage_worker {
	struct launch launch;    /* what the master asked for */
	bool is_released;        /* it wants no more reports */
	struct loop_timer timer; /* of the next report */
	struct stage *stage;
	pid_t pid; /* 0: not launched yet */
	bool is_dead;
	struct launch_end end;
	struct channel *channel;
	bool is_closed;
	bool is_mute;    /* no Pong */
	bool has_missed; /* names: its Pong says so */
	uint16_t number; /* 0: not told Start yet */
	uint32_t incarnation;
	struct page *page; /* mapped */
	/* What the master told it */
	unsigned n_cancelled, n_shutdown, n_calls, n_loads, n_defines, n_spawns, n_taken,
		n_gone, n_stops, n_names;
	int64_t calls[STAGE_CALLS], cancelled, taken, taken_bytes;
	int64_t inquiry, inquiry_from; /* of the last Inquire, Describe or Tasks */
	char method[128], parameters[256];
	char name[128]; /* of the last Name, and how many actors run under it */
	size_t n_of_name;
	struct troupe_address to;
	struct worker_load load;
	struct worker_define define;
	struct worker_spawn spawn; /* the last one */
	struct worker_stop stop;   /* likewise */
	struct worker_peer peer;   /* likewise */
	struct worker_arena arena; /* likewise, and its descriptor; 0: none came */
	int arena_fd;
	unsigned n_arenas;
};

struct stage {
	char directory[64], socket[80], build[512];
	struct master_options options;
	struct master *master;
	unsigned n_asked, n_launched;
	unsigned n_refusals; /* launches that are to fail */
	unsigned n_refusals_at_once;
	uint64_t launch_ns;  /* that launching takes */
	bool is_stillborn;   /* a process exits with 3 before the master knows that it runs */
	bool is_unknowing;   /* how a process ended is not reported */
	bool is_stubborn;    /* Shutdown has no effect */
	bool is_undying;     /* signals have no effect */
	unsigned n_signals;  /* that had none */
	bool is_unready;     /* processes do not say that they are ready */
	bool is_slow;        /* actors are not made before stage_spawned() */
	bool is_loader_slow; /* plug-ins are not loaded */
	bool is_reader_slow; /* units are not defined */
	bool has_heirs; /* channels stay open when their process dies, as by a child of it */
	struct stage_worker *workers[STAGE_WORKERS + 1]; /* by number */
	/* A client */
	int client;
	char answer[65536];
	size_t size;
};

/* cmocka's setups: one worker and no unit; two, and the units one and two on them, both actors
 * of hello.so. */
int stage_raise(void **state);
int stage_raise_units(void **state);
/* The same, but the units are still being started. */
int stage_raise_slowly(void **state);
int stage_strike(void **state);

/* One pass of the loop, which waits for a few ms at most: what a test waits for may have come
 * true just before the loop went to sleep, and nothing need come after it. */
void stage_step(struct stage *stage);
void stage_until(struct stage *stage, bool (*is_so)(struct stage *stage));
/* A few passes of the loop, for what must not happen. */
void stage_idle(struct stage *stage);
/* Let so much time pass. */
void stage_pass(struct stage *stage, uint64_t ns);

/* The master's worker 1; whether it is up, or stopped. */
struct worker *stage_first(struct stage *stage);
bool stage_is_up(struct stage *stage);
bool stage_is_stopped(struct stage *stage);

/* What open calls take up of a share, all users together. */
struct ledger_use *stage_use(struct stage *stage, enum call_share share);

/* A client's message, as JSON. */
void stage_say(struct stage *stage, const char *message);
bool stage_has_answer(struct stage *stage);
/* Wait for the next answer, which must hold `piece`. */
void stage_expect(struct stage *stage, const char *piece);

/* Wait until the worker has a call, and take the last one. */
int64_t stage_wait_call(struct stage *stage, unsigned worker);

void stage_tell(struct stage_worker *worker, const struct troupe_method *method,
		const void *in);
void stage_reply(struct stage_worker *worker, int64_t call, bool continues, const char *error,
		 const char *parameters);
/* The actor that was asked for last has been made. error: or not, for this reason. */
void stage_spawned(struct stage_worker *worker, const char *error);
/* End its process by a signal. */
void stage_signal(struct stage_worker *worker, int number);
void stage_exit(struct stage_worker *worker, int status);
/* Send what is under way, then end its process by SIGKILL. */
void stage_kill(struct stage_worker *worker);
/* Let worker 1 die of a fault, in a handler or not, with that in its page, and wait until
 * another process is up. */
void stage_fault(struct stage *stage, bool in_handler, uint64_t doing, int64_t plugin);

/* Of the first actor of a unit. */
struct troupe_address stage_actor(struct stage *stage, const char *unit);
/* Let the unit two be on worker 1, too. */
void stage_share_worker(struct stage *stage);
/* The unit two on worker 2 runs, answers, and was not blamed for anything. */
void stage_expect_unharmed(struct stage *stage);
/* Worker 1 is ended for what it said and replaced; nobody else is harmed. */
void stage_expect_replaced(struct stage *stage);

/* Between stage.c and stage_worker.c: the launcher, whose context is the stage; launch a worker
 * that was asked for before there was a loop; free one (NULL is fine). */
extern const struct launcher_ops stage_launcher;
void stage_worker_launch(struct stage_worker *worker);
void stage_worker_free(struct stage_worker *worker);

#endif

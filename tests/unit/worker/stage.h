/* stage.h - a master for tests: real troupe-worker processes, driven by hand, one notice at a
 * time.
 *
 * Waits fail the test after STAGE_PATIENCE_NS. One thread.
 */
#ifndef TESTS_UNIT_WORKER_STAGE_H
#define TESTS_UNIT_WORKER_STAGE_H

#include "base/loop.h"
#include "base/page.h"
#include "io.troupe.Worker.varlink.h"
#include "proto/channel.h"
#include <sys/types.h>
#include <troupe/actor.h>

#define STAGE_WORKERS     3
#define STAGE_REPLIES     4096
#define STAGE_PATIENCE_NS 60000000000ull

struct stage_reply {
	int64_t call;
	bool continues;
	char *error; /* NULL: none */
	char *parameters;
};

struct stage_worker {
	struct stage *stage;
	uint16_t number;
	uint32_t incarnation;
	pid_t pid;
	struct channel *channel;
	struct page *page;
	int complaints; /* memfd: its standard error */
	bool is_closed; /* the channel */
	int status;     /* of waitpid(), once it was waited for */

	/* What it told: counts, and the last of each */
	unsigned readies, loadeds, defineds, spawneds, stoppeds, endeds, censuses, dead_letters;
	char *error;                 /* of Loaded, Defined, Spawned; NULL: none */
	int64_t error_code;          /* of Loaded, Defined */
	struct troupe_address actor; /* of Spawned */
	struct troupe_address ended;
	int64_t cause; /* enum troupe_cause */
	unsigned finisheds;
	char *failure; /* of Finished; NULL: none */
	int64_t code, next, resident_unit, resident_handled;
	size_t n_residents;
	char *letter_reason;
	int64_t letters;                           /* told of, and counted */
	struct stage_reply replies[STAGE_REPLIES]; /* the first ones */
	size_t n_replies;
	int64_t kept;         /* the call that it has told last to be kept */
	uint64_t told;        /* replies in all */
	bool is_reading_late; /* those of streams are not taken by themselves */
};

struct stage {
	struct loop *loop;
	char directory[64];
	char build[256]; /* where binaries and plug-ins are */
	struct stage_worker workers[STAGE_WORKERS + 1];
	int64_t last; /* number given out */
};

void stage_begin(struct stage *stage);
/* Kill what lives, clean up. */
void stage_end(struct stage *stage);

/* Start worker `number` (1..), with its next incarnation; it has said Ready. */
struct stage_worker *stage_start(struct stage *stage, uint16_t number);
/* Only the process: it has not been told Start. */
struct stage_worker *stage_launch(struct stage *stage, uint16_t number);
/* Tell workers a and b of each other. */
void stage_introduce(struct stage_worker *a, struct stage_worker *b);
/* Tell a that b has gone, in which way. */
void stage_bury(struct stage_worker *a, struct stage_worker *b, bool crashed);

void stage_tell(struct stage_worker *worker, const struct troupe_method *method,
		const void *in);

/* Load BUILD/test-plugins/NAME.so as plug-in `number`; the error, or NULL. */
const char *stage_load(struct stage_worker *worker, int64_t number, const char *name);
/* Likewise. config: JSON text. */
const char *stage_define(struct stage_worker *worker, int64_t unit, int64_t plugin,
			 const char *type, const char *config);
/* The address is in worker->actor. */
const char *stage_spawn(struct stage_worker *worker, int64_t unit, int64_t instance);
/* Load, define as unit `unit` named after its type, spawn instance 0. */
struct troupe_address stage_cast(struct stage_worker *worker, int64_t unit, const char *plugin,
				 const char *type, const char *config);
void stage_name(struct stage_worker *worker, const char *name,
		const struct troupe_address *actors, size_t n);

/* Begin a call; its number. flags: STAGE_MORE, STAGE_ONEWAY. */
#define STAGE_MORE   1u
#define STAGE_ONEWAY 2u
int64_t stage_call(struct stage_worker *worker, struct troupe_address to, const char *method,
		   const char *parameters, unsigned flags, int64_t timeout_ms);
/* The n-th reply (from 0) to a call, when it is there; NULL. */
const struct stage_reply *stage_find_reply(struct stage_worker *worker, int64_t call, size_t n);
/* Wait for it. */
const struct stage_reply *stage_reply(struct stage_worker *worker, int64_t call, size_t n);
/* Both in one: the only reply. */
const struct stage_reply *stage_ask(struct stage_worker *worker, struct troupe_address to,
				    const char *method, const char *parameters);

/* A client has taken so many replies of a stream. */
void stage_take(struct stage_worker *worker, int64_t call, int64_t count, int64_t bytes);

/* One pass of the loop. */
void stage_step(struct stage *stage);
/* Wait until the channel is closed and the process dead; its status as of waitpid(). */
int stage_wait_dead(struct stage_worker *worker);
/* What it wrote to standard error so far; given. */
char *stage_complaints(struct stage_worker *worker);

/* That it is the last one: this error, or none; and these parameters, or any. */
void assert_reply(const struct stage_reply *reply, const char *error, const char *parameters);

#define stage_until(stage, condition)                                                          \
	do {                                                                                   \
		uint64_t stage_deadline_ = loop_clock_ns((stage)->loop) + STAGE_PATIENCE_NS;   \
                                                                                               \
		while (!(condition)) {                                                         \
			if (loop_clock_ns((stage)->loop) > stage_deadline_)                    \
				fail_msg("waited in vain for: %s", #condition);                \
			stage_step(stage);                                                     \
		}                                                                              \
	} while (0)

#endif

/* jobs.h - the lines that map is working on: the state of each of them, and the line of output
 * that it becomes.
 *
 * Memory of the caller, one loop. Output goes to a writer, in the order of the input or as it
 * comes. A job is gone once its line was put out.
 */
#ifndef CTL_JOBS_H
#define CTL_JOBS_H

#include "base/list.h"
#include "base/random.h"
#include "ctl/varlink.h"
#include "ctl/writer.h"
#include "proto/json.h"
#include <stdbool.h>
#include <stdint.h>

struct map_connection;

enum job_state { JOB_READY, JOB_IN_FLIGHT, JOB_DELAYED, JOB_DONE };

struct job {
	struct varlink_call call;
	struct jobs *jobs;
	struct list order; /* all jobs, in the order of the input */
	struct list queue; /* ready or delayed */
	enum job_state state;
	struct map_connection *connection; /* while in flight */
	uint64_t number;                   /* of the line */
	uint64_t due_ns;                   /* delayed until */
	unsigned tries;                    /* so far */
	unsigned crashes;                  /* of them: that crashed a worker */
	char *text; /* parameters for the daemon; then the line of output */
	size_t size;
};

struct jobs {
	struct loop *loop;
	struct writer *writer;
	bool unordered;
	uint64_t retry; /* how often a job is tried again */
	struct list order, ready, delayed;
	uint64_t count, held; /* jobs, and bytes of their text */
	uint64_t done, failed;
	struct random random;
	int error; /* -ENOMEM: output is incomplete, no use to go on */
};

/* The writer is borrowed. */
void jobs_init(struct jobs *jobs, struct loop *loop, struct writer *writer, bool unordered,
	       uint64_t retry);
/* No connection may use the jobs any more. */
void jobs_fini(struct jobs *jobs);

/* A job for a line, behind the others; it still needs a text, or to fail. NULL: no memory. */
struct job *jobs_add(struct jobs *jobs, uint64_t number);

/* Make it ready to be sent. text is taken. */
void job_make_ready(struct job *job, char *text, size_t size);

/* It is on its way, through varlink_call(&job->call). */
void job_sent(struct job *job, struct map_connection *connection);

/* Done: the reply is its line. The job may be gone. */
void job_finish(struct job *job, struct json_span reply);

/* Done: an error is its line, of a harmless name and with the text of an object. The job may be
 * gone. */
void job_fail(struct job *job, const char *error, struct json_span parameters);

/* To be tried again, after a pause; false: that is not due to it any more. */
bool job_delay(struct job *job);

/* Those whose pause is over become ready. */
void jobs_wake(struct jobs *jobs);

/* Put out the lines that are due. */
void jobs_print(struct jobs *jobs);

/* Come to an end: no line is tried again any more. Lines that were never sent are forgotten,
 * those that wait for another try fail with `error`; `now`: those in flight, too (no connection
 * may use them any more). */
void jobs_end(struct jobs *jobs, const char *error, bool now);

#endif

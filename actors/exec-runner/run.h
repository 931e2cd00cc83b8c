/* run.h - a program that runs: one task that sees to its whole life, others for its pipes.
 *
 * A run is made by the handler that was called and gone when its task returns; when its caller
 * goes before, the program is ended. Its actor's thread.
 */
#ifndef EXEC_RUNNER_RUN_H
#define EXEC_RUNNER_RUN_H

#include "output.h"
#include "program.h"
#include <troupe/child.h>

struct runner {
	struct program *programs;
	struct run *runs;
	int64_t n_runs, runs_max;
	uint64_t kill_ns;
	int64_t last_id;
};

/* What a program writes to: read by a task of its own. */
struct source {
	struct run *run;
	bool is_errors;
	struct output output;
	struct troupe_task task;
	struct troupe_scope
		room; /* in which it waits for the reader of a stream; id 0: it does not */
};

struct run {
	struct run *next;
	int64_t id;
	const struct program *program;
	char **arguments; /* the caller's */
	size_t n_arguments;
	char *input; /* NULL: none */
	uint64_t timeout_ns, begun_ns;
	struct troupe_call call;
	bool is_oneway, is_stream;
	bool is_unwanted; /* its caller is gone */
	struct troupe_scope
		scope; /* from its start to its exit; id 0: it has not begun, or is over */
	struct troupe_child child; /* id 0: none */
	struct source sources[2];
};

/* What a caller wants. */
struct request {
	const struct program *program;
	const struct exec_runner_string_array *arguments;
	const char *input;
	uint64_t timeout_ns;
	bool is_oneway, is_stream;
};

/* Begin one; `call` is kept, unless is_oneway. -ENOMEM, -EAGAIN... */
int run_begin(struct troupe_self *self, struct runner *runner, const struct request *request,
	      struct troupe_call call);

/* NULL: there is none. */
struct run *run_find(struct runner *runner, int64_t id);
struct run *run_find_call(struct runner *runner, struct troupe_call call);

/* Its caller is gone. */
void run_abandon(struct troupe_self *self, struct run *run);
/* The reader of a stream has taken some of it. */
void run_on_room(struct troupe_self *self, struct run *run);

/* Those whose tasks never began, too. */
void runs_free(struct runner *runner);

#endif

/* run.c - see run.h. */
#include "run.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define PIECE     (16 << 10)
#define LINGER_NS TROUPE_SECOND_NS       /* for what is in the pipes when it has exited */
#define KILL_NS   (5 * TROUPE_SECOND_NS) /* for who was killed to exit */

/* ------------------------------------------------------------------ lives */

static void free_run(struct run *run)
{
	for (size_t i = 0; i < run->n_arguments; i++)
		free(run->arguments[i]);
	free(run->arguments);
	free(run->input);
	for (int i = 0; i < 2; i++)
		output_fini(&run->sources[i].output);
	free(run);
}

static void forget(struct runner *runner, struct run *run)
{
	struct run **place = &runner->runs;

	while (*place != run)
		place = &(*place)->next;
	*place = run->next;
	runner->n_runs--;
	free_run(run);
}

void runs_free(struct runner *runner)
{
	while (runner->runs)
		forget(runner, runner->runs);
}

struct run *run_find(struct runner *runner, int64_t id)
{
	struct run *run = runner->runs;

	while (run && run->id != id)
		run = run->next;
	return run;
}

struct run *run_find_call(struct runner *runner, struct troupe_call call)
{
	struct run *run = runner->runs;

	while (run && (run->is_oneway || run->call.id != call.id))
		run = run->next;
	return run;
}

void run_abandon(struct troupe_self *self, struct run *run)
{
	run->is_unwanted = true;
	if (run->scope.id)
		troupe_scope_cancel(self, run->scope);
	run_on_room(self, run);
}

/* ------------------------------------------------------------------ answers */

/* All that was kept of it. */
static void answer_run(struct troupe_self *self, struct run *run, struct exec_runner_exit how)
{
	const struct output *outputs[2] = {&run->sources[0].output, &run->sources[1].output};
	char *output = output_text(outputs[0]), *errors = output_text(outputs[1]);
	const struct exec_runner_run_out out = {
		.exit = how,
		.output = output ? output : "",
		.errors = errors ? errors : "",
		.truncated = outputs[0]->is_truncated || outputs[1]->is_truncated || !output ||
			     !errors,
	};

	(void)exec_runner_run_return(self, (struct exec_runner_run_call){run->call}, &out);
	free(output);
	free(errors);
}

static void answer(struct troupe_self *self, struct run *run, int status, bool timed_out)
{
	const int64_t number = WEXITSTATUS(status);
	const struct exec_runner_exit how = {
		.status = WIFEXITED(status) ? &number : NULL,
		.signal = WIFEXITED(status) ? NULL : sigabbrev_np(WTERMSIG(status)),
		.timedOut = timed_out,
	};

	if (run->is_oneway || run->is_unwanted)
		return;
	if (run->is_stream)
		(void)exec_runner_stream_return(self,
						(struct exec_runner_stream_call){run->call},
						&(struct exec_runner_stream_out){.exit = &how});
	else
		answer_run(self, run, how);
}

static void refuse(struct troupe_self *self, struct run *run, int error)
{
	const char *name = strerrorname_np(-error);
	const struct exec_runner_cannot_start why = {.reason = name ? name : "unknown"};

	if (run->is_oneway || run->is_unwanted)
		troupe_log(self, 4, "%s cannot start: %s", run->program->name, why.reason);
	else if (run->is_stream)
		(void)exec_runner_stream_fail_cannot_start(
			self, (struct exec_runner_stream_call){run->call}, &why);
	else
		(void)exec_runner_run_fail_cannot_start(
			self, (struct exec_runner_run_call){run->call}, &why);
}

/* ------------------------------------------------------------------ what it writes */

void run_on_room(struct troupe_self *self, struct run *run)
{
	for (int i = 0; i < 2; i++) {
		struct troupe_scope room = run->sources[i].room;

		run->sources[i].room.id = 0;
		if (room.id)
			troupe_scope_cancel(self, room);
	}
}

/* Until run_on_room(), which cuts this wait short. */
static int wait_for_room(struct troupe_self *self, struct source *source)
{
	int rc = troupe_scope_begin(self, TROUPE_UNLIMITED, &source->room);
	struct troupe_scope room = source->room;
	bool is_all;

	if (rc < 0)
		return rc;
	(void)troupe_sleep(self, UINT64_MAX);
	is_all = source->room.id != 0; /* it is not this wait alone */
	source->room.id = 0;
	(void)troupe_scope_end(self, room);
	return is_all ? -ECANCELED : 0;
}

static int send_piece(struct troupe_self *self, struct source *source, const char *bytes,
		      size_t size)
{
	const struct troupe_binary piece = {bytes, size};
	const struct exec_runner_stream_call call = {source->run->call};
	const struct exec_runner_stream_out out = {
		.output = source->is_errors ? NULL : &piece,
		.errors = source->is_errors ? &piece : NULL,
	};
	int rc;

	for (;;) {
		if (source->run->is_unwanted)
			return -ECANCELED;
		rc = exec_runner_stream_reply(self, call, &out);
		if (rc != -EAGAIN)
			return rc;
		rc = wait_for_room(self, source);
		if (rc < 0)
			return rc;
	}
}

static int read_source(struct troupe_self *self, struct runner *me, struct source *source,
		       void *unused)
{
	const struct troupe_child *child = &source->run->child;
	char piece[PIECE];
	ssize_t n;
	int rc = 0;

	(void)me;
	(void)unused;
	while (rc >= 0 && (n = troupe_read(self, source->is_errors ? child->err : child->out,
					   piece, sizeof(piece))) > 0) {
		if (source->run->is_stream)
			rc = send_piece(self, source, piece, (size_t)n);
		else
			rc = output_add(&source->output, piece, (size_t)n);
	}
	return rc < 0 ? rc : (int)n;
}
TROUPE_TASK(read_source, struct runner, struct source, void)

/* ------------------------------------------------------------------ what it reads */

/* As much of it as it likes to read. */
static int write_input(struct troupe_self *self, struct runner *me, struct run *run,
		       void *unused)
{
	int rc = troupe_write(self, run->child.in, run->input, strlen(run->input));

	(void)me;
	(void)unused;
	troupe_close(self, run->child.in);
	return rc == -EPIPE ? 0 : rc;
}
TROUPE_TASK(write_input, struct runner, struct run, void)

/* ------------------------------------------------------------------ its life */

static int start(struct troupe_self *self, struct run *run)
{
	const struct troupe_child_options options = {
		.table_size = sizeof(options),
		.in = run->input ? TROUPE_CHILD_PIPE : TROUPE_CHILD_NULL,
		.out = TROUPE_CHILD_PIPE,
		.err = TROUPE_CHILD_PIPE,
		.directory = run->program->directory,
		.environment = (const char *const *)run->program->environment,
	};
	const char **argv = program_argv(run->program, (const char *const *)run->arguments,
					 run->n_arguments);
	int rc = argv ? troupe_child_start(self, argv, &options, &run->child) : -ENOMEM;

	free(argv);
	return rc;
}

static int start_pipes(struct troupe_self *self, struct run *run, struct troupe_scope scope)
{
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++)
		rc = troupe_start(self, scope, &read_source_task, &run->sources[i], NULL,
				  &run->sources[i].task);
	if (rc == 0 && run->input)
		rc = troupe_start(self, scope, &write_input_task, run, NULL, NULL);
	return rc;
}

/* It is to end: it has kill_ns for that, then nothing is asked. */
static int end_child(struct troupe_self *self, struct runner *me, struct run *run,
		     int *ret_status)
{
	struct troupe_scope shield, scope;
	int rc = troupe_scope_shield(self, me->kill_ns + KILL_NS, &shield);

	if (rc < 0)
		return rc;
	(void)troupe_child_signal(self, run->child, me->kill_ns ? SIGTERM : SIGKILL);
	(void)troupe_child_signal(self, run->child, SIGCONT);
	rc = troupe_scope_begin(self, me->kill_ns ? me->kill_ns : 1, &scope);
	if (rc == 0) {
		rc = troupe_child_wait(self, run->child, ret_status);
		(void)troupe_scope_end(self, scope);
	}
	if (rc < 0 && rc != -ECHILD) {
		(void)troupe_child_signal(self, run->child, SIGKILL);
		rc = troupe_child_wait(self, run->child, ret_status);
	}
	(void)troupe_scope_end(self, shield);
	return rc;
}

static bool waits_for_reader(const struct run *run)
{
	return run->sources[0].room.id || run->sources[1].room.id;
}

/* What it has written is read to its end, as slow as the reader of a stream may be; not what
 * somebody else writes who has the pipe, too. */
static void read_rest(struct troupe_self *self, struct run *run)
{
	struct troupe_scope scope;
	int rc, at = 0;

	do {
		rc = troupe_scope_begin(self, LINGER_NS, &scope);
		for (; at < 2 && rc == 0; at += rc == 0)
			rc = troupe_join(self, run->sources[at].task, NULL);
		(void)troupe_scope_end(self, scope);
	} while (rc == -ETIMEDOUT && waits_for_reader(run));
}

/* From its start to its exit, by itself or not. *ret_timed_out only when it was begun. */
static int run_child(struct troupe_self *self, struct runner *me, struct run *run,
		     struct troupe_scope pipes, int *ret_status, bool *ret_timed_out)
{
	int rc = troupe_scope_begin(self, run->timeout_ns, &run->scope);

	if (rc < 0)
		return rc;
	rc = start(self, run);
	if (rc == 0 && run->is_stream)
		rc = exec_runner_stream_reply(self, (struct exec_runner_stream_call){run->call},
					      &(struct exec_runner_stream_out){.id = &run->id});
	if (rc == 0)
		rc = start_pipes(self, run, pipes);
	if (rc == 0)
		rc = troupe_child_wait(self, run->child, ret_status);
	(void)troupe_scope_end(self, run->scope);
	run->scope.id = 0;
	*ret_timed_out = rc == -ETIMEDOUT && run->child.id;
	if (rc < 0 && rc != -ECHILD && run->child.id) {
		int error = end_child(self, me, run, ret_status);

		if (rc == -ETIMEDOUT || rc == -ECANCELED)
			rc = error;
	}
	return rc;
}

static void see_to(struct troupe_self *self, struct runner *me, struct run *run)
{
	struct troupe_scope pipes;
	bool timed_out = false;
	int status = 0, rc = troupe_scope_begin(self, TROUPE_UNLIMITED, &pipes);

	if (rc == 0) {
		rc = run_child(self, me, run, pipes, &status, &timed_out);
		if (rc == 0 && !run->is_unwanted)
			read_rest(self, run);
		/* whoever reads and writes is done with this run before it goes */
		troupe_scope_cancel(self, pipes);
		(void)troupe_scope_end(self, pipes);
		troupe_close(self, run->child.in);
		troupe_close(self, run->child.out);
		troupe_close(self, run->child.err);
	}
	if (rc < 0)
		refuse(self, run, rc);
	else
		answer(self, run, status, timed_out);
}

static int live(struct troupe_self *self, struct runner *me, struct run *run, void *unused)
{
	(void)unused;
	if (!run->is_unwanted)
		see_to(self, me, run);
	forget(me, run);
	return 0;
}
TROUPE_TASK(live, struct runner, struct run, void)

/* ------------------------------------------------------------------ its beginning */

static int copy_request(struct run *run, const struct request *request)
{
	const size_t n = request->arguments ? request->arguments->count : 0;

	run->program = request->program;
	run->timeout_ns = request->timeout_ns;
	run->is_oneway = request->is_oneway;
	run->is_stream = request->is_stream;
	run->arguments = calloc(n + 1, sizeof(char *));
	if (!run->arguments)
		return -ENOMEM;
	for (; run->n_arguments < n; run->n_arguments++) {
		char *copy = strdup(request->arguments->items[run->n_arguments]);

		if (!copy)
			return -ENOMEM;
		run->arguments[run->n_arguments] = copy;
	}
	run->input = request->input ? strdup(request->input) : NULL;
	return request->input && !run->input ? -ENOMEM : 0;
}

int run_begin(struct troupe_self *self, struct runner *runner, const struct request *request,
	      struct troupe_call call)
{
	struct run *run = calloc(1, sizeof(*run));
	int rc;

	if (!run)
		return -ENOMEM;
	run->begun_ns = troupe_now_ns(self);
	for (int i = 0; i < 2; i++) {
		run->sources[i] = (struct source){.run = run, .is_errors = i == 1};
		output_init(&run->sources[i].output, request->program->output_max);
	}
	rc = copy_request(run, request);
	if (rc == 0 && !request->is_oneway)
		rc = troupe_call_keep(self, &call);
	run->call = call;
	if (rc == 0)
		rc = troupe_start(self, TROUPE_OF_ACTOR, &live_task, run, NULL, NULL);
	if (rc < 0) {
		free_run(run);
		return rc;
	}
	run->id = ++runner->last_id;
	run->next = runner->runs;
	runner->runs = run;
	runner->n_runs++;
	return 0;
}

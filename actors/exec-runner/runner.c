/* runner.c - runs programs that its configuration names: Run to the end, Stream as it goes.
 *
 * Each run is a task (run.c), with others for its pipes.
 */
#include "run.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_MAX        512
#define RUNS_DEFAULT    16
#define KILL_MAX_MS     50000
#define KILL_DEFAULT_MS 2000

/* The errors that both methods share, by the method that was called. */
enum refusal { NONE, UNKNOWN, TOO_MANY, NO_INPUT, BUSY, BAD_TIMEOUT };

static enum refusal judge(const struct runner *me, const char *program,
			  const struct exec_runner_string_array *arguments, const char *input,
			  const int64_t *timeout_ms, struct request *request)
{
	request->program = programs_find(me->programs, program);
	if (!request->program)
		return UNKNOWN;
	if (arguments && (int64_t)arguments->count > request->program->arguments)
		return TOO_MANY;
	if (input && !request->program->takes_input)
		return NO_INPUT;
	if (timeout_ms && *timeout_ms < 1)
		return BAD_TIMEOUT;
	if (me->n_runs >= me->runs_max)
		return BUSY;
	request->arguments = arguments;
	request->input = input;
	request->timeout_ns =
		(uint64_t)(timeout_ms && *timeout_ms < request->program->timeout_ms
				   ? *timeout_ms
				   : request->program->timeout_ms) *
		TROUPE_MS_NS;
	return NONE;
}

static int on_run(struct troupe_self *self, struct runner *me, struct exec_runner_run_call call,
		  const struct exec_runner_run *in)
{
	struct request request = {.is_oneway = !exec_runner_run_wants_reply(self, call)};

	switch (judge(me, in->program, in->arguments, in->input, in->timeoutMs, &request)) {
	case UNKNOWN:
		return exec_runner_run_fail_unknown_program(
			self, call, &(struct exec_runner_unknown_program){in->program});
	case TOO_MANY:
		return exec_runner_run_fail_too_many_arguments(
			self, call,
			&(struct exec_runner_too_many_arguments){request.program->arguments});
	case NO_INPUT:
		return exec_runner_run_fail_no_input(self, call,
						     &(struct exec_runner_no_input){0});
	case BUSY:
		return exec_runner_run_fail_busy(self, call,
						 &(struct exec_runner_busy){me->runs_max});
	case BAD_TIMEOUT:
		return exec_runner_run_fail_parameter(self, call, "timeoutMs",
						      "must be at least 1");
	default:
		return run_begin(self, me, &request, call.call);
	}
}

static int on_stream(struct troupe_self *self, struct runner *me,
		     struct exec_runner_stream_call call, const struct exec_runner_stream *in)
{
	struct request request = {.is_stream = true};

	if (!exec_runner_stream_wants_reply(self, call))
		return 0;
	if (!exec_runner_stream_wants_more(self, call))
		return exec_runner_stream_expect_more(self, call);
	switch (judge(me, in->program, in->arguments, in->input, in->timeoutMs, &request)) {
	case UNKNOWN:
		return exec_runner_stream_fail_unknown_program(
			self, call, &(struct exec_runner_unknown_program){in->program});
	case TOO_MANY:
		return exec_runner_stream_fail_too_many_arguments(
			self, call,
			&(struct exec_runner_too_many_arguments){request.program->arguments});
	case NO_INPUT:
		return exec_runner_stream_fail_no_input(self, call,
							&(struct exec_runner_no_input){0});
	case BUSY:
		return exec_runner_stream_fail_busy(self, call,
						    &(struct exec_runner_busy){me->runs_max});
	case BAD_TIMEOUT:
		return exec_runner_stream_fail_parameter(self, call, "timeoutMs",
							 "must be at least 1");
	default:
		return run_begin(self, me, &request, call.call);
	}
}

static int on_runs(struct troupe_self *self, struct runner *me,
		   struct exec_runner_runs_call call, const struct exec_runner_runs *in)
{
	struct exec_runner_running running[RUNS_MAX];
	struct exec_runner_runs_out out = {.runs = {.items = running}};
	size_t n = 0;

	(void)in;
	for (const struct run *run = me->runs; run; run = run->next)
		running[n++] = (struct exec_runner_running){
			.id = run->id,
			.program = run->program->name,
			.pid = run->child.pid,
			.ms = (int64_t)((troupe_now_ns(self) - run->begun_ns) / TROUPE_MS_NS),
		};
	out.runs.count = n;
	return exec_runner_runs_return(self, call, &out);
}

/* 0: there is none of that name. */
static int find_signal(const char *name)
{
	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (int number = 1; number < SIGRTMIN; number++) {
		const char *known = sigabbrev_np(number);

		if (known && strcmp(known, name) == 0)
			return number;
	}
	return 0;
}

static int on_kill(struct troupe_self *self, struct runner *me,
		   struct exec_runner_kill_call call, const struct exec_runner_kill *in)
{
	const int number = find_signal(in->signal ? in->signal : "TERM");
	const struct run *run = run_find(me, in->id);

	if (!number)
		return exec_runner_kill_fail_no_such_signal(
			self, call, &(struct exec_runner_no_such_signal){0});
	if (!run || troupe_child_signal(self, run->child, number) == -ESRCH)
		return exec_runner_kill_fail_no_such_run(self, call,
							 &(struct exec_runner_no_such_run){0});
	return exec_runner_kill_return(self, call, &(struct exec_runner_kill_out){0});
}

static int on_cancel(struct troupe_self *self, struct runner *me, struct troupe_call call)
{
	struct run *run = run_find_call(me, call);

	if (run)
		run_abandon(self, run);
	return 0;
}

static int on_room(struct troupe_self *self, struct runner *me, struct troupe_address where,
		   struct troupe_call call)
{
	struct run *run = run_find_call(me, call);

	(void)where;
	if (run)
		run_on_room(self, run);
	return 0;
}

static int begin(struct troupe_self *self, struct runner *me,
		 const struct exec_runner_config *config)
{
	int64_t kill_ms = config->killMs ? *config->killMs : KILL_DEFAULT_MS;

	me->runs_max = config->runs ? *config->runs : RUNS_DEFAULT;
	if (me->runs_max < 1 || me->runs_max > RUNS_MAX) {
		troupe_log(self, 3, "runs must be from 1 to %d", RUNS_MAX);
		return -EINVAL;
	}
	if (kill_ms < 0 || kill_ms > KILL_MAX_MS) {
		troupe_log(self, 3, "killMs must be from 0 to %d", KILL_MAX_MS);
		return -EINVAL;
	}
	me->kill_ns = (uint64_t)kill_ms * TROUPE_MS_NS;
	return programs_new(self, config, &me->programs);
}

static void end(struct troupe_self *self, struct runner *me, enum troupe_cause cause)
{
	(void)self;
	(void)cause;
	runs_free(me);
	programs_free(me->programs);
}

EXEC_RUNNER_HANDLERS(running, struct runner, .run = on_run, .stream = on_stream,
		     .runs = on_runs, .kill = on_kill)
TROUPE_LIFE(life, struct runner, struct exec_runner_config, .init = begin, .fini = end,
	    .on_cancel = on_cancel, .on_room = on_room)

TROUPE_ACTOR(exec_runner) = {
	TROUPE_ABI(exec_runner),
	.description = "Runs programs that its configuration names.",
	.state_size = sizeof(struct runner),
	.config = &exec_runner_config_type,
	.life = &life,
	.interfaces = {&running},
};

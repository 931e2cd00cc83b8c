/* fake_exec.h - processes that are none, in the time of the simulated loop: in place of
 * io/exec.c for a program whose test includes this.
 *
 * What a process does is what its arguments say, in microseconds: {"run", BEGINS, LIVES,
 * STATUS} or {"fail", BEGINS, ERRNO}; it begins so long after its start, and has its program;
 * "stubborn" in place of "run": SIGTERM does nothing to it. Each is accounted for: that it is
 * reaped once, and its memory given back when it needs it no more.
 */
#ifndef TESTS_UNIT_IO_FAKE_EXEC_H
#define TESTS_UNIT_IO_FAKE_EXEC_H

#include "base/cleanup.h"
#include "base/list.h"
#include "base/loop.h"
#include "io/exec.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define US_NS   1000ull
#define KILL_US 10 /* until one who was killed is dead */

struct exec {
	struct list link;
	struct loop_timer timer; /* what it does next */
	pid_t pid;
	int end, report; /* the far ends of what the caller has; report -1: it is closed */
	uint64_t lives_us;
	int status, error;
	bool is_stubborn, is_begun, is_dead, is_reaped, is_freed, is_stolen;
};

struct fake_counts {
	unsigned started, begun, failed, exited, killed; /* killed: by a signal */
	unsigned reaped, alive;                          /* alive: not reaped */
	unsigned terms;                                  /* SIGTERM sent */
};

static struct {
	struct loop *loop;
	struct list all;
	struct fake_counts counts;
	pid_t pid;
	int refuse;
	bool is_traced, steals, kills_at_once;
} fake;

static void forget_exec(struct exec *exec)
{
	if (!exec->is_reaped || !exec->is_freed)
		return;
	close(exec->end);
	list_remove(&exec->link);
	free(exec);
}

static void close_report(struct exec *exec)
{
	if (exec->report >= 0)
		close(take_fd(&exec->report));
}

static void end_exec(struct exec *exec)
{
	const uint64_t once = 1;

	exec->is_dead = true;
	exec->is_stolen = fake.steals;
	fake.steals = false;
	loop_timer_stop(&exec->timer);
	close_report(exec);
	if (WIFSIGNALED(exec->status))
		fake.counts.killed++;
	else
		fake.counts.exited++;
	assert_int_equal(write(exec->end, &once, sizeof(once)), sizeof(once));
}

static void begin_exec(struct exec *exec)
{
	exec->is_begun = true;
	if (exec->error) {
		fake.counts.failed++;
		exec->status = W_EXITCODE(127, 0);
		/* the caller may have closed its end */
		(void)!write(exec->report, &exec->error, sizeof(exec->error));
	} else {
		fake.counts.begun++;
	}
	close_report(exec);
	loop_timer_start(&exec->timer, exec->error ? 0 : exec->lives_us * US_NS);
}

static void on_exec_timer(struct loop_timer *timer)
{
	struct exec *exec = container_of(timer, struct exec, timer);

	if (exec->is_begun || WIFSIGNALED(exec->status))
		end_exec(exec);
	else
		begin_exec(exec);
}

/* From now on with that loop; all counts are 0. */
static void fake_exec_begin(struct loop *loop)
{
	memset(&fake, 0, sizeof(fake));
	fake.loop = loop;
	fake.pid = 1 << 23; /* no process of the kernel's has that number */
	list_init(&fake.all);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* All that was started is reaped and given back. */
static void fake_exec_end(void)
{
	assert_true(list_is_empty(&fake.all));
	assert_int_equal(fake.counts.alive, 0);
}

static struct fake_counts fake_exec_counts(void)
{
	return fake.counts;
}

/* The next start is refused with that error. */
static void fake_exec_refuse(int error)
{
	fake.refuse = error;
}

/* From now on nobody who is dead can be reaped: their tracer has not taken note. */
static void fake_exec_trace(bool on)
{
	fake.is_traced = on;
}

/* From now on who is killed is dead at once. */
static void fake_exec_kill_at_once(void)
{
	fake.kills_at_once = true;
}

/* Another waitpid() gets the status of the next who dies. */
static void fake_exec_steal(void)
{
	fake.steals = true;
}

/* ------------------------------------------------------------------ what io/exec.c has */

int exec_start(const struct exec_plan *plan, struct exec **ret_exec, pid_t *ret_pid,
	       int *ret_pidfd, int *ret_report)
{
	const char *const *words = plan->arguments;
	struct exec *exec;
	int ends[2], rc = fake.refuse;

	fake.refuse = 0;
	if (rc < 0)
		return rc;
	exec = calloc(1, sizeof(*exec));
	assert_non_null(exec);
	exec->pid = ++fake.pid;
	exec->is_stubborn = strcmp(words[0], "stubborn") == 0;
	if (strcmp(words[0], "fail") == 0) {
		exec->error = -atoi(words[2]);
	} else {
		exec->lives_us = strtoul(words[2], NULL, 10);
		exec->status = W_EXITCODE(atoi(words[3]), 0);
	}
	*ret_pidfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	exec->end = dup(*ret_pidfd);
	assert_true(exec->end >= 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	*ret_report = ends[0];
	exec->report = ends[1];
	list_append(&fake.all, &exec->link);
	loop_timer_init(&exec->timer, fake.loop, on_exec_timer);
	loop_timer_start(&exec->timer, strtoul(words[1], NULL, 10) * US_NS);
	fake.counts.started++;
	fake.counts.alive++;
	*ret_pid = exec->pid;
	*ret_exec = exec;
	return 0;
}

int exec_outcome(int report)
{
	int error;
	ssize_t n = read(report, &error, sizeof(error));

	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(error) ? error : 0;
}

/* Its memory may go when it has its program, or is dead. */
void exec_free(struct exec *exec)
{
	if (!exec)
		return;
	assert_true(exec->is_dead || (exec->is_begun && !exec->error));
	assert_false(exec->is_freed);
	exec->is_freed = true;
	forget_exec(exec);
}

static struct exec *find_exec(pid_t pid)
{
	list_foreach (at, &fake.all) {
		struct exec *exec = container_of(at, struct exec, link);

		if (exec->pid == pid && !exec->is_reaped)
			return exec;
	}
	return NULL;
}

int exec_signal(pid_t pid, int pidfd, int signal, bool alone)
{
	struct exec *exec = find_exec(pid);

	(void)pidfd;
	if (!exec)
		return -ESRCH;
	/* it makes its group before it has its program */
	if (!alone && !exec->is_begun)
		return -ESRCH;
	if (signal == SIGTERM)
		fake.counts.terms++;
	if (exec->is_dead || WIFSIGNALED(exec->status) || signal == 0 || signal == SIGCONT ||
	    (signal == SIGTERM && exec->is_stubborn))
		return 0;
	exec->status = signal;
	if (fake.kills_at_once)
		end_exec(exec);
	else
		loop_timer_start(&exec->timer, KILL_US * US_NS);
	return 0;
}

int exec_reap(pid_t pid, int pidfd, int *ret_status)
{
	struct exec *exec = find_exec(pid);
	int rc = 0;

	(void)pidfd;
	assert_non_null(exec);
	if (!exec->is_dead || fake.is_traced)
		return -EAGAIN;
	if (exec->is_stolen)
		rc = -ECHILD;
	else
		*ret_status = exec->status;
	fake.counts.reaped++;
	fake.counts.alive--;
	exec->is_reaped = true;
	forget_exec(exec);
	return rc;
}

#endif

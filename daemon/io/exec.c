#include "io/exec.h"

#include "base/cleanup.h"
#include "io/raw_syscall.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES   (32u << 10)
#define REPORT_FD     3    /* of the process, closed by exec */
#define SOFT_FILES    1024 /* of its own, whatever ours are: select() knows no more */
#define STATUS_FAILED 127

struct exec {
	const char **arguments, **environment;
	const char *directory;
	const char **paths; /* where the program may be */
	int fds[3], report;
	pid_t parent;
	unsigned char *stack;
};

/* ------------------------------------------------------------------ in the process
 *
 * It has our memory, and our thread's: nothing may be called that writes there, errno included,
 * and no sanitizer may look on.
 */
#define call(number, a, b, c, d) raw_syscall(number, (long)(a), (long)(b), (long)(c), (long)(d))

/* So that it dies with its parent, and not before it has one. */
RAW_ALONE static long tie(const struct exec *exec)
{
	long rc = call(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0);

	if (rc == 0 && call(SYS_getppid, 0, 0, 0, 0) != exec->parent)
		rc = -ESRCH;
	return rc < 0 ? rc : call(SYS_setpgid, 0, 0, 0, 0);
}

/* Descriptors 0 to 2, the report behind them, and no others. */
RAW_ALONE static long install_fds(const struct exec *exec)
{
	long apart[3], report = call(SYS_fcntl, exec->report, F_DUPFD, REPORT_FD + 1, 0);

	/* out of the way first: none may be where another is to go */
	for (int i = 0; i < 3; i++)
		apart[i] = call(SYS_fcntl, exec->fds[i], F_DUPFD, REPORT_FD + 1, 0);
	if (report < 0)
		return report;
	for (int i = 0; i < 3; i++) {
		long rc = apart[i] < 0 ? apart[i] : call(SYS_dup3, apart[i], i, 0, 0);

		if (rc < 0)
			return rc;
	}
	report = call(SYS_dup3, report, REPORT_FD, O_CLOEXEC, 0);
	return report < 0 ? report : call(SYS_close_range, REPORT_FD + 1, ~0u, 0, 0);
}

/* As a program expects them: none blocked, none ignored. */
RAW_ALONE static void reset_signals(void)
{
	const uint64_t standard[4] = {0},
		       none = 0; /* struct sigaction and sigset_t as the kernel's */

	for (int number = 1; number < NSIG; number++)
		(void)call(SYS_rt_sigaction, number, standard, 0, sizeof(none));
	(void)call(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof(none));
}

RAW_ALONE static void reset_files(void)
{
	struct rlimit limit;

	if (call(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit) < 0 ||
	    limit.rlim_cur <= SOFT_FILES)
		return;
	limit.rlim_cur = SOFT_FILES;
	(void)call(SYS_prlimit64, 0, RLIMIT_NOFILE, &limit, 0);
}

/* As a shell does it: what is found but may not be run is an error only when nothing else is
 * found. */
RAW_ALONE static long become(const struct exec *exec)
{
	long error = -ENOENT;

	for (const char **path = exec->paths; *path; path++) {
		long rc = call(SYS_execve, *path, exec->arguments, exec->environment, 0);

		if (rc == -EACCES)
			error = rc;
		else if (rc != -ENOENT && rc != -ENOTDIR)
			return rc;
	}
	return error;
}

RAW_ALONE _Noreturn static void run(const struct exec *exec)
{
	int32_t error;
	long rc = tie(exec), report = exec->report;

	if (rc == 0)
		rc = install_fds(exec);
	if (rc == 0) {
		report = REPORT_FD;
		rc = exec->directory ? call(SYS_chdir, exec->directory, 0, 0, 0) : 0;
	}
	if (rc == 0) {
		reset_files();
		reset_signals();
		rc = become(exec);
	}
	error = (int32_t)rc;
	(void)call(SYS_write, report, &error, sizeof(error), 0);
	for (;;)
		(void)call(SYS_exit_group, STATUS_FAILED, 0, 0, 0);
}

RAW_ALONE static int begin(void *arg)
{
	run(arg);
}

/* ------------------------------------------------------------------ what it needs of us */

/* Into *at goes a copy. */
static char *put_text(char **at, const char *text, size_t size)
{
	char *copy = *at;

	memcpy(copy, text, size);
	copy[size] = '\0';
	*at += size + 1;
	return copy;
}

static size_t measure(const char *const *texts, size_t *ret_bytes)
{
	size_t n = 0;

	for (; texts[n]; n++)
		*ret_bytes += strlen(texts[n]) + 1;
	*ret_bytes += (n + 1) * sizeof(*texts);
	return n;
}

static const char **put_texts(char **words, char **at, const char *const *texts, size_t n)
{
	const char **copy = (const char **)(void *)*words;

	for (size_t i = 0; i < n; i++)
		copy[i] = put_text(at, texts[i], strlen(texts[i]));
	copy[n] = NULL;
	*words += (n + 1) * sizeof(*copy);
	return copy;
}

static const char *find_path_variable(const char *const *environment)
{
	for (; *environment; environment++)
		if (strncmp(*environment, "PATH=", 5) == 0)
			return *environment + 5;
	return "/usr/local/bin:/usr/bin:/bin";
}

static size_t count_paths(const char *variable)
{
	size_t n = 1;

	for (; *variable; variable++)
		n += *variable == ':';
	return n;
}

/* In each directory of the variable. An empty one is the directory at hand. */
static void put_paths(const char **paths, char **at, const char *variable, const char *name)
{
	for (;; variable++) {
		size_t size = strcspn(variable, ":");

		*paths++ = *at;
		if (size > 0) {
			(void)put_text(at, variable, size);
			(*at)[-1] = '/';
		}
		(void)put_text(at, name, strlen(name));
		variable += size;
		if (!*variable)
			break;
	}
	*paths = NULL;
}

/* One block of memory: the record, the arrays, the texts. */
static int make_exec(const struct exec_plan *plan, struct exec **ret_exec)
{
	const char *name = plan->arguments[0],
		   *variable = find_path_variable(plan->environment);
	const bool is_path = strchr(name, '/') != NULL || !*name;
	const size_t n_paths = is_path ? 1 : count_paths(variable);
	size_t bytes = 0;
	const size_t n_arguments = measure(plan->arguments, &bytes);
	const size_t n_environment = measure(plan->environment, &bytes);
	struct exec *exec;
	char *words, *at;

	bytes += (n_paths + 1) * sizeof(char *);
	bytes += n_paths * (strlen(name) + 1) + (is_path ? 0 : strlen(variable) + 1);
	bytes += plan->directory ? strlen(plan->directory) + 1 : 0;
	if (bytes > EXEC_BYTES_MAX)
		return -E2BIG;
	exec = malloc(sizeof(*exec) + bytes);
	if (!exec)
		return -ENOMEM;
	*exec = (struct exec){.report = -1, .parent = getpid()};
	exec->stack = malloc(STACK_BYTES);
	if (!exec->stack) {
		free(exec);
		return -ENOMEM;
	}
	memcpy(exec->fds, plan->fds, sizeof(exec->fds));
	words = (char *)(exec + 1);
	at = words + (n_arguments + n_environment + n_paths + 3) * sizeof(char *);
	exec->arguments = put_texts(&words, &at, plan->arguments, n_arguments);
	exec->environment = put_texts(&words, &at, plan->environment, n_environment);
	exec->paths = (const char **)(void *)words;
	if (is_path)
		(void)put_texts(&words, &at, &name, 1);
	else
		put_paths(exec->paths, &at, variable, name);
	if (plan->directory)
		exec->directory = put_text(&at, plan->directory, strlen(plan->directory));
	*ret_exec = exec;
	return 0;
}

void exec_free(struct exec *exec)
{
	if (!exec)
		return;
	free(exec->stack);
	free(exec);
}

/* ------------------------------------------------------------------ starts */

/* clone() itself: a sanitizer may have one of its own, which does its work in the process. */
extern __typeof__(clone) __clone;

/* A signal in the process before it has its program would run our handlers there: all are
 * blocked meanwhile, and it undoes that for itself. */
static int clone_process(struct exec *exec, pid_t *ret_pid, int *ret_pidfd)
{
	sigset_t all, before;
	int rc = 0;
	pid_t pid;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	pid = __clone(begin, exec->stack + STACK_BYTES, CLONE_VM | CLONE_PIDFD | SIGCHLD, exec,
		      ret_pidfd);
	if (pid < 0)
		rc = -errno;
	else
		*ret_pid = pid;
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

int exec_start(const struct exec_plan *plan, struct exec **ret_exec, pid_t *ret_pid,
	       int *ret_pidfd, int *ret_report)
{
	cleanup_close int ours = -1, theirs = -1;
	struct exec *exec;
	int pair[2], rc = make_exec(plan, &exec);

	if (rc < 0)
		return rc;
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0) {
		rc = -errno;
		exec_free(exec);
		return rc;
	}
	ours = pair[0];
	theirs = exec->report = pair[1];
	rc = clone_process(exec, ret_pid, ret_pidfd);
	if (rc < 0) {
		exec_free(exec);
		return rc;
	}
	*ret_exec = exec;
	*ret_report = take_fd(&ours);
	return 0;
}

int exec_outcome(int report)
{
	int32_t error;
	ssize_t n = read(report, &error, sizeof(error));

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	return n == (ssize_t)sizeof(error) ? error : 0;
}

/* ------------------------------------------------------------------ ends */

/* As long as it has not been reaped, by whoever may have done that, the number is its own. */
int exec_signal(pid_t pid, int pidfd, int signal, bool alone)
{
	if (pidfd_send_signal(pidfd, alone ? signal : 0, NULL, 0) < 0)
		return -errno;
	return alone || kill(-pid, signal) == 0 ? 0 : -errno;
}

static int status_of(const siginfo_t *end)
{
	if (end->si_code == CLD_EXITED)
		return W_EXITCODE(end->si_status, 0);
	return end->si_status | (end->si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

int exec_reap(pid_t pid, int pidfd, int *ret_status)
{
	const int how = WEXITED | WNOHANG;
	siginfo_t end = {0};

	if (waitid(P_PIDFD, (id_t)pidfd, &end, how | WNOWAIT) < 0)
		return -errno;
	if (end.si_pid == 0)
		return -EAGAIN;
	(void)kill(-pid, SIGKILL);
	if (waitid(P_PIDFD, (id_t)pidfd, &end, how) < 0)
		return -errno;
	*ret_status = status_of(&end);
	return 0;
}

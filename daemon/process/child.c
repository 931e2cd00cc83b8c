#include "process/child.h"

#include "base/check.h"
#include "base/cleanup.h"
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* systemd's variables are for the master alone: a child that used them to answer the watchdog,
 * or to take the listening sockets, would be taken for it. */
static bool is_for_master(const char *variable)
{
	static const char *const prefixes[] = {"NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_",
					       "FDSTORE="};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

char **child_environment(void)
{
	size_t n = 0;
	char **copy;

	while (environ && environ[n])
		n++;
	copy = calloc(n + 1, sizeof(*copy));
	if (!copy)
		return NULL;
	for (size_t i = 0, at = 0; i < n; i++)
		if (!is_for_master(environ[i]))
			copy[at++] = environ[i];
	return copy;
}

static bool install_fds(const struct child_plan *plan)
{
	const int end = CHILD_FIRST_FD + (int)plan->n_fds;
	int apart[CHILD_FDS_MAX];

	if (dup2(plan->null, STDIN_FILENO) < 0 ||
	    (plan->output >= 0 && dup2(plan->output, STDOUT_FILENO) < 0) ||
	    (plan->error >= 0 && dup2(plan->error, STDERR_FILENO) < 0))
		return false;
	/* Out of the way first: none may be where another is to go. -1 fails below. */
	for (unsigned i = 0; i < plan->n_fds; i++)
		apart[i] = fcntl(plan->fds[i], F_DUPFD, end);
	for (unsigned i = 0; i < plan->n_fds; i++)
		if (dup2(apart[i], CHILD_FIRST_FD + (int)i) < 0)
			return false;
	return close_range((unsigned)end, ~0u, 0) == 0;
}

/* In the child, all signals blocked: only async-signal-safe calls until the program changes. */
static _Noreturn void become(const struct child_plan *plan, pid_t master)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	sigset_t none;

	/* The master may have died before PR_SET_PDEATHSIG was set: then no signal comes. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != master)
		_exit(127);
	(void)setsid();
	/* The rights that a place of Listen= takes are the daemon's (AmbientCapabilities=). */
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (!install_fds(plan))
		_exit(127);
	/* An ignored signal would stay ignored after exec, a blocked one blocked. */
	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &standard, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	execve(plan->binary, plan->arguments, plan->environment);
	_exit(127);
}

static int fork_child(const struct child_plan *plan, pid_t *ret_pid)
{
	pid_t master = getpid(), pid;
	sigset_t all, before;
	int r = 0;

	/* A signal in the child before exec would run the master's handler there. */
	sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &before);
	pid = fork();
	if (pid == 0)
		become(plan, master);
	if (pid < 0)
		r = -errno;
	else
		*ret_pid = pid;
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r;
}

int child_start(const struct child_plan *plan, pid_t *ret_pid, int *ret_pidfd)
{
	cleanup_close int spare = -1;
	int pidfd, r;
	pid_t pid;

	check(plan->n_fds <= CHILD_FDS_MAX);
	/* Whether there is a descriptor left for the pidfd is to be known before there is a
	 * child. */
	spare = fcntl(plan->null, F_DUPFD_CLOEXEC, 0);
	if (spare < 0)
		return -errno;
	r = fork_child(plan, &pid);
	if (r < 0)
		return r;
	close(take_fd(&spare));
	pidfd = pidfd_open(pid, 0); /* close-on-exec by itself */
	if (pidfd < 0) {
		r = -errno;
		/* A child without a pidfd cannot be watched: kill it. It may stay a zombie for
		 * as long as we live, as waiting for it could block. */
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, WNOHANG);
		return r;
	}
	*ret_pid = pid;
	*ret_pidfd = pidfd;
	return 0;
}

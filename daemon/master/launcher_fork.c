/* launcher_fork.c - workers as children of the master. */
#include "master/launcher.h"

#include "base/cleanup.h"
#include "base/seqpacket.h"
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define CHANNEL_FD 3

struct fork_launcher {
	char *binary;
	char **environment; /* borrowed strings */
	int null;           /* /dev/null */
};

/* What systemd said to the master is for nobody else: a worker that answered the watchdog, or
 * took the listening sockets, would be taken for it. */
static bool is_for_master(const char *variable)
{
	static const char *const prefixes[] = {"NOTIFY_SOCKET=", "WATCHDOG_", "LISTEN_",
					       "FDSTORE="};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (strncmp(variable, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

static char **copy_environment(void)
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

/* In the child, all signals blocked: only async-signal-safe calls until the program changes. */
static _Noreturn void become_worker(const struct fork_launcher *launcher, int channel,
				    pid_t master)
{
	struct sigaction standard = {.sa_handler = SIG_DFL};
	char name[] = "troupe-worker";
	char *arguments[] = {name, NULL};
	sigset_t none;

	/* The master may have died before the kernel knew that we want to hear of it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != master)
		_exit(127);
	(void)setsid();
	if (dup2(launcher->null, STDIN_FILENO) < 0)
		_exit(127);
	if (channel == CHANNEL_FD ? fcntl(channel, F_SETFD, 0) < 0
				  : dup2(channel, CHANNEL_FD) < 0)
		_exit(127);
	if (close_range(CHANNEL_FD + 1, ~0u, 0) < 0)
		_exit(127);
	/* An ignored signal would stay ignored after exec, a blocked one blocked. */
	for (int number = 1; number < NSIG; number++)
		(void)sigaction(number, &standard, NULL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	execve(launcher->binary, arguments, launcher->environment);
	_exit(127);
}

static int fork_worker(const struct fork_launcher *launcher, int channel, pid_t *ret_pid)
{
	pid_t master = getpid(), pid;
	sigset_t all, before;

	/* A signal in the child before exec would run the master's handler there. */
	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &before) < 0)
		return -errno;
	pid = fork();
	if (pid == 0)
		become_worker(launcher, channel, master);
	if (pid < 0) {
		int r = -errno;

		(void)sigprocmask(SIG_SETMASK, &before, NULL);
		return r;
	}
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	*ret_pid = pid;
	return 0;
}

static int launch_fork(void *context, struct launched *ret_launched)
{
	struct fork_launcher *launcher = context;
	cleanup_close int ours = -1, theirs = -1;
	int pair[2], pidfd, r;
	pid_t pid;

	if (access(launcher->binary, X_OK) < 0)
		return -errno;
	r = seqpacket_pair(pair);
	if (r < 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	r = fork_worker(launcher, theirs, &pid);
	if (r < 0)
		return r;
	pidfd = pidfd_open(pid, 0); /* close-on-exec by itself */
	if (pidfd < 0) {
		r = -errno;
		/* A child that nobody watches must not be. It has nothing to say yet. */
		(void)kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		return r;
	}
	*ret_launched =
		(struct launched){.pid = pid, .pidfd = pidfd, .channel = take_fd(&ours)};
	return 0;
}

static void free_fork(void *context)
{
	struct fork_launcher *launcher = context;

	if (!launcher)
		return;
	if (launcher->null >= 0)
		close(launcher->null);
	free(launcher->environment);
	free(launcher->binary);
	free(launcher);
}

static const struct launcher_ops fork_ops = {.launch = launch_fork, .free = free_fork};

int launcher_fork_new(const char *binary, struct launcher *ret_launcher)
{
	struct fork_launcher *launcher;
	int r = -ENOMEM;

	if (access(binary, X_OK) < 0)
		return -errno;
	launcher = calloc(1, sizeof(*launcher));
	if (!launcher)
		return -ENOMEM;
	launcher->null = -1;
	launcher->binary = strdup(binary);
	launcher->environment = copy_environment();
	if (!launcher->binary || !launcher->environment)
		goto fail;
	launcher->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (launcher->null < 0) {
		r = -errno;
		goto fail;
	}
	*ret_launcher = (struct launcher){.ops = &fork_ops, .context = launcher};
	return 0;
fail:
	free_fork(launcher);
	return r;
}

/* launcher_fork.c - workers as children of the master. */
#include "process/launcher.h"

#include "base/cleanup.h"
#include "base/seqpacket.h"
#include "process/child.h"
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fork_launcher {
	char *binary;
	char **environment; /* borrowed strings */
	int null;           /* /dev/null */
};

static int launch_fork(void *context, struct launched *ret_launched)
{
	const struct fork_launcher *launcher = context;
	cleanup_close int ours = -1, theirs = -1;
	char name[] = "troupe-worker";
	char *arguments[] = {name, NULL};
	struct child_plan plan = {
		.binary = launcher->binary,
		.arguments = arguments,
		.environment = launcher->environment,
		.null = launcher->null,
		.output = -1,
		.error = -1,
		.n_fds = 1,
	};
	int pair[2], pidfd, r;
	pid_t pid;

	if (access(launcher->binary, X_OK) < 0)
		return -errno;
	r = seqpacket_pair(pair);
	if (r < 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	plan.fds[0] = theirs; /* the worker looks for it as descriptor 3 */
	r = child_start(&plan, &pid, &pidfd);
	if (r < 0)
		return r;
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
	launcher->environment = child_environment();
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

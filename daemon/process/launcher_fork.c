/* launcher_fork.c - workers as children of the master. */
#include "process/launcher.h"

#include "base/cleanup.h"
#include "base/list.h"
#include "base/seqpacket.h"
#include "process/child.h"
#include "process/reaper.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

struct fork_launcher {
	struct loop *loop;
	char *binary;
	char **environment;   /* borrowed strings */
	int null;             /* /dev/null */
	struct reaper reaper; /* of those released before their status was there */
};

struct fork_launch {
	struct launch launch;
	struct fork_launcher *launcher;
	struct loop_timer timer; /* asked for: in the next pass */
	int pidfd;               /* readable when it is dead; -1: not launched, or collected */
	struct loop_io io;
};

static struct fork_launch *fork_of(struct launch *launch)
{
	return container_of(launch, struct fork_launch, launch);
}

static void on_pidfd(struct loop_io *io, unsigned events)
{
	struct fork_launch *launch = container_of(io, struct fork_launch, io);
	struct launch_end end = {LAUNCH_UNKNOWN, 0};
	siginfo_t info = {0};

	(void)events;
	loop_io_stop(io);
	/* It is dead, whether or not there is a status: that of one that is traced comes when
	 * its tracer lets go of it. */
	if (reaper_collect(launch->pidfd, &info))
		close(take_fd(&launch->pidfd));
	end.number = info.si_status;
	if (info.si_code == CLD_EXITED)
		end.cause = LAUNCH_EXITED;
	else if (info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED)
		end.cause = LAUNCH_SIGNALED;
	launch->launch.events->on_end(launch->launch.context, &end);
}

/* Returns our end of its channel. */
static int start(struct fork_launch *launch, pid_t *ret_pid)
{
	const struct fork_launcher *launcher = launch->launcher;
	cleanup_close int ours = -1, theirs = -1;
	char name[] = "troupe-worker", channel[32];
	char *arguments[] = {name, channel, NULL};
	struct child_plan plan = {
		.binary = launcher->binary,
		.arguments = arguments,
		.environment = launcher->environment,
		.null = launcher->null,
		.output = -1,
		.error = -1,
		.n_fds = 1,
	};
	int pair[2], r;

	(void)snprintf(channel, sizeof(channel), "--channel=%d", CHILD_FIRST_FD);
	if (access(launcher->binary, X_OK) < 0)
		return -errno;
	r = seqpacket_pair(pair);
	if (r < 0)
		return r;
	ours = pair[0];
	theirs = pair[1];
	plan.fds[0] = theirs;
	r = child_start(&plan, ret_pid, &launch->pidfd);
	return r < 0 ? r : take_fd(&ours);
}

static void on_timer(struct loop_timer *timer)
{
	struct fork_launch *launch = container_of(timer, struct fork_launch, timer);
	pid_t pid;
	int channel = start(launch, &pid);

	if (channel < 0) {
		launch->launch.events->on_failed(launch->launch.context, channel);
		return;
	}
	loop_io_init(&launch->io, launch->launcher->loop, launch->pidfd, on_pidfd);
	loop_io_set(&launch->io, LOOP_READ);
	launch->launch.events->on_launched(launch->launch.context, pid, channel);
}

static int launch_fork(void *context, const struct launch *request, struct launch **ret_launch)
{
	struct fork_launcher *launcher = context;
	struct fork_launch *launch = calloc(1, sizeof(*launch));

	if (!launch)
		return -ENOMEM;
	launch->launch = *request;
	launch->launcher = launcher;
	launch->pidfd = -1;
	loop_timer_init(&launch->timer, launcher->loop, on_timer);
	loop_timer_start(&launch->timer, 0);
	*ret_launch = &launch->launch;
	return 0;
}

static void kill_fork(void *context, struct launch *launch, int signal)
{
	(void)context;
	if (fork_of(launch)->pidfd >= 0)
		(void)pidfd_send_signal(fork_of(launch)->pidfd, signal, NULL, 0);
}

static void release_fork(void *context, struct launch *launch)
{
	struct fork_launcher *launcher = context;
	struct fork_launch *released = fork_of(launch);

	loop_timer_stop(&released->timer);
	if (released->pidfd >= 0) {
		loop_io_stop(&released->io);
		kill_fork(context, launch, SIGKILL);
		reaper_add(&launcher->reaper, released->pidfd);
	}
	free(released);
}

static void free_fork(void *context)
{
	struct fork_launcher *launcher = context;

	if (!launcher)
		return;
	reaper_fini(&launcher->reaper);
	if (launcher->null >= 0)
		close(launcher->null);
	free(launcher->environment);
	free(launcher->binary);
	free(launcher);
}

static const struct launcher_ops fork_ops = {
	.launch = launch_fork,
	.kill = kill_fork,
	.release = release_fork,
	.free = free_fork,
};

int launcher_fork_new(struct loop *loop, const char *binary, struct launcher *ret_launcher)
{
	struct fork_launcher *launcher;
	int r;

	if (access(binary, X_OK) < 0)
		return -errno;
	launcher = calloc(1, sizeof(*launcher));
	if (!launcher)
		return -ENOMEM;
	launcher->loop = loop;
	reaper_init(&launcher->reaper, loop);
	launcher->binary = strdup(binary);
	launcher->environment = child_environment();
	launcher->null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	r = launcher->null < 0 ? -errno : 0;
	if (!launcher->binary || !launcher->environment)
		r = -ENOMEM;
	if (r < 0)
		free_fork(launcher);
	else
		*ret_launcher = (struct launcher){.ops = &fork_ops, .context = launcher};
	return r;
}

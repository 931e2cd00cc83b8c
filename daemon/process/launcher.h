/* launcher.h - how worker processes come to be and are ended: an ops table, so that there can
 * be several ways.
 *
 *   launcher_launch() --> on_launched --> on_end
 *                    \--> on_failed
 *
 * A process is asked for, then launched, which may take seconds, or fails to be; then it ends.
 * Who asks need not be its parent: only the launcher sends it signals and learns how it ended;
 * everything else goes through the channel. Every report comes from the loop, never from inside
 * a function here. A launcher belongs to the master and is used in its thread.
 */
#ifndef PROCESS_LAUNCHER_H
#define PROCESS_LAUNCHER_H

#include "base/loop.h"
#include "proto/process.h"
#include <stddef.h>
#include <sys/types.h>

/* How a process ended, as far as its launcher knows. */
struct launch_end {
	enum launch_cause { LAUNCH_UNKNOWN, LAUNCH_EXITED, LAUNCH_SIGNALED } cause;
	int number; /* EXITED: its status; SIGNALED: the signal */
};

/* What becomes of one process. None of them releases the launch, and in all of them that may be
 * done. */
struct launch_events {
	/* It runs. pid: to be looked at in /proc and shown, no more. channel: our end of its
	 * SOCK_SEQPACKET socket, given. */
	void (*on_launched)(void *context, pid_t pid, int channel);
	/* It could not be launched: instead of on_launched, and the last report. -EMFILE,
	 * -EAGAIN, -ENOMEM: may go away; -ENOENT, -EACCES: there is no worker to run. */
	void (*on_failed)(void *context, int error);
	/* It is dead: after on_launched, and the last report. */
	void (*on_end)(void *context, const struct launch_end *end);
};

/* One process from launcher_launch() to launcher_release(). A launcher's own record of it
 * begins with this. */
struct launch {
	struct process process; /* which one it is to be, for names and logs */
	const struct launch_events *events;
	void *context;
};

/* All are mandatory, and return at once. */
struct launcher_ops {
	/* Ask for a process. request: borrowed. *ret_launch: to be released. -ENOMEM. */
	int (*launch)(void *context, const struct launch *request, struct launch **ret_launch);
	/* Send a signal to one that was launched: SIGABRT, for its crash record, or SIGKILL.
	 * Without effect once it is dead. on_end comes as for any other end. */
	void (*kill)(void *context, struct launch *launch, int signal);
	/* No more reports of it. One that still runs is sent SIGKILL; one that was not launched
	 * yet never is, or is killed as soon as it was. */
	void (*release)(void *context, struct launch *launch);
	/* All launches were released. Those killed last may outlive this. */
	void (*free)(void *context);
};

struct launcher {
	const struct launcher_ops *ops;
	void *context;
};

static inline int launcher_launch(const struct launcher *launcher, const struct launch *request,
				  struct launch **ret_launch)
{
	return launcher->ops->launch(launcher->context, request, ret_launch);
}

static inline void launcher_kill(const struct launcher *launcher, struct launch *launch,
				 int signal)
{
	launcher->ops->kill(launcher->context, launch, signal);
}

/* NULL is fine. *launch becomes NULL. */
static inline void launcher_release(const struct launcher *launcher, struct launch **launch)
{
	if (*launch)
		launcher->ops->release(launcher->context, *launch);
	*launch = NULL;
}

/* NULL ops are fine: never made. */
static inline void launcher_free(struct launcher *launcher)
{
	if (launcher->ops)
		launcher->ops->free(launcher->context);
	launcher->ops = NULL;
}

/* Workers as children: fork and exec of `binary` (copied), under the same user. They get the
 * channel as the descriptor that --channel= names, /dev/null as standard input, our standard
 * output and error, and nothing else: a session of their own, no signal mask, an environment
 * without what systemd meant for us. They die with the thread that made them. The end of one
 * that dies while it is traced is LAUNCH_UNKNOWN. -ENOENT, -EACCES: no such program; -ENOMEM;
 * -EMFILE. */
int launcher_fork_new(struct loop *loop, const char *binary, struct launcher *ret_launcher);

#endif

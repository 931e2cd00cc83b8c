/* launcher.h - how a worker process comes to be: an ops table, so that there can be several
 * ways.
 *
 * A launcher belongs to the master and is used in its thread. It only starts processes: the
 * pidfd becomes readable when one ends, and everything the worker needs is sent to it through
 * the channel.
 */
#ifndef PROCESS_LAUNCHER_H
#define PROCESS_LAUNCHER_H

#include <stddef.h>
#include <sys/types.h>

/* A process that was just started. Both descriptors are given. */
struct launched {
	pid_t pid;
	int pidfd;   /* readable when it is dead */
	int channel; /* our end of its SOCK_SEQPACKET socket */
};

struct launcher_ops {
	/* Start a worker. Does not wait for a notice of it. -EMFILE, -EAGAIN, -ENOMEM: try
	 * again later; -ENOENT, -EACCES: there is no worker to run. Mandatory. */
	int (*launch)(void *context, struct launched *ret_launched);
	/* Mandatory; does not end the processes. */
	void (*free)(void *context);
};

struct launcher {
	const struct launcher_ops *ops;
	void *context;
};

static inline int launcher_launch(const struct launcher *launcher,
				  struct launched *ret_launched)
{
	return launcher->ops->launch(launcher->context, ret_launched);
}

/* NULL ops are fine: never made. */
static inline void launcher_free(struct launcher *launcher)
{
	if (launcher->ops)
		launcher->ops->free(launcher->context);
	launcher->ops = NULL;
}

/* Workers as children: fork and exec of `binary` (copied), under the same user. They get the
 * channel as descriptor 3, /dev/null as standard input, our standard output and error, and
 * nothing else: a session of their own, no signal mask, an environment without what systemd
 * meant for us. They die with the thread that made them. -ENOENT, -EACCES: no such program;
 * -ENOMEM; -EMFILE. */
int launcher_fork_new(const char *binary, struct launcher *ret_launcher);

#endif

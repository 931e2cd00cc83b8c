/* child.h - programs that the master starts: fork and exec, with nothing inherited that was not
 * meant to be.
 *
 * The child has a session of its own, dies with the thread that made it, has no signal mask and
 * the standard actions, /dev/null as standard input, and of all descriptors those that are
 * named. Used in the master's thread.
 */
#ifndef PROCESS_CHILD_H
#define PROCESS_CHILD_H

#include <sys/types.h>

#define CHILD_FDS_MAX  8
#define CHILD_FIRST_FD 3

struct child_plan {
	const char *binary;
	char *const *arguments;   /* the first is its name; NULL-terminated */
	char *const *environment; /* NULL-terminated */
	int null;                 /* /dev/null, open for reading and writing */
	int output, error;        /* -1: ours */
	int fds[CHILD_FDS_MAX];   /* become descriptors CHILD_FIRST_FD, and so on */
	unsigned n_fds;
};

/* Start it; everything in the plan is borrowed for the call. *ret_pidfd is given: readable when
 * the child is dead, which the caller then reaps with waitid(P_PIDFD). A program that cannot be
 * run is a child that exits with 127. -EAGAIN, -ENOMEM, -EMFILE. */
int child_start(const struct child_plan *plan, pid_t *ret_pid, int *ret_pidfd);

/* A copy of our environment without what systemd meant for us alone (NOTIFY_SOCKET, WATCHDOG_*,
 * LISTEN_*, FDSTORE): the array is given, its strings are borrowed. NULL: no memory. */
char **child_environment(void);

#endif

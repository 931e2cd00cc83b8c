/* reaper.h - processes that are over for us but not for the kernel yet: their exit statuses are
 * collected later.
 *
 * A process that dies while it is traced (by gdb, by strace) stays a zombie, and its parent
 * gets no status, until the tracer has taken note; one that hangs in the kernel outlives its
 * SIGKILL. Neither may block the master, and none may stay a zombie for ever. Belongs to the
 * master; one thread.
 */
#ifndef PROCESS_REAPER_H
#define PROCESS_REAPER_H

#include "base/loop.h"
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

struct reaper {
	int *pidfds; /* of children that have not been waited for, or have not died */
	size_t n;
	struct loop_timer timer; /* tries all again, once a second, while there are any */
};

void reaper_init(struct reaper *reaper, struct loop *loop);
/* What is not collected then becomes the init process's. */
void reaper_fini(struct reaper *reaper);

/* Collect the status of a process now, without waiting. false: there is none yet. ret_end: with
 * si_code 0 when there is no status for us, the process being no child of ours. */
bool reaper_collect(int pidfd, siginfo_t *ret_end);

/* Collect it later. pidfd: taken. Beyond LIMIT_UNREAPED, or without memory, it is let go of at
 * once. */
void reaper_add(struct reaper *reaper, int pidfd);

#endif

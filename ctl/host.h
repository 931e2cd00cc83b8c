/* host.h - a daemon of this command's own, which ends with it.
 *
 * It has a directory of its own for its configuration, its sockets and the state of its units,
 * removed at its end, and a process group of its own: what a terminal sends to this command
 * does not reach it, but this command ends it in order then. When this process dies otherwise,
 * the daemon gets SIGTERM.
 */
#ifndef CTL_HOST_H
#define CTL_HOST_H

#include "ctl/ctl.h"

struct host;

/* Start one with these units, each a plug-in (FILE.so) or a unit file (NAME.actor); it may be
 * called when this returns, for ctl->socket is its socket. log_level: its LogLevel=; its log
 * goes to standard error. *ret_host is given to host_end(). An exit status, explained: no
 * daemon runs then. */
int host_start(struct ctl *ctl, char *const *units, int n, const char *log_level,
	       struct host **ret_host);

/* Whether an argument is one that host_start() takes. */
bool host_is_unit(const char *argument);

/* The name of the unit that such an argument becomes: at most LIMIT_NAME bytes. */
void host_unit_name(const char *argument, char *name, size_t size);

/* Whether it has not ended yet, by itself or for a signal. */
bool host_runs(const struct host *host);

/* Run the loop until it has. */
void host_wait(struct host *host);

/* End it in order, and free it. What the command that it was for is to return: `status`, or
 * that of the signal that ended it, or STATUS_FAILED when the daemon did not end well. */
int host_end(struct host *host, int status);

#endif

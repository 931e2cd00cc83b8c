/* notify.h - the master and its service manager: readiness, status, the watchdog, sockets handed in.
 *
 * The only includer of sd-daemon.h. Everything is a no-op when no service manager listens. Owned by the master, one thread.
 */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

#include "base/loop.h"
#include <stdint.h>

struct notify {
	uint64_t watchdog_ns; /* how often it wants to hear of us; 0: not at all */
	struct loop_timer timer;
};

/* Begin to feed the watchdog from `loop`, at twice the pace asked for: so it proves that the loop turns. */
void notify_init(struct notify *notify, struct loop *loop);
void notify_fini(struct notify *notify);

/* status: one line for people. */
void notify_ready(const char *status);
void notify_status(const char *status);
void notify_reloading(void);
void notify_stopping(void);

#define NOTIFY_SOCKETS_MAX 8
/* The listening stream sockets that the service manager passed, close-on-exec; *ret_n of them, at most NOTIFY_SOCKETS_MAX,
 * given. Once per process. -EINVAL: it passed something else. */
int notify_take_sockets(int *ret_fds, unsigned *ret_n);

#endif

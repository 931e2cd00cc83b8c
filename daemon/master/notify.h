/* notify.h - the master and its service manager: readiness, status, the watchdog, sockets
 * handed in.
 *
 * The only includer of sd-daemon.h. Everything is a no-op when no service manager listens.
 * Nothing here waits for it: of one that does not read, what it has not taken is kept and sent
 * later, in order (sd_notify() would wait, and block the daemon). Owned by the master,
 * one thread.
 */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

#include "base/limits.h"
#include "base/loop.h"
#include <stddef.h>
#include <stdint.h>

#define NOTIFY_KEPT_MAX 8 /* messages; of more the oldest are dropped */
#define NOTIFY_TEXT     256

struct notify {
	uint64_t watchdog_ns; /* it wants WATCHDOG=1 at least that often; 0: never */
	struct loop_timer timer;
	char kept[NOTIFY_KEPT_MAX][NOTIFY_TEXT]; /* that it has not taken, oldest first */
	size_t n_kept;
	struct loop_timer again; /* while there are such */
};

/* Begin to feed the watchdog from `loop`, at twice the pace asked for: so it proves that the
 * loop turns. */
void notify_init(struct notify *notify, struct loop *loop);
/* What is kept is sent, or lost. */
void notify_fini(struct notify *notify);

/* status: one line for people. */
void notify_ready(struct notify *notify, const char *status);
void notify_status(struct notify *notify, const char *status);
void notify_reloading(struct notify *notify);
void notify_stopping(struct notify *notify);

/* What the service manager has passed. */
struct notify_socket {
	int fd; /* given, close-on-exec */
	/* FileDescriptorName=, as far as it fits, for no longer one is of use; "unknown": there
	 * is none */
	char name[LIMIT_NAME + 2];
};

/* All of it, *ret_n of LIMIT_SOCKETS at most. Once per process. -E2BIG: more were passed. */
int notify_take_sockets(struct notify_socket ret_sockets[], unsigned *ret_n);

#endif

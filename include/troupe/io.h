/* io.h - descriptors: what the kernel or a foreign library has ready, told to an actor.
 *
 * With a watch an actor adopts any library that has descriptors and timers (libcurl,
 * libmicrohttpd, libpq), or reads and writes descriptors of its own, without a thread and
 * without waiting. All functions here are of the actor's thread, as those of actor.h. Since ABI
 * 2.1.
 *
 * A task waits for a descriptor with troupe_wait_fd().
 */
#ifndef TROUPE_IO_H
#define TROUPE_IO_H

#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ watches
 *
 * A watch is level-triggered: as long as its descriptor is ready for one of the events it waits
 * for, its entry is called, once a pass of the loop at most. At most one event of a watch lies
 * in the mailbox, which needs no room there; the descriptor is looked at again when the handler
 * has returned. So a handler may read or write as little as it likes, and should do a bounded
 * amount: other actors wait meanwhile.
 *
 * The descriptor stays the plug-in's: the host neither reads, writes nor closes it, also not
 * when the actor ends. Have it non-blocking; close in fini what is open. Stop a watch before
 * you close its descriptor: the kernel does not report that one is closed, and the next
 * descriptor gets its number.
 */
#define TROUPE_READABLE 1u /* there is something to read, or the end of it, or an error */
#define TROUPE_WRITABLE 2u /* there is room to write, or an error */

/* A watch of one's own. id 0: none. */
struct troupe_watch {
	uint64_t id;
};

/* The event of a watch entry. */
struct troupe_watch_event {
	struct troupe_event_head head;
	int32_t fd;
	/* Those of TROUPE_READABLE and TROUPE_WRITABLE that the watch waits for and that hold;
	 * a hang-up or an error counts as both, and the read or write that follows returns
	 * it. */
	uint32_t events;
} __attribute__((aligned(8)));

/* Define a watch entry named FUNCTION_entry, for troupe_watch_start() and the .entries table:
 *
 *   static int on_ready(struct troupe_self *self, struct me *me, uint64_t context,
 *                       const struct troupe_watch_event *event);
 *   TROUPE_WATCH(on_ready, struct me)
 */
#define TROUPE_WATCH(function, state_type)                                                     \
	static int function##_thunk(struct troupe_self *self, void *state, uint64_t context,   \
				    const void *event)                                         \
	{                                                                                      \
		return function(self, (state_type *)state, context,                            \
				(const struct troupe_watch_event *)event);                     \
	}                                                                                      \
	static const struct troupe_entry function##_entry = {                                  \
		.table_size = sizeof(struct troupe_entry),                                     \
		.kind = TROUPE_ENTRY_WATCH,                                                    \
		.name = #function,                                                             \
		.on_event = function##_thunk,                                                  \
	};

/* Watch a descriptor for `events` (0: for nothing yet); `entry` is called with `context` when
 * it is ready. The watch ends with the actor, or with troupe_watch_stop().
 *
 * -EBADF: fd is not open; -EPERM: it is of a kind that is always ready (a regular file, a
 * directory); -EEXIST: an actor of this worker watches that number already: stop that watch
 * first; -EINVAL: not a watch entry of this actor type, an unknown event, or in fini; -ENOMEM:
 * the worker's limit of watches, or this unit's share of it, or no memory; -ENOSPC: a
 * limit of the system; -EMFILE, -ENFILE: the first watch of a worker takes a descriptor. */
int troupe_watch_start(struct troupe_self *self, int fd, uint32_t events,
		       const struct troupe_entry *entry, uint64_t context,
		       struct troupe_watch *ret_watch) TROUPE_WARN_UNUSED;

/* Wait for `events` from now on, 0 for none. What lies in the mailbox already and is not waited
 * for any more does not arrive. -EINVAL: an unknown event; -ESRCH: not a running watch of this
 * actor; -EBADF: its descriptor was closed, or the log has said that it cannot be watched any
 * more: stop it; -ENOSPC, -ENOMEM: the same, by a limit of the system. */
int troupe_watch_set(struct troupe_self *self, struct troupe_watch watch, uint32_t events);

/* Stop it: no event of it arrives any more, not even one that lies in the mailbox. -ESRCH: it
 * is not running. */
int troupe_watch_stop(struct troupe_self *self, struct troupe_watch watch);

/* ------------------------------------------------------------------ tasks */

/* Wait until a descriptor is ready for one of `events`: which of them there are, as in a
 * troupe_watch_event. The descriptor stays the plug-in's, as with a watch; the host looks at it
 * until this returns. Close it only then: a wait for one that was closed lasts until its scope
 * is cancelled, or its number is given to the host again.
 *
 * -EBADF: fd is not open, or was closed meanwhile; -EPERM: it is of a kind that is always ready
 * (a regular file, a directory); -EEXIST: a task of this worker waits for it already, or it is
 * a stream's; -EINVAL: no events, or an unknown one; -ENOMEM: the worker's limit of what actors
 * own, or this unit's share of it; -ENOSPC, -EMFILE, -ENFILE: as of troupe_watch_start();
 * -ECANCELED, -ETIMEDOUT: its scope is cancelled; -EDEADLK: not in a task. */
TROUPE_AWAIT int troupe_wait_fd(struct troupe_self *self, int fd, uint32_t events);

#ifdef __cplusplus
}
#endif

#endif

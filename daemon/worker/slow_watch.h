/* slow_watch.h - finds handlers that take long while they run, and where they are.
 *
 * A thread looks at the status page some times in SlowHandler=: a handler whose sequence has
 * not changed for that long is slow. The thread sends SIGURG to the one that runs it, whose
 * handler takes a backtrace on the alternate stack; the thread names its frames, writes them
 * into the page (struct page_slow), and then how long that handler takes. A handler that is
 * quick costs nothing. While no handler runs the thread sleeps, and is woken by whoever is
 * about to run one.
 *
 * One per process. Functions are called in the thread that runs plug-in code, which is the one
 * that recorder_new() was called in.
 */
#ifndef WORKER_SLOW_WATCH_H
#define WORKER_SLOW_WATCH_H

#include "worker/recorder.h"
#include <stdatomic.h>

struct slow_watch;

/* Begin to watch the page, for nothing yet. recorder and page are borrowed. *ret_watch is
 * given. -ENOMEM; -EAGAIN: no thread can be made. */
int slow_watch_new(struct recorder *recorder, struct page *page, struct slow_watch **ret_watch);
/* NULL is fine. */
void slow_watch_free(struct slow_watch *watch);

/* What takes longer than that is slow; 0: nothing is. */
void slow_watch_set_limit(struct slow_watch *watch, uint64_t limit_ns);

/* Whether the thread sleeps: then slow_watch_wake() is due before a handler runs. */
const atomic_bool *slow_watch_sleeps(const struct slow_watch *watch);
void slow_watch_wake(struct slow_watch *watch);

#endif

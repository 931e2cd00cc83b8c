/* recorder.h - the report of a crashing worker: who faulted, where, and in which actor's
 * handler.
 *
 * A handler for the fatal signals writes a crash record to the status page and a line to
 * standard error, then lets the signal do its default work, so that core dump and wait status
 * are what they would have been. It runs on an alternate stack, so that a stack overflow is
 * reported too. One per process, in its first thread, which is the one that runs plug-in code;
 * a fault in another thread (nanomsg's) is reported through that one. It finds its state by the
 * alternate stack: there is no global. A call of exit() is noted as a fault is, with its
 * thread, since the wait status does not say who it was.
 */
#ifndef WORKER_RECORDER_H
#define WORKER_RECORDER_H

#include "base/page.h"
#include "core/runtime.h"
#include "plugin/loader.h"
#include "proto/channel.h"
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <ucontext.h>

struct recorder;
struct code_names;

/* Begin to listen for faults. *ret_crash is given. Errors of mmap(), sigaltstack(),
 * sigaction(). */
int recorder_new(struct recorder **ret_crash);
/* Fatal signals have their default action from now on. NULL is fine. */
void recorder_free(struct recorder *crash);

/* Where the record goes, and who knows the plug-ins' functions; both borrowed, may be NULL.
 * tag: what the process is called in the line on standard error, copied, cut. */
void recorder_set_page(struct recorder *crash, struct page *page, const char *tag);
void recorder_set_loader(struct recorder *crash, struct loader *loader);
/* Who knows the stacks of tasks; likewise. */
void recorder_set_runtime(struct recorder *crash, const struct runtime *runtime);
/* Where the answers lie that handlers have given and that have not been sent yet: they are,
 * unless the fault or exit is another thread's; likewise. */
void recorder_set_channel(struct recorder *crash, const struct channel *channel);

/* The names of places in the code, borrowed; its loader is that which was set. */
const struct code_names *recorder_names(const struct recorder *crash);

/* From now on a fault of the first thread is not the process's end: it goes on there, by
 * siglongjmp(). NULL: it is again. For a signal handler of that thread, which looks at what may
 * be broken. */
void recorder_set_guard(struct recorder *crash, sigjmp_buf *guard);

/* The stack of the code that a signal has interrupted, without the handler's own frames,
 * innermost first: how many frames. *ret_exact: the first one is the place itself, not a return
 * address. To be called by that signal's handler. */
uint32_t recorder_find_frames(const ucontext_t *context, uintptr_t frames[static PAGE_FRAMES],
			      bool *ret_exact);

/* This thread is about to end the process: write that to the page and to standard error. exit()
 * does so by itself. From any thread; waits a second at most for the first one. Does nothing
 * after recorder_free(), and in a process forked off. */
void recorder_note_exit(int status);

#endif

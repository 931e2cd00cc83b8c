/* crash.h - how a worker died, from its status page and what its launcher knows.
 *
 * Pure: reads a page of a dead worker, which may hold anything, and makes texts that are safe
 * to log and to send. Used by the master.
 */
#ifndef PROCESS_CRASH_H
#define PROCESS_CRASH_H

#include "base/page.h"
#include "process/activity.h"
#include "process/launcher.h"
#include "proto/process.h"
#include <stdbool.h>
#include <stdint.h>

#define CRASH_CAUSE   48
#define CRASH_PLACE   240
#define CRASH_FAILURE 200
#define CRASH_TEXT                                                                             \
	(CRASH_CAUSE + ACTIVITY_ACTOR + ACTIVITY_CHILD + ACTIVITY_MESSAGE + CRASH_FAILURE +    \
	 192) /* of crash_print() */

struct crash_frame {
	char text[PAGE_SYMBOL];  /* printable UTF-8: "hello.so(greeter_hello_on_greet+0x1c)" */
	char place[CRASH_PLACE]; /* "on_greet at hello.c:18"; "": not known. See symbolizer.h */
	uint32_t plugin;         /* the worker's word: the deployment's number; 0: none */
	uint64_t address;        /* in its file */
};

struct crash {
	uint64_t time_ms; /* Unix time */
	struct process process;
	struct launch_end end;       /* by its record where the launcher does not know */
	char cause[CRASH_CAUSE];     /* "SIGSEGV", "exit 1", "killed" by us */
	const char *killed;          /* why we did, a constant; NULL: we did not */
	bool is_explained;           /* killed for a known cause: no actor is blamed */
	char failure[CRASH_FAILURE]; /* why it ended, by its own word; "": it gave none */
	bool in_handler;
	struct activity activity; /* what the plug-in thread was at, when it was in a handler */
	/* The handler that ran is to blame: it faulted by itself, or called exit(). For a
	 * signal that another process sent, or a fault in another thread, it is not. */
	bool is_blamed;
	bool was_sent; /* some process ended it by a signal, we perhaps */
	bool is_oom;   /* the kernel killed it as memory ran out; see crash_note_oom() */
	unsigned n_frames;
	struct crash_frame frames[PAGE_FRAMES]; /* innermost first */
	struct activity_names
		names; /* of the activity; filled in by whoever knows the worker */
};

/* Read what is in `page` (NULL: none was ever mapped) about an end, of which the launcher knows
 * `known`. */
void crash_read(struct crash *crash, const struct page *page, const struct launch_end *known);

/* One frame of a backtrace, without its place. false: there is nothing in it. */
bool crash_copy_frame(struct crash_frame *to, const struct page_frame *from);

/* It was the kernel that killed it, because memory ran out. */
void crash_note_oom(struct crash *crash);

/* We ended it. why: a constant text. is_explained: it is the whole cause, and crash_print()
 * leaves out that the actor whose handler ran was not at fault, for it may well have been. */
void crash_note_killed(struct crash *crash, const char *why, bool is_explained);

/* The process has reported why it ends. text: its word, cut. */
void crash_note_failure(struct crash *crash, const char *text);

/* One line for people: "SIGSEGV in pool/2 while handling io.troupe.hello.Greet", "exit 1 in
 * hello/0, in init". Cut to `size`. */
void crash_print(const struct crash *crash, char *text, size_t size);

#endif

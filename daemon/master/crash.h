/* crash.h - how a worker died, as far as its status page and the kernel tell.
 *
 * Pure: reads a page of a dead worker, which may hold anything, and makes texts that are safe to log and to send.
 * Used by the master.
 */
#ifndef MASTER_CRASH_H
#define MASTER_CRASH_H

#include "base/page.h"
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <troupe/address.h>

#define CRASH_CAUSE   48
#define CRASH_ACTOR   96
#define CRASH_MESSAGE 400

struct crash {
	uint64_t time_ms; /* Unix time */
	uint32_t worker, incarnation;
	char cause[CRASH_CAUSE]; /* "SIGSEGV", "exit 1" */
	/* What the plug-in thread was at; unit 0: not in a handler of a unit's actor. The numbers are the worker's word. */
	bool in_handler;
	uint32_t unit, instance;
	struct troupe_address address;
	uint64_t type_hash;
	/* The handler that ran is to blame: it faulted by itself, or called exit(). A signal that somebody sent, or a fault in
	 * another thread, is nobody's fault. */
	bool is_blamed;
	unsigned n_frames;
	char frames[PAGE_FRAMES][PAGE_SYMBOL]; /* printable UTF-8, innermost first */
	/* Filled in by whoever knows the names; "" when there is none. */
	char actor[CRASH_ACTOR];     /* "pool/2" */
	char message[CRASH_MESSAGE]; /* "io.troupe.hello.Greet", "init" */
};

/* Read what `page` (NULL: none was ever mapped) tells of the end `end`, as waitid() gave it (si_code 0: unknown). */
void crash_read(struct crash *crash, const struct page *page, const siginfo_t *end);

/* "init", "timer" and so on for the small numbers in place of a message's hash; NULL: it is a message. */
const char *crash_doing(uint64_t type_hash);

/* One line for people: "SIGSEGV in pool/2 while handling io.troupe.hello.Greet", "exit 1 in hello/0, in init". Cut to `size`. */
void crash_print(const struct crash *crash, char *text, size_t size);

/* What a page says the plug-in thread is at just now. true: in a handler. */
struct crash_activity {
	uint64_t sequence;
	uint32_t unit, instance;
	uint64_t type_hash;
	struct troupe_address address;
};
bool crash_look(const struct page *page, struct crash_activity *ret_activity);

#endif

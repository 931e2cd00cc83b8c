/* activity.h - what the plug-in thread of a worker is at: which message or act, of which actor.
 *
 * A value, read from the worker's status page, which may hold anything: the numbers are the
 * worker's word. Names are put to them in activity_print.h. Master process, one thread.
 */
#ifndef PROCESS_ACTIVITY_H
#define PROCESS_ACTIVITY_H

#include "base/page.h"
#include <stdbool.h>
#include <stdint.h>
#include <troupe/address.h>

#define ACTIVITY_ACTOR   96
#define ACTIVITY_MESSAGE 400
#define ACTIVITY_CHILD   TROUPE_ADDRESS_TEXT

struct activity {
	uint64_t sequence;             /* another one: another activity */
	uint32_t version, instance;    /* version 0: of no unit's actor */
	uint64_t type_hash;            /* of the message, or a PAGE_DOING_ number */
	struct troupe_address address; /* slot and generation only */
	uint64_t call; /* number of the client's call that is handled; 0: none */
};

struct activity_names {
	char actor[ACTIVITY_ACTOR]; /* "pool/2", or an address; "": the host itself */
	/* The address of an actor that `actor`, or one that comes from it, has spawned: that
	 * one it is. "": it is `actor` itself, as far as is known. */
	char child[ACTIVITY_CHILD];
	char message[ACTIVITY_MESSAGE]; /* "io.troupe.hello.Greet", "init"; never "" */
};

/* The activity of a thread now, or as it was when it crashed. true: it is in a handler; false:
 * between two. */
bool activity_read(const struct page_thread *thread, struct activity *ret_activity);

#endif

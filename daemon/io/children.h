/* children.h - all child processes of a worker's actors: a part of struct io.
 *
 * What is done with them is in io/child.h. One thread.
 */
#ifndef IO_CHILDREN_H
#define IO_CHILDREN_H

#include "base/poller.h"
#include "core/slots.h"

struct runtime;

struct children {
	struct runtime *runtime;
	struct slots table;   /* struct child */
	struct poller poller; /* of their pidfds and reports: not every one has an actor */
	/* The last child that had no actor any more is dead. */
	void (*on_quiet)(void *context);
	void *context;
	uint32_t left; /* that have no actor any more */
};

#endif

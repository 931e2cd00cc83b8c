/* use.h - one function of the SDK that a task has called on a port: its turn, and its waits.
 *
 * Whenever the task waits, another one may close the port: so it is looked up again by its
 * number after each wait, and `port` is NULL from then on when it is gone. On the stack of the
 * task.
 */
#ifndef IO_USE_H
#define IO_USE_H

#include "io/port.h"

struct use {
	struct troupe_self *self;
	struct task *task;
	const struct belonging_kind *kind;
	uint64_t id;
	struct port *port; /* NULL: it is gone */
	unsigned event;    /* LOOP_READ or LOOP_WRITE: the direction */
};

/* Take a direction of the port of that number, when it is free: 0. Negative: what the function
 * returns; then there is nothing to end. */
int use_begin(struct troupe_self *self, uint64_t id, const struct belonging_kind *kind,
	      unsigned event, struct use *use);

/* Wait until it may be tried, for idle_ns at most (0: without end): 0. -ETIME: not in that
 * time; -ECONNABORTED: it is closed; or the task's scope is cut. */
int use_wait(struct use *use, uint64_t idle_ns);

/* Wait for so long, in a chain of the port that nothing but its close wakes: 0; the same
 * errors. */
int use_rest(struct use *use, struct list **chain, uint64_t ns);

/* After another wait: 0; -ECONNABORTED: it is closed. */
int use_look_again(struct use *use);

/* Let the next one. */
void use_end(struct use *use);

/* The same at the end of the function, which returns `result`: others may have to run, too. */
int use_end_ready(struct use *use, int result);

#endif

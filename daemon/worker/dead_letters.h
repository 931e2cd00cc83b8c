/* dead_letters.h - what is told of messages not delivered: a few a second, and the number of
 * the rest.
 *
 * Memory of the caller, init/fini. A flood of them must cost the worker and the master next
 * to nothing. One thread.
 */
#ifndef WORKER_DEAD_LETTERS_H
#define WORKER_DEAD_LETTERS_H

#include "base/loop.h"
#include <stdint.h>
#include <troupe/address.h>

#define DEAD_LETTERS_PERIOD_NS 200000000ull /* between two that are told of */
#define DEAD_LETTERS_NAME      256          /* bytes of a message's name, cut */

struct dead_letters_one {
	struct troupe_address to;
	char name[DEAD_LETTERS_NAME];
	const char *reason; /* a constant */
};

struct dead_letters {
	struct loop_timer timer;      /* running: one was told of lately */
	struct dead_letters_one last; /* of those not told */
	int64_t held;                 /* how many those are */
	/* Tell of `one`; `more` others were not told of. */
	void (*tell)(void *context, const struct dead_letters_one *one, int64_t more);
	void *context;
};

void dead_letters_init(struct dead_letters *letters, struct loop *loop,
		       void (*tell)(void *context, const struct dead_letters_one *one,
				    int64_t more),
		       void *context);
/* What is held is told first. */
void dead_letters_fini(struct dead_letters *letters);

/* `n` messages (1..) were not delivered. name: borrowed, may be NULL. reason: a constant. */
void dead_letters_add(struct dead_letters *letters, struct troupe_address to, const char *name,
		      const char *reason, int64_t n);

/* Tell now of those held. */
void dead_letters_flush(struct dead_letters *letters);

#endif

/* dead_letters.h - messages not delivered, counted by kind: a report of each kind a few times a
 * second, in which every one of them is counted once.
 *
 * Of a kind are those with one sender, receiver, method and reason. Memory of the caller,
 * init/fini. A flood of them must cost the worker and the master next to nothing. One thread.
 */
#ifndef WORKER_DEAD_LETTERS_H
#define WORKER_DEAD_LETTERS_H

#include "base/limits.h"
#include "base/loop.h"
#include "io.troupe.Worker.varlink.h"
#include <stdint.h>
#include <troupe/address.h>

#define DEAD_LETTERS_PERIOD_NS 200000000ull /* between two reports of a kind */
#define DEAD_LETTERS_METHOD    256          /* bytes of a method's name, cut */

struct dead_letters_kind {
	/* from, to: null, or with a worker only, when no more is known; reason: a constant;
	 * count: not reported yet; its method is the one here: */
	struct worker_dead_letter letter;
	char method[DEAD_LETTERS_METHOD];
};

struct dead_letters {
	struct loop_timer timer; /* running: something was reported lately */
	struct dead_letters_kind kinds[LIMIT_DEAD_LETTER_KINDS];
	unsigned n_kinds;
	int64_t others; /* of further kinds */
	void (*report)(void *context, const struct worker_dead_letter *letter);
	void *context;
};

/* `report`: letter->count messages (1..) of that kind, borrowed for the call. Further
 * kinds than there is room for come together, as the reason "various", with nothing else
 * known. */
void dead_letters_init(struct dead_letters *letters, struct loop *loop,
		       void (*report)(void *context, const struct worker_dead_letter *letter),
		       void *context);
/* What is counted is reported first. */
void dead_letters_fini(struct dead_letters *letters);

/* letter->count messages (1..) were not delivered. Borrowed; its method is "" when it is not
 * known. */
void dead_letters_add(struct dead_letters *letters, const struct worker_dead_letter *letter);

/* Report now what is counted. */
void dead_letters_flush(struct dead_letters *letters);

#endif

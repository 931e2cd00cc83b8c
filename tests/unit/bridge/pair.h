/* pair.h - two processes, or more, in one: bridges over memory that write down what they are
 * told.
 *
 * Process a is worker 1, b is worker 2. Notes are numbered upwards; one that comes out of order
 * fails the test. One thread, one loop.
 */
#ifndef TESTS_UNIT_BRIDGE_PAIR_H
#define TESTS_UNIT_BRIDGE_PAIR_H

#include "base/loop.h"
#include "bridge/bridge_inside.h"
#include "memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define NOTE_NAME "test.notes.Note"

struct pair_note {
	int64_t number;
	const char *text;
};

/* That life of a worker. */
static inline struct process life_of(uint16_t worker, uint32_t incarnation)
{
	return (struct process){.worker = worker, .incarnation = incarnation};
}

/* One end. */
struct pair_process {
	struct bridge *bridge;
	struct troupe_address address;
	/* What it was told */
	unsigned envelopes, rooms, downs, gaps, drops, closes, failures;
	int64_t last; /* number of the last note */
	uint64_t lost;
	uint32_t down_incarnation;
	bool has_crashed;
	unsigned envelopes_at_down;
	const char *reason;
	size_t size;
	bool answers;
	bool is_checking; /* that texts are as pair_text() makes them */
	/* Arenas it wants, by worker: the incarnation; 0: it does not */
	uint32_t wanted[4];
	unsigned wants;
};

struct pair {
	struct memory memory;
	struct loop *loop;
	uint64_t hash;
	struct pair_process a, b;
	int arenas[4]; /* by worker; 0: there is none */
};

/* a has been told of b, and with pair_begin_both() b of a. */
void pair_begin(struct pair *f);
void pair_begin_both(struct pair *f);
void pair_end(struct pair *f);
/* One more process, or one that comes again. */
void pair_open_process(struct pair *f, struct pair_process *process, uint16_t worker,
		       uint32_t incarnation);

/* So many passes of the loop; passes for so long. */
void pair_turn(struct pair *f, unsigned passes);
void pair_run_for(struct pair *f, uint64_t ns);
/* Until something has been counted so often; fails after a minute. */
void pair_run_until(struct pair *f, const unsigned *count, unsigned expected);

/* What bridge_send() returns. */
int pair_send_to(struct pair *f, struct pair_process *from, struct troupe_address to,
		 enum envelope_kind kind, int64_t number, const char *text);
/* From a to b. */
int pair_send_note(struct pair *f, int64_t number);

/* A sealed memfd such as the master makes; given. */
int pair_make_arena(size_t size);
/* Give processes what they want, as far as f->arenas has it. */
void pair_give_arenas(struct pair *f);
/* A text of `length` bytes that goes with that number; given. */
char *pair_text(int64_t number, size_t length);

struct bridge_stats pair_stats_of(const struct pair_process *process);
/* Bytes of its arena that its peers have not given back. */
size_t pair_lent_by(const struct pair_process *process);
/* For bridge_close(): counts. */
void pair_on_closed(void *context);

#endif

/* round.h - a round of a test of properties: a random type and a value of it, from a seed.
 *
 * All memory of a round is freed by round_end(). A failure prints the seed and the type.
 */
#ifndef TESTS_UNIT_PROTO_ROUND_H
#define TESTS_UNIT_PROTO_ROUND_H

#include "proto/arena.h"
#include "proto/layout.h"
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>

#include <cmocka.h>

#define ROUND_FIELDS 8 /* of a random struct */

struct round {
	uint64_t seed;
	uint64_t random; /* state of the generator */
	struct arena arena;
	char *text; /* the type's layout */
	struct layout *layout;
	const struct troupe_type *type;
	void *value;
	bool spoil; /* make values that break their types here and there */
};

#define require(round, condition)                                                              \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			print_error("SEED=%" PRIu64 " ROUNDS=1: %s\n", (round)->seed,          \
				    (round)->text);                                            \
			fail_msg("%s", #condition);                                            \
		}                                                                              \
	} while (0)

/* A random number; one below bound; whether this is one case in n. */
uint64_t round_draw(struct round *round);
size_t round_below(struct round *round, size_t bound);
bool round_once_in(struct round *round, size_t n);
/* The text of a struct of such fields. */
char *round_join_fields(struct round *round, char *const *fields, size_t n);
/* The layout that a text says. */
struct layout *round_parse(struct round *round, const char *text);
/* Put a random value into a cell, which is so deep. */
void round_fill(struct round *round, const struct troupe_type *type, char *cell,
		unsigned depth);
/* Make the type, a struct whose fields are returned, and a value of it. */
void round_begin(struct round *round, uint64_t seed, char **fields, size_t *ret_n);
void round_end(struct round *round);

#endif

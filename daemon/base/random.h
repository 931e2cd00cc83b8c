/* random.h - pseudo-random numbers as a value: the same seed gives the same numbers, on any
 * machine.
 *
 * xoshiro256**, seeded through splitmix64: fast and well spread, for jitter, choices and tests;
 * never for secrets. The owner of the value is its only user. Any process; one thread at a
 * time.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

struct random {
	uint64_t state[4];
};

void random_init(struct random *random, uint64_t seed);
uint64_t random_next(struct random *random);

/* Evenly in 0 .. bound - 1. A bound of 0 gives 0. */
uint64_t random_below(struct random *random, uint64_t bound);

/* A seed that nobody can guess. Blocks only before the kernel's generator has started, early in
 * boot. */
uint64_t random_seed_from_kernel(void);

#endif

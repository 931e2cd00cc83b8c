/* seeds.h - how many seeds a storm tries.
 *
 * The plain build tries all: what a storm promises is decided there. A sanitizer takes several
 * times as long for each, and looks at something else, at what is read, freed and raced for on
 * the way: a third of them goes all these ways. SEEDS=N in the environment: so many, in each
 * build.
 */
#ifndef SIM_SEEDS_H
#define SIM_SEEDS_H

#include <stdint.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { SEEDS_ONE_OF = 3 };
#else
enum { SEEDS_ONE_OF = 1 };
#endif

/* Of a storm that has `n` seeds: how many of them to try, one at least. */
static inline uint64_t seeds_of(uint64_t n)
{
	const char *chosen = getenv("SEEDS");

	return chosen ? strtoull(chosen, NULL, 0) : (n + SEEDS_ONE_OF - 1) / SEEDS_ONE_OF;
}

#endif

/* random.c - xoshiro256** by Blackman and Vigna, from its published description. */
#include "base/random.h"

#include "base/check.h"
#include "base/clock.h"
#include <errno.h>
#include <sys/random.h>

static uint64_t mix_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

void random_init(struct random *random, uint64_t seed)
{
	for (unsigned i = 0; i < 4; i++)
		random->state[i] = mix_next(&seed);
}

uint64_t random_next(struct random *random)
{
	uint64_t *s = random->state;
	uint64_t result = rotate(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

uint64_t random_below(struct random *random, uint64_t bound)
{
	uint64_t value, unfair;

	if (bound == 0)
		return 0;
	/* The first 2^64 mod bound values would make the low results likelier: draw again. */
	unfair = -bound % bound;
	do
		value = random_next(random);
	while (value < unfair);
	return value % bound;
}

uint64_t random_seed_from_kernel(void)
{
	uint64_t seed;
	ssize_t got;

	do
		got = getrandom(&seed, sizeof(seed), 0);
	while (got < 0 && errno == EINTR);
	/* Fails only where a sandbox forbids the call; then a seed that differs from run to run
	 * must do. */
	if (unlikely(got != (ssize_t)sizeof(seed)))
		seed = clock_now_ns() ^ (uint64_t)(uintptr_t)&seed;
	return seed;
}

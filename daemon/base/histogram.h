/* histogram.h - how long things took: how many of them, in powers of two of nanoseconds.
 *
 * Fixed memory, a few instructions for each. One thread adds; whoever else has the memory may
 * read at any moment, each number by itself.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_FIRST   10u /* the first bucket is for what took less than 2^10 ns, */
#define HISTOGRAM_BUCKETS 24u /* the next less than 2^11, the last for all that took longer */

struct histogram {
	_Atomic uint64_t counts[HISTOGRAM_BUCKETS];
	_Atomic uint64_t max_ns;
};

static inline unsigned histogram_bucket(uint64_t ns)
{
	unsigned bits = 64u - (unsigned)__builtin_clzll(ns | 1);

	if (bits <= HISTOGRAM_FIRST)
		return 0;
	bits -= HISTOGRAM_FIRST;
	return bits < HISTOGRAM_BUCKETS ? bits : HISTOGRAM_BUCKETS - 1;
}

/* n things took so long, each of them. */
static inline void histogram_add(struct histogram *histogram, uint64_t ns, uint64_t n)
{
	_Atomic uint64_t *count = &histogram->counts[histogram_bucket(ns)];

	atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + n,
			      memory_order_relaxed);
	if (ns > atomic_load_explicit(&histogram->max_ns, memory_order_relaxed))
		atomic_store_explicit(&histogram->max_ns, ns, memory_order_relaxed);
}

#endif

/* mapping.h - memory from the kernel: small pages while little is used, huge ones beyond.
 *
 * Page faults are expensive, and so are misses of the TLB: a hundred thousand records are
 * better in huge pages, a few should not take 2 MiB. Memory is zero and there is none behind an
 * address until it is first touched. One thread.
 */
#ifndef CORE_MAPPING_H
#define CORE_MAPPING_H

#include <stddef.h>

#define MAPPING_SMALL                                                                          \
	((size_t)512 << 10) /* the beginning of a reserve that keeps small pages */
#define MAPPING_HUGE ((size_t)2 << 20)

/* Address space for a table that grows from its beginning. NULL: there is none. */
void *mapping_reserve(size_t size);
void mapping_release(void *base, size_t size);

/* The same where no page is ever to be huge. NULL: there is none. */
void *mapping_reserve_small(size_t size);

/* The memory is zero from now on, and where it is whole pages none is behind it any more. */
void mapping_discard(void *at, size_t size);

/* `size` bytes in small pages; of MAPPING_HUGE bytes one huge page, aligned as such, where the
 * system has one. Given back with mapping_release(). NULL: no memory. */
void *mapping_take(size_t size);

#endif

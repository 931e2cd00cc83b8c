#include "core/mapping.h"
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t round_page(size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	return (size + page - 1) & ~(page - 1);
}

static void *map_pages(size_t size, int flags)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
			-1, 0);

	return at == MAP_FAILED ? NULL : at;
}

/* `size` bytes of which those from `head` on begin at a huge page's boundary and are asked to
 * be huge. Where the system has no huge pages, small ones do. */
static void *map_aligned(size_t size, size_t head, int flags)
{
	size_t whole = size + MAPPING_HUGE, before;
	unsigned char *at = map_pages(whole, flags);

	if (!at)
		return NULL;
	before = -((uintptr_t)at + head) & (MAPPING_HUGE - 1);
	mapping_release(before ? at : NULL, before);
	mapping_release(at + before + size, whole - before - size);
	(void)madvise(at + before + head, size - head, MADV_HUGEPAGE);
	return at + before;
}

void *mapping_reserve(size_t size)
{
	if (size <= MAPPING_HUGE)
		return map_pages(size, MAP_NORESERVE);
	return map_aligned(round_page(size), MAPPING_SMALL, MAP_NORESERVE);
}

void *mapping_reserve_small(size_t size)
{
	void *at = map_pages(size, MAP_NORESERVE);

	if (at)
		(void)madvise(at, size, MADV_NOHUGEPAGE);
	return at;
}

void mapping_discard(void *at, size_t size)
{
	unsigned char *begin = at, *end = begin + size, *first, *last;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);

	first = begin + (-(uintptr_t)begin & (page - 1));
	last = end - ((uintptr_t)end & (page - 1));
	if (first >= last || madvise(first, (size_t)(last - first), MADV_DONTNEED) < 0)
		first = last = end;
	memset(begin, 0, (size_t)(first - begin));
	memset(last, 0, (size_t)(end - last));
}

void mapping_release(void *base, size_t size)
{
	if (base)
		munmap(base, size); /* which rounds up by itself */
}

void *mapping_take(size_t size)
{
	return size == MAPPING_HUGE ? map_aligned(size, 0, 0) : map_pages(size, 0);
}

/* heap.c - count the blocks of memory that are allocated. */
#include "tests/failpoints/failpoint.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__)
size_t __sanitizer_get_current_allocated_bytes(void);

uint64_t failpoint_blocks(void)
{
	return __sanitizer_get_current_allocated_bytes();
}

#elif defined(__SANITIZE_THREAD__)

uint64_t failpoint_blocks(void)
{
	return 0;
}

#else

/* Standing in for libc's own, for libraries too. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

static _Atomic uint64_t blocks;

static void *count(void *block)
{
	if (block)
		atomic_fetch_add_explicit(&blocks, 1, memory_order_relaxed);
	return block;
}

uint64_t failpoint_blocks(void)
{
	return blocks;
}

void *malloc(size_t size)
{
	return count(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
	return count(__libc_calloc(n, size));
}

void *realloc(void *block, size_t size)
{
	void *moved = __libc_realloc(block, size);

	if (!block)
		count(moved);
	else if (!moved && size == 0)
		atomic_fetch_sub_explicit(&blocks, 1, memory_order_relaxed);
	return moved;
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return count(__libc_memalign(alignment, size));
}

void *memalign(size_t alignment, size_t size)
{
	return count(__libc_memalign(alignment, size));
}

int posix_memalign(void **ret_block, size_t alignment, size_t size)
{
	void *block = count(__libc_memalign(alignment, size));

	if (!block)
		return 12;
	*ret_block = block;
	return 0;
}

void free(void *block)
{
	if (block)
		atomic_fetch_sub_explicit(&blocks, 1, memory_order_relaxed);
	__libc_free(block);
}

#endif

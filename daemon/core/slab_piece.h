/* slab_piece.h - a piece of memory while it is free: a link in a list of its size.
 *
 * For the files of the slab; and what the sanitizer is told, for stacks.c, too.
 */
#ifndef CORE_SLAB_PIECE_H
#define CORE_SLAB_PIECE_H

/* Under the address sanitizer, memory in the free lists must not be touched. */
#if defined(__SANITIZE_ADDRESS__)
#define SLAB_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLAB_ASAN 1
#endif
#endif
#ifdef SLAB_ASAN
#include <sanitizer/asan_interface.h>
#define slab_poison(at, size)   __asan_poison_memory_region(at, size)
#define slab_unpoison(at, size) __asan_unpoison_memory_region(at, size)
#else
#define slab_poison(at, size)   ((void)0)
#define slab_unpoison(at, size) ((void)0)
#endif

struct slab_piece {
	struct slab_piece *next;
};

#endif

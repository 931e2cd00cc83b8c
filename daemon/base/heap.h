/* heap.h - what malloc() holds and nobody uses. Any process, any thread. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

/* Give it back to the system. Takes up to some 15 ms for each 100 MB, when they lie in
 * pieces. */
void heap_trim(void);

#endif

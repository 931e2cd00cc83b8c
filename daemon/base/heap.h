/* heap.h - what malloc() holds and nobody uses. Any process, any thread. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

/* Give it back to the system. Takes some milliseconds for each 100 MB. */
void heap_trim(void);

#endif

#include "base/heap.h"

#include <malloc.h>

void heap_trim(void)
{
	(void)malloc_trim(0);
}

/* check.c - the end of a process that found a bug of its own. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void check_failed(const char *file, int line, const char *condition)
{
	dprintf(STDERR_FILENO, "%s:%d: this must hold but does not: %s\n", file, line,
		condition);
	abort();
}

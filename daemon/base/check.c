/* check.c - the end of a process that found a bug of its own. */
#include "base/check.h"

#include "base/sink.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

void check_failed(const char *file, int line, const char *condition)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s:%d: this must hold but does not: %s\n", file,
			 line, condition);

	/* A reader that does not read must not keep the process. */
	if (n > 0)
		sink_try(STDERR_FILENO, text,
			 (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
	abort();
}

/* output.h - what a program has written, as far as it is kept, as text.
 *
 * Memory of the caller, init/fini; its actor's thread.
 */
#ifndef EXEC_RUNNER_OUTPUT_H
#define EXEC_RUNNER_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

struct output {
	char *bytes; /* NULL: none so far */
	size_t size, most;
	bool is_truncated;
};

void output_init(struct output *output, size_t most);
void output_fini(struct output *output);

/* What passes `most` is left out. -ENOMEM. */
int output_add(struct output *output, const char *bytes, size_t size);

/* With a NUL behind; what is no UTF-8 (NUL, too) is replaced, byte by byte, and a character
 * that was cut off at the end is left out. The text is given. NULL: no memory. */
char *output_text(const struct output *output);

#endif

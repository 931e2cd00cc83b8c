/* lines.h - the lines of a file, a pipe or a terminal, read from a loop.
 *
 * Memory of the caller. Holds no more than one line of LINES_MAX and what one read brought.
 */
#ifndef CTL_LINES_H
#define CTL_LINES_H

#include "base/buffer.h"
#include "base/loop.h"
#include <stdbool.h>

#define LINES_MAX (16u << 20) /* bytes of a line, without its end */

struct lines {
	struct loop_io io;
	struct buffer buffer;
	size_t scanned;    /* bytes known to hold no end of a line */
	bool end_of_input; /* no more will come */
	bool skipping;     /* the rest of a line that was too long */
	int error;         /* of read(2), negative; else 0 */
	uint64_t number;   /* of the line taken last; from 1 */
	uint64_t bytes;    /* read so far */
};

/* fd: borrowed; need not be non-blocking. */
void lines_init(struct lines *lines, struct loop *loop, int fd);
void lines_fini(struct lines *lines);

/* The next line: 1, with *ret_line borrowed until the next call; 0: none is there now, reading
 * goes on from the loop (or lines->end_of_input); -EMSGSIZE: it is longer than LINES_MAX and is
 * passed over. */
int lines_next(struct lines *lines, const char **ret_line, size_t *ret_size);

/* Read no more until lines_next() is called again. */
void lines_pause(struct lines *lines);

#endif

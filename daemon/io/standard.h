/* standard.h - what a child process has as standard input, output and error output, and the
 * actor's ends of it.
 *
 * Opened for one start, and closed as soon as the process has copies. One thread.
 */
#ifndef IO_STANDARD_H
#define IO_STANDARD_H

#include <troupe/child.h>

struct standard {
	int fds[3];                   /* for the process */
	int opened[4];                /* those of them that are ours to close, or -1 */
	struct troupe_stream ours[3]; /* of pipes; id 0: none */
};

/* -EMFILE, -ENFILE; -ENOMEM, -ENOSPC: limits of streams. */
int standard_open(struct troupe_self *self, const struct troupe_child_options *options,
		  struct standard *ret_standard);

/* The process has them; `all`: or it came to nothing, and the actor's ends go, too. */
void standard_close(struct troupe_self *self, struct standard *standard, bool all);

#endif

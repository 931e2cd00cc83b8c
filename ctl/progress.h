/* progress.h - a line on a terminal that says how far map has come. */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include "base/loop.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct progress {
	struct loop_timer timer;
	FILE *out;
	bool shown;
	uint64_t begin_ns;
	uint64_t done, failed; /* lines; kept by the owner */
	uint64_t bytes, total; /* of input; total 0: not known */
};

/* Nothing is shown when `out` is not a terminal or `quiet`. */
void progress_init(struct progress *progress, struct loop *loop, FILE *out, bool quiet);
/* Take the line away; before other text, it comes back by itself. */
void progress_hide(struct progress *progress);
/* Take the line away for good. */
void progress_fini(struct progress *progress);

#endif

/* symbolizer.h - finds the source lines of a dead worker's backtrace, by a helper that reads
 * the debug information.
 *
 * The master reads none itself: it is large, and hostile. troupe-symbolize (daemon/symbolize)
 * does, a short-lived process without rights, one at a time; what it writes is hostile too.
 * Belongs to the master, used in its thread.
 */
#ifndef PROCESS_SYMBOLIZER_H
#define PROCESS_SYMBOLIZER_H

#include "base/buffer.h"
#include "base/list.h"
#include "base/loop.h"
#include "process/crash.h"
#include "process/reaper.h"
#include <sys/types.h>

struct symbolizer {
	struct loop *loop;
	const char *binary; /* borrowed; NULL: there is no helper */
	/* Called from the loop when the places of a crash are known or have been given up; the
	 * crash is the symbolizer's own copy. */
	void (*on_done)(void *context, const struct crash *crash);
	void *context;

	/* Of the run under way */
	struct crash *crash; /* NULL: there is none */
	pid_t pid;           /* 0: no process; it may outlive the run for a moment */
	int pidfd;
	struct loop_io pidfd_io, output_io;
	struct reaper reaper; /* of helpers that were traced */
	int output;           /* its standard output; -1 */
	struct buffer text;
	struct loop_timer timer;
	unsigned frames[PAGE_FRAMES]; /* of the crash, in the order of the helper's arguments */
	unsigned n_frames;
};

void symbolizer_init(struct symbolizer *symbolizer, struct loop *loop, const char *binary,
		     void (*on_done)(void *context, const struct crash *crash), void *context);
/* Ends the helper; a run under way ends with on_done(). */
void symbolizer_fini(struct symbolizer *symbolizer);

/* Begin to look for the places of a crash, which is copied: on_done() follows, two seconds
 * later at the latest. deployments: the master's, of whose files frames can be. -ENOENT: no
 * frame is in a plug-in that is known, or there is no helper; -EBUSY: a run is under way;
 * -EMFILE, -ENOMEM, -EAGAIN. */
int symbolizer_start(struct symbolizer *symbolizer, const struct list *deployments,
		     const struct crash *crash);

/* Take the lines that the helper wrote, `size` bytes: the places of those frames that it was
 * asked for. What is no such line is passed over. For tests, too. */
void symbolizer_read(struct crash *crash, const unsigned *frames, unsigned n_frames,
		     const char *text, size_t size);

#endif

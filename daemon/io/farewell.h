/* farewell.h - the last words of TLS that the kernel had no room for, on their way.
 *
 * An end that is not said is taken for a truncation by the other side; but whoever finishes or
 * closes a stream does not wait. So what is left goes to a farewell, with a descriptor of its
 * own: it writes when there is room, shuts the writing side down, and closes. It has a minute;
 * so many there are at a time at most. Belongs to the worker's struct io. One thread.
 */
#ifndef IO_FAREWELL_H
#define IO_FAREWELL_H

#include "base/buffer.h"
#include "base/list.h"
#include "base/poller.h"

struct runtime;

struct farewells {
	struct poller poller;
	struct list all; /* struct farewell, in the order of their ends */
	struct loop_timer timer;
	uint64_t last_id;
	unsigned count;
};

void farewells_init(struct farewells *farewells, struct runtime *runtime);
void farewells_fini(struct farewells *farewells);

/* Send what `words` holds, and they hold nothing then, on fd, which is taken, closed on
 * failure, too. -ENOMEM, -EMFILE, -ENFILE, -ENOSPC: limits. */
int farewell_say(struct farewells *farewells, int fd, struct buffer *words);

#endif

/* crewed.h - an actor with io/ on a simulated crew, whose tasks begin and are cancelled by
 * number.
 */
#ifndef TEST_IO_CREWED_H
#define TEST_IO_CREWED_H

#include "io/io.h"
#include "tests/unit/core/world.h"
#include <troupe/task.h>

#define CREWED_TASKS 16

struct crewed {
	struct world world;
	struct io *io;
	struct troupe_task tasks[CREWED_TASKS];
	const struct troupe_task_entry *entry;
	void *shared; /* that its tasks have */
};

static inline struct crewed *crewed_of(struct troupe_self *self)
{
	return world_of(self)->test;
}

/* Nothing has run. `shared` is the test's. */
void crewed_begin(struct crewed *crewed, const struct troupe_task_entry *entry, void *shared);

/* Until there is nothing to do for actors or crews, without time passing. */
void crewed_run(struct crewed *crewed);

/* Of n below CREWED_TASKS: a task is given n. Of -n: the one that was given n is cancelled. */
void crewed_tell(struct crewed *crewed, int64_t n);

#endif

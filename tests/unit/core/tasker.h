/* tasker.h - a puppet whose handlers are tasks, and one that calls it.
 *
 * What becomes of a handler that waits is seen by what both write down.
 */
#ifndef TESTS_UNIT_CORE_TASKER_H
#define TESTS_UNIT_CORE_TASKER_H

#include "world.h"

/* A wheel is never early, and up to a tick late. */
#define A_BIT (TROUPE_MS_NS * 3 / 2)

/* Puppet 1 calls puppet 2, a tasker of unit 2, that has so many tasks (0: the default). */
void tasker_begin(struct world *world, behaviour *two, uint32_t tasks);

/* Have puppet 1 call it by Num(n). */
void tasker_ask(struct world *world, int64_t n);

/* Nobody waits for an answer to these. */
void tasker_send_none(struct world *world);

int tasker_send_text(struct world *world, const char *text);

/* A result in a word: "0" or the name of the error. */
const char *tasker_word(int rc);

/* Wait n ms (0: not at all), then return n + 1; 50 and more fail. */
int tasker_waits(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n);

int tasker_waits_long(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n);

#endif

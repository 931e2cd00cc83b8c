/* couple.h - two puppets of one world: the first calls the second. */
#ifndef TESTS_UNIT_CORE_COUPLE_H
#define TESTS_UNIT_CORE_COUPLE_H

#include "world.h"

/* Puppet 1 calls puppet 2 by Num(n), with the context n, when told by Num(100 + n) from
 * outside; what puppet 2 does is the test's. */
int couple_call_two(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n);
/* `two` is what all puppets but 1 do. */
void couple_begin(struct world *world, behaviour *two);

#endif

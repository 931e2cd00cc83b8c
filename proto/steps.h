/* steps.h - the steps of a struct's type: what its fields say, put in the order of the work.
 *
 * The walks over values follow the steps where a type has them, the fields where not; both come
 * to the same end. Made for the descriptors that troupe-gen writes and for those that are read
 * from layouts. Pure, any thread; used inside proto/ only.
 */
#ifndef PROTO_STEPS_H
#define PROTO_STEPS_H

#include "proto/arena.h"
#include <troupe/type.h>

#define STEPS_MAX 64 /* of one type, words and floats each as well; with more it has none */

/* Give a complete type of a struct its steps, from the arena. A plain one needs none, but may
 * be quick. -ENOMEM. */
int steps_make(struct troupe_type *type, struct arena *arena);

#endif

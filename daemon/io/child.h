/* child.h - the children of actors, from their starts until they are reaped.
 *
 * A child that its actor has left is still ours: it is asked to end, then killed, and its
 * record stays until it is dead. The bodies of <troupe/child.h>'s functions are here, too. Part
 * of struct io; one thread.
 */
#ifndef IO_CHILD_H
#define IO_CHILD_H

#include "io/children.h"

/* -ENOMEM. */
int children_init(struct children *children, struct runtime *runtime);
/* Those that are left are killed. */
void children_fini(struct children *children);

#endif

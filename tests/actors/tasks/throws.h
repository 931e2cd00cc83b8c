/* throws.h - tasks in C++. */
#ifndef THROWS_H
#define THROWS_H

#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Start in that scope two tasks that throw; each adds what it caught to *caught. */
int throws_start(struct troupe_self *self, struct troupe_scope scope, int64_t *caught);

#ifdef __cplusplus
}
#endif

#endif

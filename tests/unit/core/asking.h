/* asking.h - a puppet whose tasks ask another one, and wait for the answer. */
#ifndef TESTS_UNIT_CORE_ASKING_H
#define TESTS_UNIT_CORE_ASKING_H

#include "cluster.h"
#include <troupe/await.h>

/* Num(n), to that one. */
int asking_await(struct troupe_self *self, struct troupe_address to, int64_t n,
		 struct troupe_answer *answer);

/* What came of it, in words. */
void asking_note(struct troupe_self *self, int rc, const struct troupe_answer *answer);

/* A number, as what a task is given. */
void *asking_arg(int64_t n);

/* Puppet 1 starts the test's task with what it is told; the others do what `two` does. */
struct asking {
	const struct troupe_task_entry *one;
	behaviour *two;
};

/* A task: asks puppet 2 for the Num that it is given, once, and notes the answer. */
extern const struct troupe_task_entry *const asking_once;

/* Puppets 1 and 2 of one worker. */
void asking_begin(struct world *world, struct asking *asking);

/* The same, each in a worker. */
void asking_begin_far(struct cluster *cluster, struct asking *asking);

/* Puppet 1 gets Num(n). */
void asking_tell(struct world *world, int64_t n);

/* A behaviour: n + 1, but for the numbers that fail in one way each. */
int asking_answers(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n);

/* That puppet as a handler is, which no task is at work for. */
struct troupe_self asking_outside(struct world *world, int id);

/* A behaviour: n itself. */
int asking_takes(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n);

/* As asking_begin(), where puppet 2 has room for so many messages. */
void asking_begin_small(struct world *world, struct asking *asking, uint32_t mailbox);

#endif

/* naming.h - a puppet that calls another one by name, with JSON text. */
#ifndef TESTS_UNIT_CORE_NAMING_H
#define TESTS_UNIT_CORE_NAMING_H

#include "world.h"

/* Puppet I is in world I, when they are far; else all are in world 1. Puppet 1 calls puppet 2
 * by name when told Num(n), as `naming` says. */
struct naming {
	struct net net;
	struct world worlds[4];
	bool is_far;
	const char *method, *json;
	size_t size;
	uint32_t flags;
	uint64_t timeout_ns;
	behaviour *callee;
	struct troupe_address to; /* null: puppet 2 */
	struct troupe_request request;
	int rc; /* of the last call */
	int64_t streamed;
};

static inline struct naming *naming_of(const struct troupe_self *self)
{
	return world_of(self)->test;
}

/* Wherever it is. */
struct troupe_address naming_puppet(const struct naming *naming, int id);

/* What the callees have seen. */
struct world *naming_theirs(struct naming *naming);

/* What puppets do when told Num(n). */
int naming_on_num(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n);

/* Three puppets, in a worker each or in one. `callee` is what all but puppet 1 do. */
void naming_begin(struct naming *naming, bool is_far, behaviour *callee);

/* Let puppet 1 call; what it returns at once. */
int naming_say(struct naming *naming, const char *method, const char *json, int64_t context);

/* The same, without what puppet 1 itself has logged of Num, and what callees have. */
const char *naming_answer(struct naming *naming, const char *method, const char *json);

/* A behaviour: n + 1, but for the numbers that end in one way each. */
int naming_answers(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n);

/* A behaviour: the call is kept. */
int naming_keeps(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n);

#endif

/* bounce.h - a child of the restart engine that ends, for tests of it and of its keys. */
#ifndef TESTS_SUPERVISE_BOUNCE_H
#define TESTS_SUPERVISE_BOUNCE_H

#include "supervise/restart.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct child {
	struct restart restart;
	struct restart_rules rules;
	struct random random;
};

static inline struct child new_child(const struct restart_rules *rules, uint64_t seed)
{
	struct child child = {.rules = *rules};

	random_init(&child.random, seed);
	return child;
}

/* It ends after life_ns. ret_wait_ns: UINT64_MAX: it does not wait. */
static inline enum restart_verdict end(struct child *child, enum troupe_cause cause,
				       uint64_t life_ns, uint64_t *ret_wait_ns)
{
	*ret_wait_ns = UINT64_MAX;
	return restart_decide(&child->restart, &child->rules, cause, life_ns, &child->random,
			      ret_wait_ns);
}

static inline enum restart_verdict down(struct child *child, enum troupe_cause cause,
					uint64_t life_ns)
{
	uint64_t wait;

	return end(child, cause, life_ns, &wait);
}

/* The same, and it is started again; returns how long it waited. */
static inline uint64_t bounce(struct child *child, enum troupe_cause cause, uint64_t life_ns)
{
	uint64_t wait;

	assert_int_equal(end(child, cause, life_ns, &wait), RESTART_LATER);
	return wait;
}

#endif

/* bounce.h - a child of the restart engine that ends, for tests of it and of its keys. */
#ifndef TESTS_SUPERVISE_BOUNCE_H
#define TESTS_SUPERVISE_BOUNCE_H

#include "supervise/restart.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Let it fail and come up again; returns how long it waited. */
static inline uint64_t bounce(struct restart *child, enum troupe_cause cause, uint64_t *now)
{
	uint64_t wait = 0;

	assert_int_equal(restart_down(child, cause, *now, &wait), RESTART_LATER);
	*now += wait;
	restart_up(child, *now);
	return wait;
}

static inline enum restart_verdict down(struct restart *child, enum troupe_cause cause,
					uint64_t now)
{
	uint64_t wait;

	return restart_down(child, cause, now, &wait);
}

#endif

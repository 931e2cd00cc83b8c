/* sweep.c - one failure after the other. */
#include "tests/failpoints/sweep.h"

#include "tests/failpoints/failpoint.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define SWEEP_BRIEF_NS 1000000000
#define SEEDS          300

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void sweep_calm(void)
{
	failpoint_off();
}

void sweep_go_on(void)
{
	failpoint_on();
}

/* What a lack of memory or descriptors may look like. */
static bool is_of_want(int error)
{
	return error == -ENOMEM || error == -EMFILE || error == -EAGAIN || error == -ENOBUFS;
}

struct held {
	uint64_t blocks, mapped;
	unsigned descriptors;
};

static struct held held(void)
{
	return (struct held){.blocks = failpoint_blocks(),
			     .mapped = failpoint_mapped(),
			     .descriptors = failpoint_descriptors()};
}

/* Run it as the failpoints are set, and judge. */
static void run(sweep_scenario *scenario, void *data, const char *what, uint64_t which)
{
	struct held before = held(), after;
	int result = scenario(data);
	uint64_t failed = failpoint_failed();

	failpoint_off();
	after = held();
	if ((failed ? result >= 0 || is_of_want(result) : result >= 0) &&
	    (result > 0 || (after.blocks <= before.blocks && after.mapped == before.mapped &&
			    after.descriptors == before.descriptors)))
		return;
	failpoint_print();
	fail_msg("%s %llu: returned %d (%s), left %lld blocks, %lld mapped bytes, %d "
		 "descriptors",
		 what, (unsigned long long)which, result, strerror(-result),
		 (long long)(after.blocks - before.blocks),
		 (long long)(after.mapped - before.mapped),
		 (int)(after.descriptors - before.descriptors));
}

void sweep(sweep_scenario *scenario, void *data)
{
	const char *mode = getenv("TROUPE_SWEEP"), *only = getenv("TROUPE_SWEEP_NUMBER");
	bool full = mode && strcmp(mode, "full") == 0;
	uint64_t n, step, number, until = full ? UINT64_MAX : now_ns() + SWEEP_BRIEF_NS,
				  done = 0;

	/* What libraries keep from their first use on is no leak. */
	failpoint_number(0);
	assert_true(scenario(data) >= 0);
	failpoint_number(0);
	run(scenario, data, "without", 0);
	n = failpoint_passed();
	assert_true(n > 0);
	if (only) {
		failpoint_number(strtoull(only, NULL, 10));
		run(scenario, data, "number", strtoull(only, NULL, 10));
		return;
	}
	/* All, in an order that is spread over them from the first on. */
	step = (uint64_t)((double)n * 0.6180339887) | 1;
	number = 0;
	for (uint64_t i = 0; i < n && now_ns() < until; i++, done++) {
		number = full ? i : (number + step) % n;
		failpoint_number(number + 1);
		run(scenario, data, "number", number + 1);
	}
	until = full ? UINT64_MAX : until + SWEEP_BRIEF_NS / 2;
	for (uint64_t seed = 1; seed <= SEEDS && now_ns() < until; seed++) {
		/* About two in a run that passes all, up to about eight. */
		failpoint_seed(seed, n / (2 + seed % 7) + 1);
		run(scenario, data, "seed", seed);
	}
	failpoint_number(0);
	run(scenario, data, "afterwards", 0);
	failpoint_off();
	if (getenv("TROUPE_SWEEP_COUNT"))
		fprintf(stderr, "failpoints: %llu passed by the scenario, %llu made to fail\n",
			(unsigned long long)n, (unsigned long long)done);
}

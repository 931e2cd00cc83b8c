/* rlimits.h - real limits, lowered for a moment. */
#ifndef TESTS_UNIT_PROCESS_RLIMITS_H
#define TESTS_UNIT_PROCESS_RLIMITS_H

#include <fcntl.h>
#include <sys/resource.h>

/* Set the soft limit; returns what it was. */
static inline rlim_t lower_limit(__rlimit_resource_t what, rlim_t to)
{
	struct rlimit limit;
	rlim_t before;

	assert_int_equal(getrlimit(what, &limit), 0);
	before = limit.rlim_cur;
	limit.rlim_cur = to;
	assert_int_equal(setrlimit(what, &limit), 0);
	return before;
}

/* The limit of descriptors that leaves so many free. */
static inline rlim_t limit_of_free(unsigned n)
{
	int fd = 0;

	for (unsigned free = 0;; fd++) {
		free += fcntl(fd, F_GETFD) < 0;
		if (free > n)
			return (rlim_t)fd;
	}
}

#endif

/* check.h - conditions that only a bug of our own can break. They ship in release builds: a
 * process whose state is not what its code believes must not go on; its supervisor starts a
 * sound one. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

/* Write where and what to standard error, and abort. */
_Noreturn void check_failed(const char *file, int line, const char *condition);

#define check(condition)                                                                       \
	do {                                                                                   \
		if (__builtin_expect(!(condition), 0))                                         \
			check_failed(__FILE__, __LINE__, #condition);                          \
	} while (0)

#define likely(condition)   __builtin_expect(!!(condition), 1)
#define unlikely(condition) __builtin_expect(!!(condition), 0)

/* Of functions beside a path that counts: what is rare stays out of the way, with its
 * buffers... */
#define COLD __attribute__((noinline, cold))
/* ...and what is not rare would take registers from what is most often. */
#define NOINLINE __attribute__((noinline))

#endif

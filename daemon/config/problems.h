/* problems.h - what is wrong with the configuration, collected: a file is read to its end, so
 * that its author sees all mistakes at once. Warnings are collected apart: with them alone a
 * file is taken as it is.
 *
 * A value of the caller (zeroed is empty; fini) in the master; one thread. A problem names file
 * and line and says what to do.
 */
#ifndef CONFIG_PROBLEMS_H
#define CONFIG_PROBLEMS_H

#include <errno.h>
#include <stddef.h>

struct log;

struct problem {
	char *file;    /* path, as it was found */
	unsigned line; /* from 1; 0: the file as a whole */
	char *message;
};

struct problems {
	struct problem *items; /* in the order found */
	size_t n;
	size_t n_lost; /* beyond LIMIT_PROBLEMS, or for lack of memory */
	struct problem *warnings;
	size_t n_warnings; /* LIMIT_PROBLEMS at most; further ones are dropped */
};

void problems_fini(struct problems *problems);

/* Note one. Always returns -EINVAL, so that a caller can return it on. problems may be NULL:
 * nothing is noted. */
int problems_add(struct problems *problems, const char *file, unsigned line, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));

/* What both of two steps have returned: -ENOMEM of either, else -EINVAL of either, else 0. */
static inline int problems_worse(int a, int b)
{
	return a == 0 || b == -ENOMEM ? b : a;
}

/* Note something that is taken as it is, but hardly meant. problems may be NULL. */
void problems_warn(struct problems *problems, const char *file, unsigned line,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Add a copy of each, warnings as warnings. */
void problems_append(struct problems *problems, const struct problems *more);

/* Write each to the log, mistakes as errors. */
void problems_log(const struct problems *problems, struct log *log);

/* "FILE:LINE: MESSAGE", or "FILE: MESSAGE", cut to size. */
void problem_print(const struct problem *problem, char *text, size_t size);

#endif

/* bounds.h - whether something lies whole within a range of memory: for tables of a plug-in,
 * whose pointers nobody has checked yet.
 *
 * Pure, any thread. What lies within is readable as long as the range is; that it does not
 * change meanwhile is for its user to know.
 */
#ifndef PROTO_BOUNDS_H
#define PROTO_BOUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bounds {
	uintptr_t base, end; /* [base, end) */
	bool is_file; /* it is no plug-in yet, but what is known of one: base/elf_image.h */
};

/* Whether n items of `size` bytes at `at` lie within, aligned as the machine wants them. Also
 * for n = 0: `at` must then be within. */
static inline bool bounds_hold(const struct bounds *bounds, const void *at, size_t n,
			       size_t size, size_t align)
{
	uintptr_t start = (uintptr_t)at;

	return start >= bounds->base && start < bounds->end && start % align == 0 &&
	       n <= (bounds->end - start) / size;
}

#define BOUNDS_HOLD(bounds, at, n)                                                             \
	bounds_hold(bounds, at, n, sizeof(*(at)), _Alignof(__typeof__(*(at))))

/* Whether a string and its NUL do. */
static inline bool bounds_hold_text(const struct bounds *bounds, const char *text)
{
	return BOUNDS_HOLD(bounds, text, 1) &&
	       memchr(text, '\0', bounds->end - (uintptr_t)text) != NULL;
}

/* Why something at `at` does not: a constant text, to follow its name. */
static inline const char *bounds_wrong(const struct bounds *bounds, const void *at)
{
	if (!at)
		return "is missing";
	if (bounds->is_file && ((uintptr_t)at < bounds->base || (uintptr_t)at > bounds->end))
		return "is known only when the plug-in is loaded; only constants and addresses "
		       "within the plug-in are allowed there";
	return "is not in the plug-in";
}

#endif

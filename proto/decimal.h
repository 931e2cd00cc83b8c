/* decimal.h - whole numbers as digits, without the cost of printf(3).
 *
 * Pure; any process and thread. Replies with many thousands of numbers are made of these.
 */
#ifndef PROTO_DECIMAL_H
#define PROTO_DECIMAL_H

#include <stdint.h>

#define DECIMAL_MAX 20 /* bytes that a number takes at most, with its sign */

/* Put the digits of `value` at `at`, where there is room for DECIMAL_MAX bytes; no NUL. Returns
 * the place behind them. */
static inline char *decimal_print(char *at, uint64_t value)
{
	char digits[DECIMAL_MAX];
	unsigned n = 0;

	do
		digits[n++] = (char)('0' + value % 10);
	while (value /= 10);
	while (n > 0)
		*at++ = digits[--n];
	return at;
}

#endif

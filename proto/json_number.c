#include "proto/json_number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The exponent of a number, whose 'e' is at `at`. What is too large for any integer is cut. */
static int64_t read_exponent(const char *at, const char *end)
{
	bool negative = ++at < end && *at == '-';
	int64_t exponent = 0;

	at += at < end && (*at == '-' || *at == '+');
	for (; at < end && exponent < 1000000000; at++)
		exponent = exponent * 10 + (*at - '0');
	return negative ? -exponent : exponent;
}

/* Take `digit` on behind those of a number that is not above zero. */
static bool add_digit(int64_t *value, int digit)
{
	return !__builtin_mul_overflow(*value, 10, value) &&
	       !__builtin_sub_overflow(*value, digit, value);
}

int json_number_to_int(struct json_span span, int64_t *ret_value)
{
	bool negative = span.size > 0 && span.at[0] == '-';
	const char *at = span.at + negative, *end = at, *all = span.at + span.size, *point;
	int64_t value = 0, scale = 0; /* the power of ten that the last digit counts */

	while (end < all && *end != 'e' && *end != 'E')
		end++;
	if (end < all)
		scale = read_exponent(end, all);
	point = memchr(at, '.', (size_t)(end - at));
	if (point)
		scale -= end - point - 1;
	/* Zeros at the end are no digits: 1.50e1 is 15e0. */
	for (; end > at && (end[-1] == '0' || end[-1] == '.'); end--)
		scale += end[-1] == '0';
	if (end == at)
		scale = 0;
	if (scale < 0)
		return -EINVAL;
	/* Built up below zero, where the range is larger by one. */
	for (; at < end; at++)
		if (*at != '.' && !add_digit(&value, *at - '0'))
			return -ERANGE;
	for (; scale > 0; scale--)
		if (!add_digit(&value, 0))
			return -ERANGE;
	if (!negative && __builtin_sub_overflow(0, value, &value))
		return -ERANGE;
	*ret_value = value;
	return 0;
}

/* The C locale; glibc hands out a constant for it, so nothing is allocated or to be freed. */
static locale_t c_locale(void)
{
	return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

int json_number_to_float(struct json_span span, double *ret_value)
{
	char text[JSON_NUMBER_MAX + 1];
	double value;

	if (span.size > JSON_NUMBER_MAX)
		return -ERANGE;
	memcpy(text, span.at, span.size);
	text[span.size] = '\0';
	value = strtod_l(text, NULL, c_locale());
	if (!isfinite(value))
		return -ERANGE;
	*ret_value = value;
	return 0;
}

void json_number_print(double value, char text[static JSON_NUMBER_TEXT])
{
	locale_t c = c_locale();
	locale_t old = uselocale(c);

	for (int precision = 15; precision <= 17; precision++) {
		snprintf(text, JSON_NUMBER_TEXT - 2, "%.*g", precision, value);
		if (strtod_l(text, NULL, c) == value)
			break;
	}
	uselocale(old);
	if (!strpbrk(text, ".e"))
		strcat(text, ".0");
}

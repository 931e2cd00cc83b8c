#include "proto/json_number.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int json_number_to_int(struct json_span span, int64_t *ret_value)
{
	bool negative = span.size > 0 && span.at[0] == '-';
	int64_t value = 0;

	/* Built up below zero, where the range is larger by one. */
	for (size_t i = negative; i < span.size; i++) {
		if (span.at[i] < '0' || span.at[i] > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, span.at[i] - '0', &value))
			return -ERANGE;
	}
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

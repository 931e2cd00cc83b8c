/* json_texts.h - long and deep texts for the tests of JSON. */
#ifndef TESTS_UNIT_PROTO_JSON_TEXTS_H
#define TESTS_UNIT_PROTO_JSON_TEXTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LEN(array) (sizeof(array) / sizeof((array)[0]))

/* `open` n times, then `close` n times. */
static inline char *nest(const char *open, const char *close, size_t n)
{
	char *text = calloc(n, strlen(open) + strlen(close) + 1);
	char *at = text;

	assert_non_null(text);
	for (size_t i = 0; i < n; i++)
		at = stpcpy(at, open);
	for (size_t i = 0; i < n; i++)
		at = stpcpy(at, close);
	return text;
}

/* "[" unit "," unit ... "]" of n units. */
static inline char *repeat(const char *unit, size_t n, size_t *ret_size)
{
	size_t size = strlen(unit);
	char *text = malloc(n * (size + 1) + 2), *at = text;

	assert_non_null(text);
	*at++ = '[';
	for (size_t i = 0; i < n; i++) {
		at = (char *)mempcpy(at, unit, size);
		*at++ = i + 1 < n ? ',' : ']';
	}
	*at = '\0';
	*ret_size = (size_t)(at - text);
	return text;
}

#endif

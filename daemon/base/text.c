/* text.c - small values as people write them. */
#include "base/text.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int text_parse_bool(const char *text, bool *ret_value)
{
	static const char *const yes[] = {"yes", "true", "on", "y", "t", "1"};
	static const char *const no[] = {"no", "false", "off", "n", "f", "0"};

	for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
		if (strcasecmp(text, yes[i]) == 0) {
			*ret_value = true;
			return 0;
		}
		if (strcasecmp(text, no[i]) == 0) {
			*ret_value = false;
			return 0;
		}
	}
	return -EINVAL;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Read digits at *text and move it behind them. -ERANGE: *text is behind them all the same. */
static int read_digits(const char **text, uint64_t *ret_value)
{
	uint64_t value = 0;
	int r = 0;

	if (!is_digit(**text))
		return -EINVAL;
	for (; is_digit(**text); (*text)++)
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(**text - '0'), &value))
			r = -ERANGE;
	if (r == 0)
		*ret_value = value;
	return r;
}

static int check_range(uint64_t value, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	if (value < min || value > max)
		return -ERANGE;
	*ret_value = value;
	return 0;
}

int text_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value)
{
	uint64_t value = 0;
	int r = read_digits(&text, &value);

	if (r == -EINVAL || *text != '\0')
		return -EINVAL;
	return r < 0 ? r : check_range(value, min, max, ret_value);
}

int text_parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret_bytes)
{
	static const char suffixes[] = "KMGT";
	uint64_t value = 0;
	unsigned shift = 0;
	int r = read_digits(&text, &value);

	if (r == -EINVAL)
		return r;
	if (*text != '\0') {
		const char *suffix = strchr(suffixes, toupper((unsigned char)*text));

		if (suffix) {
			shift = 10 * (unsigned)(suffix - suffixes + 1);
			text++;
		}
		if (*text == 'B' || *text == 'b')
			text++;
	}
	if (*text != '\0')
		return -EINVAL;
	if (r < 0 || value > UINT64_MAX >> shift)
		return -ERANGE;
	return check_range(value << shift, min, max, ret_bytes);
}

struct span_unit {
	const char *names; /* blank-separated, the one that is printed first */
	uint64_t ns;
};

static const struct span_unit span_units[] = {
	{"w week weeks", 7ull * 24 * 3600 * 1000000000},
	{"d day days", 24ull * 3600 * 1000000000},
	{"h hr hour hours", 3600ull * 1000000000},
	{"min m minute minutes", 60ull * 1000000000},
	{"s sec second seconds", 1000000000},
	{"ms msec", 1000000},
	{"us usec \xc2\xb5s \xce\xbcs", 1000},
	{"ns nsec", 1},
};

/* 0: no such unit. */
static uint64_t find_unit(const char *name, size_t size)
{
	for (size_t i = 0; i < ARRAY_LEN(span_units); i++)
		for (const char *at = span_units[i].names; *at;) {
			size_t n = strcspn(at, " ");

			if (n == size && memcmp(at, name, n) == 0)
				return span_units[i].ns;
			at += n;
			at += strspn(at, " ");
		}
	return 0;
}

/* The part of a unit that the digits after a point mean, cut to whole nanoseconds. */
static uint64_t read_fraction(const char **text, uint64_t unit)
{
	uint64_t ns = 0;
	double scale = (double)unit;

	for (; is_digit(**text); (*text)++) {
		scale /= 10;
		ns += (uint64_t)(scale * (**text - '0') + 0.5);
	}
	return ns;
}

/* One number with its unit. */
static int read_span(const char **text, uint64_t *ret_ns)
{
	const char *fraction = NULL;
	uint64_t value = 0, unit = 1000000000, ns;
	size_t size;
	int r = read_digits(text, &value);

	if (r == -EINVAL)
		return r;
	if (**text == '.') {
		fraction = ++*text;
		if (!is_digit(**text))
			return -EINVAL;
		*text += strspn(*text, "0123456789");
	}
	*text += strspn(*text, " \t");
	size = strcspn(*text, " \t.0123456789");
	if (size > 0)
		unit = find_unit(*text, size);
	if (unit == 0)
		return -EINVAL;
	*text += size;
	if (r < 0 || __builtin_mul_overflow(value, unit, &ns))
		return -ERANGE;
	if (fraction && __builtin_add_overflow(ns, read_fraction(&fraction, unit), &ns))
		return -ERANGE;
	*ret_ns = ns;
	return 0;
}

int text_parse_span_ns(const char *text, uint64_t *ret_ns)
{
	uint64_t sum = 0;
	bool too_large = false;

	if (strcmp(text, "infinity") == 0) {
		*ret_ns = TEXT_INFINITY;
		return 0;
	}
	do {
		uint64_t ns = 0;
		int r = read_span(&text, &ns);

		if (r == -EINVAL)
			return r;
		if (r < 0 || __builtin_add_overflow(sum, ns, &sum) || sum == TEXT_INFINITY)
			too_large = true;
		text += strspn(text, " \t");
	} while (*text);
	if (too_large)
		return -ERANGE;
	*ret_ns = sum;
	return 0;
}

void text_print_span_ns(uint64_t ns, char *text, size_t size)
{
	size_t used = 0;

	if (ns == TEXT_INFINITY || ns == 0) {
		snprintf(text, size, "%s", ns ? "infinity" : "0");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(span_units) && used < size; i++) {
		const char *name = span_units[i].names;

		if (ns < span_units[i].ns)
			continue;
		used += (size_t)snprintf(text + used, size - used, "%s%llu%.*s",
					 used ? " " : "",
					 (unsigned long long)(ns / span_units[i].ns),
					 (int)strcspn(name, " "), name);
		ns %= span_units[i].ns;
	}
}

void text_print_time_ns(uint64_t ns, char *text, size_t size)
{
	uint64_t unit = ns >= 10 * CLOCK_SECOND_NS ? CLOCK_SECOND_NS : CLOCK_MS_NS;

	text_print_span_ns(ns < unit ? unit : ns - ns % unit, text, size);
}

size_t text_put_utf8(uint32_t code, char out[4])
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
		out[1] = (char)(0x80 | (code >> 6 & 0x3f));
		out[2] = (char)(0x80 | (code & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | code >> 18);
	out[1] = (char)(0x80 | (code >> 12 & 0x3f));
	out[2] = (char)(0x80 | (code >> 6 & 0x3f));
	out[3] = (char)(0x80 | (code & 0x3f));
	return 4;
}

bool text_is_utf8(const char *text, size_t size)
{
	for (size_t at = 0; at < size;) {
		size_t n = text_utf8_size(text + at, size - at);

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

void text_make_utf8(char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t n = text_utf8_size(text, left);

		if (n == 0 || (n == 1 && ((unsigned char)*text < ' ' || *text == 0x7f))) {
			*text = '?';
			n = 1;
		}
		text += n;
		left -= n;
	}
}

char *text_printf(const char *format, ...)
{
	va_list arguments;
	char *text;
	int n;

	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	return n < 0 ? NULL : text;
}

#define NEAREST_MAX   64 /* longer names are never suggested */
#define NEAREST_BEGUN 4  /* letters that are enough to begin a name */

/* How many letters must be changed, put in, taken out or swapped with their neighbour. */
static unsigned edit_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	unsigned rows[3][NEAREST_MAX + 1];
	unsigned *before = rows[0], *last = rows[1], *row = rows[2];

	for (unsigned j = 0; j <= b_size; j++)
		last[j] = before[j] = j;
	for (unsigned i = 1; i <= a_size; i++) {
		unsigned *reused = before;

		row[0] = i;
		for (unsigned j = 1; j <= b_size; j++) {
			int x = tolower((unsigned char)a[i - 1]),
			    y = tolower((unsigned char)b[j - 1]);
			unsigned best = last[j - 1] + (x != y);

			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		before = last;
		last = row;
		row = reused;
	}
	return last[b_size];
}

/* What both begin with, up to the last dot: that is no likeness. */
static size_t common_head(const char *a, const char *b)
{
	size_t head = 0;

	for (size_t i = 0; a[i] && tolower((unsigned char)a[i]) == tolower((unsigned char)b[i]);
	     i++)
		if (a[i] == '.')
			head = i + 1;
	return head;
}

const char *text_nearest(const char *text, const char *const *names, size_t n)
{
	size_t size = strnlen(text, NEAREST_MAX + 1);
	const char *nearest = NULL, *longer = NULL;
	unsigned least = UINT_MAX;

	if (size > NEAREST_MAX)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		size_t name_size = strnlen(names[i], NEAREST_MAX + 1);
		size_t head = common_head(text, names[i]);
		unsigned distance;

		if (name_size > NEAREST_MAX)
			continue;
		if (!longer && size >= head + NEAREST_BEGUN &&
		    strncasecmp(text, names[i], size) == 0)
			longer = names[i];
		distance = edit_distance(text, size, names[i], name_size);
		/* As many mistakes as this, or more, are another word. */
		if (distance < (size - head) / 3 + 1 && distance < least) {
			least = distance;
			nearest = names[i];
		}
	}
	return nearest ? nearest : longer;
}

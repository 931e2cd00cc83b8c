/* text.h - small values as people write them: numbers, sizes, spans of time, yes and no; UTF-8.
 *
 * The habits are systemd's. Pure functions; any process and thread. All return -EINVAL when the
 * text is not such a value, -ERANGE when it is one but too large or too small. Blanks around a
 * value are not skipped.
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* yes true on y t 1, no false off n f 0; in any case of letters. */
int text_parse_bool(const char *text, bool *ret_value);

/* A decimal number in min .. max; no sign. */
int text_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value);

/* Bytes, with an optional suffix K, M, G or T (powers of 1024) and then an optional B: "512",
 * "64K", "1GB". In min .. max. */
int text_parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *ret_bytes);

/* A span: numbers with units, added up: "5s", "1min 30s", "500ms", "1.5h"; a number without a
 * unit is seconds. Units: ns, us, ms, s, min (m), h, d, w, and their longer names. "infinity"
 * is TEXT_INFINITY. */
#define TEXT_INFINITY UINT64_MAX
int text_parse_span_ns(const char *text, uint64_t *ret_ns);

/* The span as such a text, exact: "1min 30s". Cut when size is short; 64 bytes always suffice.
 */
void text_print_span_ns(uint64_t ns, char *text, size_t size);
/* As people read how long something took: "12ms", "3s 20ms", "1min 30s". What is less than a
 * millisecond is one; from ten seconds on there are no milliseconds. */
void text_print_time_ns(uint64_t ns, char *text, size_t size);

/* Bytes of the well-formed UTF-8 character that begins with a byte above 0x7f, or 0: the second
 * byte's range excludes overlong forms, surrogates and what is past U+10FFFF. size > 0. */
static inline size_t text_wide_size(const unsigned char *text, size_t size)
{
	unsigned char first = text[0];

	if (first < 0xc2 || size < 2 || (text[1] & 0xc0) != 0x80)
		return 0;
	if (first < 0xe0)
		return 2;
	if (size < 3 || (text[2] & 0xc0) != 0x80)
		return 0;
	if (first < 0xf0) {
		if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f))
			return 0;
		return 3;
	}
	if (size < 4 || (text[3] & 0xc0) != 0x80 || first > 0xf4)
		return 0;
	if ((first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f))
		return 0;
	return 4;
}

/* Bytes of the well-formed UTF-8 character at the start of text: 1 .. 4; 0 when there is none.
 * A NUL byte is a character of one byte. size > 0. */
static inline size_t text_utf8_size(const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;

	return *at < 0x80 ? 1 : text_wide_size(at, size);
}

/* Write a character of Unicode, at most U+10FFFF and no surrogate; returns its bytes: 1 ..
 * 4. */
size_t text_put_utf8(uint32_t code, char out[4]);

/* Whether all of text is UTF-8. NUL bytes are no fault here. */
bool text_is_utf8(const char *text, size_t size);

/* Make a text of unknown origin fit to be shown and sent: each control character of ASCII, and
 * each byte that belongs to no well-formed character (as when a text was cut within one),
 * becomes '?'. */
void text_make_utf8(char *text);

/* The text that printf() would write, given; NULL: no memory. */
char *text_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The one of n names that `text` is most likely a misspelling of (case counts little), or else
 * the beginning of, borrowed; NULL when none is close. For "did you mean ...?". */
const char *text_nearest(const char *text, const char *const *names, size_t n);

#endif

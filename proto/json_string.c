#include "proto/json_string.h"

#include "base/text.h"
#include "proto/json_text.h"
#include <errno.h>
#include <string.h>

static int hex_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* The number after `\u` at `at`; negative: not four hex digits. */
static int hex_unit(const char *at, const char *end)
{
	int unit = 0;

	if (end - at < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int value = hex_value(at[i]);

		if (value < 0)
			return -1;
		unit = unit << 4 | value;
	}
	return unit;
}

/* Read the escape behind a backslash: bytes of it in the text, 0 when it is none that JSON has.
 * A character above U+FFFF is a pair of escapes; half a pair is no character. */
static size_t read_escape(const char *at, const char *end, uint32_t *ret_character)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	const char *letter;
	int high, low;

	if (at == end)
		return 0;
	letter = memchr(letters, *at, sizeof(letters) - 1);
	if (letter) {
		*ret_character = (unsigned char)meanings[letter - letters];
		return 1;
	}
	high = *at == 'u' ? hex_unit(at + 1, end) : -1;
	if (high < 0 || (high >= 0xdc00 && high <= 0xdfff))
		return 0;
	*ret_character = (uint32_t)high;
	if (high < 0xd800 || high > 0xdfff)
		return 5;
	low = end - at >= 11 && at[5] == '\\' && at[6] == 'u' ? hex_unit(at + 7, end) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	*ret_character =
		0x10000u + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
	return 11;
}

/* The first byte from `at` on that does not mean itself; *ret_bits: all bits of those
 * before. */
static const char *skip_plain(const char *at, const char *end, unsigned char *ret_bits)
{
	unsigned char bits = 0;

	while (at < end && *at != '"' && *at != '\\' && (unsigned char)*at >= 0x20)
		bits |= (unsigned char)*at++;
	*ret_bits = bits;
	return at;
}

int json_read_string(struct json_reader *reader, struct json_span *ret_span)
{
	const char *start;
	uint32_t character;

	if (!json_take(reader, '"'))
		return json_expected(reader, "a string");
	start = reader->at - 1;
	for (;;) {
		const char *from = reader->at;
		unsigned char bits;
		size_t size;

		reader->at = skip_plain(from, reader->end, &bits);
		if (bits >= 0x80 && !codec_is_utf8(from, (size_t)(reader->at - from))) {
			reader->at = from;
			return json_expected(reader, "valid UTF-8 in the string");
		}
		if (reader->at == reader->end)
			return json_expected(reader, "'\"'");
		if (*reader->at == '"')
			break;
		if (*reader->at != '\\')
			return json_expected(reader, "no control character");
		size = read_escape(reader->at + 1, reader->end, &character);
		if (size == 0)
			return json_expected(reader, "a valid escape");
		reader->at += 1 + size;
	}
	reader->at++;
	*ret_span = (struct json_span){start, (size_t)(reader->at - start)};
	return 0;
}

int json_unquote(struct json_span span, char *buffer, size_t size)
{
	const char *at = span.at, *end = at + span.size;
	size_t n = 0;

	if (span.size < 2 || *at++ != '"' || *--end != '"')
		return -EINVAL;
	for (;;) {
		const char *escape = memchr(at, '\\', (size_t)(end - at));
		size_t run = (size_t)((escape ? escape : end) - at), taken;
		uint32_t character;
		char bytes[4];

		if (n >= size || run >= size - n)
			return -ENOBUFS;
		/* In place most texts are where they belong. */
		if (buffer + n != at)
			memmove(buffer + n, at, run);
		n += run;
		if (!escape)
			break;
		taken = read_escape(escape + 1, end, &character);
		if (taken == 0 || character == 0)
			return -EINVAL;
		at = escape + 1 + taken;
		run = text_put_utf8(character, bytes);
		if (run >= size - n)
			return -ENOBUFS;
		memcpy(buffer + n, bytes, run);
		n += run;
	}
	buffer[n] = '\0';
	return 0;
}

bool json_span_equals(struct json_span span, const char *text)
{
	size_t size = strlen(text);
	char buffer[JSON_KEY_MAX + 1];

	if (span.size < 2 || size > JSON_KEY_MAX)
		return false;
	if (!memchr(span.at, '\\', span.size))
		return span.size == size + 2 && memcmp(span.at + 1, text, size) == 0;
	return json_unquote(span, buffer, sizeof(buffer)) == 0 && strcmp(buffer, text) == 0;
}

bool json_span_is(struct json_span span, const char *text)
{
	return span.size == strlen(text) && memcmp(span.at, text, span.size) == 0;
}

int json_print_string(struct buffer *out, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[] = "btn\0fr"; /* of the control characters 8 to 13 */
	const char *end = text + strlen(text);
	int r = buffer_append(out, "\"", 1);

	while (r == 0 && text < end) {
		unsigned char bits;
		const char *plain = skip_plain(text, end, &bits);
		unsigned char byte = (unsigned char)*plain;
		char escape[6] = {'\\', (char)byte};
		size_t size = 2;

		r = buffer_append(out, text, (size_t)(plain - text));
		text = plain;
		if (r < 0 || plain == end)
			break;
		if (byte >= 8 && byte <= 13 && byte != 11) {
			escape[1] = letters[byte - 8];
		} else if (byte < 0x20) {
			memcpy(escape,
			       (char[]){'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]},
			       size = 6);
		}
		r = buffer_append(out, escape, size);
		text++;
	}
	return r < 0 ? r : buffer_append(out, "\"", 1);
}

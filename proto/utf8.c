#include "proto/codec.h"

#include <string.h>

#define ONES  0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

static int is_tail(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Bytes of the character that begins at `text` with a byte above 0x7f; 0: not a valid one. The
 * second byte's range excludes overlong forms, surrogates and what lies above U+10FFFF. */
static size_t character_size(const unsigned char *text, size_t size)
{
	unsigned char first = text[0];

	if (first < 0xc2 || size < 2 || !is_tail(text[1]))
		return 0;
	if (first < 0xe0)
		return 2;
	if (size < 3 || !is_tail(text[2]))
		return 0;
	if (first < 0xf0) {
		if ((first == 0xe0 && text[1] < 0xa0) || (first == 0xed && text[1] > 0x9f))
			return 0;
		return 3;
	}
	if (size < 4 || !is_tail(text[3]) || first > 0xf4)
		return 0;
	if ((first == 0xf0 && text[1] < 0x90) || (first == 0xf4 && text[1] > 0x8f))
		return 0;
	return 4;
}

int codec_is_utf8(const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	const unsigned char *end = at + size;

	while (at < end) {
		uint64_t word;
		size_t n;

		/* Eight characters of ASCII at once: no high bit, and none that borrows. */
		if (end - at >= 8) {
			memcpy(&word, at, sizeof(word));
			if (!(((word - ONES) | word) & HIGHS)) {
				at += 8;
				continue;
			}
		}
		if (*at - 1u < 0x7fu) {
			at++;
			continue;
		}
		n = character_size(at, (size_t)(end - at));
		if (n == 0)
			return 0;
		at += n;
	}
	return 1;
}

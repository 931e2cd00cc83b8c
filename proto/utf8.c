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

static uint64_t load_word(const unsigned char *text)
{
	uint64_t word;

	memcpy(&word, text, sizeof(word));
	return word;
}

/* Not zero when one of eight bytes is NUL or above 0x7f: a NUL borrows, the others have the
 * bit. */
static uint64_t odd_bytes(uint64_t word)
{
	return ((word - ONES) | word) & HIGHS;
}

/* Nearly all text is ASCII: eight characters at once, the last eight over again if need be. */
int codec_is_utf8(const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	const unsigned char *end = at + size;

	for (;;) {
		size_t n;

		while (end - at >= 8 && odd_bytes(load_word(at)) == 0)
			at += 8;
		if (end - at < 8 && size >= 8 && odd_bytes(load_word(end - 8)) == 0)
			return 1;
		while (at < end && *at - 1u < 0x7fu)
			at++;
		if (at == end)
			return 1;
		n = character_size(at, (size_t)(end - at));
		if (n == 0)
			return 0;
		at += n;
	}
}

#include "proto/codec.h"

#include "base/text.h"
#include <string.h>

#define ONES  0x0101010101010101ull
#define HIGHS 0x8080808080808080ull

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
		n = text_wide_size(at, (size_t)(end - at));
		if (n == 0)
			return 0;
		at += n;
	}
}

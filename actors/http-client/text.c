/* text.c - see text.h. */
#include "text.h"
#include <stdint.h>
#include <string.h>
#include <strings.h>

/* The bytes of one character, 2 to 4, that begins at p; 0: it is wrong. */
static size_t sequence(const uint8_t *p, size_t left)
{
	size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;

	if (p[0] < 0xc2 || p[0] > 0xf4 || length > left)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return length;
}

bool text_is_utf8(const void *data, size_t size)
{
	const uint64_t high = 0x8080808080808080u, ones = 0x0101010101010101u;
	const uint8_t *p = data, *end = p + size;

	while (p < end) {
		/* Eight characters of ASCII at a time; none of them a NUL. */
		while (end - p >= 8) {
			uint64_t word;

			memcpy(&word, p, sizeof(word));
			if ((word | (word - ones)) & high)
				break;
			p += 8;
		}
		if (p == end)
			break;
		if (*p == 0)
			return false;
		size_t length = *p < 0x80 ? 1 : sequence(p, (size_t)(end - p));
		if (length == 0)
			return false;
		p += length;
	}
	return true;
}

/* 0x80 to 0x9f of Windows 1252; five are nothing there and stay what they are. */
static const uint16_t windows[32] = {
	0x20ac, 0x81,   0x201a, 0x0192, 0x201e, 0x2026, 0x2020, 0x2021, 0x02c6, 0x2030, 0x0160,
	0x2039, 0x0152, 0x8d,   0x017d, 0x8f,   0x90,   0x2018, 0x2019, 0x201c, 0x201d, 0x2022,
	0x2013, 0x2014, 0x02dc, 0x2122, 0x0161, 0x203a, 0x0153, 0x9d,   0x017e, 0x0178,
};

static size_t put(char *to, unsigned character)
{
	if (character < 0x80) {
		if (to)
			to[0] = (char)character;
		return 1;
	}
	if (character < 0x800) {
		if (to) {
			to[0] = (char)(0xc0 | character >> 6);
			to[1] = (char)(0x80 | (character & 0x3f));
		}
		return 2;
	}
	if (to) {
		to[0] = (char)(0xe0 | character >> 12);
		to[1] = (char)(0x80 | (character >> 6 & 0x3f));
		to[2] = (char)(0x80 | (character & 0x3f));
	}
	return 3;
}

size_t text_from_latin(const void *data, size_t size, char *to)
{
	const uint8_t *bytes = data;
	size_t written = 0;

	for (size_t i = 0; i < size; i++) {
		unsigned character = bytes[i] == 0 ? 0xfffd
				     : bytes[i] >= 0x80 && bytes[i] < 0xa0
					     ? windows[bytes[i] - 0x80]
					     : bytes[i];

		written += put(to ? to + written : NULL, character);
	}
	return written;
}

bool text_is_latin(const char *content_type)
{
	static const char *const names[] = {"iso-8859-1", "windows-1252", "us-ascii", "latin1"};
	const char *charset = content_type ? strcasestr(content_type, "charset=") : NULL;

	if (!charset)
		return false;
	charset += strlen("charset=");
	charset += *charset == '"';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t length = strlen(names[i]);

		if (strncasecmp(charset, names[i], length) == 0 &&
		    strchr("\"; \t", charset[length]))
			return true;
	}
	return false;
}

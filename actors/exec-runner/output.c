/* output.c - see output.h. */
#include "output.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void output_init(struct output *output, size_t most)
{
	*output = (struct output){.most = most};
}

void output_fini(struct output *output)
{
	free(output->bytes);
	output->bytes = NULL;
}

int output_add(struct output *output, const char *bytes, size_t size)
{
	const size_t room = output->most - output->size;

	if (size > room) {
		output->is_truncated = true;
		size = room;
	}
	if (size == 0)
		return 0;
	if (!output->bytes) { /* pages that are not written to take none */
		output->bytes = malloc(output->most);
		if (!output->bytes)
			return -ENOMEM;
	}
	memcpy(output->bytes + output->size, bytes, size);
	output->size += size;
	return 0;
}

/* Bytes of the character there, if it is one: 1 to 4; 0: it is none; -1: it is cut off by the
 * end. */
static int measure(const unsigned char *at, size_t size)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t character;
	int n;

	if (*at < 0x80)
		return *at ? 1 : 0;
	n = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : 2;
	if (*at < 0xc2 || *at > 0xf4)
		return 0;
	character = *at & (0xffu >> (n + 1));
	for (int i = 1; i < n; i++) {
		if ((size_t)i == size)
			return -1;
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (at[i] & 0x3f);
	}
	return character < least[n] || character > 0x10ffff ||
			       (character >= 0xd800 && character < 0xe000)
		       ? 0
		       : n;
}

/* Write it to `to`, unless that is NULL; its size. */
static size_t print(const struct output *output, char *to)
{
	const unsigned char *bytes = (const unsigned char *)output->bytes;
	size_t used = 0, step;

	for (size_t at = 0; at < output->size; at += step) {
		int n = measure(bytes + at, output->size - at);

		if (n < 0 && output->is_truncated)
			break;
		step = n > 0 ? (size_t)n : 1;
		if (to && n > 0)
			memcpy(to + used, bytes + at, step);
		else if (to)
			memcpy(to + used, REPLACEMENT, strlen(REPLACEMENT));
		used += n > 0 ? step : strlen(REPLACEMENT);
	}
	return used;
}

char *output_text(const struct output *output)
{
	size_t size = print(output, NULL);
	char *text = malloc(size + 1);

	if (!text)
		return NULL;
	(void)print(output, text);
	text[size] = '\0';
	return text;
}

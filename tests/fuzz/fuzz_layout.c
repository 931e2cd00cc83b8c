/* Hostile layout text: what is taken must make a type that prints as itself, and that the
 * codecs can walk. */

#include "proto/codec.h"
#include "proto/json.h"
#include "proto/layout.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void check(int condition)
{
	if (!condition)
		abort();
}

/* Zeros are a value of every type but those with texts, addresses of nothing included. */
static void check_walk(const struct troupe_type *type)
{
	void *value = calloc(1, type->size ? type->size : 1), *block;
	size_t size;

	check(value != NULL);
	if (codec_size(type, value, &size, NULL) == 0) {
		check(size == type->size);
		check(codec_decode(type, value, size, NULL) == 0);
	}
	free(value);
	if (json_decode(type, "{}", 2, &block, &size, NULL) == 0)
		free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size ? size : 1), *printed;
	struct layout *layout, *again;

	check(text != NULL);
	memcpy(text, data, size);
	if (layout_parse(text, size, &layout) == 0) {
		check(layout_print(layout_type(layout), &printed) == 0);
		check(strlen(printed) == size && memcmp(printed, text, size) == 0);
		check(layout_parse(printed, size, &again) == 0);
		check(layout_hash("a.B", '(', printed) != 0);
		check_walk(layout_type(layout));
		layout_free(again);
		free(printed);
		layout_free(layout);
	}
	free(text);
	return 0;
}

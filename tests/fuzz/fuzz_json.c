/* Hostile JSON. What json_scan() takes and refuses is compared with jansson, which is another
 * reading of the same grammar; what decodes must print and decode again to an equal value. */

#include "proto/codec.h"
#include "proto/json.h"
#include "proto/json_tree.h"
#include "proto/layout.h"
#include <errno.h>
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char layout_text[] =
	"(b:?bool,i:?int,f:?float,s:?string,n:?binary,a:?address,o:?object,e:?{one,two},"
	"l:?[]^0,m:?[string]^0,r:?^0,x:?[]int,y:?[string]?string,z:?())";

static void check(int condition)
{
	if (!condition)
		abort();
}

/* jansson's view; -1 where it has one of its own: numbers that fit no C type, its depth, and
 * NUL: as a byte it ends the text, escaped it may not stand in a key. */
static int judge(const char *text, size_t size)
{
	json_error_t error;
	json_t *json = json_loadb(text, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	int code;

	if (json) {
		json_decref(json);
		return memchr(text, '\0', size) ? -1 : 1;
	}
	code = json_error_code(&error);
	if (code == json_error_numeric_overflow || code == json_error_stack_overflow ||
	    code == json_error_null_byte_in_key)
		return -1;
	return 0;
}

static void check_scan(const char *text, size_t size)
{
	struct codec_error error;
	int r = json_scan(text, size, &error);
	int judged = judge(text, size);

	if (r == 0)
		check(judged != 0);
	else
		check(judged != 1 || r == -E2BIG);
	if (r < 0)
		check(codec_is_utf8(error.message, strlen(error.message)));
}

static void check_pick(const char *text, size_t size)
{
	static const char *const keys[] = {"method", "i", "o"};
	struct json_span spans[3];
	char buffer[64];

	if (json_pick(text, size, keys, 3, spans, NULL) < 0)
		return;
	check(json_scan(text, size, NULL) == 0);
	for (int i = 0; i < 3; i++) {
		if (!spans[i].at)
			continue;
		check(json_scan(spans[i].at, spans[i].size, NULL) == 0);
		if (json_unquote(spans[i], buffer, sizeof(buffer)) == 0)
			check(codec_is_utf8(buffer, strlen(buffer)));
		(void)json_span_is(spans[i], "true");
	}
}

/* What becomes a tree prints as JSON that becomes the same tree. */
static void check_tree(const char *text, size_t size)
{
	struct json_tree *tree, *again;
	struct codec_error error;
	char *printed, *twice;
	size_t n, n_twice;

	if (json_tree_parse(text, size, &tree, &error) < 0) {
		check(codec_is_utf8(error.message, strlen(error.message)));
		return;
	}
	check(json_scan(text, size, NULL) == 0);
	check(json_tree_print(tree, 3, &printed, &n) == 0);
	check(json_tree_parse(printed, n, &again, NULL) == 0);
	free(printed);
	check(json_tree_print(tree, 0, &printed, &n) == 0);
	check(json_tree_print(again, 0, &twice, &n_twice) == 0);
	check(n == n_twice && memcmp(printed, twice, n) == 0);
	free(twice);
	free(printed);
	json_tree_free(again);
	json_tree_free(tree);
}

static void check_decode(const char *text, size_t size)
{
	struct layout *layout;
	const struct troupe_type *type;
	struct codec_error error;
	size_t n, printed_size;
	void *block, *again;
	char *printed, *twice;

	check(layout_parse(layout_text, strlen(layout_text), &layout) == 0);
	type = layout_type(layout);
	if (json_decode(type, text, size, &block, &n, &error) < 0) {
		check(codec_is_utf8(error.path, strlen(error.path)));
		check(codec_is_utf8(error.message, strlen(error.message)));
		layout_free(layout);
		return;
	}
	check(json_encode(type, block, &printed, &printed_size) == 0);
	check(json_decode(type, printed, printed_size, &again, &n, NULL) == 0);
	check(json_encode(type, again, &twice, &n) == 0);
	check(n == printed_size && memcmp(printed, twice, n) == 0);
	free(twice);
	free(again);
	free(printed);
	free(block);
	layout_free(layout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of exactly that size and no alignment to rely on. */
	char *text = malloc(size ? size : 1);

	check(text != NULL);
	memcpy(text, data, size);
	check_scan(text, size);
	check_pick(text, size);
	check_decode(text, size);
	check_tree(text, size);
	free(text);
	return 0;
}

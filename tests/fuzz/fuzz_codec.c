/* Hostile wire blocks: what decodes must encode to the same bytes again, convert and print. The
 * first byte picks the type. */

#include "proto/codec_quick.h"
#include "proto/json.h"
#include "proto/layout.h"
#include "tests/unit/proto/codec_equal.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char *const texts[] = {
	"(b:bool,i:int,c:bool,f:float,s:string,n:binary,a:address,o:object,e:{one,two})",
	"(v:int,n:?^0,l:[]^0,m:[string]^0)",
	"(l:[]string,m:[string]?string,o:?object,x:[][]int)",
	"(e:[](),o:?(),m:[string]())",
	"(p:[](x:int,y:int),q:[](x:bool,y:int,z:bool),r:?(a:address,b:{a,b,c}))",
	"(o:[]object,f:[]?float,b:[]?binary)",
	"()",
};

static void check_decoded(const struct troupe_type *type, const void *wire, const void *block,
			  size_t size)
{
	void *again = malloc(size ? size : 1), *converted, *read;
	struct codec_measure measure;
	size_t n, text_size;
	char *text;

	check(again != NULL);
	check(codec_size(type, block, &n, NULL) == 0 && n == size);
	codec_encode(type, block, again, size);
	check(memcmp(wire, again, size) == 0);
	codec_copy(type, block, again, size);
	check(codec_equal(type, block, again));
	check(codec_measure(type, block, &measure) == 0 && measure.size == size);
	memset(again, 0, size);
	check(codec_fill(type, block, &measure, again) == 0);
	check(codec_equal(type, block, again));
	check(codec_convert(type, block, type, 0, &converted, &n, NULL) == 0);
	check(n == size && codec_equal(type, block, converted));
	check(json_encode(type, block, &text, &text_size) == 0);
	/* Objects lose the blanks between their tokens, so only sizes are compared here. */
	check(json_decode(type, text, text_size, &read, &n, NULL) == 0 && n <= size);
	free(read);
	free(text);
	free(converted);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text;
	struct layout *layout;
	struct codec_error error;
	void *block;

	if (size == 0)
		return 0;
	text = texts[data[0] % (sizeof(texts) / sizeof(texts[0]))];
	data++;
	size--;
	check(layout_parse(text, strlen(text), &layout) == 0);
	block = malloc(size ? size : 1);
	check(block != NULL);
	memcpy(block, data, size);
	if (codec_decode(layout_type(layout), block, size, &error) == 0)
		check_decoded(layout_type(layout), data, block, size);
	else
		check(codec_is_utf8(error.path, strlen(error.path)));
	free(block);
	layout_free(layout);
	return 0;
}

/* Hostile configuration files. Whatever a file holds, reading it ends in assignments or in
 * problems that can be told: each is UTF-8 and names a line of the file. Each value goes
 * through all that reads values. */

#include "base/array.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "config/config_json.h"
#include "proto/json.h"
#include "proto/layout.h"
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const char layout_text[] =
	"(a:?^0,b:?bool,c:?int,d:?float,e:?string,f:?{x,y},g:?[]string,h:?[string]^0,"
	"i:?[]^0,j:?object,k:?[][]int,l:?binary,m:?address)";

static void check(int condition)
{
	if (!condition)
		abort();
}

static void check_value(const char *value)
{
	static const struct conf_names names = {"pool@eu", "host", "/s"};
	cleanup_free char *expanded = NULL;
	const char *error, *at;
	char **words;
	size_t n;

	if (conf_split(value, &words, &n, &error) == 0) {
		for (size_t i = 0; i < n; i++)
			check(text_is_utf8(words[i], strlen(words[i])));
		texts_free(words, n);
	}
	if (conf_expand(value, &names, &expanded, &at) == 0)
		check(text_is_utf8(expanded, strlen(expanded)));
}

/* What config_json() makes, the worker's decoder takes. */
static void check_config(const struct conf *conf, struct problems *problems)
{
	struct unit_file unit = {.file = (char[]){"fuzz"}, .config = *conf};
	cleanup_free char *json = NULL;
	struct codec_error error;
	struct layout *layout;
	size_t size;
	void *block;

	check(layout_parse(layout_text, strlen(layout_text), &layout) == 0);
	if (config_json(&unit, layout_type(layout), &json, problems) == 0) {
		check(json_decode(layout_type(layout), json, strlen(json), &block, &size,
				  &error) == 0);
		free(block);
	} else {
		check(problems->n > 0);
	}
	layout_free(layout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems problems = {0};
	struct conf conf = {0};
	unsigned lines = 1;
	int r;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	r = conf_parse(&conf, "fuzz", (const char *)data, size, &problems);
	check(r == 0 ? problems.n == 0 : problems.n > 0);
	for (size_t i = 0; i < conf.n; i++) {
		check(conf.entries[i].line >= 1 && conf.entries[i].line <= lines);
		check_value(conf.entries[i].value);
	}
	check_config(&conf, &problems);
	for (size_t i = 0; i < problems.n; i++) {
		check(problems.items[i].line <= lines);
		check(text_is_utf8(problems.items[i].message,
				   strlen(problems.items[i].message)));
	}
	conf_fini(&conf);
	problems_fini(&problems);
	return 0;
}

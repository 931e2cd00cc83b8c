/* Types with steps, at the edges that random values do not reach. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/codec.h"
#include "proto/layout.h"
#include "proto/steps.h"

static struct layout *parse(const char *text)
{
	struct layout *layout;

	assert_int_equal(layout_parse(text, strlen(text), &layout), 0);
	return layout;
}

/* The block of a value; given. */
static void *fill(const struct troupe_type *type, const void *value, size_t *ret_size)
{
	struct codec_measure measure;
	void *block;

	assert_int_equal(codec_measure(type, value, &measure), 0);
	block = malloc(measure.size);
	assert_non_null(block);
	memset(block, 0xee, measure.size);
	codec_fill(type, value, &measure, block);
	*ret_size = measure.size;
	return block;
}

static void measure_takes_texts_of_any_length_and_refuses_a_bad_byte_anywhere(void **state)
{
	struct layout *layout = parse("(before:int,text:string,after:?string)");
	const struct troupe_type *type = layout_type(layout);

	(void)state;
	for (size_t length = 0; length < 200; length++) {
		/* exactly as long as it is, for sanitizers */
		char *text = malloc(length + 1);
		struct {
			int64_t before;
			const char *text, *after;
		} value = {7, text, "end"}, *block;
		struct codec_measure measure;
		size_t size;

		assert_non_null(text);
		memset(text, 'x', length);
		text[length] = '\0';
		block = fill(type, &value, &size);
		assert_int_equal(size, sizeof(value) + length + 1 + 4);
		assert_string_equal(block->text, text);
		assert_ptr_equal(block->text, block + 1);
		assert_string_equal(block->after, "end");
		assert_ptr_equal(block->after, block->text + length + 1);
		free(block);
		for (size_t i = 0; i < length; i++) {
			text[i] = (char)0xff;
			assert_int_equal(codec_measure(type, &value, &measure), -EINVAL);
			text[i] = 'x';
		}
		if (length >= 2) {
			memcpy(text + length - 2, "\xc3\xa9", 2);
			block = fill(type, &value, &size);
			assert_string_equal(block->text, text);
			free(block);
		}
		free(text);
	}
	layout_free(layout);
}

static void measure_takes_more_texts_than_it_remembers(void **state)
{
	struct layout *layout = parse("(list:[]string,last:string)");
	const char *list[2 * CODEC_TEXTS_MAX];
	struct {
		const char **list;
		size_t n;
		const char *last;
	} value = {list, 2 * CODEC_TEXTS_MAX, "last"}, *block;
	size_t size;

	(void)state;
	for (size_t i = 0; i < 2 * CODEC_TEXTS_MAX; i++)
		list[i] = "one of many texts";
	block = fill(layout_type(layout), &value, &size);
	assert_int_equal(size, sizeof(value) + sizeof(list) + 2 * CODEC_TEXTS_MAX * 18 + 5);
	for (size_t i = 0; i < 2 * CODEC_TEXTS_MAX; i++)
		assert_string_equal(block->list[i], "one of many texts");
	assert_string_equal(block->last, "last");
	free(block);
	layout_free(layout);
}

static void struct_has_steps_up_to_their_limit(void **state)
{
	char text[2048];
	struct layout *layout;

	(void)state;
	for (unsigned n = STEPS_MAX - 1; n <= STEPS_MAX + 1; n++) {
		const char *texts[STEPS_MAX + 1];
		const char **block;
		size_t used = 0, size;

		for (unsigned i = 0; i < n; i++) {
			used += (size_t)snprintf(text + used, sizeof(text) - used,
						 "%cf%u:string", i ? ',' : '(', i);
			texts[i] = "text";
		}
		snprintf(text + used, sizeof(text) - used, ")");
		layout = parse(text);
		assert_int_equal(layout_type(layout)->flags,
				 n <= STEPS_MAX ? TROUPE_TYPE_STEPS : 0);
		block = fill(layout_type(layout), texts, &size);
		assert_int_equal(size, n * (sizeof(*texts) + 5));
		assert_string_equal(block[n - 1], "text");
		free(block);
		layout_free(layout);
	}
}

static void steps_leave_out_what_needs_no_work(void **state)
{
	struct layout *layout =
		parse("(n:int,on:bool,in:(at:address,far:?string,off:bool,none:()),"
		      "list:[]int,map:[string]int,what:{a,b})");
	const struct troupe_type *type = layout_type(layout);
	static const struct troupe_step expected[] = {
		{TROUPE_STEP_BOOL, 0, 8, NULL},           {TROUPE_STEP_BOOL, 0, 40, NULL},
		{TROUPE_STEP_ENUM, 0, 80, NULL},          {TROUPE_STEP_GAP, 7, 9, NULL},
		{TROUPE_STEP_GAP, 7, 41, NULL},           {TROUPE_STEP_GAP, 4, 84, NULL},
		{TROUPE_STEP_OPTIONAL_TEXT, 0, 32, NULL}, {TROUPE_STEP_ITEMS, 0, 48, NULL},
		{TROUPE_STEP_VALUE, 1, 64, NULL},
	};

	(void)state;
	assert_int_equal(type->n_checks, 3);
	assert_int_equal(type->n_gaps, 3);
	assert_int_equal(type->n_pointees, 3);
	assert_int_equal(type->levels, 3); /* even an empty struct is one */
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		assert_int_equal(type->steps[i].kind, expected[i].kind);
		assert_int_equal(type->steps[i].count, expected[i].count);
		assert_int_equal(type->steps[i].offset, expected[i].offset);
	}
	layout_free(layout);
}

static void measure_refuses_chains_that_codec_size_refuses(void **state)
{
	struct node {
		const struct node *next;
		const int64_t *items;
		size_t n;
	} nodes[CODEC_DEPTH_MAX + 1] = {{.n = 0}};
	struct layout *layout = parse("(next:?^0,items:[]int)");
	struct codec_measure measure;
	size_t size;

	(void)state;
	/* A node is one level, its array another. */
	for (size_t i = 1; i <= CODEC_DEPTH_MAX; i++)
		nodes[i].next = &nodes[i - 1];
	for (size_t i = 0; i <= CODEC_DEPTH_MAX; i++) {
		int r = codec_measure(layout_type(layout), &nodes[i], &measure);

		assert_int_equal(r, i < CODEC_DEPTH_MAX - 1 ? 0 : -EINVAL);
		assert_int_equal(codec_size(layout_type(layout), &nodes[i], &size, NULL), r);
	}
	layout_free(layout);
}

static void measure_refuses_what_is_too_long(void **state)
{
	struct layout *layout = parse("(text:string,list:[]int)");
	const struct troupe_type *type = layout_type(layout);
	char *text = malloc(CODEC_BLOCK_MAX + 1);
	static const int64_t item = 1;
	struct {
		const char *text;
		const int64_t *list;
		size_t n;
	} value = {text, NULL, 0};
	size_t fits = CODEC_BLOCK_MAX - sizeof(value) - 1;
	struct codec_measure measure;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', CODEC_BLOCK_MAX);
	text[CODEC_BLOCK_MAX] = '\0';
	assert_int_equal(codec_measure(type, &value, &measure), -EMSGSIZE);
	text[fits + 1] = '\0';
	assert_int_equal(codec_measure(type, &value, &measure), -EMSGSIZE);
	text[fits] = '\0';
	assert_int_equal(codec_measure(type, &value, &measure), 0);
	assert_int_equal(measure.size, CODEC_BLOCK_MAX);
	value.list = &item;
	for (value.n = 1; value.n > 0; value.n *= 2)
		assert_int_equal(codec_measure(type, &value, &measure), -EMSGSIZE);
	value.n = SIZE_MAX;
	assert_int_equal(codec_measure(type, &value, &measure), -EMSGSIZE);
	value.n = 1;
	value.list = NULL;
	assert_int_equal(codec_measure(type, &value, &measure), -EINVAL);
	free(text);
	layout_free(layout);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			measure_takes_texts_of_any_length_and_refuses_a_bad_byte_anywhere),
		cmocka_unit_test(measure_takes_more_texts_than_it_remembers),
		cmocka_unit_test(struct_has_steps_up_to_their_limit),
		cmocka_unit_test(steps_leave_out_what_needs_no_work),
		cmocka_unit_test(measure_refuses_chains_that_codec_size_refuses),
		cmocka_unit_test(measure_refuses_what_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

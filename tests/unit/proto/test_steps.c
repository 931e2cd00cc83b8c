/* Types with steps, at the edges that random values do not reach. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/codec_quick.h"
#include "proto/layout.h"
#include "proto/steps.h"
#include "tests/unit/proto/codec_equal.h"

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
	assert_int_equal(codec_fill(type, value, &measure, block), 0);
	*ret_size = measure.size;
	return block;
}

/* What the two say of a value together. */
static int try_fill(const struct troupe_type *type, const void *value)
{
	struct codec_measure measure;
	void *block;
	int r = codec_measure(type, value, &measure);

	if (r < 0)
		return r;
	block = malloc(measure.size);
	assert_non_null(block);
	r = codec_fill(type, value, &measure, block);
	free(block);
	return r;
}

static void fill_takes_texts_of_any_length_and_refuses_a_bad_byte_anywhere(void **state)
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
			assert_int_equal(try_fill(type, &value), -EINVAL);
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

static void measure_takes_more_texts_than_it_notes(void **state)
{
	struct layout *layout = parse("(list:[]string,last:string)");
	const char *list[2 * CODEC_NOTES_MAX];
	struct {
		const char **list;
		size_t n;
		const char *last;
	} value = {list, 2 * CODEC_NOTES_MAX, "last"}, *block;
	size_t size;

	(void)state;
	for (size_t i = 0; i < 2 * CODEC_NOTES_MAX; i++)
		list[i] = "one of many texts";
	block = fill(layout_type(layout), &value, &size);
	assert_int_equal(size, sizeof(value) + sizeof(list) + 2 * CODEC_NOTES_MAX * 18 + 5);
	for (size_t i = 0; i < 2 * CODEC_NOTES_MAX; i++)
		assert_string_equal(block->list[i], "one of many texts");
	assert_string_equal(block->last, "last");
	free(block);
	layout_free(layout);
}

static void struct_has_steps_up_to_their_limit(void **state)
{
	static const char *const kinds[] = {"%cf%u:string,n%u:int", "%cf%u:float",
					    "%cf%u:bool,n%u:int"};
	char text[4096];
	struct layout *layout;

	(void)state;
	for (unsigned n = STEPS_MAX - 1; n <= STEPS_MAX + 1; n++) {
		for (size_t kind = 0; kind < 3; kind++) {
			struct pair {
				const char *text;
				int64_t number;
			} texts[STEPS_MAX + 1], *block;
			size_t used = 0, size;

			for (unsigned i = 0; i < n; i++) {
				used += (size_t)snprintf(text + used, sizeof(text) - used,
							 kinds[kind], i ? ',' : '(', i, i);
				texts[i] = (struct pair){"text", i};
			}
			snprintf(text + used, sizeof(text) - used, ")");
			layout = parse(text);
			assert_int_equal(layout_type(layout)->flags,
					 n <= STEPS_MAX ? TROUPE_TYPE_STEPS : 0);
			if (kind == 0) {
				block = fill(layout_type(layout), texts, &size);
				assert_int_equal(size, n * (sizeof(*texts) + 5));
				assert_string_equal(block[n - 1].text, "text");
				assert_int_equal(block[n - 1].number, n - 1);
				free(block);
			}
			layout_free(layout);
		}
	}
}

/* The flags of a layout of `n` times the same field. */
static unsigned flags_of(const char *field, unsigned n)
{
	char text[2048];
	size_t used = 0;
	struct layout *layout;
	unsigned flags;

	for (unsigned i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%cf%u:%s",
					 i ? ',' : '(', i, field);
	snprintf(text + used, sizeof(text) - used, ")");
	layout = parse(text);
	flags = layout_type(layout)->flags;
	layout_free(layout);
	return flags;
}

static void struct_is_quick_up_to_its_limits(void **state)
{
	const unsigned both = TROUPE_TYPE_STEPS | TROUPE_TYPE_QUICK;

	(void)state;
	assert_int_equal(flags_of("string", TROUPE_QUICK_POINTEES), both);
	assert_int_equal(flags_of("string", TROUPE_QUICK_POINTEES + 1), TROUPE_TYPE_STEPS);
	assert_int_equal(flags_of("?string", TROUPE_QUICK_POINTEES + 1), TROUPE_TYPE_STEPS);
	assert_int_equal(flags_of("[]int", TROUPE_QUICK_POINTEES), both);
	assert_int_equal(flags_of("float", TROUPE_QUICK_SIZE / 8), both);
	assert_int_equal(flags_of("float", TROUPE_QUICK_SIZE / 8 + 1), TROUPE_TYPE_STEPS);
	assert_int_equal(flags_of("int", TROUPE_QUICK_SIZE / 8),
			 TROUPE_TYPE_PLAIN | TROUPE_TYPE_QUICK);
	assert_int_equal(flags_of("int", TROUPE_QUICK_SIZE / 8 + 1), TROUPE_TYPE_PLAIN);
	assert_int_equal(flags_of("bool", 7), TROUPE_TYPE_STEPS); /* no whole word */
	assert_int_equal(flags_of("bool", 8), both);
}

static void fill_refuses_what_is_out_of_range_in_any_byte(void **state)
{
	struct layout *layout =
		parse("(a:bool,b:{x,y,z},c:bool,d:bool,e:{x},f:address,g:bool,h:"
		      "float)");
	static const struct {
		size_t offset;
		unsigned char limit; /* the least that is wrong */
	} fields[] = {{0, 2}, {4, 3}, {8, 2}, {9, 2}, {12, 1}, {32, 2}};
	static const uint64_t infinite[] = {0x7ff0000000000000, 0xfff0000000000000,
					    0x7ff8000000000001, 0xffffffffffffffff};
	static const uint64_t finite[] = {0x7fefffffffffffff, 0xffefffffffffffff,
					  0x8000000000000000, 1};
	unsigned char value[48];

	(void)state;
	assert_int_equal(layout_type(layout)->size, sizeof(value));
	assert_true(layout_type(layout)->flags & TROUPE_TYPE_QUICK);
	memset(value, 0, sizeof(value));
	memset(value + 16, 0xff, 16); /* the address */
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		unsigned char *at = value + fields[i].offset;

		for (unsigned n = 0; n < 256; n++) {
			*at = (unsigned char)n;
			assert_int_equal(try_fill(layout_type(layout), value),
					 n < fields[i].limit ? 0 : -EINVAL);
		}
		*at = 0;
	}
	for (unsigned i = 0; i < 4; i++) { /* the other bytes of an enum */
		value[4 + i] |= 0x80;
		assert_int_equal(try_fill(layout_type(layout), value), -EINVAL);
		value[4 + i] = 0;
	}
	for (unsigned i = 0; i < 4; i++) {
		memcpy(value + 40, &finite[i], 8);
		assert_int_equal(try_fill(layout_type(layout), value), 0);
		memcpy(value + 40, &infinite[i], 8);
		assert_int_equal(try_fill(layout_type(layout), value), -EINVAL);
	}
	layout_free(layout);
}

static void fill_places_all_kinds_side_by_side(void **state)
{
	struct layout *layout =
		parse("(a:?string,b:?string,c:[]int,d:string,e:[]int,f:{x,y},g:[]string"
		      ",h:string)");
	static const int64_t numbers[20] = {1, 2, 3};
	static const char *const list[] = {"one", "tw\xc3\xb6", "three"};
	char text[100];
	struct {
		const char *a, *b;
		const int64_t *c;
		size_t n_c;
		const char *d;
		const int64_t *e;
		size_t n_e;
		uint32_t f, gap;
		const char *const *g;
		size_t n_g;
		const char *h;
	} value = {.a = "x",
		   .d = text,
		   .c = numbers,
		   .e = numbers,
		   .f = 1,
		   .gap = 7,
		   .g = list,
		   .n_g = 3,
		   .h = "h"},
	  *block;
	size_t size, wanted;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (unsigned i = 0; i < 20 * 20 * 2; i++) {
		unsigned length = i % 100;

		value.n_c = i % 20;
		value.n_e = i / 20 % 20;
		value.b = i / 400 ? "bb" : NULL;
		memset(text, 'x', length);
		text[length] = '\0';
		if (length > 0) {
			text[length - 1] = (char)0xff;
			assert_int_equal(try_fill(layout_type(layout), &value), -EINVAL);
			text[length - 1] = 'x';
		}
		block = fill(layout_type(layout), &value, &size);
		assert_int_equal(codec_size(layout_type(layout), &value, &wanted, NULL), 0);
		assert_int_equal(size, wanted);
		assert_true(codec_equal(layout_type(layout), block, &value));
		assert_int_equal(block->gap, 0);
		assert_true((block->b == NULL) == (value.b == NULL));
		assert_true((block->c == NULL) == (value.n_c == 0));
		if (value.n_c > 0) /* aligned, and the gap before it zero */
			assert_int_equal((uintptr_t)block->c % 8, 0);
		free(block);
	}
	layout_free(layout);
}

static void steps_leave_out_what_needs_no_work(void **state)
{
	struct layout *layout =
		parse("(n:int,on:bool,in:(at:address,far:?string,off:bool,none:()),"
		      "list:[]int,map:[string]int,what:{a,b},x:string,y:string,z:?string,"
		      "how:float)");
	const struct troupe_type *type = layout_type(layout);
	static const struct troupe_step steps[] = {
		{TROUPE_STEP_OPTIONAL_TEXT, 1, 32, NULL},  {TROUPE_STEP_ITEMS, 1, 48, NULL},
		{TROUPE_STEP_VALUE, 1, 64, NULL},          {TROUPE_STEP_TEXT, 2, 88, NULL},
		{TROUPE_STEP_OPTIONAL_TEXT, 1, 104, NULL},
	};
	static const struct troupe_word words[] = {
		{0xff, 0x7e, 0x80, 8, 0},
		{0xff, 0x7e, 0x80, 40, 0},
		{0xffffffff, 0x7ffffffe, 0x80000000, 80, 0},
	};

	(void)state;
	assert_int_equal(type->n_steps, 5);
	assert_int_equal(type->n_words, 3);
	assert_int_equal(type->n_floats, 1);
	assert_int_equal(type->floats[0], 112);
	assert_int_equal(type->levels, 3); /* even an empty struct is one */
	for (size_t i = 0; i < 5; i++) {
		assert_int_equal(type->steps[i].kind, steps[i].kind);
		assert_int_equal(type->steps[i].count, steps[i].count);
		assert_int_equal(type->steps[i].offset, steps[i].offset);
	}
	assert_memory_equal(type->words, words, sizeof(words));
	layout_free(layout);
}

static void struct_deeper_than_any_value_has_no_steps(void **state)
{
	char text[512] = "", *at = text;
	struct layout *layout;
	const char *value = "text";

	(void)state;
	for (int depth = 1; depth <= CODEC_DEPTH_MAX + 1; depth++) {
		at = text;
		for (int i = 0; i < depth; i++)
			at += sprintf(at, "(f:");
		at += sprintf(at, "string");
		for (int i = 0; i < depth; i++)
			*at++ = ')';
		*at = '\0';
		if (layout_parse(text, strlen(text), &layout) < 0) {
			assert_int_equal(depth, CODEC_DEPTH_MAX + 1);
			continue;
		}
		assert_int_equal(try_fill(layout_type(layout), &value),
				 depth <= CODEC_DEPTH_MAX ? 0 : -EINVAL);
		layout_free(layout);
	}
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
			fill_takes_texts_of_any_length_and_refuses_a_bad_byte_anywhere),
		cmocka_unit_test(measure_takes_more_texts_than_it_notes),
		cmocka_unit_test(struct_has_steps_up_to_their_limit),
		cmocka_unit_test(struct_is_quick_up_to_its_limits),
		cmocka_unit_test(struct_deeper_than_any_value_has_no_steps),
		cmocka_unit_test(fill_refuses_what_is_out_of_range_in_any_byte),
		cmocka_unit_test(fill_places_all_kinds_side_by_side),
		cmocka_unit_test(steps_leave_out_what_needs_no_work),
		cmocka_unit_test(measure_refuses_chains_that_codec_size_refuses),
		cmocka_unit_test(measure_refuses_what_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

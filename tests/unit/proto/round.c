/* round.c - random types, and random values of them. */
#include "tests/unit/proto/round.h"

#include "proto/codec_walk.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TYPE_DEPTH  4 /* of a random type */
#define VALUE_DEPTH 8 /* of a random value of a type that recurses */

/* splitmix64 */
uint64_t round_draw(struct round *round)
{
	uint64_t z = round->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

size_t round_below(struct round *round, size_t bound)
{
	return (size_t)(round_draw(round) % bound);
}

bool round_once_in(struct round *round, size_t n)
{
	return round_below(round, n) == 0;
}

static void *get_memory(struct round *round, size_t size)
{
	void *memory = arena_alloc(&round->arena, size ? size : 1);

	assert_non_null(memory);
	memset(memory, 0xa5, size ? size : 1); /* what padding must not let through */
	return memory;
}

static char *make_type(struct round *round, unsigned depth, unsigned n_structs, bool pointer,
		       bool optional);

/* The fields of a struct as "name:type". */
static size_t make_fields(struct round *round, unsigned depth, unsigned n_structs,
			  char **fields)
{
	size_t n = round_below(round, ROUND_FIELDS);

	for (size_t i = 0; i < n; i++) {
		fields[i] = arena_printf(&round->arena, "f%zu:%s", i,
					 make_type(round, depth, n_structs, false, false));
		assert_non_null(fields[i]);
	}
	return n;
}

char *round_join_fields(struct round *round, char *const *fields, size_t n)
{
	char *text = arena_printf(&round->arena, "(");

	for (size_t i = 0; i < n; i++)
		text = arena_printf(&round->arena, "%s%s%s", text, i ? "," : "", fields[i]);
	text = arena_printf(&round->arena, "%s)", text);
	assert_non_null(text);
	return text;
}

/* pointer: whether the type stands behind a pointer of the innermost struct; optional: right
 * behind a `?`. */
static char *make_type(struct round *round, unsigned depth, unsigned n_structs, bool pointer,
		       bool optional)
{
	static const char *const words[] = {"bool",   "int",     "float",  "string",
					    "binary", "address", "object", "{a,b,c}"};
	char *fields[ROUND_FIELDS];
	size_t n;

	switch (depth > 0 ? round_below(round, 14) : round_below(round, 7)) {
	case 8:
	case 9:
		n = make_fields(round, depth - 1, n_structs + 1, fields);
		return round_join_fields(round, fields, n);
	case 10:
		return arena_printf(&round->arena, "[]%s",
				    make_type(round, depth - 1, n_structs, true, false));
	case 11:
		return arena_printf(&round->arena, "[string]%s",
				    make_type(round, depth - 1, n_structs, true, false));
	case 12:
	case 13:
		if (optional)
			break;
		return arena_printf(&round->arena, "?%s",
				    make_type(round, depth - 1, n_structs, true, true));
	case 7:
		if (pointer)
			return arena_printf(&round->arena, "^%zu",
					    round_below(round, n_structs));
		break;
	default:
		break;
	}
	return arena_printf(&round->arena, "%s",
			    words[round_below(round, sizeof(words) / sizeof(words[0]))]);
}

/* Whether to break this value, in a round that wants that. */
static bool is_spoilt(struct round *round)
{
	return round->spoil && round_once_in(round, 40);
}

static char *make_text(struct round *round)
{
	static const char *const pieces[] = {
		"a",    "Z",    "\"",       "\\",           "\n",
		"\x01", "\x7f", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
		" ",    "/",    "plain"};
	size_t n = round_once_in(round, 20) ? round_below(round, 60) : round_below(round, 6);
	char *text, *at;

	if (is_spoilt(round))
		return round_once_in(round, 2)
			       ? NULL
			       : arena_printf(&round->arena,
					      "long enough\xff to be read at once");
	text = at = get_memory(round, n * 8 + 1);
	*at = '\0';
	for (size_t i = 0; i < n; i++)
		at = stpcpy(at, pieces[round_below(round, sizeof(pieces) / sizeof(pieces[0]))]);
	return text;
}

static double make_float(struct round *round)
{
	uint64_t bits;
	double value;

	if (round_once_in(round, 2))
		return (double)(int64_t)round_below(round, 2000) - 1000;
	do {
		bits = round_draw(round);
		memcpy(&value, &bits, sizeof(value));
	} while (!isfinite(value));
	return value;
}

static int64_t make_int(struct round *round)
{
	static const int64_t edges[] = {0, -1, INT64_MAX, INT64_MIN, 1ll << 53};

	return round_once_in(round, 2) ? edges[round_below(round, 5)]
				       : (int64_t)round_draw(round);
}

static void fill_items(struct round *round, const struct troupe_type *type, char *cell,
		       unsigned depth)
{
	size_t count = depth >= VALUE_DEPTH ? 0 : round_below(round, 4);
	char *items = get_memory(round, count * type->stride);

	if (count > 0 && is_spoilt(round)) {
		store_span(cell, NULL, count);
		return;
	}
	store_span(cell, count || round_once_in(round, 2) ? items : NULL, count);
	for (size_t i = 0; i < count; i++) {
		if (type->kind == TROUPE_MAP) {
			/* "", "x...", "y...", "z...": in order, whatever follows */
			const char *text = make_text(round);
			const char *key =
				!text ? NULL
				: i ? arena_printf(&round->arena, "%c%s", (int)('w' + i), text)
				    : "";

			store_pointer(items + i * type->stride, key);
		}
		round_fill(round, type->item, items + i * type->stride + type->value_offset,
			   depth + 1);
	}
}

static void fill_optional(struct round *round, const struct troupe_type *type, char *cell,
			  unsigned depth)
{
	char *value = cell;

	if (depth >= VALUE_DEPTH || round_once_in(round, 3)) {
		store_pointer(cell, NULL);
		return;
	}
	if (!is_text(type->item)) {
		value = get_memory(round, placed_size(type->item));
		store_pointer(cell, value);
	}
	round_fill(round, type->item, value, depth + 1);
}

void round_fill(struct round *round, const struct troupe_type *type, char *cell, unsigned depth)
{
	static const char *const objects[] = {"{}", "{\"a\":[1,2.5e9,{\"b\":null}]}",
					      "{\"n\":123456789012345678901234567890}"};
	struct troupe_address address;
	uint32_t choice;
	int64_t integer;
	double number;
	char *bytes;
	size_t size;

	switch ((enum troupe_kind)type->kind) {
	case TROUPE_BOOL:
		*cell = (char)(is_spoilt(round) ? 2 : round_below(round, 2));
		break;
	case TROUPE_INT:
		integer = make_int(round);
		memcpy(cell, &integer, sizeof(integer));
		break;
	case TROUPE_FLOAT:
		number = is_spoilt(round) ? NAN : make_float(round);
		memcpy(cell, &number, sizeof(number));
		break;
	case TROUPE_STRING:
		store_pointer(cell, make_text(round));
		break;
	case TROUPE_OBJECT:
		store_pointer(cell, objects[round_below(round, 3)]);
		break;
	case TROUPE_BINARY:
		size = round_below(round, 10);
		bytes = get_memory(round, size);
		for (size_t i = 0; i < size; i++)
			bytes[i] = (char)round_draw(round);
		store_span(cell, bytes, size);
		break;
	case TROUPE_ADDRESS:
		address = (struct troupe_address){
			(uint16_t)round_draw(round), (uint16_t)round_draw(round),
			(uint32_t)round_draw(round), (uint32_t)round_draw(round),
			(uint32_t)round_draw(round)};
		memcpy(cell, &address, sizeof(address));
		break;
	case TROUPE_ENUM:
		choice = (uint32_t)(is_spoilt(round) ? type->count
						     : round_below(round, type->count));
		memcpy(cell, &choice, sizeof(choice));
		break;
	case TROUPE_STRUCT:
		for (uint32_t i = 0; i < type->count; i++)
			round_fill(round, type->fields[i].type, cell + type->fields[i].offset,
				   depth + 1);
		break;
	case TROUPE_ARRAY:
	case TROUPE_MAP:
		fill_items(round, type, cell, depth);
		break;
	case TROUPE_OPTIONAL:
		fill_optional(round, type, cell, depth);
		break;
	}
}

struct layout *round_parse(struct round *round, const char *text)
{
	struct layout *layout = NULL;
	int r = layout_parse(text, strlen(text), &layout);

	if (r < 0)
		print_error("not taken: %s\n", text);
	require(round, r == 0);
	return layout;
}

void round_begin(struct round *round, uint64_t seed, char **fields, size_t *ret_n)
{
	*round = (struct round){.seed = seed, .random = seed};
	arena_init(&round->arena);
	*ret_n = make_fields(round, TYPE_DEPTH, 1, fields);
	round->text = round_join_fields(round, fields, *ret_n);
	round->layout = round_parse(round, round->text);
	round->type = layout_type(round->layout);
	round->value = get_memory(round, round->type->size);
	round_fill(round, round->type, round->value, 0);
}

void round_end(struct round *round)
{
	layout_free(round->layout);
	arena_fini(&round->arena);
}

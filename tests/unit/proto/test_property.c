/* What must hold of every type and every value: random ones, from a seed.
 *
 *   SEED=N      begin with that seed instead of the fixed one
 *   ROUNDS=N    that many types, a seed each, one after the other
 *
 * A failure prints the seed and the type of its round: SEED=that ROUNDS=1 repeats it.
 */

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/arena.h"
#include "proto/codec_quick.h"
#include "proto/codec_walk.h"
#include "proto/json.h"
#include "proto/layout.h"
#include "tests/unit/proto/codec_equal.h"

#define SEED_DEFAULT   1
#define ROUNDS_DEFAULT 300
#define FIELDS_MAX     8    /* of a random struct */
#define TYPE_DEPTH     4    /* of a random type */
#define VALUE_DEPTH    8    /* of a random value of a type that recurses */
#define MUTATIONS_MAX  3000 /* of one block */

/* ------------------------------------------------------------------ one round */

struct round {
	uint64_t seed;
	uint64_t random; /* state of the generator */
	struct arena arena;
	char *text; /* the type's layout */
	struct layout *layout;
	const struct troupe_type *type;
	void *value;
	bool spoil; /* make values that break their types here and there */
};

#define require(round, condition)                                                              \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			print_error("SEED=%" PRIu64 " ROUNDS=1: %s\n", (round)->seed,          \
				    (round)->text);                                            \
			fail_msg("%s", #condition);                                            \
		}                                                                              \
	} while (0)

/* splitmix64 */
static uint64_t draw(struct round *round)
{
	uint64_t z = round->random += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static size_t below(struct round *round, size_t bound)
{
	return (size_t)(draw(round) % bound);
}

static bool once_in(struct round *round, size_t n)
{
	return below(round, n) == 0;
}

static void *get_memory(struct round *round, size_t size)
{
	void *memory = arena_alloc(&round->arena, size ? size : 1);

	assert_non_null(memory);
	memset(memory, 0xa5, size ? size : 1); /* what padding must not let through */
	return memory;
}

/* ------------------------------------------------------------------ random types */

static char *make_type(struct round *round, unsigned depth, unsigned n_structs, bool pointer,
		       bool optional);

/* The fields of a struct as "name:type". */
static size_t make_fields(struct round *round, unsigned depth, unsigned n_structs,
			  char **fields)
{
	size_t n = below(round, FIELDS_MAX);

	for (size_t i = 0; i < n; i++) {
		fields[i] = arena_printf(&round->arena, "f%zu:%s", i,
					 make_type(round, depth, n_structs, false, false));
		assert_non_null(fields[i]);
	}
	return n;
}

static char *join(struct round *round, char *const *fields, size_t n)
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
	char *fields[FIELDS_MAX];
	size_t n;

	switch (depth > 0 ? below(round, 14) : below(round, 7)) {
	case 8:
	case 9:
		n = make_fields(round, depth - 1, n_structs + 1, fields);
		return join(round, fields, n);
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
			return arena_printf(&round->arena, "^%zu", below(round, n_structs));
		break;
	default:
		break;
	}
	return arena_printf(&round->arena, "%s",
			    words[below(round, sizeof(words) / sizeof(words[0]))]);
}

/* ------------------------------------------------------------------ random values */

static void fill(struct round *round, const struct troupe_type *type, char *cell,
		 unsigned depth);

/* Whether to break this value, in a round that wants that. */
static bool is_spoilt(struct round *round)
{
	return round->spoil && once_in(round, 40);
}

static char *make_text(struct round *round)
{
	static const char *const pieces[] = {
		"a",    "Z",    "\"",       "\\",           "\n",
		"\x01", "\x7f", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
		" ",    "/",    "plain"};
	size_t n = once_in(round, 20) ? below(round, 60) : below(round, 6);
	char *text, *at;

	if (is_spoilt(round))
		return once_in(round, 2) ? NULL
					 : arena_printf(&round->arena,
							"long enough\xff to be read at once");
	text = at = get_memory(round, n * 8 + 1);
	*at = '\0';
	for (size_t i = 0; i < n; i++)
		at = stpcpy(at, pieces[below(round, sizeof(pieces) / sizeof(pieces[0]))]);
	return text;
}

static double make_float(struct round *round)
{
	uint64_t bits;
	double value;

	if (once_in(round, 2))
		return (double)(int64_t)below(round, 2000) - 1000;
	do {
		bits = draw(round);
		memcpy(&value, &bits, sizeof(value));
	} while (!isfinite(value));
	return value;
}

static int64_t make_int(struct round *round)
{
	static const int64_t edges[] = {0, -1, INT64_MAX, INT64_MIN, 1ll << 53};

	return once_in(round, 2) ? edges[below(round, 5)] : (int64_t)draw(round);
}

static void fill_items(struct round *round, const struct troupe_type *type, char *cell,
		       unsigned depth)
{
	size_t count = depth >= VALUE_DEPTH ? 0 : below(round, 4);
	char *items = get_memory(round, count * type->stride);

	if (count > 0 && is_spoilt(round)) {
		store_span(cell, NULL, count);
		return;
	}
	store_span(cell, count || once_in(round, 2) ? items : NULL, count);
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
		fill(round, type->item, items + i * type->stride + type->value_offset,
		     depth + 1);
	}
}

static void fill_optional(struct round *round, const struct troupe_type *type, char *cell,
			  unsigned depth)
{
	char *value = cell;

	if (depth >= VALUE_DEPTH || once_in(round, 3)) {
		store_pointer(cell, NULL);
		return;
	}
	if (!is_text(type->item)) {
		value = get_memory(round, placed_size(type->item));
		store_pointer(cell, value);
	}
	fill(round, type->item, value, depth + 1);
}

static void fill(struct round *round, const struct troupe_type *type, char *cell,
		 unsigned depth)
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
		*cell = (char)(is_spoilt(round) ? 2 : below(round, 2));
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
		store_pointer(cell, objects[below(round, 3)]);
		break;
	case TROUPE_BINARY:
		size = below(round, 10);
		bytes = get_memory(round, size);
		for (size_t i = 0; i < size; i++)
			bytes[i] = (char)draw(round);
		store_span(cell, bytes, size);
		break;
	case TROUPE_ADDRESS:
		address = (struct troupe_address){(uint16_t)draw(round), (uint16_t)draw(round),
						  (uint32_t)draw(round), (uint32_t)draw(round),
						  (uint32_t)draw(round)};
		memcpy(cell, &address, sizeof(address));
		break;
	case TROUPE_ENUM:
		choice = (uint32_t)(is_spoilt(round) ? type->count : below(round, type->count));
		memcpy(cell, &choice, sizeof(choice));
		break;
	case TROUPE_STRUCT:
		for (uint32_t i = 0; i < type->count; i++)
			fill(round, type->fields[i].type, cell + type->fields[i].offset,
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

/* ------------------------------------------------------------------ rounds */

static struct layout *parse(struct round *round, const char *text)
{
	struct layout *layout = NULL;
	int r = layout_parse(text, strlen(text), &layout);

	if (r < 0)
		print_error("not taken: %s\n", text);
	require(round, r == 0);
	return layout;
}

static void begin(struct round *round, uint64_t seed, char **fields, size_t *ret_n)
{
	*round = (struct round){.seed = seed, .random = seed};
	arena_init(&round->arena);
	*ret_n = make_fields(round, TYPE_DEPTH, 1, fields);
	round->text = join(round, fields, *ret_n);
	round->layout = parse(round, round->text);
	round->type = layout_type(round->layout);
	round->value = get_memory(round, round->type->size);
	fill(round, round->type, round->value, 0);
}

static void end(struct round *round)
{
	layout_free(round->layout);
	arena_fini(&round->arena);
}

static uint64_t setting(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

/* Have `look` look at random types. */
static void run_rounds(void (*look)(struct round *round, char **fields, size_t n))
{
	uint64_t seed = setting("SEED", SEED_DEFAULT),
		 rounds = setting("ROUNDS", ROUNDS_DEFAULT);

	for (uint64_t i = 0; i < rounds; i++) {
		char *fields[FIELDS_MAX];
		struct round round;
		size_t n;

		begin(&round, seed + i, fields, &n);
		look(&round, fields, n);
		end(&round);
	}
}

/* Memory of exactly that size, so that a sanitizer sees a step beyond. */
static void *get_block(size_t size)
{
	void *block = malloc(size ? size : 1);

	assert_non_null(block);
	memset(block, 0x5a, size);
	return block;
}

static void *encode(struct round *round, size_t *ret_size)
{
	struct codec_error error = {0};
	void *wire;
	int r = codec_size(round->type, round->value, ret_size, &error);

	if (r < 0)
		print_error("%s: %s\n", error.path, error.message);
	require(round, r == 0);
	wire = get_block(*ret_size);
	codec_encode(round->type, round->value, wire, *ret_size);
	return wire;
}

static void check_forms(struct round *round, char **fields, size_t n)
{
	size_t size, wire_size, text_size, back_size;
	void *copy, *wire, *again, *back;
	char *text;

	(void)fields;
	(void)n;
	wire = encode(round, &size);
	copy = get_block(size);
	codec_copy(round->type, round->value, copy, size);
	require(round, codec_equal(round->type, round->value, copy));

	/* A copy has the same wire form as its original, and reads back as what it was. */
	require(round,
		codec_size(round->type, copy, &wire_size, NULL) == 0 && wire_size == size);
	again = get_block(size);
	codec_encode(round->type, copy, again, size);
	require(round, memcmp(wire, again, size) == 0);
	require(round, codec_decode(round->type, wire, size, NULL) == 0);
	require(round, codec_equal(round->type, round->value, wire));

	require(round, json_encode(round->type, round->value, &text, &text_size) == 0);
	require(round, json_scan(text, text_size, NULL) == 0);
	require(round, !memchr(text, '\n', text_size));
	require(round, json_decode(round->type, text, text_size, &back, &back_size, NULL) == 0);
	require(round, codec_equal(round->type, round->value, back));
	require(round, back_size == size);
	free(back);
	free(text);
	free(again);
	free(wire);
	free(copy);
}

static void three_forms_hold_the_same_value(void **state)
{
	(void)state;
	run_rounds(check_forms);
}

/* Blocks in memory form differ by where they lie, hence in each pointer, and in nothing else:
 * relative to its block each 8-byte word is the same, or it is the same as it stands. */
static void check_same_blocks(struct round *round, const void *a, const void *b, size_t size)
{
	const char *at_a = a, *at_b = b;
	uint64_t word_a, word_b;
	size_t i;

	for (i = 0; i + 8 <= size; i += 8) {
		memcpy(&word_a, at_a + i, 8);
		memcpy(&word_b, at_b + i, 8);
		require(round,
			word_a == word_b || word_a - (uintptr_t)a == word_b - (uintptr_t)b);
	}
	require(round, memcmp(at_a + i, at_b + i, size - i) == 0);
}

/* The two steps of the message path give the very bytes that the others give. */
static void check_fill(struct round *round, char **fields, size_t n)
{
	struct codec_measure measure;
	size_t size;
	void *wire, *block, *again;

	(void)fields;
	(void)n;
	wire = encode(round, &size);
	require(round, codec_measure(round->type, round->value, &measure) == 0);
	require(round, measure.size == size);
	block = get_block(size);
	require(round, codec_fill(round->type, round->value, &measure, block) == 0);
	require(round, codec_equal(round->type, round->value, block));
	again = get_block(size);
	codec_encode(round->type, block, again, size);
	require(round, memcmp(wire, again, size) == 0);
	codec_copy(round->type, round->value, again, size);
	check_same_blocks(round, block, again, size);
	free(again);
	free(block);
	free(wire);
}

static void fill_makes_the_block_that_copy_makes(void **state)
{
	(void)state;
	run_rounds(check_fill);
}

/* Take the steps from a type, and from all that it holds. */
static void strip(const struct troupe_type *type)
{
	if (type->flags & (TROUPE_TYPE_STEPS | TROUPE_TYPE_QUICK)) {
		/* const for the layout's users; the test is its maker */
		((struct troupe_type *)(uintptr_t)type)->flags &=
			(uint8_t) ~(TROUPE_TYPE_STEPS | TROUPE_TYPE_QUICK);
		for (uint32_t i = 0; i < type->count; i++)
			strip(type->fields[i].type);
	}
	if (type->item)
		strip(type->item);
}

/* What the message path says of a value. */
static int measure_and_fill(const struct troupe_type *type, const void *value)
{
	struct codec_measure measure;
	int r = codec_measure(type, value, &measure);

	if (r == 0) {
		void *block = get_block(measure.size);

		r = codec_fill(type, value, &measure, block);
		free(block);
	}
	return r;
}

/* With steps and without them the walks come to the same, for valid values and for others. */
static void check_steps(struct round *round, char **fields, size_t n)
{
	struct layout *layout = parse(round, round->text);
	const struct troupe_type *slow = layout_type(layout);
	struct codec_error error = {0}, slow_error = {0};
	struct codec_measure measure, slow_measure;
	size_t size = 0, slow_size = 0;
	void *block, *slow_block;
	int r;

	(void)fields;
	(void)n;
	strip(slow);
	round->spoil = true;
	fill(round, round->type, round->value, 0);
	r = codec_size(slow, round->value, &slow_size, &slow_error);
	require(round, codec_size(round->type, round->value, &size, &error) == r);
	require(round, measure_and_fill(round->type, round->value) == r);
	require(round, codec_measure(slow, round->value, &slow_measure) == r);
	require(round, strcmp(error.path, slow_error.path) == 0);
	require(round, strcmp(error.message, slow_error.message) == 0);
	if (r == 0) {
		require(round, codec_measure(round->type, round->value, &measure) == 0);
		require(round,
			size == slow_size && measure.size == size && slow_measure.size == size);
		block = get_block(size);
		slow_block = get_block(size);
		codec_encode(round->type, round->value, block, size);
		codec_encode(slow, round->value, slow_block, size);
		require(round, memcmp(block, slow_block, size) == 0);
		require(round, codec_fill(round->type, round->value, &measure, block) == 0);
		require(round, codec_fill(slow, round->value, &slow_measure, slow_block) == 0);
		check_same_blocks(round, block, slow_block, size);
		free(block);
		free(slow_block);
	}
	layout_free(layout);
}

static void steps_do_what_fields_say(void **state)
{
	(void)state;
	run_rounds(check_steps);
}

/* A changed block is refused, or it is the canonical form of another value. */
static void check_changed(struct round *round, const void *changed, size_t size)
{
	void *block = get_block(size), *again = get_block(size);
	size_t again_size;

	memcpy(block, changed, size);
	if (codec_decode(round->type, block, size, NULL) == 0) {
		require(round, codec_size(round->type, block, &again_size, NULL) == 0);
		require(round, again_size == size);
		codec_encode(round->type, block, again, size);
		require(round, memcmp(changed, again, size) == 0);
	}
	free(again);
	free(block);
}

static void check_mutations(struct round *round, char **fields, size_t n)
{
	size_t size, step;
	unsigned char *wire = encode(round, &size);

	(void)fields;
	(void)n;
	step = size * 8 / MUTATIONS_MAX + 1;
	for (size_t bit = below(round, step); bit < size * 8; bit += step) {
		wire[bit / 8] ^= (unsigned char)(1u << bit % 8);
		check_changed(round, wire, size);
		wire[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	for (size_t i = below(round, step); i < size; i += step) {
		unsigned char was = wire[i];

		wire[i] = (unsigned char)draw(round);
		check_changed(round, wire, size);
		wire[i] = was;
	}
	free(wire);
}

static void changed_blocks_are_refused_or_canonical(void **state)
{
	(void)state;
	run_rounds(check_mutations);
}

static void check_layout_text(struct round *round, char **fields, size_t n)
{
	char *text;

	(void)fields;
	(void)n;
	require(round, layout_print(round->type, &text) == 0);
	require(round, strcmp(text, round->text) == 0);
	free(text);
}

static void layouts_print_as_they_were_written(void **state)
{
	(void)state;
	run_rounds(check_layout_text);
}

static void shuffle(struct round *round, char **fields, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = below(round, i);
		char *field = fields[k];

		fields[k] = fields[i - 1];
		fields[i - 1] = field;
	}
}

/* Another version of the type: fields in another order, some optional that were not, some
 * new. */
static struct layout *make_version(struct round *round, char *const *fields, size_t n,
				   size_t drop)
{
	char *version[2 * FIELDS_MAX];
	size_t count = 0;

	for (size_t i = drop; i < n; i++) {
		char *type = strchr(fields[i], ':') + 1;

		version[count++] =
			once_in(round, 3) && *type != '?'
				? arena_printf(&round->arena, "%.*s?%s",
					       (int)(type - fields[i]), fields[i], type)
				: fields[i];
		if (once_in(round, 4))
			version[count++] = arena_printf(&round->arena, "new%zu:?[]string", i);
	}
	shuffle(round, version, count);
	return parse(round, join(round, version, count));
}

static void check_versions(struct round *round, char **fields, size_t n)
{
	struct layout *other = make_version(round, fields, n, 0);
	void *there, *back;
	size_t size;
	int r;

	/* To the other version and back nothing is lost. */
	require(round, codec_convert(round->type, round->value, layout_type(other), 0, &there,
				     &size, NULL) == 0);
	require(round, codec_convert(layout_type(other), there, round->type, 0, &back, &size,
				     NULL) == 0);
	require(round, codec_equal(round->type, round->value, back));
	free(there);
	free(back);
	layout_free(other);
	if (n == 0)
		return;
	/* Without its first field: fine when the loss is allowed, else only when nothing is
	 * lost. */
	other = make_version(round, fields, n, 1);
	require(round, codec_convert(round->type, round->value, layout_type(other), CODEC_DROP,
				     &there, &size, NULL) == 0);
	free(there);
	r = codec_convert(round->type, round->value, layout_type(other), 0, &there, &size,
			  NULL);
	require(round, r == 0 || r == -EINVAL);
	if (r == 0)
		free(there);
	if (strncmp(fields[0], "f0:?", 4) != 0)
		require(round, r == -EINVAL);
	layout_free(other);
}

static void versions_of_a_type_convert_by_name(void **state)
{
	(void)state;
	run_rounds(check_versions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_forms_hold_the_same_value),
		cmocka_unit_test(fill_makes_the_block_that_copy_makes),
		cmocka_unit_test(steps_do_what_fields_say),
		cmocka_unit_test(changed_blocks_are_refused_or_canonical),
		cmocka_unit_test(layouts_print_as_they_were_written),
		cmocka_unit_test(versions_of_a_type_convert_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

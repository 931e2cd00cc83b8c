/* What must hold of every type and every value: random ones, from a seed.
 *
 *   SEED=N      begin with that seed instead of the fixed one
 *   ROUNDS=N    that many types, a seed each, one after the other
 *
 * A failure prints the seed and the type of its round: SEED=that ROUNDS=1 repeats it.
 */
#include "tests/unit/proto/round.h"

#include "proto/codec_quick.h"
#include "proto/codec_walk.h"
#include "proto/json.h"
#include "tests/unit/proto/codec_equal.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEED_DEFAULT   1
#define ROUNDS_DEFAULT 300
#define MUTATIONS_MAX  3000 /* of one block */

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
		char *fields[ROUND_FIELDS];
		struct round round;
		size_t n;

		round_begin(&round, seed + i, fields, &n);
		look(&round, fields, n);
		round_end(&round);
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
	struct layout *layout = round_parse(round, round->text);
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
	round_fill(round, round->type, round->value, 0);
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
	for (size_t bit = round_below(round, step); bit < size * 8; bit += step) {
		wire[bit / 8] ^= (unsigned char)(1u << bit % 8);
		check_changed(round, wire, size);
		wire[bit / 8] ^= (unsigned char)(1u << bit % 8);
	}
	for (size_t i = round_below(round, step); i < size; i += step) {
		unsigned char was = wire[i];

		wire[i] = (unsigned char)round_draw(round);
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
		size_t k = round_below(round, i);
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
	char *version[2 * ROUND_FIELDS];
	size_t count = 0;

	for (size_t i = drop; i < n; i++) {
		char *type = strchr(fields[i], ':') + 1;

		version[count++] =
			round_once_in(round, 3) && *type != '?'
				? arena_printf(&round->arena, "%.*s?%s",
					       (int)(type - fields[i]), fields[i], type)
				: fields[i];
		if (round_once_in(round, 4))
			version[count++] = arena_printf(&round->arena, "new%zu:?[]string", i);
	}
	shuffle(round, version, count);
	return round_parse(round, round_join_fields(round, version, count));
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

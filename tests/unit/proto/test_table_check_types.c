/* What troupe-gen wrote, spoiled in any byte, and in each part of its types. */
#include "proto/plugin_info.h"
#include "proto/table_check.h"

#include "proto/codec.h"
#include "tests/unit/plugin/data/every.varlink.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int handle(struct troupe_self *self, void *state, struct troupe_call call,
		  const void *in)
{
	(void)self;
	(void)state;
	(void)call;
	(void)in;
	return 0;
}

extern const char __executable_start, _end; /* of the linker: where this program lies */

/* The descriptors, the actor type, and all strings they refer to, in one piece that is the
 * plug-in. */
#define STRINGS 8192
struct piece {
	unsigned char descriptors[sizeof(every_descriptors_)];
	struct troupe_actor actor;
	struct troupe_handlers handlers;
	troupe_handler_fn *functions[2];
	char strings[STRINGS]; /* last: the piece ends with those that it has */
};

static const char *add_string(struct piece *piece, size_t *used, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = piece->strings + *used;

	assert_true(size <= STRINGS - *used);
	memcpy(copy, text, size);
	*used += size;
	return copy;
}

static void *moved(struct piece *piece, const void *original)
{
	return piece->descriptors +
	       ((const char *)original - (const char *)&every_descriptors_);
}

/* A copy of the descriptors that refers to nothing outside of itself. Returns its size. */
static size_t make_piece(struct piece *piece)
{
	const uintptr_t base = (uintptr_t)&every_descriptors_;
	size_t used = 0;

	memset(piece, 0, sizeof(*piece));
	memcpy(piece->descriptors, &every_descriptors_, sizeof(every_descriptors_));
	for (size_t at = 0; at + sizeof(uintptr_t) <= sizeof(every_descriptors_); at += 8) {
		uintptr_t word;
		const void *pointer;

		memcpy(&word, piece->descriptors + at, sizeof(word));
		if (word >= base && word < base + sizeof(every_descriptors_))
			pointer = moved(piece, (const void *)word);
		else if (word >= (uintptr_t)&__executable_start && word < (uintptr_t)&_end)
			pointer = add_string(piece, &used, (const char *)word);
		else
			continue;
		memcpy(piece->descriptors + at, &pointer, sizeof(pointer));
	}
	piece->functions[0] = piece->functions[1] = handle;
	piece->handlers = (struct troupe_handlers){
		.table_size = sizeof(piece->handlers),
		.n_handlers = 2,
		.interface = moved(piece, &every_interface),
		.handlers = piece->functions,
	};
	piece->actor = (struct troupe_actor){
		.abi_major = TROUPE_ABI_MAJOR,
		.abi_minor = TROUPE_ABI_MINOR,
		.table_size = sizeof(piece->actor),
		.name = add_string(piece, &used, "every"),
		.state_size = 8,
		.config = moved(piece, &every_config_type),
		.interfaces = {&piece->handlers},
	};
	return offsetof(struct piece, strings) + used;
}

static int check_piece(const struct piece *piece, size_t size, char *why)
{
	const struct bounds bounds = {.base = (uintptr_t)piece, .end = (uintptr_t)piece + size};

	return table_check(&piece->actor, "every", &bounds, why);
}

/* A value's wire form by some descriptor; given. */
static void *encode(const struct troupe_type *type, const void *value, size_t *ret_size)
{
	void *block;

	assert_int_equal(codec_size(type, value, ret_size, NULL), 0);
	block = aligned_alloc(16, (*ret_size + 15) / 16 * 16);
	assert_non_null(block);
	codec_encode(type, value, block, *ret_size);
	return block;
}

/* What is taken must mean what it meant: the codec goes by it, and no byte beyond the value is
 * read (sanitizers watch). */
static void must_mean_the_same(struct piece *piece, size_t at)
{
	const struct every_tree leaf = {.label = "leaf", .small = true};
	const struct every_point points[] = {{1, 2}, {3, 4}};
	const char *const names[] = {"a", "b"};
	const struct every_tree tree = {.label = "tree", .children = {&leaf, 1}};
	const struct every_tree_map_entry trees[] = {{"one", leaf}, {"two", tree}};
	const struct every_all value = {
		.number = 1,
		.on = true,
		.ratio = 0.5,
		.text = "text",
		.color = EVERY_COLOR_BLUE,
		.point = {5, 6},
		.points = {points, 2},
		.names = {names, 2},
		.tree = &tree,
		.trees = {trees, 2},
		.raw = "{}",
		.bytes = {"bytes", 5},
	};
	const struct troupe_method *method = moved(piece, &every_all_method);
	size_t right_size, size;
	void *right = encode(every_all_method.in, &value, &right_size);
	void *block = encode(method->in, &value, &size);

	if (size != right_size || memcmp(block, right, size) != 0)
		fail_msg("byte %zu: taken, and means something else", at);
	free(block);
	free(right);
}

static void table_check_refuses_any_byte_that_matters(void **state)
{
	static const unsigned char changes[] = {0x01, 0x08, 0x80, 0xff};
	struct piece *piece = malloc(sizeof(*piece));
	size_t size, taken = 0, refused = 0;
	char why[PLUGIN_WHY_MAX] = "";

	(void)state;
	assert_non_null(piece);
	size = make_piece(piece);
	if (check_piece(piece, size, why) < 0)
		fail_msg("the piece itself is refused: %s", why);
	must_mean_the_same(piece, 0);
	for (size_t at = 0; at < sizeof(every_descriptors_); at++)
		for (size_t i = 0; i < sizeof(changes); i++) {
			piece->descriptors[at] ^= changes[i];
			if (check_piece(piece, size, why) < 0) {
				refused++;
			} else {
				taken++;
				must_mean_the_same(piece, at);
			}
			piece->descriptors[at] ^= changes[i];
		}
	free(piece);
	/* Taken is what nobody reads: the places for steps of types without, gaps, and that a
	 * type has steps. */
	assert_in_range(refused, 2 * taken, SIZE_MAX);
}

/* ---- each part of a type, also those that no codec of today reads */

/* All types that a type is made of, itself first. */
static size_t find_types(struct troupe_type *type, struct troupe_type **found, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (found[i] == type)
			return n;
	assert_true(n < 64);
	found[n++] = type;
	for (uint32_t i = 0; type->kind == TROUPE_STRUCT && i < type->count; i++)
		n = find_types((void *)(uintptr_t)type->fields[i].type, found, n);
	return type->item ? find_types((void *)(uintptr_t)type->item, found, n) : n;
}

struct spoiling {
	struct piece *piece;
	size_t size;
	struct troupe_type *types[64];
	size_t n_types;
};

static void begin_spoiling(struct spoiling *spoiling)
{
	struct troupe_type **types = spoiling->types;

	spoiling->piece = malloc(sizeof(*spoiling->piece));
	assert_non_null(spoiling->piece);
	spoiling->size = make_piece(spoiling->piece);
	spoiling->n_types = find_types(moved(spoiling->piece, every_all_method.in), types, 0);
	spoiling->n_types = find_types(moved(spoiling->piece, every_all_method.out), types,
				       spoiling->n_types);
	spoiling->n_types = find_types(moved(spoiling->piece, every_plain_method.in), types,
				       spoiling->n_types);
	assert_true(spoiling->n_types > 16);
}

/* Change `place` of a type and expect that it is refused. Restores it. */
#define SPOIL(spoiling, type, place, value)                                                    \
	do {                                                                                   \
		__typeof__(place) before_ = (place);                                           \
		char why_[PLUGIN_WHY_MAX] = "";                                                \
		(place) = (value);                                                             \
		if (check_piece((spoiling)->piece, (spoiling)->size, why_) != -ENOEXEC)        \
			fail_msg("taken: %s of a type of kind %u", #place, (type)->kind);      \
		(place) = before_;                                                             \
		assert_int_equal(check_piece((spoiling)->piece, (spoiling)->size, why_), 0);   \
	} while (0)

static void table_check_refuses_fields_and_names_where_there_can_be_none(void **state)
{
	static const char *const names[] = {"a"};
	struct spoiling spoiling;

	(void)state;
	begin_spoiling(&spoiling);
	for (size_t i = 0; i < spoiling.n_types; i++) {
		struct troupe_type *type = spoiling.types[i];

		if (type->kind != TROUPE_STRUCT)
			SPOIL(&spoiling, type, type->fields, every_all_method.in->fields);
		if (type->kind != TROUPE_ENUM)
			SPOIL(&spoiling, type, type->names, names);
		for (uint32_t j = 0; type->kind == TROUPE_STRUCT && j < type->count; j++) {
			struct troupe_field *field = (void *)(uintptr_t)&type->fields[j];

			SPOIL(&spoiling, type, field->reserved, 1);
		}
	}
	free(spoiling.piece);
}

static void table_check_refuses_flags_that_are_not_due(void **state)
{
	struct spoiling spoiling;
	unsigned n_quick = 0;

	(void)state;
	begin_spoiling(&spoiling);
	for (size_t i = 0; i < spoiling.n_types; i++) {
		struct troupe_type *type = spoiling.types[i];

		SPOIL(&spoiling, type, type->flags, type->flags ^ TROUPE_TYPE_PLAIN);
		SPOIL(&spoiling, type, type->flags,
		      type->flags & TROUPE_TYPE_PLAIN ? 0 : TROUPE_TYPE_PLAIN);
		SPOIL(&spoiling, type, type->flags, type->flags | 0x80);
		if (!(type->flags & TROUPE_TYPE_STEPS))
			SPOIL(&spoiling, type, type->flags, type->flags | TROUPE_TYPE_STEPS);
		if (!(type->flags & TROUPE_TYPE_QUICK))
			SPOIL(&spoiling, type, type->flags, type->flags | TROUPE_TYPE_QUICK);
		n_quick += type->flags & TROUPE_TYPE_QUICK && type->flags & TROUPE_TYPE_STEPS;
	}
	assert_true(n_quick > 0);
	free(spoiling.piece);
}

static void table_check_refuses_steps_that_differ_in_anything(void **state)
{
	unsigned n_words = 0, n_levels = 0, n_none = 0;
	struct spoiling spoiling;

	(void)state;
	begin_spoiling(&spoiling);
	for (size_t i = 0; i < spoiling.n_types; i++) {
		struct troupe_type *type = spoiling.types[i], right = *type;
		char why[PLUGIN_WHY_MAX] = "";

		if (type->kind == TROUPE_STRUCT && type->flags & TROUPE_TYPE_QUICK &&
		    !(type->flags & TROUPE_TYPE_STEPS)) {
			SPOIL(&spoiling, type, type->levels, type->levels + 1);
			SPOIL(&spoiling, type, type->n_steps, type->n_steps + 1);
			SPOIL(&spoiling, type, type->n_words, type->n_words + 1);
			SPOIL(&spoiling, type, type->n_floats, type->n_floats + 1);
			SPOIL(&spoiling, type, type->steps, (const void *)type);
			SPOIL(&spoiling, type, type->words, (const void *)type);
			SPOIL(&spoiling, type, type->floats, (const void *)type);
			n_none++;
		}
		if (!(type->flags & TROUPE_TYPE_STEPS))
			continue;
		SPOIL(&spoiling, type, type->levels, type->levels + 1);
		n_levels++;
		for (unsigned j = 0; j < type->n_words; j++) {
			struct troupe_word *word = (void *)(uintptr_t)&type->words[j];

			SPOIL(&spoiling, type, word->keep, word->keep ^ 1);
			SPOIL(&spoiling, type, word->add, word->add ^ 1);
			SPOIL(&spoiling, type, word->bad, word->bad ^ 1);
			SPOIL(&spoiling, type, word->offset, word->offset + 8);
			SPOIL(&spoiling, type, word->reserved, 1);
			n_words++;
		}
		if (!(type->flags & TROUPE_TYPE_QUICK))
			continue;
		/* To be handled by steps, and there are none. */
		type->flags &= (uint8_t)~TROUPE_TYPE_STEPS;
		type->steps = NULL;
		type->words = NULL;
		type->floats = NULL;
		type->n_steps = type->n_words = type->n_floats = type->levels = 0;
		assert_int_equal(check_piece(spoiling.piece, spoiling.size, why), -ENOEXEC);
		assert_non_null(strstr(why, "is to be handled by steps that it lacks"));
		*type = right;
	}
	assert_true(n_words > 0 && n_levels > 0 && n_none > 0);
	free(spoiling.piece);
}

static void table_check_says_which_type_is_wrong(void **state)
{
	struct piece *piece = malloc(sizeof(*piece));
	const struct troupe_type *type;
	const uint32_t offset = 4096;
	size_t size;
	char why[PLUGIN_WHY_MAX] = "";

	(void)state;
	assert_non_null(piece);
	size = make_piece(piece);
	type = moved(piece, every_plain_method.out);
	/* Read out of bounds by whoever believes it. */
	memcpy((char *)moved(piece, &every_descriptors_.plain_out_fields_[0].offset), &offset,
	       sizeof(offset));
	assert_int_equal(type->fields[0].offset, offset);
	assert_int_equal(check_piece(piece, size, why), -ENOEXEC);
	assert_string_equal(why, "actor type \"every\": the type of the output of method "
				 "test.every.Plain has a field whose offset is wrong");
	free(piece);
}

static void table_check_refuses_sizes_of_types_within_types(void **state)
{
	static const uint32_t wrong[] = {0, sizeof(struct troupe_type) - 8,
					 sizeof(struct troupe_type) + 8, UINT32_MAX};
	struct piece *piece = malloc(sizeof(*piece));
	const struct troupe_type *all;
	char why[PLUGIN_WHY_MAX] = "";
	size_t size;

	(void)state;
	assert_non_null(piece);
	size = make_piece(piece);
	all = moved(piece, every_all_method.in);
	assert_true(all->count > 8);
	for (uint32_t i = 0; i < all->count; i++) {
		uint32_t *of = moved(piece, &every_all_method.in->fields[i].type->table_size);
		uint32_t right = *of;

		for (size_t j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++) {
			*of = wrong[j];
			if (check_piece(piece, size, why) != -ENOEXEC)
				fail_msg("field %u: size %u", i, wrong[j]);
		}
		*of = right;
	}
	assert_int_equal(check_piece(piece, size, why), 0);
	free(piece);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_check_refuses_any_byte_that_matters),
		cmocka_unit_test(table_check_refuses_fields_and_names_where_there_can_be_none),
		cmocka_unit_test(table_check_refuses_flags_that_are_not_due),
		cmocka_unit_test(table_check_refuses_steps_that_differ_in_anything),
		cmocka_unit_test(table_check_says_which_type_is_wrong),
		cmocka_unit_test(table_check_refuses_sizes_of_types_within_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

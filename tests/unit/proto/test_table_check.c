/* The table of an actor type, spoiled in one place at a time. */
#include "proto/plugin_info.h"
#include "proto/table_check.h"

#include "proto/codec.h"
#include "proto/idl.h"
#include "proto/idl_names.h"
#include "proto/layout.h"
#include "tests/unit/plugin/data/every.varlink.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* All of a plug-in's tables in one piece of memory, which is the plug-in for table_check(). */
struct image {
	struct troupe_actor actor;
	struct troupe_life life;
	struct troupe_handlers handlers;
	troupe_handler_fn *functions[1];
	struct troupe_interface interface;
	const struct troupe_method *methods[1];
	const struct troupe_error *errors[1];
	struct troupe_method method;
	struct troupe_error error;
	struct troupe_type type;
	struct troupe_entry timer, reply;
	char name[8], interface_name[16], text[8], last[8]; /* no padding follows */
};

static int handle(struct troupe_self *self, void *state, struct troupe_call call,
		  const void *in)
{
	(void)self;
	(void)state;
	(void)call;
	(void)in;
	return 0;
}

static int on_event(struct troupe_self *self, void *state, uint64_t context, const void *event)
{
	(void)self;
	(void)state;
	(void)context;
	(void)event;
	return 0;
}

static void make_image(struct image *image)
{
	memset(image, 0, sizeof(*image));
	strcpy(image->name, "good");
	strcpy(image->interface_name, "io.example");
	strcpy(image->text, "text");
	/* No NUL from here to the image's end. */
	memset(image->last, 'x', sizeof(image->last));
	image->actor = (struct troupe_actor){
		.abi_major = TROUPE_ABI_MAJOR,
		.abi_minor = TROUPE_ABI_MINOR,
		.table_size = sizeof(image->actor),
		.name = image->name,
		.description = image->text,
		.state_size = 8,
		.config = &image->type,
		.life = &image->life,
		.interfaces = {&image->handlers},
		.entries = {&image->timer, &image->reply},
	};
	image->life = (struct troupe_life){.table_size = sizeof(image->life)};
	image->handlers = (struct troupe_handlers){
		.table_size = sizeof(image->handlers),
		.n_handlers = 1,
		.interface = &image->interface,
		.handlers = image->functions,
	};
	image->functions[0] = handle;
	image->interface = (struct troupe_interface){
		.table_size = sizeof(image->interface),
		.n_methods = 1,
		.n_errors = 1,
		.name = image->interface_name,
		.description = image->text,
		.methods = image->methods,
		.errors = image->errors,
	};
	image->methods[0] = &image->method;
	image->errors[0] = &image->error;
	image->method = (struct troupe_method){
		.table_size = sizeof(image->method),
		.interface = image->interface_name,
		.name = image->text,
		.in = &image->type,
		.out = &image->type,
		.in_hash = layout_hash("io.example.text", '(', "()"),
		.out_hash = layout_hash("io.example.text", '>', "()"),
	};
	image->error = (struct troupe_error){
		.table_size = sizeof(image->error),
		.name = image->text,
		.type = &image->type,
		.hash = layout_hash("text", '!', "()"),
	};
	image->type = (struct troupe_type){
		.table_size = sizeof(image->type), .kind = TROUPE_STRUCT, .align = 1};
	image->timer = (struct troupe_entry){
		.table_size = sizeof(image->timer),
		.kind = TROUPE_ENTRY_TIMER,
		.name = image->text,
		.on_event = on_event,
	};
	image->reply = (struct troupe_entry){
		.table_size = sizeof(image->reply),
		.kind = TROUPE_ENTRY_REPLY,
		.name = image->text,
		.method = &image->method,
		.interface = &image->interface,
		.on_event = on_event,
	};
}

static int check_image(const struct image *image, char *why)
{
	const struct bounds bounds = {.base = (uintptr_t)image, .end = (uintptr_t)(image + 1)};

	return table_check(&image->actor, "good", &bounds, why);
}

static void table_check_takes_a_good_table(void **state)
{
	struct image image;
	char why[PLUGIN_WHY_MAX] = "";

	(void)state;
	make_image(&image);
	assert_int_equal(check_image(&image, why), 0);
	assert_string_equal(why, "");
	/* All that may be absent. */
	image.actor.description = NULL;
	image.actor.config = NULL;
	image.actor.life = NULL;
	image.actor.interfaces[0] = NULL;
	image.actor.entries[0] = NULL;
	assert_int_equal(check_image(&image, why), 0);
}

static void table_check_names_the_actor_and_what_is_wrong(void **state)
{
	struct image image;
	char why[PLUGIN_WHY_MAX];

	(void)state;
	make_image(&image);
	image.handlers.n_handlers = 2;
	assert_int_equal(check_image(&image, why), -ENOEXEC);
	assert_string_equal(
		why, "actor type \"good\": an interface has not as many handlers as methods");
}

/* Spoil one thing and expect a refusal. */
#define REFUSES(spoil)                                                                         \
	do {                                                                                   \
		char why[PLUGIN_WHY_MAX] = "";                                                 \
		make_image(&image);                                                            \
		spoil;                                                                         \
		if (check_image(&image, why) != -ENOEXEC || why[0] == '\0')                    \
			fail_msg("accepted: %s", #spoil);                                      \
	} while (0)

static void table_check_refuses_each_spoiled_field(void **state)
{
	static const char outside[] = "good";
	struct image image, other;

	(void)state;
	make_image(&other);
	REFUSES(image.actor.abi_major++);
	REFUSES(image.actor.abi_minor++);
	REFUSES(image.actor.table_size--);
	REFUSES(image.actor.name = NULL);
	REFUSES(image.actor.name = outside);
	REFUSES(image.actor.name = image.text);
	REFUSES(image.actor.name = image.last);
	REFUSES(image.actor.description = outside);
	REFUSES(image.actor.state_size = (1u << 20) + 1);
	REFUSES(image.actor.config = &other.type);
	REFUSES(image.type.kind = TROUPE_INT);
	REFUSES(image.actor.life = &other.life);
	REFUSES(image.actor.interfaces[0] = &other.handlers);
	REFUSES(image.handlers.interface = NULL);
	REFUSES(image.handlers.interface = &other.interface);
	REFUSES(image.handlers.handlers = NULL);
	REFUSES(image.handlers.handlers = other.functions);
	REFUSES(image.handlers.n_handlers = 0);
	REFUSES(image.actor.interfaces[1] = &other.handlers);
	REFUSES(image.timer.name = outside);
	REFUSES(image.method.interface = image.text;
		image.method.in_hash = layout_hash("text.text", '(', "()");
		image.method.out_hash = layout_hash("text.text", '>', "()"));
	REFUSES(image.interface.name = NULL);
	REFUSES(image.interface.description = image.last);
	REFUSES(image.interface.methods = NULL);
	REFUSES(image.interface.n_methods = UINT32_MAX);
	REFUSES(image.interface.errors = other.errors);
	REFUSES(image.interface.n_errors = 1000);
	REFUSES(image.methods[0] = &other.method);
	REFUSES(image.method.name = NULL);
	REFUSES(image.method.interface = outside);
	REFUSES(image.method.in = NULL);
	REFUSES(image.method.out = &other.type);
	REFUSES(image.errors[0] = NULL);
	REFUSES(image.error.name = outside);
	REFUSES(image.error.type = NULL);
	REFUSES(image.method.in_hash++);
	REFUSES(image.method.out_hash = 0);
	REFUSES(image.error.hash ^= 1);
	REFUSES(image.type.size = 8);
	REFUSES(image.type.align = 2);
	REFUSES(image.type.count = 1);
	REFUSES(image.type.flags = 0x80);
	REFUSES(image.type.flags = TROUPE_TYPE_STEPS; image.type.n_steps = 1);
	REFUSES(image.actor.entries[0] = &other.timer);
	REFUSES(image.timer.name = NULL);
	REFUSES(image.timer.kind = 0);
	REFUSES(image.timer.kind = 3);
	REFUSES(image.timer.on_event = NULL);
	REFUSES(image.reply.on_event = NULL);
	REFUSES(image.life.reserved = 1);
	REFUSES(image.interface.reserved = 1);
	REFUSES(image.method.reserved = 1);
	REFUSES(image.error.reserved = 1);
	REFUSES(image.reply.method = NULL);
	REFUSES(image.reply.interface = NULL);
	/* Near the end, so that not all of it lies inside; and not aligned. */
	REFUSES(image.actor.life = (const struct troupe_life *)(const void *)image.last);
	REFUSES(image.actor.entries[0] =
			(const struct troupe_entry *)((const char *)&image.timer + 1));
}

/* What is found behind the plug-in's end would do, but is not the plug-in's. */
static void table_check_refuses_arrays_that_end_outside(void **state)
{
	struct {
		struct image image;
		void *beyond;
	} both;
	struct image image;
	void *last;

	(void)state;
	assert_ptr_equal(both.image.last + sizeof(both.image.last), &both.beyond);
#define REFUSES_TWO(what, of, spoil)                                                           \
	do {                                                                                   \
		char why[PLUGIN_WHY_MAX] = "";                                                 \
		make_image(&both.image);                                                       \
		last = both.beyond = (void *)(uintptr_t)(of);                                  \
		memcpy(both.image.last, &last, sizeof(last));                                  \
		spoil;                                                                         \
		if (check_image(&both.image, why) != -ENOEXEC || !strstr(why, what))           \
			fail_msg("%s: \"%s\"", #spoil, why);                                   \
	} while (0)
	REFUSES_TWO("an interface's methods are not in the plug-in", &both.image.method,
		    both.image.interface.methods = (void *)both.image.last;
		    both.image.interface.n_methods = 2);
	REFUSES_TWO("an interface's errors are not in the plug-in", &both.image.error,
		    both.image.interface.errors = (void *)both.image.last;
		    both.image.interface.n_errors = 2);
	REFUSES_TWO("a table of handlers is not in the plug-in", handle,
		    both.image.handlers.handlers = (void *)both.image.last;
		    both.image.errors[0] = (void *)&both.image.method;
		    both.image.interface.n_errors = 0;
		    both.image.handlers.n_handlers = both.image.interface.n_methods = 2);
	make_image(&image);
	const struct bounds bounds = {.base = (uintptr_t)&image,
				      .end = (uintptr_t)(&image + 1)};
	assert_int_equal(table_check((const struct troupe_actor *)8, "good", &bounds,
				     (char[PLUGIN_WHY_MAX]){""}),
			 -ENOEXEC);
}

/* Of which no more fits than its beginning, whose hash is right. */
static void table_check_refuses_names_that_are_too_long(void **state)
{
	enum { FITS = IDL_NAME_MAX + 1 + IDL_MEMBER_NAME_MAX };
	struct {
		struct image image;
		char name[2 * FITS];
	} both;
	char name[FITS + 1], why[PLUGIN_WHY_MAX] = "";

	(void)state;
	make_image(&both.image);
	memset(both.name, 'x', sizeof(both.name) - 1);
	both.name[sizeof(both.name) - 1] = '\0';
	both.image.method.name = both.name;
	memset(name, 'x', sizeof(name) - 1);
	memcpy(name, "io.example.", strlen("io.example."));
	name[FITS] = '\0';
	both.image.method.in_hash = layout_hash(name, '(', "()");
	both.image.method.out_hash = layout_hash(name, '>', "()");
	const struct bounds bounds = {.base = (uintptr_t)&both, .end = (uintptr_t)(&both + 1)};
	assert_int_equal(table_check(&both.image.actor, "good", &bounds, why), -ENOEXEC);
	assert_string_equal(why, "actor type \"good\": a method's name is too long");
}

/* Each table claims each size that cannot be: none, less than 2.0 had, odd, more than the host
 * knows, more than there is. */
static void table_check_refuses_sizes_that_cannot_be(void **state)
{
	struct image image;
	const struct {
		const char *what;
		uint32_t *size;
	} tables[] = {
		{"its table", &image.actor.table_size},
		{"its life", &image.life.table_size},
		{"a table of handlers", &image.handlers.table_size},
		{"an interface's descriptor", &image.interface.table_size},
		{"a method's descriptor", &image.method.table_size},
		{"an error's descriptor", &image.error.table_size},
		{"the type of ", &image.type.table_size},
		{"an entry", &image.timer.table_size},
		{"an entry", &image.reply.table_size},
	};
	char why[PLUGIN_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		make_image(&image);
		const uint32_t right = *tables[i].size;
		const uint32_t wrong[] = {0,         4,         right - 8, right - 1,
					  right + 1, right + 8, 1u << 16,  INT32_MAX,
					  1u << 31,  UINT32_MAX};

		for (size_t j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++) {
			*tables[i].size = wrong[j];
			assert_int_equal(check_image(&image, why), -ENOEXEC);
			if (!strstr(why, tables[i].what) ||
			    !strstr(why, wrong[j] < right ? "smaller than ABI 2.0"
							  : "larger than this host knows"))
				fail_msg("size %u of table %zu: %s", wrong[j], i, why);
		}
	}
}

/* ---- any byte of what troupe-gen wrote */

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
		cmocka_unit_test(table_check_takes_a_good_table),
		cmocka_unit_test(table_check_names_the_actor_and_what_is_wrong),
		cmocka_unit_test(table_check_refuses_each_spoiled_field),
		cmocka_unit_test(table_check_refuses_sizes_that_cannot_be),
		cmocka_unit_test(table_check_refuses_any_byte_that_matters),
		cmocka_unit_test(table_check_refuses_sizes_of_types_within_types),
		cmocka_unit_test(table_check_refuses_arrays_that_end_outside),
		cmocka_unit_test(table_check_refuses_names_that_are_too_long),
		cmocka_unit_test(table_check_refuses_fields_and_names_where_there_can_be_none),
		cmocka_unit_test(table_check_refuses_flags_that_are_not_due),
		cmocka_unit_test(table_check_refuses_steps_that_differ_in_anything),
		cmocka_unit_test(table_check_says_which_type_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

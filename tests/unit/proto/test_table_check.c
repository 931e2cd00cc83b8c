/* The table of an actor type, spoiled in one place at a time. */
#include "proto/abi.h"
#include "proto/plugin_info.h"
#include "proto/table_check.h"

#include "proto/idl.h"
#include "proto/idl_names.h"
#include "proto/layout.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/actor.h>

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
	REFUSES(image.handlers.ways = other.functions);
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
	REFUSES(image.timer.kind = 99);
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
		enum abi_table table;
		const char *what;
		uint32_t *size;
	} tables[] = {
		{ABI_ACTOR, "its table", &image.actor.table_size},
		{ABI_LIFE, "its life", &image.life.table_size},
		{ABI_HANDLERS, "a table of handlers", &image.handlers.table_size},
		{ABI_INTERFACE, "an interface's descriptor", &image.interface.table_size},
		{ABI_METHOD, "a method's descriptor", &image.method.table_size},
		{ABI_ERROR, "an error's descriptor", &image.error.table_size},
		{ABI_TYPE, "the type of ", &image.type.table_size},
		{ABI_ENTRY, "an entry", &image.timer.table_size},
		{ABI_ENTRY, "an entry", &image.reply.table_size},
	};
	char why[PLUGIN_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		make_image(&image);
		const uint32_t right = *tables[i].size, least = abi_least(tables[i].table);
		const uint32_t wrong[] = {0,         4,         least - 8, least - 1,
					  right + 1, right + 8, 1u << 16,  INT32_MAX,
					  1u << 31,  UINT32_MAX};

		for (size_t j = 0; j < sizeof(wrong) / sizeof(wrong[0]); j++) {
			*tables[i].size = wrong[j];
			assert_int_equal(check_image(&image, why), -ENOEXEC);
			if (!strstr(why, tables[i].what) ||
			    !strstr(why, wrong[j] < least ? "smaller than ABI 2.0"
							  : "larger than this host knows"))
				fail_msg("size %u of table %zu: %s", wrong[j], i, why);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_check_takes_a_good_table),
		cmocka_unit_test(table_check_names_the_actor_and_what_is_wrong),
		cmocka_unit_test(table_check_refuses_each_spoiled_field),
		cmocka_unit_test(table_check_refuses_sizes_that_cannot_be),
		cmocka_unit_test(table_check_refuses_arrays_that_end_outside),
		cmocka_unit_test(table_check_refuses_names_that_are_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

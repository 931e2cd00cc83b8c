/* The table of an actor type, spoiled in one place at a time. */
#include "plugin/table_check.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
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

static int on_timer(struct troupe_self *self, void *state, uint64_t context)
{
	(void)self;
	(void)state;
	(void)context;
	return 0;
}

static int on_reply(struct troupe_self *self, void *state, uint64_t context,
		    const struct troupe_reply *reply)
{
	(void)self;
	(void)state;
	(void)context;
	(void)reply;
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
	image->handlers = (struct troupe_handlers){&image->interface, image->functions, 1, 0};
	image->functions[0] = handle;
	image->interface = (struct troupe_interface){
		image->interface_name, image->text, image->methods, image->errors, 1, 1};
	image->methods[0] = &image->method;
	image->errors[0] = &image->error;
	image->method = (struct troupe_method){image->interface_name, image->text, &image->type,
					       &image->type,          1,           2};
	image->error = (struct troupe_error){image->text, &image->type, 3};
	image->type = (struct troupe_type){.kind = TROUPE_STRUCT};
	image->timer = (struct troupe_entry){
		.name = image->text, .kind = TROUPE_ENTRY_TIMER, .on_timer = on_timer};
	image->reply = (struct troupe_entry){
		.name = image->text,
		.kind = TROUPE_ENTRY_REPLY,
		.method = &image->method,
		.interface = &image->interface,
		.on_reply = on_reply,
	};
}

static int check_image(const struct image *image, char *why)
{
	return table_check(&image->actor, "good", (uintptr_t)image, (uintptr_t)(image + 1), why,
			   256);
}

static void table_check_takes_a_good_table(void **state)
{
	struct image image;
	char why[256] = "";

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
	char why[256];

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
		char why[256] = "";                                                            \
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
	REFUSES(image.actor.entries[0] = &other.timer);
	REFUSES(image.timer.name = NULL);
	REFUSES(image.timer.kind = 0);
	REFUSES(image.timer.kind = 3);
	REFUSES(image.timer.on_timer = NULL);
	REFUSES(image.reply.on_reply = NULL);
	REFUSES(image.reply.method = NULL);
	REFUSES(image.reply.interface = NULL);
	/* Near the end, so that not all of it lies inside; and not aligned. */
	REFUSES(image.actor.life = (const struct troupe_life *)(const void *)image.last);
	REFUSES(image.actor.entries[0] =
			(const struct troupe_entry *)((const char *)&image.timer + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_check_takes_a_good_table),
		cmocka_unit_test(table_check_names_the_actor_and_what_is_wrong),
		cmocka_unit_test(table_check_refuses_each_spoiled_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

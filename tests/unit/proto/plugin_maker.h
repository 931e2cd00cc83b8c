/* plugin_maker.h - files of plug-ins for tests: a good one, of which each test spoils
 * something, and what becomes of it. */
#ifndef TESTS_UNIT_PROTO_PLUGIN_MAKER_H
#define TESTS_UNIT_PROTO_PLUGIN_MAKER_H

#include "proto/plugin_info.h"
#include "tests/unit/proto/elf_maker.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/actor.h>

#include <cmocka.h>

static const char greeter[] = "interface io.example.greeter\nmethod Greet() -> ()\n";

static inline void add_actor_note(struct elf_maker *maker, const char *name, uint16_t major,
				  uint16_t minor)
{
	unsigned char content[300];
	size_t size = 4 + strlen(name) + 1;

	memcpy(content, &major, 2);
	memcpy(content + 2, &minor, 2);
	strcpy((char *)content + 4, name);
	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_ACTOR, content, size);
}

#define add_strings(maker, strings)                                                            \
	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_TABLE, strings, sizeof(strings))

/* The note of a table of an actor type that does nothing but provide an interface; NULL: not
 * even that. */
static inline void add_table_note(struct elf_maker *maker, const char *name,
				  const char *interface)
{
	char content[300];
	int size = snprintf(content, sizeof(content), "%s%c%c%c%c%c%s", name, 0, 0, 0, 0, 0,
			    interface ? interface : "");

	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_TABLE, content,
		   (size_t)size + (interface ? 1 : 0));
}

/* The table of an actor type that does nothing, but for what `table` says, for who reads
 * tables. Returns where it is. */
static inline size_t add_table(struct elf_maker *maker, const char *name,
			       const struct troupe_actor *table)
{
	char symbol[300];

	snprintf(symbol, sizeof(symbol), "troupe_actor_%s", name);
	size_t at = maker_data(maker, table, sizeof(*table));
	maker_pointer(maker, at + offsetof(struct troupe_actor, name),
		      maker_data(maker, name, strlen(name) + 1));
	maker_export(maker, symbol, at);
	return at;
}

static const struct troupe_actor empty_table = {
	.abi_major = TROUPE_ABI_MAJOR,
	.abi_minor = TROUPE_ABI_MINOR,
	.table_size = sizeof(struct troupe_actor),
};

static inline void add_actor(struct elf_maker *maker, const char *name, uint16_t major,
			     uint16_t minor)
{
	add_actor_note(maker, name, major, minor);
	add_table_note(maker, name, NULL);
	add_table(maker, name, &empty_table);
}

static inline void add_interface(struct elf_maker *maker, const char *name, const char *text)
{
	char content[1024];
	int size = snprintf(content, sizeof(content), "%s%c%s", name, 0, text) + 1;

	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_INTERFACE, content, (size_t)size);
}

static inline void add_seal(struct elf_maker *maker, uint32_t writable, uint32_t tls)
{
	const uint32_t content[2] = {writable, tls};

	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_SEAL, content, sizeof(content));
}

/* A plug-in as plug-ins are: each test then spoils one thing. */
static inline struct elf_maker *make_good(void)
{
	struct elf_maker *maker = malloc(sizeof(*maker));

	maker_init(maker);
	maker_note(maker, "GNU", NT_GNU_BUILD_ID, "0123456789abcdefghij", 20);
	add_actor_note(maker, "greeter", TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR);
	add_table(maker, "greeter", &empty_table);
	/* Out of their order, and twice, as two files of a plug-in would have them. */
	add_table_note(maker, "greeter", "io.example.greeter");
	add_interface(maker, "io.example.greeter", greeter);
	add_interface(maker, "io.example.greeter", greeter);
	add_interface(maker, "io.example.asked",
		      "interface io.example.asked\nmethod A() -> ()\n");
	add_seal(maker, 16, 0);
	maker->data_size = 16;
	maker_needed(maker, "libc.so.6");
	maker_undefined(maker, "troupe_return", STB_GLOBAL);
	maker_undefined(maker, "troupe_optional", STB_WEAK);
	maker_undefined(maker, "snprintf", STB_GLOBAL);
	return maker;
}

/* Read what was made, and let go of it. */
static inline int read_made(struct elf_maker *maker, unsigned flags,
			    struct plugin_info **ret_info, char *why)
{
	size_t size;
	unsigned char *file = maker_make(maker, &size);
	int r = plugin_info_read(file, size, flags, ret_info, why);

	free(file);
	maker_fini(maker);
	free(maker);
	return r;
}

static inline void assert_refused(struct elf_maker *maker, int error, const char *reason)
{
	struct plugin_info *info = NULL;
	char why[PLUGIN_WHY_MAX] = "";
	int r = read_made(maker, 0, &info, why);

	if (!strstr(why, reason))
		print_error("the reason was \"%s\"\n", why);
	assert_non_null(strstr(why, reason));
	assert_int_equal(r, error);
	assert_null(info);
}

static inline void assert_accepted(struct elf_maker *maker, unsigned flags)
{
	struct plugin_info *info = NULL;
	char why[PLUGIN_WHY_MAX] = "";

	if (read_made(maker, flags, &info, why) < 0)
		fail_msg("refused: %s", why);
	assert_string_equal(why, "");
	plugin_info_free(info);
}

#endif

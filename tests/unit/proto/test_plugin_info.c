/* What the host learns of a plug-in without running it, and why it refuses one. */
#include "proto/plugin_info.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/plugin_describe.h"
#include "proto/sdk_symbols.h"
#include "tests/unit/proto/elf_maker.h"
#include <troupe/actor.h>

static const char greeter[] = "interface io.example.greeter\nmethod Greet() -> ()\n";

/* ---- what notes are made of */

static void add_actor_note(struct elf_maker *maker, const char *name, uint16_t major,
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
static void add_table_note(struct elf_maker *maker, const char *name, const char *interface)
{
	char content[300];
	int size = snprintf(content, sizeof(content), "%s%c%c%c%c%c%s", name, 0, 0, 0, 0, 0,
			    interface ? interface : "");

	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_TABLE, content,
		   (size_t)size + (interface ? 1 : 0));
}

/* The table of an actor type that does nothing, but for what `table` says, for who reads
 * tables. Returns where it is. */
static size_t add_table(struct elf_maker *maker, const char *name,
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

static void add_actor(struct elf_maker *maker, const char *name, uint16_t major, uint16_t minor)
{
	add_actor_note(maker, name, major, minor);
	add_table_note(maker, name, NULL);
	add_table(maker, name, &empty_table);
}

static void add_interface(struct elf_maker *maker, const char *name, const char *text)
{
	char content[1024];
	int size = snprintf(content, sizeof(content), "%s%c%s", name, 0, text) + 1;

	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_INTERFACE, content, (size_t)size);
}

static void add_seal(struct elf_maker *maker, uint32_t writable, uint32_t tls)
{
	const uint32_t content[2] = {writable, tls};

	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_SEAL, content, sizeof(content));
}

/* A plug-in as plug-ins are: each test then spoils one thing. */
static struct elf_maker *make_good(void)
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
static int read_made(struct elf_maker *maker, unsigned flags, struct plugin_info **ret_info,
		     char *why)
{
	size_t size;
	unsigned char *file = maker_make(maker, &size);
	int r = plugin_info_read(file, size, flags, ret_info, why);

	free(file);
	maker_fini(maker);
	free(maker);
	return r;
}

static void assert_refused(struct elf_maker *maker, int error, const char *reason)
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

static void assert_accepted(struct elf_maker *maker, unsigned flags)
{
	struct plugin_info *info = NULL;
	char why[PLUGIN_WHY_MAX] = "";

	if (read_made(maker, flags, &info, why) < 0)
		fail_msg("refused: %s", why);
	assert_string_equal(why, "");
	plugin_info_free(info);
}

/* ---- */

static void plugin_info_reports_all_of_a_good_plugin(void **state)
{
	struct plugin_info *info;
	char why[PLUGIN_WHY_MAX];

	(void)state;
	assert_int_equal(read_made(make_good(), 0, &info, why), 0);
	assert_int_equal(info->abi_major, TROUPE_ABI_MAJOR);
	assert_int_equal(info->abi_minor, TROUPE_ABI_MINOR);
	assert_int_equal(info->n_actors, 1);
	assert_string_equal(info->actors[0].name, "greeter");
	assert_int_equal(info->n_interfaces, 2);
	assert_string_equal(info->interfaces[0].name, "io.example.asked");
	assert_false(info->interfaces[0].is_implemented);
	assert_string_equal(info->interfaces[1].name, "io.example.greeter");
	assert_string_equal(info->interfaces[1].description, greeter);
	assert_true(info->interfaces[1].is_implemented);
	assert_int_equal(info->n_needed, 1);
	assert_string_equal(info->needed[0], "libc.so.6");
	assert_int_equal(info->writable, 16);
	assert_int_equal(info->writable_allowed, 16);
	assert_int_equal(info->tls, 0);
	assert_true(info->is_sealed);
	plugin_info_free(info);
}

static void plugin_info_refuses_what_is_no_elf_file(void **state)
{
	struct plugin_info *info = NULL;
	char why[PLUGIN_WHY_MAX];
	size_t size;

	(void)state;
	assert_int_equal(plugin_info_read("#!/bin/sh\n", 10, 0, &info, why), -ENOEXEC);
	assert_string_equal(why, "it is not an ELF file");
	assert_int_equal(plugin_info_read("", 0, 0, &info, why), -ENOEXEC);
	assert_string_equal(why, "it is not an ELF file");

	struct elf_maker *maker = make_good();
	unsigned char *file = maker_make(maker, &size);
	Elf64_Ehdr *head = (Elf64_Ehdr *)file;
	const struct {
		unsigned char *at;
		unsigned char value;
		const char *reason;
	} cases[] = {
		{&head->e_ident[EI_CLASS], ELFCLASS32, "not a 64-bit"},
		{(unsigned char *)&head->e_machine, 99, "another kind of machine"},
		{(unsigned char *)&head->e_type, ET_EXEC, "it is a program"},
		{(unsigned char *)&head->e_type, ET_REL, "it was not linked"},
		{(unsigned char *)&head->e_type, ET_CORE, "not a shared object"},
		{(unsigned char *)&head->e_phnum, 0, "malformed"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned char was = *cases[i].at;

		*cases[i].at = cases[i].value;
		assert_int_equal(plugin_info_read(file, size, 0, &info, why), -ENOEXEC);
		if (!strstr(why, cases[i].reason))
			fail_msg("case %zu: %s", i, why);
		*cases[i].at = was;
	}
	free(file);
	maker_fini(maker);
	free(maker);
	assert_null(info);
}

static void plugin_info_refuses_every_prefix_of_a_file(void **state)
{
	struct elf_maker *maker = make_good();
	struct plugin_info *info = NULL;
	char why[PLUGIN_WHY_MAX];
	size_t size;

	(void)state;
	unsigned char *file = maker_make(maker, &size);
	for (size_t cut = 0; cut < size; cut++) {
		/* Of exactly that size, for the address sanitizer to see. */
		unsigned char *part = malloc(cut ? cut : 1);

		memcpy(part, file, cut);
		assert_int_equal(plugin_info_read(part, cut, 0, &info, why), -ENOEXEC);
		assert_true(why[0] != '\0');
		free(part);
	}
	assert_null(info);
	free(file);
	maker_fini(maker);
	free(maker);
}

static void plugin_info_refuses_a_file_without_actors(void **state)
{
	struct elf_maker *maker = malloc(sizeof(*maker));

	(void)state;
	maker_init(maker);
	assert_refused(maker, -ENOEXEC, "no TROUPE_ACTOR()");
}

static void plugin_info_names_both_abis_when_they_differ(void **state)
{
	char expected[200];

	(void)state;
	struct elf_maker *maker = make_good();
	add_actor(maker, "old", 99, 7);
	snprintf(expected, sizeof(expected),
		 "actor type \"old\" was built for ABI 99.7, this host has %d.%d",
		 TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR);
	assert_refused(maker, -ENOEXEC, expected);

	maker = make_good();
	add_actor(maker, "new", TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR + 1);
	assert_refused(maker, -ENOEXEC, "actor type \"new\"");
}

static void plugin_info_refuses_malformed_actor_notes(void **state)
{
	static const char *const names[] = {"", "1st", "a-b", "a b", "a.b"};
	char long_name[TROUPE_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct elf_maker *maker = make_good();

		add_actor(maker, names[i], TROUPE_ABI_MAJOR, 0);
		assert_refused(maker, -ENOEXEC, "note of an actor type is malformed");
	}
	memset(long_name, 'a', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	struct elf_maker *maker = make_good();
	add_actor(maker, long_name, TROUPE_ABI_MAJOR, 0);
	assert_refused(maker, -ENOEXEC, "malformed");
	maker = make_good();
	add_actor(maker, long_name + 1, TROUPE_ABI_MAJOR, 0);
	assert_accepted(maker, 0);

	maker = make_good();
	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_ACTOR, "\1\0\0\0abc", 7);
	assert_refused(maker, -ENOEXEC, "malformed");
	maker = make_good();
	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_ACTOR, "\1", 1);
	assert_refused(maker, -ENOEXEC, "malformed");
	maker = make_good();
	add_actor(maker, "greeter", TROUPE_ABI_MAJOR, 0);
	assert_refused(maker, -ENOEXEC, "two actor types \"greeter\"");
}

static void plugin_info_ignores_notes_of_others_and_of_later_types(void **state)
{
	struct elf_maker *maker = make_good();

	(void)state;
	maker_note(maker, "Troup", TROUPE_NOTE_TYPE_ACTOR, "", 0);
	maker_note(maker, "Troupes", TROUPE_NOTE_TYPE_ACTOR, "", 0);
	maker_note(maker, TROUPE_NOTE_OWNER, 4711, "x", 1);
	assert_accepted(maker, 0);
}

static void plugin_info_refuses_bad_interfaces(void **state)
{
	(void)state;
	struct elf_maker *maker = make_good();
	add_interface(maker, "io.example.bad", "interface io.example.bad\nmethod Oops\n");
	assert_refused(maker, -ENOEXEC, "interface io.example.bad is not valid: line ");

	maker = make_good();
	add_interface(maker, "io.example.bad",
		      "interface io.example.other\nmethod A() -> ()\n");
	assert_refused(maker, -ENOEXEC, "describes another one");

	maker = make_good();
	add_interface(maker, "no interface", "interface io.example.bad\nmethod A() -> ()\n");
	assert_refused(maker, -ENOEXEC, "malformed");

	maker = make_good();
	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_INTERFACE, "io.example.bad", 15);
	assert_refused(maker, -ENOEXEC, "malformed");

	maker = make_good();
	add_interface(maker, "io.example.greeter",
		      "interface io.example.greeter\nmethod Greet(name: string) -> ()\n");
	assert_refused(maker, -ENOEXEC, "two versions of interface io.example.greeter");
}

static void plugin_info_takes_other_interfaces_of_varlink(void **state)
{
	static const char *const names[] = {"org.varlink.certification", "org.varlink.resolver",
					    "org.varlink.service2", "io.troupe.Control2"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct elf_maker *maker = make_good();
		struct plugin_info *info = NULL;
		char idl[128], why[PLUGIN_WHY_MAX] = "";

		snprintf(idl, sizeof(idl), "interface %s\nmethod Start() -> ()\n", names[i]);
		add_interface(maker, names[i], idl);
		add_actor_note(maker, "other", TROUPE_ABI_MAJOR, 0);
		add_table_note(maker, "other", names[i]);
		assert_int_equal(read_made(maker, 0, &info, why), 0);
		plugin_info_free(info);
	}
}

static void plugin_info_refuses_what_the_dynamic_linker_must_not_do(void **state)
{
	const struct {
		int64_t tag;
		uint64_t value;
		const char *reason;
	} cases[] = {
		{DT_RPATH, 0, "RPATH"},
		{DT_RUNPATH, 0, "RUNPATH"},
		{DT_TEXTREL, 0, "TEXTREL"},
		{DT_FLAGS, DF_TEXTREL, "TEXTREL"},
		{DT_FLAGS_1, DF_1_PIE, "program"},
		{DT_NEEDED, 1u << 30, "list of libraries is malformed"},
		{DT_AUDIT, 0, "symbols (DT_AUDIT)"},
		{DT_DEPAUDIT, 0, "symbols (DT_DEPAUDIT)"},
		{DT_FILTER, 0, "symbols (DT_FILTER)"},
		{DT_AUXILIARY, 0, "symbols (DT_AUXILIARY)"},
		{DT_CONFIG, 0, "symbols (DT_CONFIG)"},
		{DT_FLAGS_1, DF_1_NOW | DF_1_GLOBAL, "symbols (DF_1_GLOBAL)"},
		{DT_FLAGS_1, DF_1_NOW | DF_1_INTERPOSE, "symbols (DF_1_INTERPOSE)"},
		{DT_FLAGS_1, DF_1_LOADFLTR, "symbols (DF_1_LOADFLTR)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elf_maker *maker = make_good();

		maker_dynamic(maker, cases[i].tag, cases[i].value);
		assert_refused(maker, -ENOEXEC, cases[i].reason);
	}
	struct elf_maker *maker = make_good();
	maker_dynamic(maker, DT_FLAGS, DF_BIND_NOW);
	assert_accepted(maker, 0);
	maker = make_good();
	maker->stack_flags = PF_R | PF_W | PF_X;
	assert_refused(maker, -ENOEXEC, "executable stack");
	maker = make_good();
	maker_needed(maker, "./libmine.so");
	assert_refused(maker, -ENOEXEC, "./libmine.so by its path");
	maker = make_good();
	maker_needed(maker, "$ORIGIN");
	assert_refused(maker, -ENOEXEC, "$ORIGIN by its path");
	maker = make_good();
	maker_dynamic(maker, DT_FLAGS_1, DF_1_NOW | DF_1_NODELETE);
	assert_accepted(maker, 0);
}

/* What is made of a plug-in that is being linked. */
static void assert_not_described(struct elf_maker *maker, const char *reason)
{
	size_t size;
	unsigned char *file = maker_make(maker, &size);
	char why[PLUGIN_WHY_MAX] = "", *text = NULL;

	assert_int_equal(plugin_describe(file, size, &text, why), -ENOEXEC);
	if (!strstr(why, reason))
		fail_msg("the reason was \"%s\"", why);
	assert_null(text);
	free(file);
	maker_fini(maker);
	free(maker);
}

static void actor_types_without_a_good_table_are_not_described(void **state)
{
	const struct troupe_actor wrong_abi = {.abi_major = TROUPE_ABI_MAJOR + 1,
					       .table_size = sizeof(wrong_abi)};

	(void)state;
	struct elf_maker *maker = make_good();
	add_actor_note(maker, "second", TROUPE_ABI_MAJOR, 0);
	assert_not_described(maker,
			     "\"second\": the plug-in does not export troupe_actor_second");
	maker = make_good();
	add_table(maker, "greeter", &empty_table);
	assert_not_described(maker, "two symbols troupe_actor_greeter");
	maker = make_good();
	add_actor_note(maker, "second", TROUPE_ABI_MAJOR, 0);
	add_table(maker, "second", &wrong_abi);
	assert_not_described(maker, "\"second\": its table does not begin with TROUPE_ABI");
	/* A table that nobody's note tells of is nobody's business. */
	maker = make_good();
	add_table(maker, "unknown", &wrong_abi);
	assert_accepted(maker, 0);
}

/* How a table may lie about its size. */
static void tables_of_a_size_that_cannot_be_are_not_described(void **state)
{
	static const struct {
		uint32_t size;
		const char *reason;
	} cases[] = {
		{0, "says a size that is smaller than ABI 2.0 has it"},
		{8, "smaller than ABI 2.0"},
		{sizeof(struct troupe_actor) - 8, "smaller than ABI 2.0"},
		{sizeof(struct troupe_actor) + 1, "larger than this host knows it"},
		{sizeof(struct troupe_actor) + 8, "larger than this host knows it"},
		{UINT32_MAX, "larger than this host knows it"},
		{1u << 31, "larger than this host knows it"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct troupe_actor table = empty_table;
		struct elf_maker *maker = make_good();

		table.table_size = cases[i].size;
		add_actor_note(maker, "second", TROUPE_ABI_MAJOR, 0);
		add_table(maker, "second", &table);
		assert_not_described(maker, cases[i].reason);
	}
}

static void plugins_whose_relocations_cannot_be_read_are_not_described(void **state)
{
	const struct {
		int64_t tag;
		uint64_t value;
		const char *reason;
	} cases[] = {
		{DT_REL, 8, "a form that is not known here"},
		{DT_RELASZ, 1, "malformed"},
		{DT_RELAENT, 16, "malformed"},
		{DT_RELA, 1u << 30, "malformed"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elf_maker *maker = make_good();

		maker_dynamic(maker, cases[i].tag, cases[i].value);
		assert_not_described(maker, cases[i].reason);
	}
}

static const char farmer[] = "interface io.example.farmer\n"
			     "type Config (acres: int, name: ?string)\n"
			     "type Other (acres: int)\n"
			     "method Sow() -> ()\n";

/* A plug-in with one more actor type, which a note of a table is to come for. */
static struct elf_maker *make_farm(void)
{
	struct elf_maker *maker = make_good();

	add_actor_note(maker, "farmer", TROUPE_ABI_MAJOR, 0);
	add_interface(maker, "io.example.farmer", farmer);
	return maker;
}

static void notes_of_tables_say_what_actor_types_are(void **state)
{
	struct elf_maker *maker = make_farm();
	const struct plugin_actor *actor;
	struct plugin_info *info;
	char why[PLUGIN_WHY_MAX];

	(void)state;
	add_strings(maker, "farmer\0Gr\xc3\xbc\xc3\x9f"
			   "e\0(acres:int,name:?string)\0"
			   "io.example.farmer\0Config\0io.example.greeter\0io.example.farmer");
	assert_int_equal(read_made(maker, 0, &info, why), 0);
	assert_int_equal(info->n_actors, 2);
	actor = &info->actors[0];
	assert_string_equal(actor->name, "farmer");
	assert_string_equal(actor->description, "Gr\xc3\xbc\xc3\x9f"
						"e");
	assert_int_equal(actor->n_interfaces, 2);
	assert_string_equal(actor->interfaces[0], "io.example.greeter");
	assert_string_equal(actor->interfaces[1], "io.example.farmer");
	assert_true(actor->config_interface->is_implemented);
	assert_int_equal(actor->config->count, 2);
	assert_string_equal(actor->config->fields[1].name, "name");
	assert_string_equal(actor->config_member->name, "Config");
	assert_ptr_equal(actor->config_interface->name, actor->interfaces[1]);
	assert_null(info->actors[1].config);
	assert_int_equal(info->actors[1].n_interfaces, 1);
	plugin_info_free(info);
}

#define CONFIG "(acres:int,name:?string)"

static void notes_of_tables_are_refused_when_they_are_wrong(void **state)
{
#define CASE(strings, reason)                                                                  \
	{                                                                                      \
		strings, sizeof(strings), reason                                               \
	}
	static const struct {
		const char *strings;
		size_t size;
		const char *reason;
	} cases[] = {
		{"", 0, "its note of a table is malformed"},
		{"farmer", 6, "its note of a table is malformed"},
		CASE("farmer", "\"farmer\": its note of a table is malformed"),
		CASE("farmer\0\0\0", "\"farmer\": its note of a table is malformed"),
		{"farmer\0\0\0\0\0x", 12, "\"farmer\": its note of a table is malformed"},
		CASE("nobody\0\0\0\0", "its note of a table names no actor type"),
		CASE("greeter\0\0\0\0", "\"greeter\": two notes say what its table holds"),
		CASE("farmer\0\xff\0\0\0", "its description is not UTF-8"),
		CASE("farmer\0\0int\0\0", "the type of its configuration is no valid struct"),
		CASE("farmer\0\0(acres:int\0\0", "is no valid struct"),
		CASE("farmer\0\0(a:^7)\0\0", "is no valid struct"),
		CASE("farmer\0\0" CONFIG "\0io.example.nobody\0Config", "malformed"),
		CASE("farmer\0\0" CONFIG "\0\0Config", "malformed"),
		CASE("farmer\0\0\0io.example.farmer\0Config", "malformed"),
		CASE("farmer\0\0" CONFIG "\0io.example.farmer\0", "no type declares its"),
		CASE("farmer\0\0" CONFIG "\0io.example.farmer\0Sow", "no type declares its"),
		CASE("farmer\0\0" CONFIG "\0io.example.farmer\0Other",
		     "its configuration is not what Other declares it to be"),
		CASE("farmer\0\0\0\0\0no name", "malformed"),
		CASE("farmer\0\0\0\0\0io.example.nobody",
		     "it implements io.example.nobody, which the plug-in does not describe"),
		CASE("farmer\0\0\0\0\0org.varlink.service",
		     "it implements org.varlink.service, which only the host does"),
		CASE("farmer\0\0\0\0\0io.troupe.Control",
		     "it implements io.troupe.Control, which only the host does"),
#define F "\0io.example.farmer"
		CASE("farmer\0\0\0\0" F F F F F F F F F, "malformed"),
#undef F
	};
	static char text[7 + 256 + 4] = "farmer";

	(void)state;
	assert_refused(make_farm(), -ENOEXEC, "\"farmer\": no note says what its table holds");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elf_maker *maker = make_farm();

		maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_TABLE, cases[i].strings,
			   cases[i].size);
		assert_refused(maker, -ENOEXEC, cases[i].reason);
	}
	memset(text + 7, 'x', 256);
	struct elf_maker *maker = make_farm();
	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_TABLE, text, sizeof(text));
	assert_refused(maker, -ENOEXEC, "its description is too long");
}

static void plugin_info_names_the_function_that_the_sdk_lacks(void **state)
{
	struct elf_maker *maker = make_good();

	(void)state;
	maker_undefined(maker, "troupe_from_the_future", STB_GLOBAL);
	assert_refused(maker, -ENOEXEC, "needs troupe_from_the_future");
}

static void plugin_info_refuses_writable_data_beyond_the_seal(void **state)
{
	struct elf_maker *maker = make_good();

	(void)state;
	maker->data_size = 17;
	assert_refused(maker, -ENOEXEC, "17 bytes of writable static data");
	maker = make_good();
	maker->tls_size = 8;
	assert_refused(maker, -ENOEXEC, "8 of each thread's own");
	maker = make_good();
	maker->data_size = 1 << 20;
	maker->tls_size = 8;
	assert_accepted(maker, PLUGIN_ALLOW_GLOBALS);

	maker = make_good();
	add_seal(maker, 1 << 20, 0);
	assert_refused(maker, -ENOEXEC, "seal is malformed");

	/* Without a seal, nobody knows whose the bytes are. */
	maker = malloc(sizeof(*maker));
	maker_init(maker);
	add_actor(maker, "bare", TROUPE_ABI_MAJOR, 0);
	assert_accepted(maker, 0);
	maker = malloc(sizeof(*maker));
	maker_init(maker);
	add_actor(maker, "bare", TROUPE_ABI_MAJOR, 0);
	maker->data_size = 1;
	assert_refused(maker, -ENOEXEC, "no seal");
}

/* Of a later minor version: a note may hold more than this host knows, and be of a type that it
 * does not. */
static void plugin_info_reads_notes_as_far_as_it_knows_them(void **state)
{
	static const char actor[] = "\0\0\0\0later\0and more";
	const uint32_t seal[3] = {16, 0, 99};
	char content[sizeof(actor)];
	struct elf_maker *maker = malloc(sizeof(*maker));

	(void)state;
	maker_init(maker);
	memcpy(content, actor, sizeof(actor));
	memcpy(content, (const uint16_t[]){TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR}, 4);
	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_ACTOR, content, sizeof(content));
	add_table_note(maker, "later", NULL);
	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_SEAL, seal, sizeof(seal));
	maker_note(maker, TROUPE_NOTE_OWNER, 99, seal, sizeof(seal));
	maker->data_size = 16;
	assert_accepted(maker, 0);

	maker = malloc(sizeof(*maker));
	maker_init(maker);
	add_actor(maker, "bare", TROUPE_ABI_MAJOR, 0);
	maker_note(maker, TROUPE_NOTE_OWNER, TROUPE_NOTE_TYPE_SEAL, seal, 4);
	assert_refused(maker, -ENOEXEC, "seal is malformed");
}

static void plugin_info_keeps_its_limits(void **state)
{
	char name[64];

	(void)state;
	struct elf_maker *maker = make_good();
	for (int i = 1; i < PLUGIN_ACTORS_MAX; i++) {
		snprintf(name, sizeof(name), "actor%d", i);
		add_actor(maker, name, TROUPE_ABI_MAJOR, 0);
	}
	assert_accepted(maker, 0);
	maker = make_good();
	for (int i = 0; i < PLUGIN_ACTORS_MAX; i++) {
		snprintf(name, sizeof(name), "actor%d", i);
		add_actor(maker, name, TROUPE_ABI_MAJOR, 0);
	}
	assert_refused(maker, -E2BIG, "256 actor types");

	maker = make_good();
	for (int i = 0; i < PLUGIN_INTERFACES_MAX; i++) {
		char text[128];

		snprintf(name, sizeof(name), "io.example.i%d", i);
		snprintf(text, sizeof(text), "interface %s\nmethod A() -> ()\n", name);
		add_interface(maker, name, text);
	}
	assert_refused(maker, -E2BIG, "256 interfaces");

	maker = make_good();
	for (int i = 0; i < PLUGIN_NEEDED_MAX; i++)
		maker_needed(maker, "libm.so.6");
	assert_refused(maker, -E2BIG, "64 libraries");

	maker = make_good();
	for (int i = 0; i < PLUGIN_NOTES_MAX; i++)
		add_interface(maker, "io.example.greeter", greeter);
	assert_refused(maker, -E2BIG, "4096 notes");

	maker = make_good();
	char *content = calloc(1, PLUGIN_NOTES_BYTES);
	maker_note(maker, TROUPE_NOTE_OWNER, 4711, content, PLUGIN_NOTES_BYTES);
	free(content);
	assert_refused(maker, -E2BIG, "bytes of notes");
}

static void plugin_info_reads_a_descriptor(void **state)
{
	struct elf_maker *maker = make_good();
	struct plugin_info *info = NULL;
	char why[PLUGIN_WHY_MAX];
	size_t size;

	(void)state;
	unsigned char *file = maker_make(maker, &size);
	int fd = memfd_create("test", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(plugin_info_read_fd(fd, 0, &info, why), -ENOEXEC);
	assert_string_equal(why, "it is not an ELF file");
	assert_int_equal(write(fd, file, size), (ssize_t)size);
	assert_int_equal(plugin_info_read_fd(fd, 0, &info, why), 0);
	assert_string_equal(info->actors[0].name, "greeter");
	plugin_info_free(info);
	assert_int_equal(ftruncate(fd, (off_t)PLUGIN_FILE_MAX + 1), 0);
	info = NULL;
	assert_int_equal(plugin_info_read_fd(fd, 0, &info, why), -E2BIG);
	assert_non_null(strstr(why, "256 MiB"));
	close(fd);

	fd = open("/", O_RDONLY | O_CLOEXEC);
	assert_int_equal(plugin_info_read_fd(fd, 0, &info, why), -ENOEXEC);
	assert_non_null(strstr(why, "not a regular file"));
	close(fd);
	assert_int_equal(plugin_info_read_fd(fd, 0, &info, why), -EBADF);
	assert_null(info);
	free(file);
	maker_fini(maker);
	free(maker);
}

static void sdk_symbols_are_those_that_the_linker_exports(void **state)
{
	char line[256], name[256];
	unsigned n = 0;
	FILE *file = fopen("daemon/plugin/sdk.symbols", "re");

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, " %255[a-z0-9_];", name) != 1)
			continue;
		assert_string_equal(name, sdk_symbol(n));
		assert_true(sdk_has_symbol(name));
		n++;
	}
	fclose(file);
	assert_null(sdk_symbol(n));
	assert_false(sdk_has_symbol("troupe_"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plugin_info_reports_all_of_a_good_plugin),
		cmocka_unit_test(plugin_info_refuses_what_is_no_elf_file),
		cmocka_unit_test(plugin_info_refuses_every_prefix_of_a_file),
		cmocka_unit_test(plugin_info_refuses_a_file_without_actors),
		cmocka_unit_test(plugin_info_names_both_abis_when_they_differ),
		cmocka_unit_test(plugin_info_refuses_malformed_actor_notes),
		cmocka_unit_test(plugin_info_ignores_notes_of_others_and_of_later_types),
		cmocka_unit_test(plugin_info_refuses_bad_interfaces),
		cmocka_unit_test(plugin_info_takes_other_interfaces_of_varlink),
		cmocka_unit_test(plugin_info_refuses_what_the_dynamic_linker_must_not_do),
		cmocka_unit_test(actor_types_without_a_good_table_are_not_described),
		cmocka_unit_test(notes_of_tables_say_what_actor_types_are),
		cmocka_unit_test(notes_of_tables_are_refused_when_they_are_wrong),
		cmocka_unit_test(tables_of_a_size_that_cannot_be_are_not_described),
		cmocka_unit_test(plugins_whose_relocations_cannot_be_read_are_not_described),
		cmocka_unit_test(plugin_info_names_the_function_that_the_sdk_lacks),
		cmocka_unit_test(plugin_info_refuses_writable_data_beyond_the_seal),
		cmocka_unit_test(plugin_info_reads_notes_as_far_as_it_knows_them),
		cmocka_unit_test(plugin_info_keeps_its_limits),
		cmocka_unit_test(plugin_info_reads_a_descriptor),
		cmocka_unit_test(sdk_symbols_are_those_that_the_linker_exports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What a plug-in's notes say of the tables of its actor types, and when they are refused. */
#include "tests/unit/proto/plugin_maker.h"

#include <errno.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(notes_of_tables_say_what_actor_types_are),
		cmocka_unit_test(notes_of_tables_are_refused_when_they_are_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

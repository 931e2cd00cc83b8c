/* What the host learns of a plug-in without running it, and why it refuses one. */
#include "tests/unit/proto/plugin_maker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

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
		cmocka_unit_test(plugin_info_names_the_function_that_the_sdk_lacks),
		cmocka_unit_test(plugin_info_refuses_writable_data_beyond_the_seal),
		cmocka_unit_test(plugin_info_reads_notes_as_far_as_it_knows_them),
		cmocka_unit_test(plugin_info_keeps_its_limits),
		cmocka_unit_test(plugin_info_reads_a_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The seal: real compilers' objects, judged. */
#include "base/cleanup.h"
#include "proto/seal.h"
#include "workshop.h"
#include <errno.h>

static void names_of_the_runtimes_are_distinguished_from_a_plugins_own(void **state)
{
	static const struct {
		const char *symbol, *source;
		bool runtime;
	} names[] = {
		{"completed.0", "crtstuff.c", true},
		{"completed.0", "hello.c", false},
		{"__dso_handle", "", true},
		{"DW.ref.__gxx_personality_v0", "", true},
		{"counter", "", false},
		{"__counter", "", false},
		{"_ZStL8__ioinit", "hello.cc", true},
		{"_ZNSt6locale7classicEv", "", true},
		{"_ZGVZNKSt8__detail11_AnyMatcherINSt7__cxx1112regex_"
		 "traitsIcEELb0ELb0ELb0EEclEcE5__nul",
		 "", true},
		{"_ZGVZ4bumpvE1s", "", false},
		{"_ZZ4bumpvE1s", "", false},
		{"_ZN5StateE", "", false},
		{"_ZN3std2io5stdio6STDOUT17h0123456789abcdefE", "", true},
		{"_ZN3std2io5stdio6STDOUTE", "", false}, /* C++: a namespace of that name */
		{"_ZN5hello5COUNT17h0123456789abcdefE", "", false},
		{"_RNvNtNtCs1234_3std2io5stdio6STDOUT", "", true},
		{"_RNvMs0_NtNtCs1234_3std6thread2id7COUNTER", "", true},
		{"_RNvCs1234_5hello5COUNT", "", false},
		{"_RNvNtCs1234_99std", "", false},
		{"_R", "", false},
		{"_RN", "", false},
		{"_RNvCs", "", false},
		{"_ZN", "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!!seal_is_runtime(names[i].symbol, names[i].source) != names[i].runtime)
			fail_msg("%s of \"%s\"", names[i].symbol, names[i].source);
}

struct found {
	char symbols[1024]; /* " a b c" */
};

static void note_offender(void *context, const struct seal_offender *offender)
{
	struct found *found = (struct found *)context;
	size_t used = strlen(found->symbols);

	snprintf(found->symbols + used, sizeof(found->symbols) - used, " %s",
		 offender->symbol ? offender->symbol : "?");
}

static int judge_number(const struct workshop *workshop, size_t number, struct found *found,
			struct seal *seal)
{
	char path[64];
	size_t size;
	char *file;
	int r;

	found->symbols[0] = '\0';
	snprintf(path, sizeof(path), "%s/plugin%zu.so", workshop->directory, number);
	file = workshop_read(path, &size);
	r = seal_judge(file, size, note_offender, found, seal);
	free(file);
	return r;
}

static int judge(const struct workshop *workshop, struct found *found, struct seal *seal)
{
	return judge_number(workshop, 0, found, seal);
}

/* Begin to link a text as plug-in NUMBER; `command` is a compiler and its options. */
static pid_t start_link(const struct workshop *workshop, size_t number, const char *command,
			const char *text)
{
	return workshop_start(workshop,
			      "cat >\"$DIR\"/a%zu.c <<'END'\n%s\nEND\n%s -fPIC -shared -o "
			      "\"$DIR\"/plugin%zu.so \"$DIR\"/a%zu.c",
			      number, text, command, number, number);
}

static void link_text(const struct workshop *workshop, const char *command, const char *text)
{
	if (workshop_wait(start_link(workshop, 0, command, text)) != 0)
		fail_msg("cannot compile: %s", command);
}

/* By each of n commands. */
static void check_clean(const struct workshop *workshop, const char *const *commands, size_t n,
			const char *text)
{
	pid_t pids[16];
	struct found found;
	struct seal seal;

	assert_in_range(n, 1, ARRAY_LEN(pids));
	for (size_t i = 0; i < n; i++)
		pids[i] = start_link(workshop, i, commands[i], text);
	for (size_t i = 0; i < n; i++) {
		if (workshop_wait(pids[i]) != 0)
			fail_msg("cannot compile: %s", commands[i]);
		if (judge_number(workshop, i, &found, &seal) != 0)
			fail_msg("%s: %s", commands[i], found.symbols);
	}
}

static void check_offenders(const struct workshop *workshop, const char *command,
			    const char *text, const char *const *symbols)
{
	struct found found;
	struct seal seal;

	link_text(workshop, command, text);
	assert_int_equal(judge(workshop, &found, &seal), -EPERM);
	for (; *symbols; symbols++)
		if (!strstr(found.symbols, *symbols))
			fail_msg("%s: %s is not among%s", command, *symbols, found.symbols);
}

static const char clean_c[] = "#include <stdio.h>\n"
			      "static const char *const words[] = {\"a\", \"b\"};\n"
			      "extern int other(const char *);\n"
			      "int f(int i) { return puts(words[i & 1]) + other(words[0]); }\n";

static void plugin_without_state_of_its_own_is_sealed(void **state)
{
	static const char *const ways[] = {"gcc",
					   "clang -O2",
					   "gcc -O2 -flto -fuse-ld=bfd",
					   "gcc -Wl,-z,norelro",
					   "gcc -Wl,-z,now -fsanitize=address",
					   "clang -fsanitize=address,undefined",
					   "gcc -fsanitize=thread",
					   "gcc --coverage"};

	check_clean((const struct workshop *)*state, ways, ARRAY_LEN(ways), clean_c);
}

static void plugin_in_cxx_with_streams_is_sealed(void **state)
{
	static const char text[] =
		"#include <iostream>\n"
		"extern int g(const char *);\n"
		"int f(const char *s) { try { std::cout << s; return g(s); } "
		"catch (const std::exception &) { return 1; } }\n";
	static const char *const ways[] = {"g++ -std=c++17 -O1 -x c++",
					   "clang++ -std=c++17 -x c++"};

	check_clean((const struct workshop *)*state, ways, ARRAY_LEN(ways), text);
}

static void each_kind_of_state_is_named(void **state)
{
	static const char text[] =
		"static int counter = 1;\n"
		"static _Thread_local int per_thread;\n"
		"const char *changing[] = {\"a\"};\n"
		"char big[64];\n"
		"int f(void) { static _Bool completed; completed = !completed; return "
		"completed + "
		"counter++ + per_thread++ + *changing[0]++ + big[counter]++; }\n";
	static const char *const symbols[] = {" counter", " per_thread", " changing",
					      " big",     "completed",   NULL};
	const struct workshop *workshop = (const struct workshop *)*state;

	check_offenders(workshop, "gcc -w -O1", text, symbols);
	check_offenders(workshop, "clang -w", text, symbols);
	check_offenders(workshop, "gcc -w -fsanitize=address", text, symbols);
}

static void state_of_cxx_is_named_and_its_guards(void **state)
{
	static const char text[] =
		"#include <string>\n"
		"std::string name;\n"
		"namespace { int hidden; }\n"
		"struct A { static inline int shared = 0; };\n"
		"std::string make();\n"
		"int f() { static std::string once = make(); return hidden++ + A::shared++ + "
		"(int)once.size() + (int)name.size(); }\n";
	static const char *const symbols[] = {"name",         "6hiddenE",       "_ZN1A6sharedE",
					      "_ZZ1fvE4once", "_ZGVZ1fvE4once", NULL};

	check_offenders((const struct workshop *)*state, "g++ -std=c++17 -x c++", text,
			symbols);
}

static void data_that_no_symbol_names_is_found(void **state)
{
	static const char text[] = "__asm__(\".data\\n.Lhidden: .zero 64\\n.text\\n\"); int "
				   "f(void) { return 1; }\n";
	static const char *const symbols[] = {" ?", NULL};

	check_offenders((const struct workshop *)*state, "gcc", text, symbols);
}

static void stripped_plugin_is_refused(void **state)
{
	struct found found;
	struct seal seal;

	link_text((const struct workshop *)*state, "gcc -s", clean_c);
	assert_int_equal(judge((const struct workshop *)*state, &found, &seal), -ENODATA);
}

/* The note goes into the plug-in with a second link, which must not change what the first one
 * counted. */
static void seal_holds_after_it_was_linked_in(void **state)
{
	const struct workshop *workshop = (const struct workshop *)*state;
	struct seal before, after;
	struct found found;

	link_text(workshop, "gcc", clean_c);
	assert_int_equal(judge(workshop, &found, &before), 0);
	assert_true(before.writable > 0);
	assert_int_equal(before.tls, 0);
	assert_int_equal(workshop_run(workshop,
				      "echo '#include <troupe/note.h>\nTROUPE_NOTE_SEAL(%u, "
				      "%u)' >\"$DIR\"/seal.c; "
				      "gcc -Iinclude -fPIC -shared -o \"$DIR\"/plugin0.so "
				      "\"$DIR\"/a0.c \"$DIR\"/seal.c",
				      before.writable, before.tls),
			 0);
	assert_int_equal(judge(workshop, &found, &after), 0);
	assert_memory_equal(&before, &after, sizeof(before));
}

int main(void)
{
#define IN_WORKSHOP(test)                                                                      \
	cmocka_unit_test_setup_teardown(test, workshop_setup, workshop_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_the_runtimes_are_distinguished_from_a_plugins_own),
		IN_WORKSHOP(plugin_without_state_of_its_own_is_sealed),
		IN_WORKSHOP(plugin_in_cxx_with_streams_is_sealed),
		IN_WORKSHOP(each_kind_of_state_is_named),
		IN_WORKSHOP(state_of_cxx_is_named_and_its_guards),
		IN_WORKSHOP(data_that_no_symbol_names_is_found),
		IN_WORKSHOP(stripped_plugin_is_refused),
		IN_WORKSHOP(seal_holds_after_it_was_linked_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Headers that troupe-gen makes: do the compilers take them, do they mean what the interface
 * says? */
#include "base/cleanup.h"
#include "base/elf.h"
#include "proto/gen_names.h"
#include "troupe/actor.h"
#include "workshop.h"
#include <errno.h>

#define STRICT "-Wall -Wextra -Wshadow -Wcast-qual -Werror -Iinclude -I\"$DIR\""

#define COMPILERS 4

static const char *const compilers[COMPILERS] = {
	"gcc -std=c11", "clang -std=c11", "g++ -std=c++17 -x c++", "clang++ -std=c++17 -x c++"};
static const char *const interfaces[] = {"hello", "tricky", "types", "bare", "crlf", "long"};

/* Have all compilers look at a file of the workshop, at once. */
static void check_syntax(const struct workshop *workshop, const char *options, const char *file)
{
	pid_t pids[COMPILERS];

	for (size_t i = 0; i < COMPILERS; i++)
		pids[i] = workshop_start(workshop, "%s %s -fsyntax-only \"$DIR\"/%s",
					 compilers[i], options, file);
	for (size_t i = 0; i < COMPILERS; i++)
		if (workshop_wait(pids[i]) != 0)
			fail_msg("%s: %s", compilers[i], file);
}

static void headers_compile_twice_included_in_both_languages(void **state)
{
	const struct workshop *workshop = (const struct workshop *)*state;

	for (int host = 0; host < 2; host++) {
		for (size_t i = 0; i < 6; i++)
			workshop_generate(workshop, interfaces[i], host);
		assert_int_equal(
			workshop_run(workshop,
				     "cd \"$DIR\" && for i in 1 2; do for h in *.h; do "
				     "echo \"#include \\\"$h\\\"\"; done; done >all.c"),
			0);
		check_syntax(workshop, STRICT " -Wpedantic", "all.c");
	}
}

/* How often a note of this type and content stands in a file. */
static size_t count_notes(const struct workshop *workshop, size_t number, uint32_t type,
			  const void *content, size_t size)
{
	struct elf_note note = {0};
	char path[64];
	struct elf elf;
	size_t n = 0, file_size;
	char *file;
	int r;

	snprintf(path, sizeof(path), "%s/plugin%zu.so", workshop->directory, number);
	file = workshop_read(path, &file_size);
	assert_int_equal(elf_init(file, file_size, &elf), 0);
	while ((r = elf_next_note(&elf, TROUPE_NOTE_OWNER, &note)) == 1)
		n += note.type == type && note.size == size &&
		     memcmp(note.content, content, size) == 0;
	assert_int_equal(r, 0);
	free(file);
	return n;
}

/* That of the number. */
static void check_plugin(const struct workshop *workshop, size_t number)
{
	static const char actor[] = {
		TROUPE_ABI_MAJOR, 0, TROUPE_ABI_MINOR, 0, 'h', 'e', 'l', 'l', 'o', 0};
	size_t size;
	char *text = workshop_read(DATA "hello.varlink", &size);
	char *both = (char *)malloc(sizeof("io.troupe.hello") + size + 1);

	assert_non_null(both);
	strcpy(both, "io.troupe.hello");
	strcpy(both + sizeof("io.troupe.hello"), text);
	assert_int_equal(
		count_notes(workshop, number, TROUPE_NOTE_TYPE_ACTOR, actor, sizeof(actor)), 1);
	assert_int_equal(count_notes(workshop, number, TROUPE_NOTE_TYPE_INTERFACE, both,
				     sizeof("io.troupe.hello") + size + 1),
			 1);
	free(both);
	free(text);
}

static void plugin_compiles_and_keeps_its_notes_however_it_is_optimized(void **state)
{
	static const char *const ways[] = {
		"-O0", "-O2 -flto -fuse-ld=bfd -Wl,--gc-sections -fvisibility=hidden",
		"-O1 -fsanitize=address"};
	const struct workshop *workshop = (const struct workshop *)*state;
	pid_t pids[ARRAY_LEN(ways) * COMPILERS];

	workshop_generate(workshop, "hello", false);
	for (size_t i = 0; i < ARRAY_LEN(pids); i++)
		pids[i] = workshop_start(workshop,
					 "%s " STRICT " %s -fPIC -shared -o "
					 "\"$DIR\"/plugin%zu.so " DATA "plugin.c",
					 compilers[i % COMPILERS], ways[i / COMPILERS], i);
	for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
		assert_int_equal(workshop_wait(pids[i]), 0);
		check_plugin(workshop, i);
	}
}

static void wrappers_and_thunks_call_the_sdk_with_what_they_were_given(void **state)
{
	const struct workshop *workshop = (const struct workshop *)*state;
	pid_t pids[COMPILERS];

	workshop_generate(workshop, "hello", false);
	for (size_t i = 0; i < COMPILERS; i++)
		pids[i] =
			workshop_start(workshop,
				       "%s " STRICT " -o \"$DIR\"/drive%zu " DATA "drive.c && "
				       "\"$DIR\"/drive%zu",
				       compilers[i], i, i);
	for (size_t i = 0; i < COMPILERS; i++)
		assert_int_equal(workshop_wait(pids[i]), 0);
}

/* The hashes are part of the protocol between processes: whoever changes them breaks it. */
static void hashes_stay_what_they_are(void **state)
{
	struct idl *idl = workshop_parse("hello");
	struct idl_error error;
	char *text;

	(void)state;
	assert_int_equal(gen_layouts(idl, &text, &error), 0);
	assert_string_equal(text,
			    "68ede94b981c9c8c io.troupe.hello.Greet ( (name:string)\n"
			    "5789726dd22b48b4 io.troupe.hello.Greet > (text:string,count:int)\n"
			    "17fe393e27a711d4 io.troupe.hello.Hush ( ()\n"
			    "e8a04742f26c4974 io.troupe.hello.Hush > ()\n"
			    "b7013d1361333163 io.troupe.hello.NameTooLong ! (limit:int)\n"
			    "478c8b61904e40cb io.troupe.hello.Status ! (class:string)\n");
	free(text);
	idl_free(idl);
}

static char *layout_of(const char *text, const char *method)
{
	const struct idl_member *member;
	struct idl_error error;
	struct idl *idl;
	char *layout = NULL;

	assert_int_equal(idl_parse(text, strlen(text), &idl, &error), 0);
	member = idl_find(idl, method);
	assert_non_null(member);
	assert_int_equal(gen_layout(member->type, &layout), 0);
	idl_free(idl);
	return layout;
}

static void layout_reports_recursion_by_levels(void **state)
{
	char *layout = layout_of("interface a.b\n"
				 "type List (next: ?List, pair: Pair)\n"
				 "type Pair (left: []List, of: [string](again: []Pair))\n"
				 "method M(list: List, colour: (red, green)) -> ()\n",
				 "M");

	(void)state;
	assert_string_equal(layout, "(list:(next:?^0,pair:(left:[]^1,of:[string](again:[]^1))),"
				    "colour:{red,green})");
	free(layout);
}

static void check_refused(const char *text, const char *prefix, unsigned line,
			  const char *message)
{
	struct gen_options options = {.prefix = prefix};
	struct idl_error error;
	struct idl *idl;
	char *header;
	size_t size;

	if (idl_parse(text, strlen(text), &idl, &error) < 0)
		fail_msg("%u:%u: %s", error.line, error.column, error.message);
	assert_int_equal(gen_header(idl, &options, &header, &size, &error), -EINVAL);
	assert_int_equal(error.line, line);
	if (!strstr(error.message, message))
		fail_msg("expected \"%s\", found \"%s\"", message, error.message);
	idl_free(idl);
}

static void names_that_are_one_in_c_are_refused(void **state)
{
	(void)state;
	check_refused("interface a.b\ntype HTTPGet ()\ntype HttpGet ()\n", NULL, 3,
		      "'b_http_get'");
	check_refused("interface a.b\nmethod M() -> ()\ntype MOut (a: int)\n", NULL, 3,
		      "'b_m_out'");
	check_refused("interface a.b\ntype E (red, Red)\n", NULL, 2, "'B_E_RED'");
	check_refused("interface a.b\ntype IntArray (a: int)\ntype T (a: []int)\n", NULL, 2,
		      "'b_int_array'");
	check_refused("interface a.b\nmethod M() -> ()\nerror Parameter()\n", NULL, 3,
		      "'b_m_fail_parameter'");
	/* Descriptors are macros: their names count among structs, functions and fields,
	 * too. */
	check_refused("interface a.b\ntype GreetMethod (a: int)\nmethod Greet() -> ()\n", NULL,
		      3, "'b_greet_method'");
	check_refused("interface a.b\nmethod Greet() -> ()\nmethod GreetType() -> ()\n", NULL,
		      3, "'b_greet_type'");
	check_refused("interface a.b\nerror Lost()\nerror LostError()\n", NULL, 3,
		      "'b_lost_error'");
	check_refused("interface a.b\ntype T (a: []int)\nerror IntArrayType()\n", NULL, 3,
		      "'b_int_array_type'");
	check_refused("interface a.b\nmethod M(b_m_method: int) -> ()\n", NULL, 2,
		      "'b_m_method'");
	check_refused("interface a.bee\nmethod Go() -> ()\nmethod BeeGoOutType() -> ()\n", NULL,
		      3, "'bee_go_out_type'");
	check_refused("interface a.b\n", "No", 1, "is no prefix");
}

#define CROWDS 40

/* An interface that holds as many of the members as are not one in C with each other. */
struct crowd {
	char text[8192];
	char uses[8192]; /* of what the header declares, as C */
};

/* Its header; NULL: there is none for such names. Given. */
static char *header_of(const char *text, const char *prefix)
{
	struct gen_options options = {.prefix = prefix};
	struct idl_error error;
	struct idl *idl;
	char *header = NULL;
	size_t size;

	if (idl_parse(text, strlen(text), &idl, &error) < 0)
		return NULL;
	if (gen_header(idl, &options, &header, &size, &error) < 0)
		header = NULL;
	idl_free(idl);
	return header;
}

/* Whether it had room for the member; `use` is C that uses it. */
static bool crowd_add(struct crowd *crowd, const char *prefix, const char *member,
		      const char *use)
{
	cleanup_free char *header = NULL;
	size_t used = strlen(crowd->text);

	if (used + strlen(member) >= sizeof(crowd->text) ||
	    strlen(crowd->uses) + strlen(use) >= sizeof(crowd->uses))
		return false;
	strcpy(crowd->text + used, member);
	header = header_of(crowd->text, prefix);
	if (header)
		strcat(crowd->uses, use);
	else
		crowd->text[used] = '\0';
	return header != NULL;
}

/* A second member next to those of this interface, of each kind, and called as whatever the
 * header may make of them. What compiles beside others does without them, too: so few headers
 * hold all members. */
static void names_that_are_taken_can_be_used(void **state)
{
	static const char interface[] =
		"interface a.h\n"
		"type T (a: int, e: (red, green), l: []string, m: [string]T, o: ?[]?int)\n"
		"method Greet(name: string) -> (text: string)\nerror Foo(limit: int)\n";
	static const char *const stems[] = {"Greet", "Foo", "T", "StringArray"};
	static const char *const ends[] = {"Out",   "Call",       "Reply",     "ReplyRead",
					   "Ask",   "FailFoo",    "Method",    "Type",
					   "Error", "OutType",    "Array",     "Map",
					   "Typed", "MapEntry",   "ArrayType", "Descriptors",
					   "E",     "WantsReply", "Interface", "Handlers"};
	static const char *const kinds[] = {"type", "error", "method"};
	const struct workshop *workshop = (const struct workshop *)*state;
	struct crowd *crowds = (struct crowd *)calloc(CROWDS, sizeof(*crowds));
	char path[64];
	int taken = 0;
	FILE *file;

	assert_non_null(crowds);
	for (size_t i = 0; i < CROWDS; i++)
		strcpy(crowds[i].text, interface);
	for (size_t i = 0; i < 4 * 20 * 3; i++) {
		const char *stem = stems[i / 60], *end = ends[i / 3 % 20], *kind = kinds[i % 3];
		cleanup_free char *alone = NULL;
		char name[64], member[128], use[320], text[512], prefix[32];
		struct arena arena;
		const char *snake;
		size_t at = 0;

		snprintf(name, sizeof(name), "%s%s", stem, end);
		snprintf(member, sizeof(member), "%s %s (b: int)%s\n", kind, name,
			 strcmp(kind, "method") == 0 ? " -> ()" : "");
		snprintf(text, sizeof(text), "%s%s", interface, member);
		alone = header_of(text, "h");
		if (!alone)
			continue;
		taken++;
		arena_init(&arena);
		snake = gen_member(&arena, name);
		assert_non_null(snake);
		do {
			assert_true(at < CROWDS);
			snprintf(prefix, sizeof(prefix), "h%zu", at);
			snprintf(use, sizeof(use),
				 "struct %s_%s %s_it%zu; const void *%s_at%zu = "
				 "&%s_%s_type;\n",
				 prefix, snake, prefix, i, prefix, i, prefix, snake);
		} while (!crowd_add(&crowds[at++], prefix, member, use));
		arena_fini(&arena);
	}
	assert_true(taken > 150);
	snprintf(path, sizeof(path), "%s/uses.c", workshop->directory);
	file = fopen(path, "w");
	assert_non_null(file);
	for (size_t i = 0; i < CROWDS && crowds[i].uses[0] != '\0'; i++) {
		cleanup_free char *header = NULL;
		char prefix[32];

		snprintf(prefix, sizeof(prefix), "h%zu", i);
		header = header_of(crowds[i].text, prefix);
		fprintf(file,
			"%s\n#undef TROUPE_A_H_VARLINK_H\n%sstruct s%zu { int x; };\n"
			"H%zu_HANDLERS(%s_all, struct s%zu, .greet = NULL)\n",
			header, crowds[i].uses, i, i, prefix, i);
	}
	assert_int_equal(fclose(file), 0);
	free(crowds);
	check_syntax(workshop, "-Werror -Iinclude", "uses.c");
}

static void types_beyond_the_limits_of_layouts_are_refused(void **state)
{
	char text[8192] = "interface a.b\ntype T0 (a: int)\n";
	size_t used = strlen(text);

	(void)state;
	/* Each twice the one before: 2^13 fields written out. */
	for (int i = 1; i < 13; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "type T%d (a: ?T%d, b: ?T%d)\n", i, i - 1, i - 1);
	check_refused(text, NULL, 13, "too large");
	/* A chain: few fields, many levels. */
	used = (size_t)snprintf(text, sizeof(text), "interface a.b\ntype T0 (a: int)\n");
	for (int i = 1; i < 17; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "type T%d (a: ?T%d)\n", i, i - 1);
	check_refused(text, NULL, 18, "too large");
}

static void names_become_snake_case(void **state)
{
	static const struct {
		const char *name, *snake;
	} names[] = {{"NameTooLong", "name_too_long"},
		     {"HTTPGet", "http_get"},
		     {"my-thing", "my_thing"},
		     {"myThing", "my_thing"},
		     {"Get2Items", "get2_items"},
		     {"HTTP", "http"},
		     {"a_b", "a_b"}};
	struct arena arena;

	(void)state;
	arena_init(&arena);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_string_equal(gen_snake(&arena, names[i].name), names[i].snake);
	assert_string_equal(gen_prefix(&arena, "io.troupe.Control"), "control");
	assert_string_equal(gen_prefix(&arena, "io.troupe"), "x_troupe");
	assert_string_equal(gen_prefix(&arena, "a.3d"), "x_3d");
	assert_string_equal(gen_safe(&arena, "class"), "class_");
	assert_string_equal(gen_safe(&arena, "xor_eq"), "xor_eq_");
	assert_string_equal(gen_safe(&arena, "BUFSIZ"), "BUFSIZ_");
	assert_string_equal(gen_safe(&arena, "klass"), "klass");
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			headers_compile_twice_included_in_both_languages, workshop_setup,
			workshop_teardown),
		cmocka_unit_test_setup_teardown(
			plugin_compiles_and_keeps_its_notes_however_it_is_optimized,
			workshop_setup, workshop_teardown),
		cmocka_unit_test_setup_teardown(
			wrappers_and_thunks_call_the_sdk_with_what_they_were_given,
			workshop_setup, workshop_teardown),
		cmocka_unit_test(hashes_stay_what_they_are),
		cmocka_unit_test(layout_reports_recursion_by_levels),
		cmocka_unit_test(names_that_are_one_in_c_are_refused),
		cmocka_unit_test_setup_teardown(names_that_are_taken_can_be_used,
						workshop_setup, workshop_teardown),
		cmocka_unit_test(types_beyond_the_limits_of_layouts_are_refused),
		cmocka_unit_test(names_become_snake_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

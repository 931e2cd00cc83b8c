/* test_source_lines.c - functions and lines of addresses, from what compilers write of them;
 * and troupe-symbolize, which does no more than that. */
#include "symbolize/source_lines.h"

#include "base/cleanup.h"
#include "base/elf.h"
#include "tests/unit/proto/workshop.h"
#include <errno.h>
#include <fcntl.h>

/* Of the name of a file, which is longer than is printed of it. */
#define LONG "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const char source[] =
	"#line 10 \"/some/where/code.c\"\n"
	"static inline __attribute__((always_inline)) int inner(volatile int *p) { return *p; "
	"}\n"
	"static inline __attribute__((always_inline)) int middle(volatile int *p)\n"
	"{\n"
	"	return inner(p) + 1;\n"
	"}\n"
	"int outer(volatile int *p)\n"
	"{\n"
	"	return middle(p) + 2;\n"
	"}\n"
	"#line 3 \"a b\\033[31m" LONG LONG LONG LONG "\"\n"
	"int odd(volatile int *p) { return *p; }\n"
	"#define NEST(name, of) \\\n"
	"	static inline __attribute__((always_inline)) int name(volatile int *p) \\\n"
	"	{ return of(p) + 1; }\n"
	"#line 1 \"deep.c\"\n"
	"NEST(d1, inner) NEST(d2, d1) NEST(d3, d2) NEST(d4, d3) NEST(d5, d4) NEST(d6, d5)\n"
	"NEST(d7, d6) NEST(d8, d7) NEST(d9, d8) NEST(d10, d9) NEST(d11, d10) NEST(d12, d11)\n"
	"NEST(d13, d12) NEST(d14, d13) NEST(d15, d14) NEST(d16, d15) NEST(d17, d16)\n"
	"int deep(volatile int *p) { return d17(p); }\n";

static void build(const struct workshop *workshop, const char *options, const char *name)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/source.c", workshop->directory);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(source, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(workshop_run(workshop,
				      "gcc %s -O1 -fPIC -shared -o \"$DIR\"/%s "
				      "\"$DIR\"/source.c",
				      options, name),
			 0);
}

static int open_built(const struct workshop *workshop, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", workshop->directory, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* Where a function of the file begins, and how long it is. */
static uint64_t find(const struct workshop *workshop, const char *name, const char *function,
		     uint64_t *ret_size)
{
	Elf64_Sym symbol;
	const char *found;
	char path[64];
	struct elf elf;
	size_t size;
	char *file;
	uint64_t at = 0;

	snprintf(path, sizeof(path), "%s/%s", workshop->directory, name);
	file = workshop_read(path, &size);
	assert_int_equal(elf_init(file, size, &elf), 0);
	for (size_t i = 0; i < elf.symbols[ELF_DYNAMIC_SYMBOLS].count && at == 0; i++)
		if (elf_symbol(&elf, ELF_DYNAMIC_SYMBOLS, i, &symbol, &found) == 0 &&
		    strcmp(found, function) == 0) {
			at = symbol.st_value;
			*ret_size = symbol.st_size;
		}
	free(file);
	assert_true(at > 0);
	return at;
}

/* What is written of an address; given. */
static char *lines_of(int fd, uint64_t address)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	source_lines_write(fd, address, 7, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* Whether exactly that is written of some address of the function. */
static bool is_written(const struct workshop *workshop, const char *function, const char *lines)
{
	cleanup_close int fd = open_built(workshop, "debug.so");
	uint64_t size = 0, at = find(workshop, "debug.so", function, &size);
	bool found = false;

	for (uint64_t i = 0; i < size && !found; i++) {
		cleanup_free char *text = lines_of(fd, at + i);

		found = strcmp(text, lines) == 0;
	}
	return found;
}

static void address_has_its_function_and_those_it_was_inlined_into(void **state)
{
	const struct workshop *workshop = *state;

	build(workshop, "-g", "debug.so");
	assert_true(is_written(workshop, "outer",
			       "7 inner code.c:10\n7 middle code.c:13\n7 outer code.c:17\n"));
	assert_true(is_written(workshop, "outer", "7 outer code.c:18\n"));
	/* Also where the compiler writes no index of addresses. */
	assert_int_equal(workshop_run(workshop, "cd \"$DIR\" && objcopy --remove-section "
						".debug_aranges debug.so"),
			 0);
	assert_true(is_written(workshop, "outer", "7 outer code.c:18\n"));
}

/* The master and terminals get printable text without spaces, and not too much of it. */
static void names_are_cut_and_harmless(void **state)
{
	const struct workshop *workshop = *state;
	char lines[300] = "7 odd a?b?[31m" LONG LONG LONG LONG;

	build(workshop, "-g", "debug.so");
	strcpy(lines + strlen("7 odd ") + 200, ":3\n");
	assert_true(is_written(workshop, "odd", lines));
}

static void no_more_than_so_many_functions_are_named(void **state)
{
	const struct workshop *workshop = *state;
	cleanup_close int fd = -1;
	uint64_t size = 0, at;
	unsigned most = 0;

	build(workshop, "-g", "debug.so");
	fd = open_built(workshop, "debug.so");
	at = find(workshop, "debug.so", "deep", &size);
	for (uint64_t i = 0; i < size; i++) {
		cleanup_free char *text = lines_of(fd, at + i);
		unsigned n = 0;

		for (const char *line = text; *line; line = strchr(line, '\n') + 1)
			n++;
		most = n > most ? n : most;
	}
	assert_int_equal(most, SOURCE_LINES_DEPTH);
}

static void nothing_is_written_of_what_is_not_known(void **state)
{
	const struct workshop *workshop = *state;
	cleanup_close int with = -1, without = -1,
			  none = open("/dev/null", O_RDONLY | O_CLOEXEC);
	uint64_t size = 0;

	build(workshop, "-g", "debug.so");
	build(workshop, "-g0", "bare.so");
	with = open_built(workshop, "debug.so");
	without = open_built(workshop, "bare.so");
	for (uint64_t address = 0; address < 1u << 20; address += (1u << 20) - 1) {
		cleanup_free char *text = lines_of(with, address);

		assert_string_equal(text, "");
	}
	cleanup_free char *bare = lines_of(without, find(workshop, "bare.so", "outer", &size));
	cleanup_free char *nothing = lines_of(none, 0);
	assert_string_equal(bare, "");
	assert_string_equal(nothing, "");
}

/* BUILD/tests/unit/symbolize/test_x */
static void program_writes_what_it_is_asked_for(void **state)
{
	const struct workshop *workshop = *state;
	cleanup_free char *text = NULL;
	char program[512], path[64];
	uint64_t size = 0, at;
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

	assert_true(n > 0);
	program[n] = '\0';
	strcpy(strstr(program, "/tests/unit/"), "/troupe-symbolize");
	build(workshop, "-g", "debug.so");
	at = find(workshop, "debug.so", "odd", &size);
	/* It gives up what LeakSanitizer needs at its end. */
	assert_int_equal(setenv("ASAN_OPTIONS", "detect_leaks=0", 1), 0);
	assert_int_equal(workshop_run(workshop,
				      "%s 3:%jx 3:0 3:%jx 3<\"$DIR\"/debug.so "
				      ">\"$DIR\"/printed",
				      program, (uintmax_t)at, (uintmax_t)at),
			 0);
	snprintf(path, sizeof(path), "%s/printed", workshop->directory);
	text = workshop_read(path, NULL);
	assert_memory_equal(text, "0 odd a?b?[31mx", 15);
	assert_non_null(strstr(text, ":3\n2 odd "));
	/* wrong usage */
	assert_int_equal(
		WEXITSTATUS(workshop_run(workshop, "%s 2>&1 >&- | grep -q usage:", program)),
		0);
	assert_int_equal(WEXITSTATUS(workshop_run(workshop, "%s 3:zz 2>&-", program)), 2);
	assert_int_equal(WEXITSTATUS(workshop_run(workshop, "%s 3 2>&-", program)), 2);
	assert_int_equal(WEXITSTATUS(workshop_run(workshop, "%s 2000:1 2>&-", program)), 2);
}

int main(void)
{
#define IN_WORKSHOP(test)                                                                      \
	cmocka_unit_test_setup_teardown(test, workshop_setup, workshop_teardown)
	const struct CMUnitTest tests[] = {
		IN_WORKSHOP(address_has_its_function_and_those_it_was_inlined_into),
		IN_WORKSHOP(names_are_cut_and_harmless),
		IN_WORKSHOP(no_more_than_so_many_functions_are_named),
		IN_WORKSHOP(nothing_is_written_of_what_is_not_known),
		IN_WORKSHOP(program_writes_what_it_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* troupe-gen as its users meet it: files, messages, exit statuses. */
#include "workshop.h"
#include <libgen.h>
#include <limits.h>

#define GOOD "interface org.example.good\nmethod M(a: int) -> ()\n"
#define BAD  "interface org.example.bad\nmethod M(a: in) -> ()\n"

/* Run troupe-gen (GEN) in the directory, with what it says in `said`; returns its exit
 * status. */
static int run(const struct workshop *workshop, const char *arguments, char **ret_said)
{
	char program[PATH_MAX], path[64];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	int status;

	assert_true(n > 0);
	program[n] = '\0';
	for (int up = 0; up < 4; up++)
		dirname(program);
	status = workshop_run(workshop, "GEN='%s/troupe-gen'; cd \"$DIR\"; (%s) >said 2>&1",
			      program, arguments);
	snprintf(path, sizeof(path), "%s/said", workshop->directory);
	*ret_said = workshop_read(path, NULL);
	return WEXITSTATUS(status);
}

static void check(const struct workshop *workshop, const char *arguments, int status,
		  const char *expected)
{
	char *said;
	int found = run(workshop, arguments, &said);

	if (found != status || !strstr(said, expected))
		fail_msg("%s: status %d: %s", arguments, found, said);
	free(said);
}

static void mistake_is_reported_with_its_place_and_leaves_the_old_output(void **state)
{
	const struct workshop *workshop = (const struct workshop *)*state;

	check(workshop, "printf '" BAD "' >b.varlink; echo old >b.h; $GEN -o b.h b.varlink", 1,
	      "b.varlink:2:13: expected a type");
	check(workshop, "cat b.h; ls", 0, "old\nb.h\nb.varlink\nsaid\n");
}

static void what_varlinkctl_cannot_read_is_warned_of(void **state)
{
	const struct workshop *workshop = (const struct workshop *)*state;

	check(workshop,
	      "printf 'interface org.example.w\nmethod M(a: [][]int) -> ()\n' >w.varlink; "
	      "$GEN -o w.h w.varlink && test -s w.h",
	      0, "w.varlink:2:15: warning: ");
	check(workshop, "printf '" GOOD "' >g.varlink; $GEN -o g.h g.varlink; ls g.h", 0,
	      "g.h\n");
}

static void output_is_replaced_as_a_whole_and_readable(void **state)
{
	const struct workshop *workshop = (const struct workshop *)*state;

	check(workshop,
	      "umask 022; printf '" GOOD
	      "' >g.varlink; echo old >g.h; ln g.h other; $GEN -o g.h g.varlink && "
	      "cat other && stat -c %a g.h && grep -c good_m_send g.h",
	      0, "old\n644\n1\n");
	check(workshop, "ls", 0, "g.h\ng.varlink\nother\nsaid\n");
}

/* A file renamed over a device would do away with it. */
static void output_that_is_no_file_is_written_to(void **state)
{
	check((const struct workshop *)*state,
	      "printf '" GOOD
	      "' >g.varlink; mkfifo f; cat f >text & $GEN -o f g.varlink && wait && test -p f "
	      "&& head -c 30 text",
	      0, "/* org.example.good in C: made");
}

static void unusable_files_are_reported(void **state)
{
	const struct workshop *workshop = (const struct workshop *)*state;

	check(workshop, "$GEN -o a.h absent.varlink", 1,
	      "absent.varlink: cannot read: No such file");
	check(workshop, "$GEN -o a.h .", 1, "cannot read: Is a directory");
	check(workshop, "printf '" GOOD "' >g.varlink; $GEN -o absent/a.h g.varlink", 1,
	      "absent/a.h: cannot write: No such file");
	check(workshop, "head -c 2000000 /dev/zero >z.varlink; $GEN -o a.h z.varlink", 1,
	      "z.varlink:1:1: the text is larger than 1 MiB");
}

static void arguments_are_checked(void **state)
{
	const struct workshop *workshop = (const struct workshop *)*state;

	check(workshop, "$GEN --help", 0, "Usage: troupe-gen");
	check(workshop, "$GEN --version", 0, "troupe-gen ");
	check(workshop, "$GEN", 1, "give one file to read");
	check(workshop, "$GEN a b", 1, "give one file to read");
	check(workshop, "$GEN a", 1, "say with -o where to write");
	check(workshop, "$GEN --layout --seal a", 1, "not both");
	check(workshop, "$GEN --sdk | grep -x troupe_send", 0, "troupe_send");
	check(workshop, "$GEN --wrong a", 1, "Try 'troupe-gen --help'");
}

static void prefix_and_host_choose_what_is_made(void **state)
{
	const struct workshop *workshop = (const struct workshop *)*state;

	check(workshop,
	      "printf '" GOOD "' >g.varlink; $GEN --host --prefix other -o g.h g.varlink && "
	      "grep -c 'struct other_m {' g.h; grep -c troupe_send g.h",
	      1, "1\n0\n");
	check(workshop, "$GEN --prefix Other -o g.h g.varlink", 1, "'Other' is no prefix");
}

static void layouts_are_printed(void **state)
{
	check((const struct workshop *)*state,
	      "printf '" GOOD "' >g.varlink; $GEN --layout g.varlink", 0,
	      " org.example.good.M ( (a:int)\n");
}

static void seal_names_what_is_wrong_or_prints_the_note(void **state)
{
	const struct workshop *workshop = (const struct workshop *)*state;

	check(workshop,
	      "echo 'int f(void) { return 1; }' >c.c; gcc -fPIC -shared -o c.so c.c && $GEN "
	      "--seal c.so",
	      0, "TROUPE_NOTE_SEAL(");
	check(workshop, "$GEN --seal c.so -o seal.c && cat seal.c", 0,
	      "#include <troupe/note.h>");
	check(workshop,
	      "echo 'int f(void) { static int n; return n++; }' >c.c; gcc -fPIC -shared -o "
	      "c.so c.c && "
	      "$GEN --seal c.so",
	      1, "(4 bytes in .bss) is writable static data");
	check(workshop, "gcc -s -fPIC -shared -o c.so c.c && $GEN --seal c.so", 1, "stripped");
	check(workshop, "$GEN --seal c.c", 1, "not a shared object");
}

int main(void)
{
#define IN_WORKSHOP(test)                                                                      \
	cmocka_unit_test_setup_teardown(test, workshop_setup, workshop_teardown)
	const struct CMUnitTest tests[] = {
		IN_WORKSHOP(mistake_is_reported_with_its_place_and_leaves_the_old_output),
		IN_WORKSHOP(what_varlinkctl_cannot_read_is_warned_of),
		IN_WORKSHOP(output_is_replaced_as_a_whole_and_readable),
		IN_WORKSHOP(output_that_is_no_file_is_written_to),
		IN_WORKSHOP(unusable_files_are_reported),
		IN_WORKSHOP(arguments_are_checked),
		IN_WORKSHOP(prefix_and_host_choose_what_is_made),
		IN_WORKSHOP(layouts_are_printed),
		IN_WORKSHOP(seal_names_what_is_wrong_or_prints_the_note),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

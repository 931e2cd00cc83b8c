/* test_program.c - troupectl itself: usage, options, and its exit statuses. */
#include "fixture.h"

/* Run troupectl with these arguments of a shell; its exit status. What it printed is in text
 * and errors. */
__attribute__((format(printf, 2, 3))) static int run(struct fixture *fixture,
						     const char *arguments, ...)
{
	char command[1024], program[512];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	int used, status;
	va_list list;

	assert_true(n > 0);
	program[n] = '\0';
	/* BUILD/tests/unit/ctl/test_x */
	strcpy(strstr(program, "/tests/unit/"), "/troupectl");
	used = snprintf(command, sizeof(command), "%s ", program);
	va_start(list, arguments);
	used += vsnprintf(command + used, sizeof(command) - (size_t)used, arguments, list);
	va_end(list);
	snprintf(command + used, sizeof(command) - (size_t)used, " >>/dev/fd/%d 2>>/dev/fd/%d",
		 fileno(fixture->out), fileno(fixture->err));
	status = system(command);
	assert_true(WIFEXITED(status));
	take_output(fixture);
	return WEXITSTATUS(status);
}

static void usage_is_explained(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run(fixture, "--version"), STATUS_OK);
	assert_memory_equal(fixture->text, "troupectl ", 10);
	assert_int_equal(run(fixture, "--help"), STATUS_OK);
	expect_in(fixture->text, "\n  status      the daemon in a few lines\n");
	expect_in(fixture->text, "\n  --socket PATH ");
	assert_int_equal(run(fixture, "stop --help"), STATUS_OK);
	expect_in(fixture->text, "troupectl stop NAME...\n");
	/* Whoever does not know it reads it where errors are. */
	assert_int_equal(run(fixture, "%s", ""), STATUS_USAGE);
	expect_in(fixture->errors, "\n  status      the daemon in a few lines\n");
	assert_string_equal(fixture->text, "");
}

static void wrong_usage_has_a_status_of_its_own(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run(fixture, "statsu"), STATUS_USAGE);
	expect_in(fixture->errors, "there is no verb statsu (did you mean status?)");
	assert_int_equal(run(fixture, "--help statsu"), STATUS_USAGE);
	assert_int_equal(run(fixture, "call"), STATUS_USAGE);
	expect_in(fixture->errors, "usage: troupectl call NAME METHOD|INTERFACE.METHOD ");
	assert_int_equal(run(fixture, "list a"), STATUS_USAGE);
	expect_in(fixture->errors, "usage: troupectl list; see troupectl list --help");
	assert_int_equal(run(fixture, "--more list"), STATUS_USAGE);
	expect_in(fixture->errors, "--more does not go with list; see troupectl list --help");
	/* these ask no daemon, or one of their own */
	assert_int_equal(run(fixture, "--socket /x inspect /dev/null"), STATUS_USAGE);
	expect_in(fixture->errors, "--socket does not go with inspect; see troupectl inspect");
	assert_int_equal(run(fixture, "--instance x run /dev/null"), STATUS_USAGE);
	expect_in(fixture->errors, "--instance does not go with run; see troupectl run");
	assert_int_equal(run(fixture, "--timeout 1s inspect /dev/null"), STATUS_USAGE);
	expect_in(fixture->errors, "--timeout does not go with inspect; see troupectl inspect");
	assert_int_equal(run(fixture, "--help inspect"), STATUS_OK);
	assert_null(strstr(fixture->text, "--socket"));
	assert_null(strstr(fixture->text, "--timeout"));
	assert_int_equal(run(fixture, "--help run"), STATUS_OK);
	expect_in(fixture->text, "--timeout");
	assert_int_equal(run(fixture, "--nonsense"), STATUS_USAGE);
	assert_string_equal(fixture->text, "");
}

static void status_says_how_it_went(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(run(fixture, "--socket %s list", fixture->path), STATUS_OK);
	expect_in(fixture->text, "other failed: why?[31m\n");
	assert_int_equal(run(fixture, "--socket %s show nobody", fixture->path), STATUS_FAILED);
	expect_in(fixture->errors, "no actor is called nobody");
	assert_int_equal(run(fixture, "--socket %s/none list", fixture->directory),
			 STATUS_UNREACHABLE);
	expect_in(fixture->errors, "no daemon listens at ");
	/* Its socket has a name in the environment, too; what is given comes first. */
	assert_int_equal(setenv("TROUPE_SOCKET", fixture->path, 1), 0);
	assert_int_equal(run(fixture, "list"), STATUS_OK);
	assert_int_equal(run(fixture, "--socket /none list"), STATUS_UNREACHABLE);
	assert_int_equal(unsetenv("TROUPE_SOCKET"), 0);
}

static void output_that_does_not_arrive_is_a_failure(void **state)
{
	struct fixture *fixture = *state;

	/* The rest of the command is a comment. */
	assert_int_equal(run(fixture, "--socket %s list >/dev/full 2>>/dev/fd/%d #",
			     fixture->path, fileno(fixture->err)),
			 STATUS_FAILED);
	expect_in(fixture->errors, "cannot write the output: No space left on device");
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(usage_is_explained),
		CASE(wrong_usage_has_a_status_of_its_own),
		CASE(status_says_how_it_went),
		CASE(output_that_does_not_arrive_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

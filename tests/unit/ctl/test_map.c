/* map: lines in, lines out; order, failures, retries, lost connections, slow readers. */
#include "fixture.h"

#include "ctl/verbs.h"

static char *direct(const char *method)
{
	static char name[64];

	snprintf(name, sizeof(name), "com.example.test.%s", method);
	return name;
}

/* Run map over `input`; its status. */
static int map_target(struct fixture *fixture, char **arguments, int n, const char *input)
{
	char path[64];
	int fd, r;

	snprintf(path, sizeof(path), "%s/in", fixture->directory);
	fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, input, strlen(input)), strlen(input));
	close(fd);
	fixture->ctl.options.input = path;
	r = verb_map(&fixture->ctl, arguments, n);
	unlink(path);
	return r;
}

static int map(struct fixture *fixture, const char *method, const char *input)
{
	char *arguments[] = {direct(method), NULL};
	int r = map_target(fixture, arguments, 1, input);

	take_output(fixture);
	return r;
}

static char *numbers(unsigned n)
{
	char *text = malloc((size_t)n * 16 + 1), *at = text;

	*at = '\0';
	for (unsigned i = 0; i < n; i++)
		at += sprintf(at, "{\"n\":%u}\n", i);
	return text;
}

static void map_prints_replies_in_order_when_all_is_well(void **state)
{
	struct fixture *fixture = *state;
	cleanup_free char *input = numbers(5000);

	assert_int_equal(map(fixture, "Echo", input), STATUS_OK);
	assert_string_equal(fixture->text, input);
	assert_string_equal(fixture->errors, "");
}

static void map_calls_named_actor_when_target_has_a_name(void **state)
{
	struct fixture *fixture = *state;
	char *arguments[] = {"unit", "Echo", NULL};
	cleanup_free char *input = numbers(100);

	assert_int_equal(map_target(fixture, arguments, 2, input), STATUS_OK);
	take_output(fixture);
	assert_string_equal(fixture->text, input);
}

static void map_keeps_order_when_some_calls_are_slow(void **state)
{
	struct fixture *fixture = *state;
	cleanup_free char *input = numbers(400);

	/* Calls of one connection overtake none of it; those of others do. */
	fixture->ctl.options.connections = 8;
	fixture->ctl.options.window = 4;
	assert_int_equal(map(fixture, "Slow", input), STATUS_OK);
	assert_string_equal(fixture->text, input);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void map_prints_each_reply_once_when_unordered(void **state)
{
	struct fixture *fixture = *state;
	cleanup_free char *input = numbers(1000), *got = NULL;
	char *lines[1000], *wanted[1000], *save;
	size_t n = 0;

	fixture->ctl.options.given |= OPTION(UNORDERED);
	assert_int_equal(map(fixture, "Echo", input), STATUS_OK);
	got = strdup(fixture->text);
	for (char *at = strtok_r(got, "\n", &save); at; at = strtok_r(NULL, "\n", &save)) {
		assert_true(n < 1000);
		lines[n++] = at;
	}
	assert_int_equal(n, 1000);
	n = 0;
	for (char *at = strtok_r(input, "\n", &save); at; at = strtok_r(NULL, "\n", &save))
		wanted[n++] = at;
	qsort(lines, 1000, sizeof(lines[0]), compare_lines);
	qsort(wanted, 1000, sizeof(wanted[0]), compare_lines);
	for (size_t i = 0; i < 1000; i++)
		assert_string_equal(lines[i], wanted[i]);
}

static void map_fails_single_lines_when_they_are_wrong(void **state)
{
	struct fixture *fixture = *state;

	/* The third line is blank and no call; the last one lacks its end. */
	assert_int_equal(
		map(fixture, "Echo",
		    "{\"n\":1}\nnot json\n\n[1]\n{\"n\":\"\xff\"}\n{\"n\":1} {}\n{\"n\":2}"),
		STATUS_FAILED);
	assert_int_equal(strncmp(fixture->text, "{\"n\":1}\n{\"error\":", 17), 0);
	expect_in(fixture->text, "\"line\":2}\n");
	expect_in(fixture->text, "\"line\":4}\n");
	expect_in(fixture->text, "\"line\":5}\n");
	expect_in(fixture->text, "\"line\":6}\n{\"n\":2}\n");
	expect_in(fixture->errors, "4 of 6 lines failed");
}

static void map_fails_single_line_when_it_is_too_long(void **state)
{
	struct fixture *fixture = *state;
	size_t size = (16 << 20) + 8;
	cleanup_free char *input = malloc(size + 16);

	memset(input, ' ', size);
	input[0] = '{';
	input[size - 1] = '}';
	strcpy(input + size, "\n{\"n\":2}\n");
	assert_int_equal(map(fixture, "Echo", input), STATUS_FAILED);
	assert_string_equal(
		fixture->text,
		"{\"error\":\"org.varlink.service.InvalidParameter\",\"parameters\":"
		"{\"parameter\":\"line\",\"reason\":\"longer than 16 "
		"MiB\"},\"line\":1}\n{\"n\":2}\n");
}

static void map_prints_error_as_one_line_when_actor_fails(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(map(fixture, "Bad", "{}\n"), STATUS_FAILED);
	assert_string_equal(fixture->text, "{\"error\":\"com.example.test.Bad\",\"parameters\":"
					   "{\"code\": 7},\"line\":1}\n");
	assert_int_equal(map(fixture, "Lines", "{}\n"), STATUS_OK);
	assert_string_equal(fixture->text, "{\"a\":1, \"b\":2}\n");
}

static void map_fails_without_trying_again_when_retry_is_not_given(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(map(fixture, "Flaky", "{\"n\":1}\n"), STATUS_FAILED);
	expect_in(fixture->text, "\"error\":\"io.troupe.Control.ActorDied\"");
}

static void map_tries_again_when_failure_may_pass(void **state)
{
	struct fixture *fixture = *state;
	cleanup_free char *input = numbers(50);

	fixture->ctl.options.retry = 3;
	assert_int_equal(map(fixture, "Flaky", input), STATUS_OK);
	assert_string_equal(fixture->text, input);
}

static void map_tries_a_line_that_crashes_three_times_in_all(void **state)
{
	struct fixture *fixture = *state;

	fixture->ctl.options.retry = 8;
	assert_int_equal(map(fixture, "Crash2", "{\"n\":1}\n"), STATUS_OK);
	assert_int_equal(map(fixture, "Crash3", "{\"n\":2}\n"), STATUS_FAILED);
	/* One that died with others is not to blame. */
	assert_int_equal(map(fixture, "Aside4", "{\"n\":3}\n"), STATUS_OK);
}

static void map_tries_again_when_the_unit_is_to_run_again(void **state)
{
	struct fixture *fixture = *state;

	fixture->ctl.options.retry = 3;
	assert_int_equal(map(fixture, "Statebackoff", "{\"n\":1}\n"), STATUS_OK);
	assert_int_equal(map(fixture, "Statestarting", "{\"n\":2}\n"), STATUS_OK);
	assert_int_equal(map(fixture, "Statestopped", "{\"n\":3}\n"), STATUS_FAILED);
}

/* Everything that is held waits for the first line, and is printed at once when that is
 * there. */
static void map_goes_on_when_first_line_was_the_last_to_be_done(void **state)
{
	struct fixture *fixture = *state;
	char input[8 + 8 * 500 + 1] = "{\"n\":0}\n";
	uint64_t start = clock_now_ns();

	for (int i = 0; i < 500; i++)
		strcat(input, "{\"n\":1}\n");
	fixture->ctl.options.retry = 3;
	fixture->ctl.options.connections = 1;
	fixture->ctl.options.window = 4;
	fixture->ctl.options.timeout_ns = 40 * CLOCK_SECOND_NS;
	assert_int_equal(map(fixture, "Flaky", input), STATUS_OK);
	assert_string_equal(fixture->text, input);
	/* Not only once a deadline woke it. */
	assert_true(clock_now_ns() - start < 30 * CLOCK_SECOND_NS);
}

static void map_reads_on_when_all_lines_are_wrong(void **state)
{
	struct fixture *fixture = *state;
	char input[2 * 3000 + 1] = "";

	for (int i = 0; i < 3000; i++)
		memcpy(input + 2 * i, "x\n", 3);
	assert_int_equal(map(fixture, "Echo", input), STATUS_FAILED);
	expect_in(fixture->errors, "3000 of 3000 lines failed");
}

static void map_gives_up_when_all_tries_have_failed(void **state)
{
	struct fixture *fixture = *state;

	fixture->ctl.options.retry = 2;
	assert_int_equal(map(fixture, "Full", "{}\n{}\n"), STATUS_FAILED);
	expect_in(fixture->text, "\"error\":\"io.troupe.Control.Overloaded\"");
	expect_in(fixture->errors, "2 of 2 lines failed");
	/* What cannot pass is not tried again. */
	fixture->ctl.options.retry = 1000;
	assert_int_equal(map(fixture, "Bad", "{}\n"), STATUS_FAILED);
}

static void map_goes_on_when_connections_are_lost(void **state)
{
	struct fixture *fixture = *state;
	cleanup_free char *input = numbers(300);

	fixture->ctl.options.retry = 3;
	assert_int_equal(map(fixture, "Drop", input), STATUS_OK);
	assert_string_equal(fixture->text, input);
}

static void map_fails_calls_in_flight_when_connection_is_lost(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(map(fixture, "Drop", "{\"n\":1}\n"), STATUS_FAILED);
	expect_in(fixture->text, "\"error\":\"io.troupe.Control.PeerDown\"");
	/* The next run meets a server that is there again. */
	assert_int_equal(map(fixture, "Drop", "{\"n\":1}\n"), STATUS_OK);
}

static void map_says_unreachable_when_there_is_no_daemon(void **state)
{
	struct fixture *fixture = *state;

	fixture_stop_daemon(fixture);
	assert_int_equal(map(fixture, "Echo", "{}\n"), STATUS_UNREACHABLE);
	expect_in(fixture->errors, "no daemon listens at");
	expect_in(fixture->errors, fixture->path);
}

static void map_ends_quietly_when_nobody_reads_its_output(void **state)
{
	struct fixture *fixture = *state;
	cleanup_free char *input = numbers(20000);
	char *arguments[] = {direct("Echo"), NULL};
	int ends[2], saved = dup(fileno(fixture->out));

	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	dup2(ends[1], fileno(fixture->out));
	close(ends[1]);
	assert_int_equal(map_target(fixture, arguments, 1, input), STATUS_FAILED);
	dup2(saved, fileno(fixture->out));
	close(saved);
	take_output(fixture);
	assert_string_equal(fixture->errors, "");
}

/* A reader that takes its time gets everything, and holds the reading of input back. */
static void map_waits_when_its_output_is_read_slowly(void **state)
{
	struct fixture *fixture = *state;
	enum { N = 40000, PAD = 200 };
	int in[2], out[2], saved = dup(fileno(fixture->out)), status;
	pid_t writer;
	FILE *replies;
	char line[512];
	unsigned n = 0;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	fflush(NULL);
	/* One process runs map, one writes its input, this one reads. */
	writer = fork();
	if (writer == 0) {
		FILE *lines = fdopen(in[1], "w");

		alarm(60);
		close(in[0]);
		close(out[0]);
		for (unsigned i = 0; i < N; i++)
			fprintf(lines, "{\"n\":%u,\"text\":\"%0*d\"}\n", i, PAD, 0);
		_exit(fclose(lines) == 0 ? 0 : 1);
	}
	close(in[1]);
	{
		pid_t mapper = fork();

		if (mapper == 0) {
			char path[64], *arguments[] = {direct("Echo"), NULL};

			alarm(60);
			close(out[0]);
			dup2(out[1], fileno(fixture->out));
			close(out[1]);
			snprintf(path, sizeof(path), "/proc/self/fd/%d", in[0]);
			fixture->ctl.options.input = path;
			/* A loop does not survive fork(). */
			assert_int_equal(loop_new(&fixture->ctl.loop), 0);
			_exit(verb_map(&fixture->ctl, arguments, 1));
		}
		close(in[0]);
		close(out[1]);
		replies = fdopen(out[0], "r");
		usleep(300000);
		/* Nobody has read yet: the writer is stuck, with most of its lines. */
		assert_int_equal(waitpid(writer, &status, WNOHANG), 0);
		while (fgets(line, sizeof(line), replies)) {
			unsigned got = UINT32_MAX;

			assert_int_equal(sscanf(line, "{\"n\":%u,", &got), 1);
			assert_int_equal(got, n);
			n++;
		}
		fclose(replies);
		assert_int_equal(n, N);
		assert_int_equal(waitpid(mapper, &status, 0), mapper);
		assert_int_equal(status, 0);
	}
	assert_int_equal(waitpid(writer, &status, 0), writer);
	assert_int_equal(status, 0);
	close(saved);
}

/* A signal, sent once the file holds the text; the fake daemon sends others. */
struct cue {
	FILE *file;
	const char *text;
	int signal;
	pid_t whom; /* 0: map itself */
};

static void await_cue(const struct cue *cue)
{
	char text[4096];

	for (unsigned i = 0; i < 20000; i++) {
		ssize_t n = pread(fileno(cue->file), text, sizeof(text) - 1, 0);

		text[n > 0 ? n : 0] = '\0';
		if (strstr(text, cue->text))
			return;
		usleep(1000);
	}
}

/* Run map over an input that does not end, which gets the signals one after the other. Its
 * status. */
static int map_signalled(struct fixture *fixture, const char *method, const char *input,
			 const struct cue *cues, int n)
{
	char path[64], *arguments[] = {direct(method), NULL};
	pid_t killer, self = getpid();
	int in[2], r;

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(write(in[1], input, strlen(input)), strlen(input));
	killer = fork();
	if (killer == 0) {
		for (int i = 0; i < n; i++) {
			await_cue(&cues[i]);
			kill(cues[i].whom ? cues[i].whom : self, cues[i].signal);
		}
		_exit(0);
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", in[0]);
	fixture->ctl.options.input = path;
	r = verb_map(&fixture->ctl, arguments, 1);
	take_output(fixture);
	waitpid(killer, NULL, 0);
	close(in[0]);
	close(in[1]);
	return r;
}

static void map_finishes_what_is_under_way_when_interrupted(void **state)
{
	struct fixture *fixture = *state;
	const struct cue interrupt = {fixture->out, "{\"n\":2}\n", SIGINT, 0},
			 terminate = {fixture->out, "{\"n\":1}\n", SIGTERM, 0};

	assert_int_equal(
		map_signalled(fixture, "Echo", "{\"n\":1}\n{\"n\":2}\n", &interrupt, 1), 130);
	assert_string_equal(fixture->text, "{\"n\":1}\n{\"n\":2}\n");
	expect_in(fixture->errors, "interrupted; 2 lines were done, 0 of them failed");
	assert_int_equal(map_signalled(fixture, "Echo", "{\"n\":1}\n", &terminate, 1), 143);
	assert_string_equal(fixture->text, "{\"n\":1}\n");
}

/* One connection, a window of one: the line behind the slow one was read and is never sent.
 * Who is called interrupts, and answers when that has been noticed. */
static void map_waits_for_calls_in_flight_when_interrupted_once(void **state)
{
	struct fixture *fixture = *state;
	const struct cue answer = {fixture->err, "waiting for the calls under way", SIGUSR1,
				   fixture->daemon};

	fixture->ctl.options.connections = 1;
	fixture->ctl.options.window = 1;
	fixture->ctl.options.retry = 5;
	assert_int_equal(
		map_signalled(fixture, "Long", "{\"n\":1}\n{\"n\":2}\nwrong\n", &answer, 1),
		130);
	assert_string_equal(fixture->text, "{\"n\":1}\n");
	expect_in(fixture->errors, "waiting for the calls under way");
	expect_in(fixture->errors, "interrupted; 1 lines were done, 0 of them failed");
}

static void map_ends_with_what_there_is_when_signalled_twice(void **state)
{
	struct fixture *fixture = *state;
	static const char waits[] = "waiting for the calls under way";
	const struct cue interrupts[] = {{fixture->out, "{\"n\":1}\n", SIGINT, 0},
					 {fixture->err, waits, SIGINT, 0}},
			 terminate = {fixture->err, waits, SIGTERM, 0};
	uint64_t begin = clock_now_ns();

	/* What was answered is printed; what was asked and not answered is a failure. */
	assert_int_equal(map_signalled(fixture, "HangTwo", "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n",
				       interrupts, 2),
			 130);
	assert_string_equal(fixture->text,
			    "{\"n\":1}\n{\"error\":\"io.troupe.Control.Cancelled\","
			    "\"parameters\":{},\"line\":2}\n{\"n\":3}\n");
	assert_true(clock_now_ns() - begin < 40 * CLOCK_SECOND_NS);
	assert_int_equal(
		map_signalled(fixture, "HangInterrupted", "{\"n\":2}\n", &terminate, 1), 143);
	expect_in(fixture->errors, "interrupted; 1 lines were done, 1 of them failed");
}

/* Between two tries, a line is what it was when it failed. */
static void map_fails_what_waits_for_another_try_when_interrupted(void **state)
{
	struct fixture *fixture = *state;

	fixture->ctl.options.retry = 1000;
	assert_int_equal(map_signalled(fixture, "FullInterrupted", "{\"n\":1}\n", NULL, 0),
			 130);
	expect_in(fixture->text, "\"line\":1}\n");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
		CASE(map_prints_replies_in_order_when_all_is_well),
		CASE(map_calls_named_actor_when_target_has_a_name),
		CASE(map_keeps_order_when_some_calls_are_slow),
		CASE(map_prints_each_reply_once_when_unordered),
		CASE(map_fails_single_lines_when_they_are_wrong),
		CASE(map_fails_single_line_when_it_is_too_long),
		CASE(map_prints_error_as_one_line_when_actor_fails),
		CASE(map_fails_without_trying_again_when_retry_is_not_given),
		CASE(map_tries_again_when_failure_may_pass),
		CASE(map_tries_a_line_that_crashes_three_times_in_all),
		CASE(map_tries_again_when_the_unit_is_to_run_again),
		CASE(map_goes_on_when_first_line_was_the_last_to_be_done),
		CASE(map_reads_on_when_all_lines_are_wrong),
		CASE(map_gives_up_when_all_tries_have_failed),
		CASE(map_goes_on_when_connections_are_lost),
		CASE(map_fails_calls_in_flight_when_connection_is_lost),
		CASE(map_says_unreachable_when_there_is_no_daemon),
		CASE(map_ends_quietly_when_nobody_reads_its_output),
		CASE(map_waits_when_its_output_is_read_slowly),
		CASE(map_finishes_what_is_under_way_when_interrupted),
		CASE(map_waits_for_calls_in_flight_when_interrupted_once),
		CASE(map_ends_with_what_there_is_when_signalled_twice),
		CASE(map_fails_what_waits_for_another_try_when_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

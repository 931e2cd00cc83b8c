/* test_symbolizer.c - what a helper writes is hostile, and how long it takes, too.
 * Time is simulated, the helper is not. */
#include "process/symbolizer.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/text.h"
#include "process/child.h"
#include "process/deploy.h"
#include "tests/unit/sim/sim.h"
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "rlimits.h"

static const unsigned two[] = {0, 2};

static void read_text(struct crash *crash, const char *text)
{
	symbolizer_read(crash, two, ARRAY_LEN(two), text, strlen(text));
}

static void places_go_to_the_frames_they_were_asked_for(void **state)
{
	struct crash *crash = calloc(1, sizeof(*crash));

	(void)state;
	assert_non_null(crash);
	crash->n_frames = 3;
	read_text(crash, "0 check hello.c:9\n0 on_greet hello.c:18\n1 main main.c:1\n");
	assert_string_equal(crash->frames[0].place,
			    "check at hello.c:9, inlined into on_greet at hello.c:18");
	assert_string_equal(crash->frames[1].place, "");
	assert_string_equal(crash->frames[2].place, "main at main.c:1");
	free(crash);
}

static void lines_that_are_none_are_passed_over(void **state)
{
	static const char odd[] = "0 \xff\x1b[31m e\xcc:1\n1 a\0b c\n";
	struct crash *crash = calloc(1, sizeof(*crash));
	char *huge = malloc(200000);

	(void)state;
	assert_non_null(crash);
	assert_non_null(huge);
	crash->n_frames = 3;
	read_text(crash, "\n \n  \nx\n0\n0 f\n2 f f:1\n-1 f f:1\n99999999999999999999 f "
			 "f:1\n+0 f f:1\n");
	for (unsigned i = 0; i < PAGE_FRAMES; i++)
		assert_string_equal(crash->frames[i].place, "");
	/* Without an end it is no line yet. */
	read_text(crash, "0 f f:1");
	assert_string_equal(crash->frames[0].place, "");
	/* Anything in between, and more of it than there is room for. */
	symbolizer_read(crash, two, 2, odd, sizeof(odd) - 1);
	assert_string_equal(crash->frames[0].place, "??[31m at e?:1");
	assert_string_equal(crash->frames[2].place, "");
	for (size_t at = 0; at + 12 < 200000; at += 12)
		memcpy(huge + at, "1 \xe2\x82\xac f.c:1  ", 12), huge[at + 11] = '\n';
	symbolizer_read(crash, two, 2, huge, 199992);
	assert_true(strlen(crash->frames[2].place) < CRASH_PLACE);
	assert_true(text_is_utf8(crash->frames[2].place, strlen(crash->frames[2].place)));
	free(huge);
	free(crash);
}

/* ---- real processes in the place of the helper */

struct stage {
	struct loop *loop;
	struct symbolizer symbolizer;
	struct list deployments;
	struct deployment deployment;
	struct crash crash, result;
	unsigned n_done;
	char directory[64], binary[96];
};

static void on_done(void *context, const struct crash *crash)
{
	struct stage *stage = context;

	stage->result = *crash;
	stage->n_done++;
	loop_stop(stage->loop);
}

static int set_up(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));

	assert_non_null(stage);
	assert_int_equal(loop_new(&stage->loop), 0);
	sim_poll(stage->loop, true);
	strcpy(stage->directory, "/tmp/troupe-symbolizer-XXXXXX");
	assert_non_null(mkdtemp(stage->directory));
	(void)snprintf(stage->binary, sizeof(stage->binary), "%s/helper", stage->directory);
	list_init(&stage->deployments);
	stage->deployment = (struct deployment){.number = 5, .fd = 0};
	list_append(&stage->deployments, &stage->deployment.link);
	stage->crash.n_frames = 2;
	stage->crash.frames[0].plugin = 4; /* of which nothing is known */
	stage->crash.frames[1].plugin = 5;
	stage->crash.frames[1].address = 0x1234;
	symbolizer_init(&stage->symbolizer, stage->loop, stage->binary, on_done, stage);
	*state = stage;
	return 0;
}

static int tear_down(void **state)
{
	struct stage *stage = *state;

	symbolizer_fini(&stage->symbolizer);
	loop_free(stage->loop);
	(void)unlink(stage->binary);
	(void)rmdir(stage->directory);
	free(stage);
	return 0;
}

static void write_helper(const struct stage *stage, const char *script)
{
	FILE *file = fopen(stage->binary, "w");

	assert_non_null(file);
	assert_true(fprintf(file, "#!/bin/sh\n%s\n", script) > 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(stage->binary, 0755), 0);
}

/* Wait for the helper, not for time to pass, which stands still meanwhile. */
#define wait_for_helper(stage, condition)                                                      \
	do {                                                                                   \
		for (unsigned i_ = 0; !(condition); i_++) {                                    \
			struct pollfd fds_[] = {{(stage)->symbolizer.output, POLLIN, 0},       \
						{(stage)->symbolizer.pidfd, POLLIN, 0}};       \
			assert_true(i_ < 100000);                                              \
			(void)poll(fds_, ARRAY_LEN(fds_), 100);                                \
			loop_step((stage)->loop, false);                                       \
		}                                                                              \
	} while (0)

static void start(struct stage *stage)
{
	assert_int_equal(
		symbolizer_start(&stage->symbolizer, &stage->deployments, &stage->crash), 0);
	/* One at a time. */
	assert_int_equal(
		symbolizer_start(&stage->symbolizer, &stage->deployments, &stage->crash),
		-EBUSY);
}

static void run(struct stage *stage)
{
	start(stage);
	wait_for_helper(stage, stage->n_done > 0);
	assert_int_equal(stage->n_done, 1);
	assert_string_equal(stage->result.frames[0].place, "");
}

static void helper_is_asked_for_frames_of_known_plugins(void **state)
{
	struct stage *stage = *state;

	/* It gets the file and the address, nothing else, and no environment to speak of. */
	write_helper(stage,
		     "test $# = 1 || exit 1\nls /proc/self/fd | tr '\\n' , > ${0%/*}/fds\n"
		     "echo \"0 $1 $(cat ${0%/*}/fds):1\"\nrm ${0%/*}/fds");
	run(stage);
	assert_memory_equal(stage->result.frames[1].place, "3:1234 at 0,1,2,3,", 18);
}

/* It gets so many files as it can have, and is not asked for the others. */
static void helper_is_asked_for_frames_of_some_of_many_plugins(void **state)
{
	struct stage *stage = *state;
	struct deployment others[CHILD_FDS_MAX + 2];
	char text[16];

	for (unsigned i = 0; i < ARRAY_LEN(others); i++) {
		others[i] = (struct deployment){.number = 10 + i, .fd = dup(0)};
		list_append(&stage->deployments, &others[i].link);
		stage->crash.frames[i].plugin = 10 + i;
		stage->crash.frames[i].address = i;
	}
	/* another frame of the first */
	stage->crash.frames[ARRAY_LEN(others)] = stage->crash.frames[0];
	stage->crash.n_frames = ARRAY_LEN(others) + 1;
	write_helper(stage, "i=0\nfor a; do echo \"$i ${a%:*} $#:1\"; i=$((i + 1)); done");
	start(stage);
	wait_for_helper(stage, stage->n_done > 0);
	for (unsigned i = 0; i <= ARRAY_LEN(others); i++) {
		snprintf(text, sizeof(text), "%u at %d:1",
			 CHILD_FIRST_FD + (i < ARRAY_LEN(others) ? i : 0), CHILD_FDS_MAX + 1);
		if (i == CHILD_FDS_MAX || i == CHILD_FDS_MAX + 1)
			text[0] = '\0';
		assert_string_equal(stage->result.frames[i].place, text);
	}
	for (unsigned i = 0; i < ARRAY_LEN(others); i++) {
		list_remove(&others[i].link);
		close(others[i].fd);
	}
}

/* /dev/null, a pipe, and one for the end of the helper; then it works again. */
static void helper_is_not_started_with_too_few_descriptors(void **state)
{
	struct stage *stage = *state;
	rlim_t before;
	int r;

	write_helper(stage, "echo '0 f f.c:1'");
	for (unsigned n = 0; n < 4; n++) {
		before = lower_limit(RLIMIT_NOFILE, limit_of_free(n));
		r = symbolizer_start(&stage->symbolizer, &stage->deployments, &stage->crash);
		lower_limit(RLIMIT_NOFILE, before);
		assert_int_equal(r, -EMFILE);
		assert_int_equal(stage->n_done, 0);
	}
	run(stage);
	assert_string_equal(stage->result.frames[1].place, "f at f.c:1");
}

static void helper_that_hangs_is_given_up(void **state)
{
	struct stage *stage = *state;

	write_helper(stage, "echo '0 f f.c:1'\nexec sleep 1000");
	start(stage);
	wait_for_helper(stage, buffer_size(&stage->symbolizer.text) > 0);
	assert_int_equal(stage->n_done, 0);
	loop_run(stage->loop);
	assert_int_equal(stage->n_done, 1);
	assert_in_range(loop_clock_ns(stage->loop) - SIM_START_NS, CLOCK_SECOND_NS,
			4 * CLOCK_SECOND_NS);
	assert_string_equal(stage->result.frames[1].place, "f at f.c:1");
}

static void helper_that_floods_is_given_up(void **state)
{
	struct stage *stage = *state;

	write_helper(stage, "exec yes '0 f f.c:1'");
	run(stage);
	assert_memory_equal(stage->result.frames[1].place, "f at f.c:1, inlined into f", 26);
}

static void crash_is_reported_without_places_when_there_is_no_helper(void **state)
{
	struct stage *stage = *state;

	run(stage); /* nothing was written there */
	assert_string_equal(stage->result.frames[1].place, "");
	stage->crash.frames[1].plugin = 0;
	wait_for_helper(stage, stage->symbolizer.pid == 0);
	assert_int_equal(
		symbolizer_start(&stage->symbolizer, &stage->deployments, &stage->crash),
		-ENOENT);
}

static void run_under_way_is_reported_when_the_master_ends(void **state)
{
	struct stage *stage = *state;

	write_helper(stage, "exec sleep 1000");
	assert_int_equal(
		symbolizer_start(&stage->symbolizer, &stage->deployments, &stage->crash), 0);
	symbolizer_fini(&stage->symbolizer);
	assert_int_equal(stage->n_done, 1);
	symbolizer_init(&stage->symbolizer, stage->loop, stage->binary, on_done, stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_go_to_the_frames_they_were_asked_for),
		cmocka_unit_test(lines_that_are_none_are_passed_over),
		cmocka_unit_test_setup_teardown(helper_is_asked_for_frames_of_known_plugins,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			helper_is_asked_for_frames_of_some_of_many_plugins, set_up, tear_down),
		cmocka_unit_test_setup_teardown(helper_is_not_started_with_too_few_descriptors,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(helper_that_hangs_is_given_up, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(helper_that_floods_is_given_up, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(
			crash_is_reported_without_places_when_there_is_no_helper, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(run_under_way_is_reported_when_the_master_ends,
						set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_letters.c - what a worker reports as not delivered: few lines, few events, no lies. */
#include "tests/unit/sim/stage.h"

#include "base/limits.h"
#include "trouped/letters.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void worker_is_ended_when_it_floods_us_with_dead_letters(void **state)
{
	struct stage *stage = *state;
	struct worker_dead_letter letter = {.to = {9, 9, 9, 9, 9},
					    .method = "\n\x01 \xc3\xa4",
					    .reason = "",
					    .count = INT64_MAX};

	stage_say(stage, "{\"method\":\"io.troupe.Control.Watch\",\"oneway\":true}");
	for (unsigned i = 0; i < 20000 && !stage->workers[1]->is_closed; i++) {
		(void)channel_send(stage->workers[1]->channel, &worker_dead_letter_method,
				   &letter, -1);
		if (i % 256 == 0)
			loop_step(stage->master->loop, false);
	}
	stage_expect_replaced(stage);
}

/* How many lines of the log hold a text; *ret_sum: of the numbers before " message" or "
 * more". */
static unsigned read_log(int fd, const char *text, unsigned *ret_sum)
{
	char line[LOG_LINE + 1];
	unsigned n = 0;
	ssize_t size;

	*ret_sum = 0;
	while ((size = read(fd, line, LOG_LINE)) > 0) {
		unsigned number;

		line[size] = '\0';
		if (!strstr(line, text))
			continue;
		assert_int_equal(sscanf(line, "worker 1: %u m", &number), 1);
		*ret_sum += number;
		n++;
	}
	return n;
}

static void dead_letters_of_a_worker_are_few_lines_that_add_up(void **state)
{
	struct stage *stage = *state;
	struct log *log = &stage->master->log;
	int fd = log->sink.fd, pair[2];
	unsigned sum;

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	log_fini(log);
	log_init(log, pair[0], "", LOG_P_INFO);
	for (unsigned i = 0; i < 50; i++)
		stage_tell(stage->workers[1], &worker_dead_letter_method,
			   &(struct worker_dead_letter){
				   .method = "a.b.C", .reason = "mailbox-full", .count = 3});
	for (unsigned i = 0; i < 1000 && stage->master->workers[1]->letters->unlogged < 120;
	     i++)
		loop_step(stage->master->loop, false);
	assert_int_equal(read_log(pair[1], "not delivered", &sum), 10);
	assert_int_equal(sum, 30);
	/* What the limit held back is said at the latest when the process is gone. */
	letters_end(stage->master->workers[1]);
	assert_int_equal(read_log(pair[1], "more messages were not delivered", &sum), 1);
	assert_int_equal(sum, 120);
	log_fini(log);
	log_init(log, fd, "", LOG_P_ERROR);
	close(pair[0]);
	close(pair[1]);
}

static void worker_is_ended_when_its_dead_letters_make_no_sense(void **state)
{
	struct stage *stage = *state;

	stage_tell(stage->workers[1], &worker_dead_letter_method,
		   &(struct worker_dead_letter){.method = "", .reason = "stale", .count = -1});
	stage_expect_replaced(stage);
}

static void worker_is_ended_when_it_reports_no_dead_letters(void **state)
{
	struct stage *stage = *state;

	stage_tell(stage->workers[1], &worker_dead_letter_method,
		   &(struct worker_dead_letter){.method = "", .reason = "stale", .count = 0});
	stage_expect_replaced(stage);
}

static void dead_letters_name_few_actors_in_a_second(void **state)
{
	struct stage *stage = *state;
	unsigned n_named = 0, n_addressed = 0;

	stage_say(stage, "{\"method\":\"io.troupe.Control.Watch\",\"more\":true}");
	stage_expect(stage, "watching");
	for (unsigned i = 0; i < LIMIT_DEAD_LETTER_LOOKS + 20; i++)
		stage_tell(stage->workers[1], &worker_dead_letter_method,
			   &(struct worker_dead_letter){.to = stage_actor(stage, "one"),
							.method = "a.b.C",
							.reason = "mailbox-full",
							.count = 1});
	while (n_named + n_addressed < LIMIT_DEAD_LETTER_LOOKS + 20) {
		stage_until(stage, stage_has_answer);
		n_named += strstr(stage->answer, "\"receiver\":\"one/0\"") != NULL;
		n_addressed += strstr(stage->answer, "\"receiver\":\"0.1.2.") != NULL;
		stage_expect(stage, "deadLetters");
	}
	/* The second may have ended meanwhile. */
	assert_in_range(n_named, LIMIT_DEAD_LETTER_LOOKS, LIMIT_DEAD_LETTER_LOOKS + 20);
	if (stage->master->workers[1]->letters->n_notices > LIMIT_DEAD_LETTER_LOOKS)
		assert_int_equal(n_addressed, 20);
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(worker_is_ended_when_it_floods_us_with_dead_letters),
		TEST(dead_letters_of_a_worker_are_few_lines_that_add_up),
		TEST(worker_is_ended_when_its_dead_letters_make_no_sense),
		TEST(worker_is_ended_when_it_reports_no_dead_letters),
		TEST(dead_letters_name_few_actors_in_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

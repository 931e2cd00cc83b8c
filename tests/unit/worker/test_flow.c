/* test_flow.c - streams and replies of a worker, and what it holds back while nobody reads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/limits.h"
#include "stage.h"
#include <stdio.h>
#include <unistd.h>

#define SLOW "io.troupe.test.slow"

static void worker_streams_until_the_end_or_cancel(void **state)
{
	const struct stage_reply *reply;
	struct troupe_address slow;
	struct stage_worker *w;
	struct stage s;
	int64_t call;
	size_t n;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	slow = stage_cast(w, 1, "slow", "slow", "");
	call = stage_call(w, slow, SLOW ".Stream", "{\"count\":5,\"periodMs\":1}", STAGE_MORE,
			  0);
	for (size_t i = 0; i < 5; i++) {
		char expected[32];

		reply = stage_reply(w, call, i);
		snprintf(expected, sizeof(expected), "{\"number\":%zu}", i + 1);
		assert_string_equal(reply->parameters, expected);
		assert_int_equal(reply->continues, i < 4);
	}
	call = stage_call(w, slow, SLOW ".Stream", "{\"count\":1000000,\"periodMs\":1}",
			  STAGE_MORE, 0);
	stage_reply(w, call, 2);
	stage_tell(w, &worker_cancel_method, &(struct worker_cancel){.call = call});
	stage_tell(w, &worker_cancel_method, &(struct worker_cancel){.call = call});
	assert_reply(stage_ask(w, slow, SLOW ".Answer", "{\"text\":\"x\",\"delayMs\":0}"), NULL,
		     NULL);
	n = w->n_replies;
	assert_reply(stage_ask(w, slow, SLOW ".Answer", "{\"text\":\"x\",\"delayMs\":30}"),
		     NULL, NULL);
	assert_int_equal(w->n_replies, n + 1);
	assert_reply(stage_ask(w, slow, SLOW ".Kept", "{}"), NULL,
		     "{\"kept\":0,\"cancelled\":1}");
	stage_end(&s);
}

static void worker_holds_streams_back_while_the_master_does_not_read(void **state)
{
	struct troupe_address slow;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	slow = stage_cast(w, 1, "slow", "slow", "");
	/* Far more than the channel's queue takes. */
	stage_call(w, slow, SLOW ".Burst", "{\"count\":100000}", STAGE_MORE, 0);
	usleep(100000);
	for (uint64_t n = 10000; n <= 100000; n += 10000) /* with patience for each */
		stage_until(&s, w->told >= n || w->is_closed);
	assert_int_equal(w->told, 100000);
	assert_false(w->is_closed);
	stage_call(w, slow, SLOW ".Answer", "{\"text\":\"x\",\"delayMs\":0}", 0, 0);
	stage_until(&s, w->told == 100001);
	stage_end(&s);
}

static void worker_holds_replies_back_while_the_master_does_not_read(void **state)
{
	enum { WAVES = 16, CALLS = 100 };
	struct troupe_address slow;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	slow = stage_cast(w, 1, "slow", "slow", "");
	/* Together more than the channel's queue takes, and each so large that the socket takes
	 * few. */
	for (int wave = 0; wave < WAVES; wave++) {
		uint64_t end = atomic_load(&w->page->messages) + CALLS, before = 0, now;

		for (int i = 0; i < CALLS; i++)
			stage_call(w, slow, SLOW ".Much", "{\"bytes\":60000}", 0, 0);
		/* When it holds enough it refuses calls without handling them. */
		for (int idle = 0; idle < 20;
		     idle = now == before ? idle + 1 : 0, before = now) {
			now = atomic_load(&w->page->messages);
			if (now >= end)
				break;
			usleep(1000);
		}
	}
	stage_until(&s, w->told == WAVES * CALLS || w->is_closed);
	assert_false(w->is_closed);
	assert_null(
		stage_ask(w, slow, SLOW ".Answer", "{\"text\":\"x\",\"delayMs\":0}")->error);
	stage_end(&s);
}

static void worker_holds_a_stream_back_while_its_client_does_not_read(void **state)
{
	struct troupe_address slow;
	struct stage_worker *w;
	struct stage s;
	int64_t call;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	w->is_reading_late = true;
	slow = stage_cast(w, 1, "slow", "slow", "");
	call = stage_call(w, slow, SLOW ".Burst", "{\"count\":1000}", STAGE_MORE, 0);
	stage_until(&s, w->told == LIMIT_CLIENT_UNREAD);
	/* Others go on. */
	assert_null(
		stage_ask(w, slow, SLOW ".Answer", "{\"text\":\"x\",\"delayMs\":50}")->error);
	assert_int_equal(w->told, LIMIT_CLIENT_UNREAD + 1);
	/* Nonsense changes nothing. */
	stage_take(w, call, -1, 1);
	stage_take(w, call, 1, -1);
	stage_take(w, call + 1, 100, 100);
	assert_null(
		stage_ask(w, slow, SLOW ".Answer", "{\"text\":\"x\",\"delayMs\":50}")->error);
	assert_int_equal(w->told, LIMIT_CLIENT_UNREAD + 2);
	stage_take(w, call, LIMIT_CLIENT_UNREAD, 100000);
	stage_until(&s, w->told == 2 * LIMIT_CLIENT_UNREAD + 2);
	w->is_reading_late = false;
	stage_take(w, call, LIMIT_CLIENT_UNREAD, 100000);
	stage_until(&s, w->told == 1000 + 2);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worker_streams_until_the_end_or_cancel),
		cmocka_unit_test(worker_holds_streams_back_while_the_master_does_not_read),
		cmocka_unit_test(worker_holds_replies_back_while_the_master_does_not_read),
		cmocka_unit_test(worker_holds_a_stream_back_while_its_client_does_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

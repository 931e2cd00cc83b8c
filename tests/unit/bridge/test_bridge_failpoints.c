/* test_bridge_failpoints.c - each allocation and each descriptor of bridge/ fails once, while
 * two processes send each other what there is: small and large, lent, answered, and the end of
 * one of them. */
#include "base/cleanup.h"
#include "base/limits.h"
#include "pair.h"
#include "tests/failpoints/failpoint.h"
#include "tests/failpoints/sweep.h"
#include <errno.h>
#include <string.h>

#define LARGE 100000

/* Sends whatever the peer has not refused; returns the last error. */
static int send_some(struct pair *f, struct pair_process *from, struct pair_process *to,
		     int64_t *number, const char *large)
{
	int result = 0;

	for (int i = 0; i < 60; i++) {
		int r = pair_send_to(f, from, to->address, ENVELOPE_SEND, *number + 1,
				     i % 20 == 19 ? large : "hello");

		if (r < 0)
			result = r;
		else
			++*number;
		pair_give_arenas(f);
		if (i % 10 == 0)
			pair_turn(f, 1);
	}
	return result;
}

/* The link may not be there yet, or its arena; it does what it can, and says what it cannot. */
static int talk(void *data)
{
	cleanup_free char *large = data ? pair_text(1, LARGE) : NULL;
	int64_t to_b = 0, to_a = 0;
	unsigned received;
	struct pair f;
	int r, result = 0;

	sweep_calm();
	pair_begin(&f);
	f.arenas[1] = pair_make_arena(LIMIT_ARENA_BYTES);
	f.arenas[2] = pair_make_arena(LIMIT_ARENA_BYTES);
	sweep_go_on();
	r = bridge_peer_up(f.b.bridge, life_of(1, 1));
	if (r < 0)
		result = r;
	for (int round = 0; round < 3; round++) {
		r = send_some(&f, &f.a, &f.b, &to_b, large);
		if (r < 0)
			result = r;
		r = send_some(&f, &f.b, &f.a, &to_a, large);
		if (r < 0)
			result = r;
		pair_turn(&f, 3);
	}
	sweep_calm();
	pair_run_for(&f, 20000000);
	/* What was accepted has arrived, in order, or was missed and reported. */
	if (f.b.drops + f.b.gaps + f.a.drops + f.a.gaps == 0) {
		assert_int_equal(f.b.envelopes, to_b);
		assert_int_equal(f.a.envelopes, to_a);
	} else {
		result = -ENOMEM;
	}
	received = f.b.envelopes;
	assert_int_equal(pair_send_to(&f, &f.a, f.b.address, ENVELOPE_SEND, to_b + 1, "last"),
			 0);
	pair_turn(&f, 3);
	assert_int_equal(f.b.envelopes, received + 1);
	sweep_go_on();
	bridge_peer_down(f.a.bridge, life_of(2, 1), true);
	pair_run_until(&f, &f.a.downs, 1);
	bridge_close(f.b.bridge, 1000000000, pair_on_closed);
	/* Short of memory it takes its whole time, which is the timer's to show. */
	if (!failpoint_failed())
		pair_run_until(&f, &f.b.closes, 0);
	pair_turn(&f, 3);
	sweep_calm();
	pair_end(&f);
	return result == -EHOSTUNREACH ? -ENOMEM : result;
}

static int open_bridge(void *data)
{
	static const struct bridge_ops ops = {0};
	struct memory memory;
	struct bridge *bridge;
	struct loop *loop;
	int r;

	sweep_calm();
	memory_init(&memory);
	assert_int_equal(loop_new(&loop), 0);
	sweep_go_on();
	r = bridge_new(&(struct bridge_config){.loop = loop,
					       .transport = {&memory_ops, &memory},
					       .directory = data,
					       .process = life_of(1, 1),
					       .ops = &ops},
		       &bridge);
	if (r == 0) {
		r = bridge_peer_up(bridge, life_of(2, 1));
		bridge_free(bridge);
	}
	loop_free(loop);
	return r;
}

static void bridge_sends_what_it_accepts(void **state)
{
	(void)state;
	sweep(open_bridge, "dir");
	sweep(talk, "large");
}

/* ---- what was accepted leaves by itself, when nothing else makes the loop pass */

static void on_late(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("it has not left");
}

static void what_there_was_no_memory_for_leaves_soon(void **state)
{
	struct loop_timer late;
	struct pair f;

	(void)state;
	for (uint64_t number = 1;; number++) {
		uint64_t passed;

		pair_begin_both(&f);
		assert_int_equal(pair_send_note(&f, 1), 0);
		pair_turn(&f, 3);
		assert_int_equal(pair_send_note(&f, 2), 0);
		failpoint_number(number);
		loop_timer_init(&late, f.loop, on_late);
		loop_timer_start(&late, 10000000000);
		while (f.b.last != 2)
			loop_step(f.loop, true);
		loop_timer_stop(&late);
		passed = failpoint_failed();
		failpoint_off();
		pair_end(&f);
		if (!passed)
			break;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bridge_sends_what_it_accepts),
		cmocka_unit_test(what_there_was_no_memory_for_leaves_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

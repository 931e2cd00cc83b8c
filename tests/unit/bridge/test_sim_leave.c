/* test_sim_leave.c - how long a bridge waits for the last frames of a peer that has died. */
#include "base/cleanup.h"
#include "bridge/bridge_inside.h"
#include "pair.h"
#include "tests/unit/sim/sim.h"
#include <string.h>

#define MS_NS 1000000ull

/* Both bridges look at their descriptors, then time passes. */
static void pass(struct pair *f, uint64_t ns)
{
	struct bridge *bridges[] = {f->a.bridge, f->b.bridge};

	for (size_t i = 0; i < ARRAY_LEN(bridges); i++) {
		sim_io_ready(&bridges[i]->inbox_io, LOOP_READ);
		for (size_t worker = 1; worker <= 3; worker++)
			if (bridges[i]->routes.by_worker[worker].link)
				sim_io_ready(&bridges[i]->routes.by_worker[worker].link->io,
					     LOOP_READ);
	}
	loop_step(f->loop, false);
	sim_advance(f->loop, ns);
}

static struct inbox *inbox_of_b(struct pair *f)
{
	return memory_find_inbox(&f->memory, "dir/w2-1");
}

static void bridge_waits_for_last_frames_that_come_one_by_one(void **state)
{
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	inbox_of_b(&f)->room = 0;
	for (int i = 1; i <= 10; i++) {
		assert_int_equal(pair_send_note(&f, i), 0);
		pass(&f, 0);
	}
	bridge_peer_down(f.b.bridge, life_of(1, 1), true);
	for (int i = 1; i <= 10; i++) {
		inbox_of_b(&f)->room = 1;
		pass(&f, 0);
		inbox_of_b(&f)->room = 0;
		pass(&f, 2 * MS_NS);
		assert_int_equal(f.b.downs, 0);
	}
	for (int i = 0; i < 5; i++)
		pass(&f, 2 * MS_NS);
	assert_int_equal(f.b.downs, 1);
	assert_int_equal(f.b.envelopes_at_down, 10);
	pair_end(&f);
}

static void bridge_reports_a_death_soon_when_another_was_reported_before(void **state)
{
	cleanup_free char *text = malloc(1001);
	struct pair_process c;
	struct pair f;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 1000);
	text[1000] = '\0';
	pair_begin_both(&f);
	pair_open_process(&f, &c, 3, 1);
	assert_int_equal(bridge_peer_up(f.b.bridge, life_of(3, 1)), 0);
	/* Much more than one pass delivers: the wait is over before the inbox is empty. */
	for (int i = 1; i <= 20000; i++)
		assert_int_equal(pair_send_to(&f, &f.a, f.b.address, ENVELOPE_REPLY, i, text),
				 0);
	pass(&f, 0);
	bridge_peer_down(f.b.bridge, life_of(3, 1), true);
	for (int i = 0; i < 120; i++)
		pass(&f, 4 * MS_NS);
	assert_int_equal(f.b.downs, 1);
	bridge_peer_down(f.b.bridge, life_of(1, 1), true);
	for (int i = 0; i < 5; i++)
		pass(&f, 2 * MS_NS);
	assert_int_equal(f.b.downs, 2);
	assert_int_equal(f.b.down_incarnation, 1);
	bridge_free(c.bridge);
	pair_end(&f);
}

static void bridge_reports_death_at_last_when_others_never_stop(void **state)
{
	cleanup_free char *text = malloc(60001);
	struct pair_process c;
	unsigned passes = 0;
	struct pair f;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 60000);
	text[60000] = '\0';
	pair_begin_both(&f);
	pair_open_process(&f, &c, 3, 1);
	assert_int_equal(bridge_peer_up(c.bridge, life_of(2, 1)), 0);
	bridge_peer_down(f.b.bridge, life_of(1, 1), true);
	for (int i = 1; f.b.downs == 0 && passes < 1000; passes++) {
		for (int n = 0; n < 40; n++)
			assert_int_equal(
				pair_send_to(&f, &c, f.b.address, ENVELOPE_REPLY, i++, text),
				0);
		pass(&f, 10 * MS_NS);
	}
	assert_in_range(passes, 99, 105);
	bridge_free(c.bridge);
	pair_end(&f);
}

static void bridge_reports_what_is_lost_of_a_frame_that_it_gives_up(void **state)
{
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	for (int i = 1; i <= 20000; i++)
		assert_int_equal(
			pair_send_to(&f, &f.a, f.b.address, ENVELOPE_REPLY, i, "hello"), 0);
	pass(&f, 0);
	bridge_peer_down(f.b.bridge, life_of(1, 1), true);
	/* As if a handler took that long: no time is left for what is there. */
	sim_advance(f.loop, 2000 * MS_NS);
	pass(&f, 0);
	assert_int_equal(f.b.downs, 1);
	assert_true(f.b.envelopes_at_down < 20000);
	assert_int_equal(f.b.gaps, 1);
	assert_true(f.b.lost > 0);
	/* The frames behind it are of a peer that is gone. */
	for (int i = 0; i < 5; i++)
		pass(&f, MS_NS);
	assert_int_equal(f.b.envelopes, f.b.envelopes_at_down);
	assert_string_equal(f.b.reason, "stale-peer");
	pair_end(&f);
}

static void bridge_delivers_no_more_in_a_pass_while_a_peer_leaves(void **state)
{
	unsigned before, most = 0;
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	assert_int_equal(bridge_peer_up(f.b.bridge, life_of(3, 1)), 0);
	for (int i = 1; i <= 4000; i++)
		assert_int_equal(pair_send_to(&f, &f.a, f.b.address, ENVELOPE_REPLY, i, "x"),
				 0);
	link_flush(f.a.bridge->routes.by_worker[2].link);
	bridge_peer_down(f.b.bridge, life_of(3, 1), true);
	for (int i = 0; i < 20; i++) {
		before = f.b.envelopes;
		pass(&f, 4 * MS_NS);
		if (f.b.envelopes - before > most)
			most = f.b.envelopes - before;
	}
	assert_int_equal(f.b.envelopes, 4000);
	assert_in_range(most, 1, LIMIT_MAILBOX_DEFAULT / 2);
	pair_end(&f);
}

/* How it ended is the master's word, even when a frame of its successor was faster. */
static void bridge_says_of_a_peer_how_it_ended(void **state)
{
	static const bool ends[] = {false, true};

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(ends); i++) {
		bool has_successor = i >= ARRAY_LEN(ends);
		bool crashed = ends[i % ARRAY_LEN(ends)];
		struct pair f;

		pair_begin_both(&f);
		if (has_successor) {
			bridge_free(f.a.bridge);
			pair_open_process(&f, &f.a, 1, 2);
			assert_int_equal(bridge_peer_up(f.a.bridge, life_of(2, 1)), 0);
			assert_int_equal(pair_send_note(&f, 1), 0);
			pass(&f, 0);
			pass(&f, 0);
			assert_int_equal(f.b.envelopes, 1);
			assert_int_equal(f.b.downs, 0);
		}
		bridge_peer_down(f.b.bridge, life_of(1, 1), crashed);
		for (int n = 0; n < 5; n++)
			pass(&f, 2 * MS_NS);
		assert_int_equal(f.b.downs, 1);
		assert_int_equal(f.b.down_incarnation, 1);
		assert_int_equal(f.b.has_crashed, crashed);
		pair_end(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bridge_waits_for_last_frames_that_come_one_by_one),
		cmocka_unit_test(bridge_says_of_a_peer_how_it_ended),
		cmocka_unit_test(bridge_reports_a_death_soon_when_another_was_reported_before),
		cmocka_unit_test(bridge_reports_death_at_last_when_others_never_stop),
		cmocka_unit_test(bridge_delivers_no_more_in_a_pass_while_a_peer_leaves),
		cmocka_unit_test(bridge_reports_what_is_lost_of_a_frame_that_it_gives_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

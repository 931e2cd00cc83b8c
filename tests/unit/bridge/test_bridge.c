/* test_bridge.c - links over a transport made of memory: order, batches, back-pressure, gaps,
 * ends. */
#include "base/cleanup.h"
#include "base/limits.h"
#include "pair.h"
#include <string.h>

static void bridge_sends_one_frame_for_all_of_a_pass(void **state)
{
	const struct troupe_type *type;
	const char *name;
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	for (int i = 1; i <= 100; i++)
		assert_int_equal(pair_send_note(&f, i), 0);
	assert_int_equal(pair_stats_of(&f.a).frames_out, 0);
	pair_turn(&f, 3);
	assert_int_equal(f.b.envelopes, 100);
	assert_int_equal(f.b.last, 100);
	assert_int_equal(pair_stats_of(&f.a).frames_out, 1);
	/* The layout went before them, once. */
	assert_int_equal(pair_stats_of(&f.b).envelopes_in, 101);
	assert_true(bridge_find_layout(f.b.bridge, life_of(1, 1), f.hash, &type, &name));
	assert_string_equal(name, NOTE_NAME);
	assert_int_equal(type->count, 2);
	assert_false(bridge_find_layout(f.b.bridge, life_of(1, 1), f.hash + 1, &type, &name));
	assert_int_equal(pair_send_note(&f, 101), 0);
	pair_turn(&f, 3);
	assert_int_equal(pair_stats_of(&f.b).envelopes_in, 102);
	assert_int_equal(f.b.gaps + f.b.drops, 0);
	pair_end(&f);
}

static void bridge_passes_messages_up_to_the_limit(void **state)
{
	size_t size = LIMIT_MESSAGE_BYTES - sizeof(struct pair_note) - 1;
	cleanup_free char *text = malloc(size + 2);
	struct pair f;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', size + 1);
	text[size] = '\0';
	pair_begin_both(&f);
	assert_int_equal(pair_send_note(&f, 1), 0);
	assert_int_equal(pair_send_to(&f, &f.a, f.b.address, ENVELOPE_SEND, 2, text), 0);
	assert_int_equal(pair_send_note(&f, 3), 0);
	pair_turn(&f, 5);
	assert_int_equal(f.b.last, 3);
	assert_int_equal(pair_stats_of(&f.a).frames_out, 3);
	text[size] = 'x';
	text[size + 1] = '\0';
	assert_int_equal(pair_send_to(&f, &f.a, f.b.address, ENVELOPE_SEND, 4, text),
			 -EMSGSIZE);
	pair_end(&f);
}

static void bridge_refuses_sends_and_takes_replies_when_peer_does_not_read(void **state)
{
	cleanup_free char *text = malloc(10001);
	int64_t sent = 0;
	struct pair f;
	int r;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 10000);
	text[10000] = '\0';
	pair_begin_both(&f);
	memory_find_inbox(&f.memory, "dir/w2-1")->room = 0;
	memory_update(&f.memory);
	while ((r = pair_send_to(&f, &f.a, f.b.address, ENVELOPE_SEND, sent + 1, text)) == 0)
		assert_true(++sent < 1000);
	assert_int_equal(r, -EAGAIN);
	assert_in_range(sent * 10000, BRIDGE_UNSENT / 2, 2 * BRIDGE_UNSENT);
	assert_int_equal(pair_send_to(&f, &f.a, f.b.address, ENVELOPE_CALL, sent + 1, "x"),
			 -EAGAIN);
	for (int i = 0; i < 300; i++)
		assert_int_equal(
			pair_send_to(&f, &f.a, f.b.address, ENVELOPE_REPLY, ++sent, text), 0);
	pair_turn(&f, 5);
	assert_int_equal(f.a.rooms, 0);
	memory_find_inbox(&f.memory, "dir/w2-1")->room = 4;
	memory_update(&f.memory);
	pair_turn(&f, 200);
	assert_int_equal(f.a.rooms, 1);
	assert_int_equal(f.b.last, sent);
	assert_int_equal(f.b.gaps, 0);
	assert_int_equal(pair_send_note(&f, sent + 1), 0);
	pair_end(&f);
}

static void bridge_loses_replies_only_beyond_the_hard_limit(void **state)
{
	size_t size = 8u << 20;
	cleanup_free char *text = malloc(size + 1);
	struct pair f;
	int r = 0, sent = 0;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', size);
	text[size] = '\0';
	pair_begin_both(&f);
	memory_find_inbox(&f.memory, "dir/w2-1")->room = 0;
	while (r == 0 && sent < 100)
		r = pair_send_to(&f, &f.a, f.b.address, ENVELOPE_REPLY, ++sent, text);
	assert_int_equal(r, -ENOBUFS);
	assert_in_range(sent, 31, 34);
	pair_end(&f);
}

static void bridge_delivers_a_bounded_amount_in_one_pass(void **state)
{
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	for (int i = 1; i <= 50000; i++)
		assert_int_equal(
			pair_send_to(&f, &f.a, f.b.address, ENVELOPE_REPLY, i, "hello"), 0);
	/* Actors that keep up have room for what each pass adds, and also when one turn of
	 * theirs is cut short. */
	while (f.b.envelopes < 50000) {
		int before = f.b.envelopes;

		pair_turn(&f, 1);
		assert_in_range(f.b.envelopes, before + 1, before + LIMIT_MAILBOX_DEFAULT / 2);
	}
	assert_int_equal(f.b.envelopes, 50000);
	pair_end(&f);
}

static void bridge_reports_gaps(void **state)
{
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	assert_int_equal(pair_send_note(&f, 1), 0);
	pair_turn(&f, 3);
	memory_find_inbox(&f.memory, "dir/w2-1")->swallow = 1;
	for (int i = 2; i <= 8; i++)
		assert_int_equal(pair_send_note(&f, i), 0);
	pair_turn(&f, 3);
	assert_int_equal(pair_send_note(&f, 9), 0);
	pair_turn(&f, 3);
	assert_int_equal(f.b.gaps, 1);
	assert_int_equal(f.b.lost, 7);
	assert_int_equal(f.b.last, 9);
	/* one is a gap, too */
	memory_find_inbox(&f.memory, "dir/w2-1")->swallow = 1;
	assert_int_equal(pair_send_note(&f, 10), 0);
	pair_turn(&f, 3);
	assert_int_equal(pair_send_note(&f, 11), 0);
	pair_turn(&f, 3);
	assert_int_equal(f.b.gaps, 2);
	assert_int_equal(f.b.lost, 8);
	assert_int_equal(f.b.last, 11);
	pair_end(&f);
}

/* Into b's inbox, as if `from` had sent it to `to`. */
static void put_frame_of(struct pair *f, struct troupe_address from, struct troupe_address to,
			 uint64_t sequence, unsigned n_envelopes)
{
	struct envelope e = {.kind = ENVELOPE_SEND, .hash = 6, .from = from, .to = to};
	struct envelope_batch batch;
	const void *data;
	void *payload;
	size_t size;

	envelope_batch_init(&batch, 4096, process_of(from), process_of(to), sequence);
	for (unsigned i = 0; i < n_envelopes; i++)
		assert_int_equal(envelope_batch_add(&batch, &e, &payload), 0);
	data = envelope_batch_data(&batch, &size);
	memory_put(memory_find_inbox(&f->memory, "dir/w2-1"), data, size);
	envelope_batch_fini(&batch);
	pair_turn(f, 3);
}

static void put_frame(struct pair *f, uint64_t sequence, unsigned n_envelopes)
{
	put_frame_of(f, f->a.address, f->b.address, sequence, n_envelopes);
}

static void bridge_delivers_a_frame_once(void **state)
{
	static const unsigned sizes[] = {1, 1, 2, 3, 1};
	unsigned envelopes = 0, drops = 0;
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		put_frame(&f, 1 + envelopes, sizes[i]);
		put_frame(&f, 1 + envelopes, sizes[i]);
		envelopes += sizes[i];
		assert_int_equal(f.b.envelopes, envelopes);
		assert_int_equal(f.b.drops, ++drops);
		assert_string_equal(f.b.reason, "stale-sequence");
	}
	assert_int_equal(f.b.gaps, 0);
	pair_end(&f);
}

static void bridge_reaches_nobody_else(void **state)
{
	struct troupe_address other;
	struct pair f;

	(void)state;
	pair_begin(&f);
	other = f.b.address;
	other.incarnation = 2; /* of the same worker */
	assert_int_equal(pair_send_to(&f, &f.a, other, ENVELOPE_SEND, 1, "x"), -EHOSTUNREACH);
	other.worker = 3; /* not up */
	assert_int_equal(pair_send_to(&f, &f.a, other, ENVELOPE_SEND, 1, "x"), -EHOSTUNREACH);
	other.incarnation = 0;
	assert_int_equal(pair_send_to(&f, &f.a, other, ENVELOPE_SEND, 1, "x"), -EHOSTUNREACH);
	other = f.b.address;
	other.node = 1;
	assert_int_equal(pair_send_to(&f, &f.a, other, ENVELOPE_SEND, 1, "x"), -EHOSTUNREACH);
	assert_int_equal(pair_send_to(&f, &f.a, f.a.address, ENVELOPE_SEND, 1, "x"),
			 -EHOSTUNREACH);
	assert_int_equal(bridge_peer_up(f.a.bridge, life_of(0, 1)), -EINVAL);
	assert_int_equal(bridge_peer_up(f.a.bridge, life_of(1, 1)), -EINVAL);
	assert_int_equal(bridge_peer_up(f.a.bridge, life_of(LIMIT_WORKERS + 1, 1)), -EINVAL);
	pair_end(&f);
}

static void bridge_has_no_route_to_another_node(void **state)
{
	struct process there = {.node = 1, .worker = 2, .incarnation = 1};
	struct troupe_address from, to;
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	assert_int_equal(bridge_peer_up(f.a.bridge, there), -EHOSTUNREACH);
	/* Its worker has the number of a peer of ours, which has nothing to do with it. */
	bridge_peer_down(f.a.bridge, there, true);
	to = f.b.address;
	to.node = 1;
	assert_int_equal(pair_send_to(&f, &f.a, to, ENVELOPE_SEND, 1, "x"), -EHOSTUNREACH);
	assert_int_equal(pair_send_note(&f, 1), 0);
	pair_turn(&f, 3);
	assert_int_equal(f.b.envelopes, 1);
	from = f.a.address;
	from.node = 1;
	put_frame_of(&f, from, f.b.address, 1, 1);
	assert_string_equal(f.b.reason, "stale-peer");
	put_frame_of(&f, f.a.address, to, 3, 1);
	assert_string_equal(f.b.reason, "no-such-actor");
	assert_int_equal(f.b.drops, 2);
	assert_int_equal(f.b.envelopes, 1);
	assert_int_equal(f.a.downs + f.b.downs, 0);
	pair_end(&f);
}

/* The predecessor may live on for a while, hung up, when its successor runs. */
static void bridge_keeps_the_mail_of_two_lives_apart(void **state)
{
	struct pair_process successor;
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	assert_int_equal(pair_send_note(&f, 1), 0);
	pair_turn(&f, 3);
	assert_int_equal(pair_send_note(&f, 2), 0); /* not on its way yet */
	pair_open_process(&f, &successor, 2, 2);
	assert_int_equal(bridge_peer_up(f.a.bridge, life_of(2, 2)), 0);
	assert_int_equal(pair_send_note(&f, 3), -EHOSTUNREACH);
	assert_int_equal(
		pair_send_to(&f, &f.a, successor.address, ENVELOPE_SEND, 4, "to the new"), 0);
	pair_turn(&f, 3);
	assert_int_equal(successor.envelopes, 1);
	assert_int_equal(successor.last, 4);
	assert_int_equal(f.b.last, 1);
	/* What is meant for the one is nothing for the other, wherever it turns up. */
	put_frame_of(&f, f.a.address, successor.address, 3, 1);
	assert_int_equal(f.b.envelopes, 1);
	assert_int_equal(f.b.drops, 1);
	assert_string_equal(f.b.reason, "no-such-actor");
	bridge_free(successor.bridge);
	pair_end(&f);
}

static void bridge_answers_a_peer_that_was_not_announced(void **state)
{
	struct pair f;

	(void)state;
	pair_begin(&f); /* b has not heard of a */
	f.b.answers = true;
	assert_int_equal(pair_send_note(&f, 1), 0);
	pair_turn(&f, 5);
	assert_int_equal(f.b.envelopes, 1);
	assert_int_equal(f.a.failures, 1);
	assert_int_equal(bridge_peer_up(f.b.bridge, life_of(1, 1)), 0);
	assert_int_equal(pair_send_note(&f, 2), 0);
	pair_turn(&f, 5);
	assert_int_equal(f.a.failures, 2);
	assert_int_equal(f.b.downs, 0);
	pair_end(&f);
}

/* The last mail is waited for a second; what comes later is lost. */
static void bridge_reports_death_after_the_last_mail(void **state)
{
	struct pair f;
	uint64_t begin_ns;

	(void)state;
	pair_begin_both(&f);
	for (int i = 1; i <= 30000; i++)
		assert_int_equal(
			pair_send_to(&f, &f.a, f.b.address, ENVELOPE_REPLY, i, "hello"), 0);
	pair_turn(&f, 1);
	assert_true(f.b.envelopes < 30000);
	bridge_free(f.a.bridge);
	f.a.bridge = NULL;
	begin_ns = loop_clock_ns(f.loop);
	bridge_peer_down(f.b.bridge, life_of(1, 1), true);
	assert_int_equal(pair_send_to(&f, &f.b, f.a.address, ENVELOPE_REPLY, 1, "x"),
			 -EHOSTUNREACH);
	assert_int_equal(f.b.downs, 0);
	for (unsigned i = 0; i < 1000 && f.b.downs == 0; i++)
		pair_run_for(&f, 1000000);
	assert_int_equal(f.b.downs, 1);
	assert_int_equal(f.b.down_incarnation, 1);
	/* The pass that was cut short left its last, partly filled batch unsent. */
	if (loop_clock_ns(f.loop) - begin_ns < BRIDGE_LEAVE_MOST_NS)
		assert_true(f.b.envelopes_at_down > 29000);
	assert_int_equal(f.b.envelopes, f.b.envelopes_at_down);
	assert_int_equal(f.b.gaps, 0);
	assert_int_equal(bridge_peer_up(f.b.bridge, life_of(1, 1)), -ESTALE);
	pair_end(&f);
}

static void bridge_drops_late_frames_of_the_dead(void **state)
{
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	assert_int_equal(pair_send_note(&f, 1), 0);
	pair_turn(&f, 3);
	bridge_peer_down(f.b.bridge, life_of(1, 1), true);
	pair_run_until(&f, &f.b.downs, 1);
	assert_true(f.b.has_crashed);
	assert_int_equal(pair_send_note(&f, 2), 0);
	pair_turn(&f, 3);
	assert_int_equal(f.b.envelopes, 1);
	assert_int_equal(f.b.drops, 1);
	assert_string_equal(f.b.reason, "stale-peer");
	/* Its successor is another peer. */
	bridge_free(f.a.bridge);
	pair_open_process(&f, &f.a, 1, 2);
	assert_int_equal(bridge_peer_up(f.a.bridge, life_of(2, 1)), 0);
	assert_int_equal(pair_send_note(&f, 3), 0);
	pair_turn(&f, 3);
	assert_int_equal(f.b.last, 3);
	assert_int_equal(f.b.gaps, 0);
	pair_end(&f);
}

static void bridge_takes_a_successor_before_the_predecessors_end_is_reported(void **state)
{
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	assert_int_equal(pair_send_note(&f, 1), 0);
	pair_turn(&f, 3);
	bridge_free(f.a.bridge);
	pair_open_process(&f, &f.a, 1, 2);
	assert_int_equal(bridge_peer_up(f.a.bridge, life_of(2, 1)), 0);
	assert_int_equal(pair_send_note(&f, 2), 0);
	pair_run_until(&f, &f.b.downs, 1);
	assert_int_equal(f.b.last, 2);
	assert_int_equal(f.b.down_incarnation, 1);
	bridge_peer_down(f.b.bridge, life_of(1, 1), true);
	assert_int_equal(bridge_peer_up(f.b.bridge, life_of(1, 2)), 0);
	pair_run_for(&f, 10000000);
	assert_int_equal(f.b.downs, 1);
	pair_end(&f);
}

/* This process stood still while its peer died twice: what it reads first is of the last of
 * them, which is alive whatever the master's notices, in their order, say of the others. */
static void bridge_keeps_a_successor_while_it_hears_of_its_predecessors(void **state)
{
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	bridge_free(f.a.bridge);
	pair_open_process(&f, &f.a, 1, 3);
	assert_int_equal(bridge_peer_up(f.a.bridge, life_of(2, 1)), 0);
	assert_int_equal(pair_send_note(&f, 1), 0);
	pair_run_until(&f, &f.b.downs, 1);
	assert_int_equal(f.b.down_incarnation, 1);
	bridge_peer_down(f.b.bridge, life_of(1, 1), true);
	assert_int_equal(bridge_peer_up(f.b.bridge, life_of(1, 2)), 0);
	assert_int_equal(pair_send_note(&f, 2), 0);
	pair_turn(&f, 3);
	bridge_peer_down(f.b.bridge, life_of(1, 2), true);
	assert_int_equal(bridge_peer_up(f.b.bridge, life_of(1, 3)), 0);
	assert_int_equal(pair_send_note(&f, 3), 0);
	pair_run_for(&f, 10000000);
	assert_int_equal(f.b.downs, 1);
	assert_int_equal(f.b.last, 3);
	assert_int_equal(f.b.gaps, 0);
	pair_end(&f);
}

static void bridge_checks_who_speaks_and_to_whom(void **state)
{
	struct troupe_address gone;
	struct pair f;
	struct envelope e;

	(void)state;
	pair_begin_both(&f);
	e = (struct envelope){
		.kind = ENVELOPE_CANCEL, .call = 1, .from = f.a.address, .to = f.b.address};
	e.from.incarnation = 7;
	assert_int_equal(bridge_send(f.a.bridge, &e, NULL, NULL, NULL), -EINVAL);
	pair_turn(&f, 3);
	assert_int_equal(f.b.envelopes, 0);
	/* A bridge sends to the right incarnation only, so one is put into the inbox by hand.
	 */
	gone = f.b.address;
	gone.incarnation = 9;
	{
		struct envelope_batch batch;
		const void *data;
		void *payload;
		size_t size;

		envelope_batch_init(&batch, 4096, process_of(f.a.address), process_of(gone), 1);
		e = (struct envelope){.kind = ENVELOPE_CALL,
				      .call = 5,
				      .hash = 6,
				      .deadline_ns = 7,
				      .from = f.a.address,
				      .to = gone};
		assert_int_equal(envelope_batch_add(&batch, &e, &payload), 0);
		e.kind = ENVELOPE_SEND;
		e.call = e.deadline_ns = 0;
		assert_int_equal(envelope_batch_add(&batch, &e, &payload), 0);
		data = envelope_batch_data(&batch, &size);
		memory_put(memory_find_inbox(&f.memory, "dir/w2-1"), data, size);
		envelope_batch_fini(&batch);
	}
	pair_turn(&f, 5);
	assert_int_equal(f.b.envelopes, 0);
	assert_int_equal(f.b.drops, 2);
	assert_string_equal(f.b.reason, "no-such-actor");
	assert_int_equal(f.a.failures, 1);
	pair_end(&f);
}

static void bridge_survives_malformed_frames(void **state)
{
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	for (size_t size = 0; size < 200; size += 7) {
		unsigned char bytes[200];

		memset(bytes, (int)size, size);
		memory_put(memory_find_inbox(&f.memory, "dir/w2-1"), bytes, size);
	}
	assert_int_equal(pair_send_note(&f, 1), 0);
	pair_turn(&f, 3);
	assert_int_equal(f.b.drops, 29);
	assert_string_equal(f.b.reason, "malformed-frame");
	assert_int_equal(f.b.last, 1);
	pair_end(&f);
}

static void bridge_closes_when_the_peer_has_everything(void **state)
{
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	memory_find_inbox(&f.memory, "dir/w2-1")->room = 1;
	for (int i = 1; i <= 20000; i++)
		assert_int_equal(
			pair_send_to(&f, &f.a, f.b.address, ENVELOPE_REPLY, i, "hello"), 0);
	bridge_close(f.a.bridge, 60000000000, pair_on_closed);
	assert_int_equal(f.a.closes, 0);
	assert_int_equal(pair_send_note(&f, 30000), -EHOSTUNREACH);
	for (int i = 0; i < 1000 && f.a.closes == 0; i++)
		pair_turn(&f, 1);
	assert_int_equal(f.a.closes, 1);
	assert_int_equal(bridge_count_unacknowledged(f.a.bridge), 0);
	assert_int_equal(f.b.envelopes, 20000);
	pair_end(&f);
}

static void bridge_closes_when_all_close_at_once(void **state)
{
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	assert_int_equal(pair_send_note(&f, 1), 0);
	bridge_close(f.a.bridge, 60000000000, pair_on_closed);
	bridge_close(f.b.bridge, 60000000000, pair_on_closed);
	pair_run_until(&f, &f.a.closes, 1);
	pair_run_until(&f, &f.b.closes, 1);
	assert_int_equal(f.b.envelopes, 1);
	pair_end(&f);
}

static void bridge_closes_by_the_deadline_when_a_peer_is_silent(void **state)
{
	struct pair f;
	uint64_t begin_ns;

	(void)state;
	pair_begin_both(&f);
	memory_find_inbox(&f.memory, "dir/w2-1")->room = 0;
	assert_int_equal(pair_send_note(&f, 1), 0);
	begin_ns = loop_clock_ns(f.loop);
	bridge_close(f.a.bridge, 500000000, pair_on_closed);
	pair_run_for(&f, 10000000);
	assert_true(f.a.closes == 0 || loop_clock_ns(f.loop) - begin_ns >= 500000000);
	pair_run_until(&f, &f.a.closes, 1);
	assert_int_equal(bridge_count_unacknowledged(f.a.bridge), 1);
	pair_end(&f);
}

static void bridge_closes_when_its_last_peer_dies(void **state)
{
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	memory_find_inbox(&f.memory, "dir/w2-1")->room = 0;
	bridge_close(f.a.bridge, 60000000000, pair_on_closed);
	pair_turn(&f, 3);
	assert_int_equal(f.a.closes, 0);
	bridge_peer_down(f.a.bridge, life_of(2, 1), true);
	pair_run_until(&f, &f.a.closes, 1);
	pair_end(&f);
}

static void bridge_closes_without_a_peer_that_comes_meanwhile(void **state)
{
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	memory_find_inbox(&f.memory, "dir/w2-1")->room = 0;
	bridge_close(f.a.bridge, 60000000000, pair_on_closed);
	assert_int_equal(bridge_peer_up(f.a.bridge, life_of(3, 1)), 0);
	memory_find_inbox(&f.memory, "dir/w2-1")->room = 10;
	memory_update(&f.memory);
	pair_run_until(&f, &f.a.closes, 1);
	pair_end(&f);
}

static void bridge_opens_a_link_as_soon_as_there_is_a_descriptor(void **state)
{
	struct pair f;

	(void)state;
	pair_begin_both(&f);
	bridge_peer_down(f.a.bridge, life_of(2, 1), true);
	bridge_free(f.b.bridge);
	pair_open_process(&f, &f.b, 2, 2);
	f.memory.is_short = true;
	assert_int_equal(bridge_peer_up(f.a.bridge, life_of(2, 2)), -EMFILE);
	assert_int_equal(pair_send_note(&f, 1), -EHOSTUNREACH);
	f.memory.is_short = false;
	assert_int_equal(pair_send_note(&f, 2), 0);
	pair_turn(&f, 3);
	assert_int_equal(f.b.last, 2);
	/* Once it is down there is nothing to try. */
	bridge_peer_down(f.a.bridge, life_of(2, 2), true);
	assert_int_equal(pair_send_note(&f, 3), -EHOSTUNREACH);
	pair_end(&f);
}

static void bridge_refuses_numbers_that_no_worker_has(void **state)
{
	struct bridge_config config = {.directory = "dir", .process = life_of(0, 1)};
	struct bridge *bridge;

	(void)state;
	assert_int_equal(bridge_new(&config, &bridge), -EINVAL);
	config.process = life_of(LIMIT_WORKERS + 1, 1);
	assert_int_equal(bridge_new(&config, &bridge), -EINVAL);
	config.process = life_of(1, 0);
	assert_int_equal(bridge_new(&config, &bridge), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bridge_sends_one_frame_for_all_of_a_pass),
		cmocka_unit_test(bridge_passes_messages_up_to_the_limit),
		cmocka_unit_test(
			bridge_refuses_sends_and_takes_replies_when_peer_does_not_read),
		cmocka_unit_test(bridge_loses_replies_only_beyond_the_hard_limit),
		cmocka_unit_test(bridge_delivers_a_bounded_amount_in_one_pass),
		cmocka_unit_test(bridge_reports_gaps),
		cmocka_unit_test(bridge_delivers_a_frame_once),
		cmocka_unit_test(bridge_reaches_nobody_else),
		cmocka_unit_test(bridge_has_no_route_to_another_node),
		cmocka_unit_test(bridge_keeps_the_mail_of_two_lives_apart),
		cmocka_unit_test(bridge_answers_a_peer_that_was_not_announced),
		cmocka_unit_test(bridge_reports_death_after_the_last_mail),
		cmocka_unit_test(bridge_drops_late_frames_of_the_dead),
		cmocka_unit_test(
			bridge_takes_a_successor_before_the_predecessors_end_is_reported),
		cmocka_unit_test(bridge_keeps_a_successor_while_it_hears_of_its_predecessors),
		cmocka_unit_test(bridge_checks_who_speaks_and_to_whom),
		cmocka_unit_test(bridge_survives_malformed_frames),
		cmocka_unit_test(bridge_closes_when_the_peer_has_everything),
		cmocka_unit_test(bridge_closes_when_all_close_at_once),
		cmocka_unit_test(bridge_closes_by_the_deadline_when_a_peer_is_silent),
		cmocka_unit_test(bridge_closes_when_its_last_peer_dies),
		cmocka_unit_test(bridge_closes_without_a_peer_that_comes_meanwhile),
		cmocka_unit_test(bridge_opens_a_link_as_soon_as_there_is_a_descriptor),
		cmocka_unit_test(bridge_refuses_numbers_that_no_worker_has),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

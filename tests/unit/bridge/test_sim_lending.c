/* test_sim_lending.c - large payloads between links: by reference where both are ready for it,
 * in frames where not, back-pressure, deaths, and peers that lie. */
#include "base/cleanup.h"
#include "base/random.h"
#include "bridge/bridge_inside.h"
#include "pair.h"
#include "tests/unit/sim/sim.h"
#include <string.h>
#include <sys/stat.h>

#define SECOND_NS 1000000000ull
#define MIB       (1u << 20)
#define SEEDS     20

/* Both bridges look at their descriptors. */
static void pass(struct pair *f)
{
	struct bridge *bridges[] = {f->a.bridge, f->b.bridge};

	for (size_t i = 0; i < ARRAY_LEN(bridges); i++) {
		if (!bridges[i])
			continue;
		sim_io_ready(&bridges[i]->inbox_io, LOOP_READ);
		for (size_t worker = 1; worker <= 3; worker++)
			if (bridges[i]->routes.by_worker[worker].link)
				sim_io_ready(&bridges[i]->routes.by_worker[worker].link->io,
					     LOOP_READ);
	}
	loop_step(f->loop, false);
	pair_give_arenas(f);
}

static void passes(struct pair *f, unsigned n)
{
	while (n-- > 0)
		pass(f);
}

static int send_text(struct pair *f, struct pair_process *from, const struct pair_process *to,
		     enum envelope_kind kind, int64_t number, size_t length)
{
	cleanup_free char *text = pair_text(number, length);

	return pair_send_to(f, from, to->address, kind, number, text);
}

/* From a to b. */
static int send_large(struct pair *f, int64_t number, size_t length)
{
	return send_text(f, &f->a, &f->b, ENVELOPE_SEND, number, length);
}

static size_t memory_of(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return (size_t)status.st_blocks * 512;
}

static void begin(struct pair *f)
{
	pair_begin_both(f);
	f->a.is_checking = f->b.is_checking = true;
}

/* a has an arena that b can read; two numbers have been sent. */
static void begin_lending(struct pair *f, size_t arena)
{
	begin(f);
	f->arenas[1] = pair_make_arena(arena);
	for (int i = 1; i <= 2; i++) {
		assert_int_equal(send_large(f, i, MIB), 0);
		passes(f, 4);
	}
	assert_true(f->a.bridge->routes.by_worker[2].link->loans.is_accepted);
	assert_int_equal(f->b.last, 2);
	assert_int_equal(pair_stats_of(&f->a).lent_out, 0);
}

static uint64_t lent(struct pair *f)
{
	return pair_lent_by(&f->a);
}

static void large_payloads_go_by_reference_once_both_are_ready(void **state)
{
	uint64_t before;
	struct pair f;

	(void)state;
	begin(&f);
	/* Nobody needs an arena for this. */
	assert_int_equal(send_large(&f, 1, BRIDGE_INLINE - sizeof(struct pair_note) - 1), 0);
	passes(&f, 4);
	assert_int_equal(f.b.size, BRIDGE_INLINE);
	assert_int_equal(f.a.wants + f.b.wants, 0);
	/* First its own, then the peer that one; meanwhile in frames. */
	f.arenas[1] = pair_make_arena(LIMIT_ARENA_BYTES);
	assert_int_equal(send_large(&f, 2, BRIDGE_INLINE - sizeof(struct pair_note)), 0);
	assert_int_equal(f.a.wanted[1], 1);
	passes(&f, 4);
	assert_int_equal(f.b.wants, 0);
	assert_int_equal(send_large(&f, 3, MIB), 0);
	passes(&f, 4);
	assert_int_equal(f.b.wants, 1);
	assert_int_equal(f.b.last, 3);
	assert_int_equal(pair_stats_of(&f.a).lent_out, 0);
	before = pair_stats_of(&f.a).bytes_out;
	assert_int_equal(send_large(&f, 4, BRIDGE_INLINE - sizeof(struct pair_note)), 0);
	assert_int_equal(send_large(&f, 5, 3 * MIB), 0);
	assert_int_equal(send_large(&f, 6, 5), 0);
	assert_int_equal(send_large(&f, 7, LIMIT_MESSAGE_BYTES - sizeof(struct pair_note) - 1),
			 0);
	assert_int_equal(pair_stats_of(&f.a).lent_out, 3);
	assert_in_range(lent(&f), 19 * MIB, 20 * MIB);
	passes(&f, 10);
	assert_int_equal(f.b.last, 7);
	assert_int_equal(f.b.size, LIMIT_MESSAGE_BYTES);
	assert_in_range(pair_stats_of(&f.a).bytes_out - before, 1, 1000);
	assert_int_equal(lent(&f), 0);
	assert_int_equal(f.a.wants + f.b.wants, 2);
	assert_int_equal(f.a.drops + f.b.drops + f.b.gaps, 0);
	pair_end(&f);
}

static void every_kind_with_a_payload_can_go_by_reference(void **state)
{
	static const enum envelope_kind kinds[] = {ENVELOPE_SEND, ENVELOPE_CALL, ENVELOPE_REPLY,
						   ENVELOPE_ERROR};
	struct pair f;
	int64_t number = 3;

	(void)state;
	begin_lending(&f, LIMIT_ARENA_BYTES);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		assert_int_equal(send_text(&f, &f.a, &f.b, kinds[i], number++, MIB), 0);
	assert_int_equal(pair_stats_of(&f.a).lent_out, ARRAY_LEN(kinds));
	passes(&f, 10);
	assert_int_equal(f.b.last, number - 1);
	assert_int_equal(f.b.envelopes, number - 1);
	assert_int_equal(lent(&f), 0);
	pair_end(&f);
}

static void arena_is_asked_for_again_when_it_does_not_come(void **state)
{
	int64_t number = 0;
	struct pair f;

	(void)state;
	begin(&f);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(send_large(&f, ++number, MIB), 0);
		assert_int_equal(send_large(&f, ++number, MIB), 0);
		passes(&f, 4);
		assert_int_equal(f.a.wants, i + 1);
		sim_advance(f.loop, SECOND_NS);
		passes(&f, 1);
	}
	f.arenas[1] = pair_make_arena(LIMIT_ARENA_BYTES);
	passes(&f, 1);
	/* What was offered is lost on the way. */
	memory_find_inbox(&f.memory, "dir/w2-1")->swallow = 2;
	assert_int_equal(send_large(&f, ++number, MIB), 0);
	passes(&f, 4);
	assert_int_equal(f.b.wants, 0);
	memory_find_inbox(&f.memory, "dir/w2-1")->swallow = 0;
	sim_advance(f.loop, SECOND_NS);
	passes(&f, 1);
	assert_int_equal(send_large(&f, ++number, MIB), 0);
	passes(&f, 4);
	assert_int_equal(f.b.wants, 1);
	/* And so is the answer. */
	f.a.bridge->routes.by_worker[2].link->loans.is_accepted = false;
	sim_advance(f.loop, SECOND_NS);
	passes(&f, 1);
	assert_int_equal(send_large(&f, ++number, MIB), 0);
	passes(&f, 4);
	assert_true(f.a.bridge->routes.by_worker[2].link->loans.is_accepted);
	assert_int_equal(f.b.wants, 1);
	pair_end(&f);
}

static void sends_are_refused_while_much_is_lent(void **state)
{
	int64_t sent = 2;
	struct pair f;
	int r;

	(void)state;
	begin_lending(&f, LIMIT_ARENA_BYTES);
	memory_find_inbox(&f.memory, "dir/w2-1")->room = 0;
	while ((r = send_large(&f, sent + 1, MIB - 100)) == 0)
		assert_true(++sent < 100);
	assert_int_equal(r, -EAGAIN);
	assert_int_equal(lent(&f), BRIDGE_LENT);
	assert_int_equal(send_text(&f, &f.a, &f.b, ENVELOPE_CALL, sent + 1, 5), -EAGAIN);
	/* An answer is not refused, and leaves what remains to others. */
	assert_int_equal(send_text(&f, &f.a, &f.b, ENVELOPE_REPLY, ++sent, MIB), 0);
	assert_int_equal(lent(&f), BRIDGE_LENT);
	passes(&f, 5);
	assert_int_equal(f.a.rooms, 0);
	memory_find_inbox(&f.memory, "dir/w2-1")->room = 1000;
	passes(&f, 50);
	assert_int_equal(f.a.rooms, 1);
	assert_int_equal(f.b.last, sent);
	assert_int_equal(lent(&f), 0);
	assert_int_equal(send_large(&f, sent + 1, MIB), 0);
	passes(&f, 5);
	assert_int_equal(f.b.last, sent + 1);
	pair_end(&f);
}

static void payload_goes_in_the_frame_when_the_arena_is_full(void **state)
{
	struct pair f;

	(void)state;
	begin_lending(&f, 2 * MIB);
	assert_int_equal(send_large(&f, 3, MIB), 0);
	assert_int_equal(send_large(&f, 4, MIB), 0);
	assert_int_equal(send_large(&f, 5, 5 * MIB), 0);
	assert_int_equal(pair_stats_of(&f.a).lent_out, 1);
	passes(&f, 20);
	assert_int_equal(f.b.last, 5);
	assert_int_equal(lent(&f), 0);
	pair_end(&f);
}

static void memory_goes_back_to_the_kernel_when_it_is_idle(void **state)
{
	struct pair f;

	(void)state;
	begin_lending(&f, LIMIT_ARENA_BYTES);
	for (int i = 3; i < 8; i++)
		assert_int_equal(send_large(&f, i, MIB), 0);
	passes(&f, 20);
	assert_int_equal(f.b.last, 7);
	assert_in_range(memory_of(f.arenas[1]), 5 * MIB, 6 * MIB);
	for (int i = 0; i < 3; i++) {
		sim_advance(f.loop, SECOND_NS);
		passes(&f, 2);
	}
	assert_int_equal(memory_of(f.arenas[1]), 0);
	/* Then nothing wakes the worker for it. */
	assert_false(f.a.bridge->lending.timer.started);
	assert_int_equal(send_large(&f, 8, MIB), 0);
	passes(&f, 5);
	assert_int_equal(f.b.last, 8);
	assert_int_equal(pair_stats_of(&f.a).lent_out, 6);
	pair_end(&f);
}

static void blocks_come_back_when_their_holder_dies(void **state)
{
	struct pair f;

	(void)state;
	begin_lending(&f, LIMIT_ARENA_BYTES);
	memory_find_inbox(&f.memory, "dir/w2-1")->room = 0;
	for (int i = 3; i < 6; i++)
		assert_int_equal(send_large(&f, i, MIB), 0);
	passes(&f, 2);
	assert_in_range(lent(&f), 3 * MIB, 4 * MIB);
	bridge_free(f.b.bridge);
	bridge_peer_down(f.a.bridge, life_of(2, 1), true);
	assert_int_equal(lent(&f), 0);
	/* Its successor begins without what it was given. */
	pair_open_process(&f, &f.b, 2, 2);
	f.b.is_checking = true;
	assert_int_equal(bridge_peer_up(f.a.bridge, life_of(2, 2)), 0);
	assert_int_equal(bridge_peer_up(f.b.bridge, life_of(1, 1)), 0);
	assert_int_equal(send_large(&f, 6, MIB), 0);
	assert_int_equal(pair_stats_of(&f.a).lent_out, 3);
	passes(&f, 5);
	assert_int_equal(send_large(&f, 7, MIB), 0);
	assert_int_equal(pair_stats_of(&f.a).lent_out, 4);
	passes(&f, 5);
	assert_int_equal(f.b.last, 7);
	assert_int_equal(lent(&f), 0);
	pair_end(&f);
}

static void last_messages_of_the_dead_are_read_from_its_arena(void **state)
{
	struct pair f;

	(void)state;
	begin_lending(&f, LIMIT_ARENA_BYTES);
	for (int i = 3; i < 9; i++)
		assert_int_equal(send_large(&f, i, MIB), 0);
	link_flush(f.a.bridge->routes.by_worker[2].link);
	bridge_free(f.a.bridge);
	f.a.bridge = NULL;
	close(f.arenas[1]);
	f.arenas[1] = 0;
	bridge_peer_down(f.b.bridge, life_of(1, 1), true);
	passes(&f, 20);
	assert_int_equal(f.b.last, 8);
	sim_advance(f.loop, SECOND_NS);
	passes(&f, 20);
	assert_int_equal(f.b.downs, 1);
	assert_int_equal(f.b.envelopes_at_down, 8);
	pair_end(&f);
}

static void blocks_of_a_frame_that_cannot_be_sent_come_back(void **state)
{
	struct pair f;

	(void)state;
	begin_lending(&f, LIMIT_ARENA_BYTES);
	memory_find_inbox(&f.memory, "dir/w2-1")->refuse = 1;
	for (int i = 3; i < 6; i++)
		assert_int_equal(send_large(&f, i, MIB), 0);
	passes(&f, 5);
	assert_int_equal(lent(&f), 0);
	assert_int_equal(f.b.last, 2);
	assert_int_equal(send_large(&f, 6, MIB), 0);
	passes(&f, 5);
	assert_int_equal(f.b.last, 6);
	assert_int_equal(f.b.lost, 3);
	pair_end(&f);
}

static void those_refused_are_notified_when_what_was_lent_cannot_be_sent(void **state)
{
	int64_t sent = 2;
	struct pair f;

	(void)state;
	begin_lending(&f, LIMIT_ARENA_BYTES);
	memory_find_inbox(&f.memory, "dir/w2-1")->refuse = 1;
	while (send_large(&f, sent + 1, MIB - 100) == 0)
		assert_true(++sent < 100);
	assert_int_equal(lent(&f), BRIDGE_LENT);
	/* Whoever hears of it has something to do, and the turns of this pass are over. */
	assert_true(f.a.bridge->work.callback(&f.a.bridge->work));
	assert_int_equal(f.a.rooms, 1);
	passes(&f, 20);
	assert_int_equal(lent(&f), 0);
	assert_int_equal(f.a.rooms, 1);
	pair_end(&f);
}

/* ---- peers that lie */

/* A frame from a's worker, by hand. */
static void put_envelope(struct pair *f, struct envelope *e, const void *payload, size_t size,
			 struct pair_process *from, struct pair_process *to)
{
	char path[32];
	struct link *link = to->bridge->routes.by_worker[from->address.worker].link;
	struct envelope_batch batch;
	const void *data;
	void *place;

	snprintf(path, sizeof(path), "dir/w%u-%u", to->address.worker, to->address.incarnation);
	envelope_batch_init(&batch, BRIDGE_BATCH, process_of(from->address),
			    process_of(to->address), link ? link->expected : 1);
	e->size = size;
	assert_int_equal(envelope_batch_add(&batch, e, &place), 0);
	memcpy(place, payload, size);
	data = envelope_batch_data(&batch, &size);
	memory_put(memory_find_inbox(&f->memory, path), data, size);
	envelope_batch_fini(&batch);
}

static void put_reference(struct pair *f, uint32_t piece, uint32_t size)
{
	const struct envelope_reference reference = {piece, size};
	struct envelope e = {.kind = ENVELOPE_SEND,
			     .flags = ENVELOPE_LENT,
			     .hash = f->hash,
			     .from = f->a.address,
			     .to = f->b.address};

	put_envelope(f, &e, &reference, sizeof(reference), &f->a, &f->b);
	passes(f, 4);
}

static void references_to_nothing_are_dropped_and_counted(void **state)
{
	static const struct envelope_reference bad[] = {
		{0, 0},
		{0, 16 * LIMIT_ARENA_PIECE + 1},
		{15, LIMIT_ARENA_PIECE + 1},
		{16, 1},
		{UINT32_MAX, 1},
		{0, UINT32_MAX},
		{UINT32_MAX, UINT32_MAX},
		{0, LIMIT_MESSAGE_BYTES + 1},
		{0x10000, LIMIT_ARENA_PIECE}, /* times the size of a piece: 0 in 32 bits */
	};
	struct pair f;

	(void)state;
	begin_lending(&f, 16 * LIMIT_ARENA_PIECE);
	f.b.is_checking = false;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		put_reference(&f, bad[i].piece, bad[i].size);
		assert_int_equal(f.b.drops, i + 1);
		assert_string_equal(f.b.reason, "bad-reference");
	}
	assert_int_equal(f.b.envelopes, 2);
	/* All of it, and what overlaps: the same bytes twice do no harm, and are given back
	 * once. */
	for (uint32_t i = 0; i < 4; i++) {
		f.b.last = -1;
		put_reference(&f, i / 2, (16 - i) * LIMIT_ARENA_PIECE);
		assert_int_equal(f.b.envelopes, 3 + i);
		assert_int_equal(f.b.size, (16 - i) * LIMIT_ARENA_PIECE);
	}
	/* The peer, who never lent those, drops what it is told; nothing else happens. */
	assert_string_equal(f.a.reason, "bad-return");
	assert_int_equal(f.a.drops, 4);
	assert_int_equal(lent(&f), 0);
	pair_end(&f);
}

static void references_are_dropped_before_there_is_an_arena(void **state)
{
	struct pair f;

	(void)state;
	begin(&f);
	put_reference(&f, 0, 100000);
	assert_int_equal(f.b.drops, 1);
	assert_string_equal(f.b.reason, "bad-reference");
	assert_int_equal(f.b.envelopes, 0);
	/* A frame from one whose link is not up yet. */
	bridge_peer_down(f.b.bridge, life_of(1, 1), true);
	sim_advance(f.loop, SECOND_NS);
	passes(&f, 5);
	f.a.address.incarnation = 2;
	put_reference(&f, 0, 100000);
	assert_int_equal(f.b.drops, 2);
	assert_int_equal(f.b.envelopes, 0);
	pair_end(&f);
}

static void put_return(struct pair *f, const uint32_t *pieces, size_t n)
{
	struct envelope e = {.kind = ENVELOPE_RETURN};

	put_envelope(f, &e, pieces, n * sizeof(*pieces), &f->b, &f->a);
	passes(f, 2);
}

static void blocks_are_taken_back_once_from_whom_they_were_lent_to(void **state)
{
	struct pair f;
	uint32_t piece;

	(void)state;
	begin_lending(&f, LIMIT_ARENA_BYTES);
	memory_find_inbox(&f.memory, "dir/w2-1")->room = 0;
	/* Lent to somebody else. */
	assert_non_null(lender_lend(f.a.bridge->lending.lender, 1, life_of(3, 1), &piece));
	assert_int_equal(send_large(&f, 3, MIB), 0);
	put_return(&f, (const uint32_t[]){piece}, 1);
	assert_int_equal(f.a.drops, 1);
	assert_string_equal(f.a.reason, "bad-return");
	put_return(&f, (const uint32_t[]){piece + 2, 1023, 1024, UINT32_MAX}, 4);
	assert_int_equal(f.a.drops, 2);
	assert_int_equal(lent(&f), lender_size_of(1) + lender_size_of(MIB + 100));
	/* The right one, twice in one and once more: it is free once. */
	put_return(&f, (const uint32_t[]){piece + 1, piece + 1}, 2);
	assert_int_equal(f.a.drops, 3);
	put_return(&f, (const uint32_t[]){piece + 1}, 1);
	assert_int_equal(f.a.drops, 4);
	assert_int_equal(lent(&f), lender_size_of(1));
	assert_int_equal(f.a.bridge->routes.by_worker[2].link->loans.lent, 0);
	pair_end(&f);
}

static void arenas_of_strangers_are_refused(void **state)
{
	cleanup_close int fd = pair_make_arena(LIMIT_ARENA_BYTES);
	struct pair f;

	(void)state;
	begin_lending(&f, LIMIT_ARENA_BYTES);
	assert_int_equal(bridge_add_arena(f.b.bridge, life_of(1, 1), fd), -EEXIST);
	assert_int_equal(bridge_add_arena(f.a.bridge, life_of(1, 1), fd), -EEXIST);
	assert_int_equal(bridge_add_arena(f.b.bridge, life_of(1, 2), fd), -ESTALE);
	assert_int_equal(bridge_add_arena(f.b.bridge, life_of(3, 1), fd), -ESTALE);
	assert_int_equal(bridge_add_arena(f.b.bridge, life_of(0, 1), fd), -ESTALE);
	assert_int_equal(bridge_add_arena(f.b.bridge, life_of(LIMIT_WORKERS + 1, 1), fd),
			 -ESTALE);
	assert_int_equal(bridge_add_arena(f.a.bridge, life_of(2, 1), -1), -EBADF);
	pair_end(&f);
}

/* ---- all at once */

struct storm {
	struct pair pair;
	struct random random;
	int64_t number;
	int64_t accepted[2]; /* by a and b: the last number */
};

static uint64_t pick(struct storm *storm, uint64_t n)
{
	return random_next(&storm->random) % n;
}

static void send_any(struct storm *storm)
{
	static const size_t lengths[] = {1, 3000, 60000, 66000, 300000, MIB, 2 * MIB};
	struct pair *f = &storm->pair;
	bool is_a = pick(storm, 2);
	struct pair_process *from = is_a ? &f->a : &f->b, *to = is_a ? &f->b : &f->a;
	bool is_reply = pick(storm, 8) == 0;
	size_t length = lengths[pick(storm, is_reply ? 5 : ARRAY_LEN(lengths))];
	int r;

	if (!is_reply && pick(storm, 50) == 0)
		length = 15 * MIB;
	r = send_text(f, from, to, is_reply ? ENVELOPE_REPLY : ENVELOPE_SEND, ++storm->number,
		      length);
	assert_true(r == 0 || (r == -EAGAIN && !is_reply));
	if (r == 0)
		storm->accepted[is_a ? 0 : 1] = storm->number;
}

/* One dies, and comes again with an arena of its own. */
static void replace(struct storm *storm)
{
	struct pair *f = &storm->pair;
	bool is_a = pick(storm, 2);
	struct pair_process *dead = is_a ? &f->a : &f->b, *other = is_a ? &f->b : &f->a;
	uint16_t worker = dead->address.worker;
	uint32_t incarnation = dead->address.incarnation;

	bridge_free(dead->bridge);
	close(f->arenas[worker]);
	f->arenas[worker] = pair_make_arena(LIMIT_ARENA_BYTES);
	other->wanted[worker] = 0;
	if (pick(storm, 2))
		bridge_peer_down(other->bridge, life_of(worker, incarnation), true);
	pair_open_process(f, dead, worker, incarnation + 1);
	dead->is_checking = true;
	assert_int_equal(bridge_peer_up(dead->bridge, life_of(other->address.worker,
							      other->address.incarnation)),
			 0);
	assert_int_equal(bridge_peer_up(other->bridge, life_of(worker, incarnation + 1)), 0);
	/* What the living had sent to the dead may be gone. */
	storm->accepted[0] = storm->accepted[1] = 0;
}

static void set_room(struct storm *storm, const struct pair_process *of, unsigned room)
{
	char path[32];

	snprintf(path, sizeof(path), "dir/w%u-%u", of->address.worker, of->address.incarnation);
	memory_find_inbox(&storm->pair.memory, path)->room = room;
}

static void run_storm(uint64_t seed)
{
	struct storm storm = {0};
	struct pair *f = &storm.pair;

	begin(f);
	random_init(&storm.random, seed);
	sim_seed(f->loop, seed);
	f->memory.random = &storm.random;
	for (int i = 1; i <= 2; i++)
		f->arenas[i] = pair_make_arena(LIMIT_ARENA_BYTES);
	for (int i = 0; i < 150; i++) {
		unsigned what = (unsigned)pick(&storm, 40);

		if (what == 0)
			replace(&storm);
		else if (what == 1)
			sim_advance(f->loop, pick(&storm, 2 * SECOND_NS));
		else if (what < 6)
			set_room(&storm, what % 2 ? &f->a : &f->b, (unsigned)pick(&storm, 4));
		else if (what < 22)
			send_any(&storm);
		else
			pass(f);
	}
	set_room(&storm, &f->a, 1000);
	set_room(&storm, &f->b, 1000);
	passes(f, 200);
	/* All that was sent between those who live has come, whole and in order. */
	assert_true(f->b.last >= storm.accepted[0]);
	assert_true(f->a.last >= storm.accepted[1]);
	assert_int_equal(f->a.drops + f->b.drops + f->a.gaps + f->b.gaps, 0);
	assert_int_equal(pair_lent_by(&f->a) + pair_lent_by(&f->b), 0);
	for (int i = 0; i < 4; i++) {
		sim_advance(f->loop, SECOND_NS);
		passes(f, 2);
	}
	assert_int_equal(memory_of(f->arenas[1]) + memory_of(f->arenas[2]), 0);
	pair_end(f);
}

static void all_arrives_and_comes_back_whatever_happens(void **state)
{
	const char *chosen = getenv("STORM_SEED");

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS && !chosen; seed++) {
		print_message("seed %ju\n", (uintmax_t)seed);
		run_storm(seed);
	}
	if (chosen)
		run_storm(strtoull(chosen, NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_payloads_go_by_reference_once_both_are_ready),
		cmocka_unit_test(every_kind_with_a_payload_can_go_by_reference),
		cmocka_unit_test(arena_is_asked_for_again_when_it_does_not_come),
		cmocka_unit_test(sends_are_refused_while_much_is_lent),
		cmocka_unit_test(payload_goes_in_the_frame_when_the_arena_is_full),
		cmocka_unit_test(memory_goes_back_to_the_kernel_when_it_is_idle),
		cmocka_unit_test(blocks_come_back_when_their_holder_dies),
		cmocka_unit_test(last_messages_of_the_dead_are_read_from_its_arena),
		cmocka_unit_test(blocks_of_a_frame_that_cannot_be_sent_come_back),
		cmocka_unit_test(those_refused_are_notified_when_what_was_lent_cannot_be_sent),
		cmocka_unit_test(references_to_nothing_are_dropped_and_counted),
		cmocka_unit_test(references_are_dropped_before_there_is_an_arena),
		cmocka_unit_test(blocks_are_taken_back_once_from_whom_they_were_lent_to),
		cmocka_unit_test(arenas_of_strangers_are_refused),
		cmocka_unit_test(all_arrives_and_comes_back_whatever_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

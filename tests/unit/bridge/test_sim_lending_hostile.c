/* test_sim_lending_hostile.c - large payloads between links: peers that lie about what is
 * lent. */
#include "base/cleanup.h"
#include "bridge/bridge_inside.h"
#include "lending.h"
#include "tests/unit/sim/sim.h"
#include <string.h>

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
	lending_passes(f, 4);
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
	lending_begin(&f, 16 * LIMIT_ARENA_PIECE);
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
	assert_int_equal(lending_lent(&f), 0);
	pair_end(&f);
}

static void references_are_dropped_before_there_is_an_arena(void **state)
{
	struct pair f;

	(void)state;
	lending_begin_pair(&f);
	put_reference(&f, 0, 100000);
	assert_int_equal(f.b.drops, 1);
	assert_string_equal(f.b.reason, "bad-reference");
	assert_int_equal(f.b.envelopes, 0);
	/* A frame from one whose link is not up yet. */
	bridge_peer_down(f.b.bridge, life_of(1, 1), true);
	sim_advance(f.loop, SECOND_NS);
	lending_passes(&f, 5);
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
	lending_passes(f, 2);
}

static void blocks_are_taken_back_once_from_whom_they_were_lent_to(void **state)
{
	struct pair f;
	uint32_t piece;

	(void)state;
	lending_begin(&f, LIMIT_ARENA_BYTES);
	memory_find_inbox(&f.memory, "dir/w2-1")->room = 0;
	/* Lent to somebody else. */
	assert_non_null(lender_lend(f.a.bridge->lending.lender, 1, life_of(3, 1), &piece));
	assert_int_equal(lending_send(&f, 3, MIB), 0);
	put_return(&f, (const uint32_t[]){piece}, 1);
	assert_int_equal(f.a.drops, 1);
	assert_string_equal(f.a.reason, "bad-return");
	put_return(&f, (const uint32_t[]){piece + 2, 1023, 1024, UINT32_MAX}, 4);
	assert_int_equal(f.a.drops, 2);
	assert_int_equal(lending_lent(&f), lender_size_of(1) + lender_size_of(MIB + 100));
	/* The right one, twice in one and once more: it is free once. */
	put_return(&f, (const uint32_t[]){piece + 1, piece + 1}, 2);
	assert_int_equal(f.a.drops, 3);
	put_return(&f, (const uint32_t[]){piece + 1}, 1);
	assert_int_equal(f.a.drops, 4);
	assert_int_equal(lending_lent(&f), lender_size_of(1));
	assert_int_equal(f.a.bridge->routes.by_worker[2].link->loans.lent, 0);
	pair_end(&f);
}

static void arenas_of_strangers_are_refused(void **state)
{
	cleanup_close int fd = pair_make_arena(LIMIT_ARENA_BYTES);
	struct pair f;

	(void)state;
	lending_begin(&f, LIMIT_ARENA_BYTES);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(references_to_nothing_are_dropped_and_counted),
		cmocka_unit_test(references_are_dropped_before_there_is_an_arena),
		cmocka_unit_test(blocks_are_taken_back_once_from_whom_they_were_lent_to),
		cmocka_unit_test(arenas_of_strangers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

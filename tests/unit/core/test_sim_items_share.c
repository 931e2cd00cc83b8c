/* How much the streams that an actor reads may hold of its mailbox. */
#include "core/inside.h"
#include "core/tasked.h"
#include "reading.h"
#include <troupe/items.h>

#define HOARDS 64u
#define PIECE  2048u
#define PIECES 100u       /* in each stream */
#define HOARD  (1u << 20) /* MailboxBytes= of who reads them */

static struct {
	bool reads;
	unsigned n_ended;
} hoard;

static int makes_pieces(struct troupe_self *self, struct puppet *me, void *id, void *unused)
{
	const struct troupe_call call = {(uint64_t)(uintptr_t)id};
	char text[PIECE];

	(void)me;
	(void)unused;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (unsigned i = 1; i < PIECES; i++)
		assert_int_equal(troupe_reply_wait(self, call, &text_method,
						   &(struct text){.text = text}),
				 0);
	return troupe_return(self, call, &text_method, &(struct text){.text = text});
}
TROUPE_TASK(makes_pieces, struct puppet, void, void)

static int starts_pieces(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 const char *text)
{
	(void)me;
	(void)text;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	return troupe_start(self, TROUPE_OF_ACTOR, &makes_pieces_task,
			    (void *)(uintptr_t)call.id, NULL, NULL);
}

static int hoards(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	struct troupe_items items = {0};
	unsigned n = 0;
	int rc;

	(void)me;
	(void)unused;
	(void)unused_too;
	rc = troupe_items_open(self, cluster_puppet(self, 2), &text_method, num_entry.interface,
			       &(struct text){.text = "all"}, TROUPE_WINDOW_MAX, &items);
	assert_int_equal(rc, 0);
	while (!hoard.reads)
		assert_int_equal(troupe_sleep(self, S), 0);
	while ((rc = troupe_items_next(self, &items)) > 0)
		n++;
	assert_int_equal(rc, 0);
	assert_int_equal(n, PIECES);
	hoard.n_ended++;
	return 0;
}
TROUPE_TASK(hoards, struct puppet, void, void)

static int begins_to_hoard(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	(void)me;
	(void)call;
	for (unsigned i = 0; n == 0 && i < HOARDS; i++)
		assert_int_equal(
			troupe_start(self, TROUPE_OF_ACTOR, &hoards_task, NULL, NULL, NULL), 0);
	return 0;
}

static void begin_hoard(struct world *reader, struct world *making)
{
	memset(&hoard, 0, sizeof(hoard));
	reader->hooks.num = begins_to_hoard;
	making->hooks.text = starts_pieces;
	actor_find(reader->runtime, reader->actors[1])->unit->mailbox_units = HOARD / 16;
	reading_tell(reader);
}

/* What they were promised is given back. */
static void assert_no_hoard(const struct world *world)
{
	const struct actor *actor = actor_find(world->runtime, world->actors[1]);

	assert_int_equal(hoard.n_ended, HOARDS);
	assert_int_equal(tasked_find(world->runtime, actor)->items_bytes, 0);
	reading_assert_over(world);
}

/* All that streams may hold is there, and not more; and messages have room beside it. */
static void assert_hoard(struct world *world)
{
	const struct actor *actor = actor_find(world->runtime, world->actors[1]);

	assert_in_range(actor->load.charged * 16, HOARD / 4, HOARD / 2 + HOARDS * 2 * PIECE);
	assert_int_equal(world_send(world, world->actors[1], 1), 0);
	hoard.reads = true;
}

static void streams_of_an_actor_hold_half_of_its_mailbox(void **state)
{
	struct cluster cluster;
	struct world world;

	(void)state;
	reading_begin_near(&world, NULL);
	begin_hoard(&world, &world);
	for (int n = 0; n < 10; n++)
		world_sleep(&world, S);
	assert_hoard(&world);
	for (int n = 0; n < 10; n++)
		world_sleep(&world, S);
	assert_no_hoard(&world);
	world_finish(&world);

	reading_begin_far(&cluster, NULL);
	begin_hoard(&cluster.worlds[1], &cluster.worlds[2]);
	net_run(&cluster.net);
	for (int n = 0; n < 10; n++)
		reading_sleep_all(&cluster, S);
	assert_hoard(&cluster.worlds[1]);
	for (int n = 0; n < 10; n++)
		reading_sleep_all(&cluster, S);
	assert_no_hoard(&cluster.worlds[1]);
	reading_assert_over(&cluster.worlds[2]);
	net_finish(&cluster.net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_of_an_actor_hold_half_of_its_mailbox),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

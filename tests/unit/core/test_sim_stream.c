/* test_sim_stream.c - streams of large replies: how much of them may be on the way, here and
 * between processes. */
#include "tests/unit/core/world.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "core/call.h"
#include <errno.h>

#define TOTAL 300
#define LARGE 65000u /* bytes of a reply */
/* So many go into a window at most: the last one passes the limit. */
#define WINDOW (LIMIT_STREAM_UNREAD_BYTES / LARGE + 1)

/* Reply until there is no room, or all has been said. */
static int goes_on(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	cleanup_free char *text = malloc(LARGE);
	int rc = 0;

	(void)where;
	memset(text, 'x', LARGE - 1);
	text[LARGE - 1] = '\0';
	while (me->count < TOTAL && rc == 0) {
		/* Now and then a small one: they do not all weigh the same. */
		text[me->count % 7 == 3 ? 10 : LARGE - 1] = '\0';
		rc = troupe_reply(self, me->kept_call, &text_method, &(struct text){text});
		text[10] = 'x';
		me->count += rc == 0;
	}
	if (rc == 0)
		return troupe_return(self, me->kept_call, &text_method, &(struct text){"end"});
	assert_int_equal(rc, -EAGAIN);
	return 0;
}

static int streams(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   const char *text)
{
	(void)text;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return goes_on(self, me, (struct troupe_address){0});
}

/* Wherever actor 2 lives. */
static struct troupe_address address_of_two(const struct world *world)
{
	return world->net ? world->net->worlds[2]->actors[2] : world->actors[2];
}

/* world->test: where the call's handle is to be put, or NULL. */
static int subscribes(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	return troupe_call(self, address_of_two(world_of(self)), &text_method,
			   &(struct text){"go"}, &text_entry, 1, 0, TROUPE_MORE,
			   world_of(self)->test);
}

static int counts(struct troupe_self *self, struct puppet *me, uint64_t context,
		  const struct troupe_reply *reply)
{
	(void)me;
	(void)context;
	(void)reply;
	world_of(self)->replies++;
	return 0;
}

/* How often a window was full and somebody waited for room: about once for each half of it. */
static void assert_waits(uint64_t rooms)
{
	assert_in_range(rooms, TOTAL / WINDOW / 2, 4 * TOTAL / WINDOW);
}

static void stream_waits_when_its_bytes_are_not_read(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	world.hooks = (struct hooks){
		.num = subscribes, .text = streams, .room = goes_on, .reply = counts};
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	assert_int_equal(world.replies, TOTAL + 1);
	assert_waits(world.rooms);
	world_fini(&world);
}

struct cluster {
	struct net net;
	struct world one, two;
};

static void cluster_init(struct cluster *cluster)
{
	*cluster = (struct cluster){0};
	world_init(&cluster->one, 1, NULL);
	world_init(&cluster->two, 2, NULL);
	world_link(&cluster->one, &cluster->net);
	world_link(&cluster->two, &cluster->net);
	world_spawn(&cluster->one, 1);
	world_spawn(&cluster->two, 2);
	cluster->one.hooks = (struct hooks){.num = subscribes, .reply = counts};
	cluster->two.hooks = (struct hooks){.text = streams, .room = goes_on};
}

static void cluster_fini(struct cluster *cluster)
{
	net_run(&cluster->net);
	world_fini(&cluster->one);
	world_fini(&cluster->two);
}

/* All that is on its way to worker 1 arrives; how many parcels it was. */
static unsigned carry(struct cluster *cluster)
{
	unsigned n = 0;

	while (net_carry_one(&cluster->net, 1))
		n++;
	return n;
}

static void far_stream_waits_when_its_bytes_are_not_read(void **state)
{
	struct cluster cluster;

	(void)state;
	cluster_init(&cluster);
	world_send(&cluster.one, cluster.one.actors[1], 1);
	world_run(&cluster.one);
	net_carry_one(&cluster.net, 2);
	world_run(&cluster.two);
	/* KEPT, and a window; small ones come on top of it. */
	assert_in_range(carry(&cluster), WINDOW, WINDOW + WINDOW / 5 + 1);
	world_run(&cluster.two);
	assert_int_equal(carry(&cluster), 0);
	net_run(&cluster.net);
	assert_int_equal(cluster.one.replies, TOTAL + 1);
	assert_waits(cluster.two.rooms);
	cluster_fini(&cluster);
}

/* ---- a client's stream, which an actor of the client's worker hands on to another worker */

struct reader {
	struct runtime_client_call client_call;
	unsigned n;
	size_t bytes;
	bool is_done;
};

static void on_reply(struct runtime_client_call *client_call, const struct troupe_reply *reply,
		     const struct troupe_type *type)
{
	struct reader *reader = container_of(client_call, struct reader, client_call);
	const struct text *text = reply->data;

	(void)type;
	reader->n++;
	reader->is_done = !reply->continues;
	if (!reply->continues)
		return;
	reader->bytes += strlen(text->text);
	/* As JSON it weighs something else. */
	client_call->window.bytes += 2 * strlen(text->text);
}

static int hands_on(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    const char *text)
{
	(void)me;
	(void)call;
	(void)text;
	return troupe_forward(self, address_of_two(world_of(self)));
}

static void far_stream_of_a_client_waits_when_its_bytes_are_not_read(void **state)
{
	struct reader reader = {.client_call = {.on_reply = on_reply}};
	struct cluster cluster;
	size_t taken = 0;
	unsigned n = 0;

	(void)state;
	cluster_init(&cluster);
	cluster.one.hooks.text = hands_on;
	assert_int_equal(runtime_client_call(cluster.one.runtime, cluster.one.actors[1],
					     &text_method, &(struct text){"go"}, UINT64_MAX,
					     TROUPE_MORE, &reader.client_call),
			 0);
	net_run(&cluster.net);
	/* It takes nothing, and no more than a window has come. */
	assert_in_range(reader.n, WINDOW - 1, WINDOW + WINDOW / 5 + 1);
	while (!reader.is_done) {
		unsigned count = reader.n - n;

		assert_true(count > 0);
		assert_true(reader.bytes - taken <= LIMIT_STREAM_UNREAD_BYTES + LARGE);
		runtime_client_taken(cluster.one.runtime, &reader.client_call, count,
				     2 * (reader.bytes - taken));
		n += count;
		taken = reader.bytes;
		net_run(&cluster.net);
	}
	assert_int_equal(reader.n, TOTAL + 1);
	cluster_fini(&cluster);
}

/* A peer that does not heed the window: what is held of a stream is bounded all the same. */
static void stream_that_overruns_its_bytes_is_ended(void **state)
{
	const size_t text_size = 4u << 20, n_max = 3 * (LIMIT_MESSAGE_BYTES / text_size);
	cleanup_free char *text = malloc(text_size);
	cleanup_free void *block = NULL;
	struct cluster cluster;
	struct runtime *runtime;
	struct envelope envelope;
	struct troupe_call id;
	uint64_t alias;
	size_t size;
	unsigned n = 0;

	(void)state;
	cluster_init(&cluster);
	runtime = cluster.one.runtime;
	cluster.one.test = &id;
	world_send(&cluster.one, cluster.one.actors[1], 1);
	world_run(&cluster.one);
	alias = call_alias(runtime, call_find(runtime, id.id));
	memset(text, 'x', text_size - 1);
	text[text_size - 1] = '\0';
	assert_int_equal(codec_size(&text_type, &(struct text){text}, &size, NULL), 0);
	block = aligned_alloc(16, (size + 15) & ~(size_t)15);
	codec_encode(&text_type, &(struct text){text}, block, size);
	envelope = (struct envelope){.kind = ENVELOPE_REPLY,
				     .flags = ENVELOPE_CONTINUES,
				     .from = cluster.two.actors[2],
				     .to = cluster.one.actors[1],
				     .hash = text_method.out_hash,
				     .call = alias,
				     .payload = block,
				     .size = size};
	while (n < n_max && call_find(runtime, id.id)) {
		runtime_deliver(runtime, life_of(2, 1), &envelope);
		n++;
	}
	/* Two windows, and the messages that passed their limits. */
	assert_in_range(n * text_size, 2 * LIMIT_STREAM_UNREAD_BYTES,
			2 * (LIMIT_STREAM_UNREAD_BYTES + LIMIT_MESSAGE_BYTES) + 2 * text_size);
	world_run(&cluster.one);
	assert_int_equal(cluster.one.replies, n);
	cluster_fini(&cluster);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_waits_when_its_bytes_are_not_read),
		cmocka_unit_test(far_stream_waits_when_its_bytes_are_not_read),
		cmocka_unit_test(far_stream_of_a_client_waits_when_its_bytes_are_not_read),
		cmocka_unit_test(stream_that_overruns_its_bytes_is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

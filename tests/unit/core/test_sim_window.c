/* test_sim_window.c - windows of single streams: asked for with the call, here, in another
 * process, by name, and where a call is handed on. */
#include "cluster.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "core/call.h"
#include "core/cold.h"
#include "core/inside.h"
#include <errno.h>

#define TOTAL  100
#define LARGE  65000u /* bytes of a reply; so many go into a window: */
#define LARGES (LIMIT_STREAM_UNREAD_BYTES / LARGE + 1)

/* What a reader does with the replies of its streams. */
static struct {
	struct troupe_request request;
	uint32_t window, held, most_held;
	unsigned n, n_others; /* replies, those of other streams */
	unsigned promised;    /* to others, as one that waits for a window goes on */
	bool holds, by_name, is_over;
	enum troupe_status status;
} reader;

static void reader_begin(uint32_t window, bool holds)
{
	memset(&reader, 0, sizeof(reader));
	reader.window = window;
	reader.holds = holds;
}

static void read_one(struct troupe_self *self, uint64_t context, bool continues,
		     enum troupe_status status)
{
	if (context != 1) {
		assert_int_equal(troupe_window_hold(self), -EINVAL);
		reader.n_others++;
		return;
	}
	reader.n++;
	reader.status = status;
	reader.is_over = !continues;
	if (!continues) {
		assert_int_equal(troupe_window_hold(self), -EINVAL);
		return;
	}
	if (reader.holds) {
		assert_int_equal(troupe_window_hold(self), 0);
		assert_int_equal(troupe_window_hold(self), 0);
		reader.held++;
	}
	if (reader.held > reader.most_held)
		reader.most_held = reader.held;
}

static int reads(struct troupe_self *self, struct puppet *me, uint64_t context,
		 const struct troupe_reply *reply)
{
	(void)me;
	read_one(self, context, reply->continues, reply->status);
	return 0;
}

static int reads_text(struct troupe_self *self, struct puppet *me, uint64_t context,
		      const struct troupe_text_reply *reply)
{
	(void)me;
	read_one(self, context, reply->continues, reply->status);
	return 0;
}

/* As many replies as there is room for, then waits. me->count: so far. */
static int floods(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	int rc = 0;

	(void)where;
	while (me->count < TOTAL && rc == 0) {
		rc = troupe_reply(self, me->kept_call, &num_method, &(struct num){me->count});
		me->count += rc == 0;
	}
	if (rc == 0)
		return troupe_return(self, me->kept_call, &num_method, &(struct num){0});
	assert_true(rc == -EAGAIN || rc == -EALREADY); /* it has had its on_cancel */
	return 0;
}

static int starts_flood(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	me->count = 0;
	return floods(self, me, (struct troupe_address){0});
}

/* Puppet 1 reads: Num(1) begins the stream with the window, Num(2) another one without, and
 * Num(100 + n) takes n of those that it holds. Who else is told Num(n) streams. */
static int plays(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	struct world *world = world_of(self);
	struct troupe_address to =
		world->net ? cluster_address(world, 2) : world->actors[n == 1 ? 2 : 3];
	uint32_t flags = n == 1 && reader.window ? TROUPE_WINDOW(reader.window) : TROUPE_MORE;

	if (me->id != 1)
		return starts_flood(self, me, call);
	if (n > 100) {
		int rc = troupe_window_give(self, reader.request, (uint32_t)(n - 100));

		assert_int_equal(rc, 0);
		reader.held -= (uint32_t)(n - 100);
		return 0;
	}
	if (reader.by_name)
		return troupe_call_text(self, to, "test.puppet.Num", "{\"n\":1}", 7, &say_entry,
					(uint64_t)n, 0, flags, n == 1 ? &reader.request : NULL);
	return troupe_call(self, to, &num_method, &(struct num){n}, &num_entry, (uint64_t)n, 0,
			   flags, n == 1 ? &reader.request : NULL);
}

static const struct hooks hooks = {
	.num = plays, .reply = reads, .said = reads_text, .room = floods};

static struct puppet *puppet_at(struct world *world, int id)
{
	return actor_find(world->runtime, world->actors[id])->state;
}

static int64_t sent_by(struct world *world, int id)
{
	return puppet_at(world, id)->count;
}

/* ---- here */

static void near_begin(struct world *world)
{
	world_init(world, 1, NULL);
	for (int id = 1; id <= 3; id++)
		world_spawn(world, id);
	world->hooks = hooks;
}

static void stream_has_the_window_that_was_asked_for(void **state)
{
	static const uint32_t windows[] = {1, 2, 3, 16, 99, TROUPE_WINDOW_MAX};
	struct world world;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		uint32_t most = windows[i] < TOTAL ? windows[i] : TOTAL;

		near_begin(&world);
		reader_begin(windows[i], false);
		assert_int_equal(world_send(&world, world.actors[1], 1), 0);
		world_run(&world);
		assert_int_equal(reader.n, TOTAL + 1);
		/* about once for each half of it */
		assert_in_range(world.rooms, (TOTAL - most) / windows[i],
				2 * TOTAL / windows[i] + 1);
		world_finish(&world);
	}
}

static void held_replies_count_until_they_are_given(void **state)
{
	struct world world;

	(void)state;
	for (int by_name = 0; by_name < 2; by_name++) {
		near_begin(&world);
		reader_begin(8, true);
		reader.by_name = by_name;
		world_send(&world, world.actors[1], 1);
		world_run(&world);
		assert_int_equal(reader.n, 8);
		assert_int_equal(sent_by(&world, 2), 8);
		/* What it reads without a window goes on meanwhile. */
		world_send(&world, world.actors[1], 2);
		world_run(&world);
		assert_int_equal(reader.n_others, TOTAL + 1);
		assert_int_equal(reader.n, 8);
		/* Less than half of it is no room yet. */
		world_send(&world, world.actors[1], 103);
		world_run(&world);
		assert_int_equal(reader.n, 8);
		world_send(&world, world.actors[1], 101);
		world_run(&world);
		assert_int_equal(reader.n, 12);
		while (!reader.is_over) {
			world_send(&world, world.actors[1], 100 + reader.held);
			world_run(&world);
		}
		assert_int_equal(reader.most_held, 8);
		assert_int_equal(reader.n, TOTAL + 1);
		world_finish(&world);
	}
}

/* The other bound of a window: its bytes. */
static int floods_large(struct troupe_self *self, struct puppet *me,
			struct troupe_address where)
{
	cleanup_free char *text = malloc(LARGE);
	int rc = 0;

	(void)where;
	memset(text, 'x', LARGE - 1);
	text[LARGE - 1] = '\0';
	while (me->count < TOTAL && rc == 0) {
		rc = troupe_reply(self, me->kept_call, &text_method, &(struct text){text});
		me->count += rc == 0;
	}
	if (rc == 0)
		return troupe_return(self, me->kept_call, &text_method, &(struct text){"end"});
	assert_int_equal(rc, -EAGAIN);
	return 0;
}

static int starts_large(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			const char *text)
{
	(void)text;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return floods_large(self, me, (struct troupe_address){0});
}

static int plays_large(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	struct world *world = world_of(self);

	if (n > 100)
		return plays(self, me, call, n);
	return troupe_call(self, world->net ? cluster_address(world, 2) : world->actors[2],
			   &text_method, &(struct text){"go"}, &text_entry, 1, 0,
			   TROUPE_WINDOW(TROUPE_WINDOW_MAX), &reader.request);
}

static void held_bytes_count_too(void **state)
{
	struct world world;

	(void)state;
	near_begin(&world);
	reader_begin(TROUPE_WINDOW_MAX, true);
	world.hooks.num = plays_large;
	world.hooks.text = starts_large;
	world.hooks.room = floods_large;
	world_send(&world, world.actors[1], 1);
	world_run(&world);
	assert_int_equal(reader.n, LARGES);
	world_send(&world, world.actors[1], 101);
	world_run(&world);
	assert_int_equal(reader.n, LARGES);
	while (!reader.is_over) {
		world_send(&world, world.actors[1], 100 + reader.held);
		world_run(&world);
	}
	assert_int_equal(reader.most_held, LARGES);
	assert_int_equal(reader.n, TOTAL + 1);
	world_finish(&world);
}

/* ---- in another process */

static void far_begin(struct cluster *cluster)
{
	cluster_begin(cluster, NULL);
	for (int i = 1; i <= 3; i++)
		cluster->worlds[i].hooks = hooks;
}

static void far_stream_has_the_window_that_was_asked_for(void **state)
{
	static const uint32_t windows[] = {1, 2, 3, 16, 99};
	struct cluster cluster;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		far_begin(&cluster);
		reader_begin(windows[i], false);
		cluster_ask(&cluster, 1);
		world_run(&cluster.worlds[1]);
		net_carry_one(&cluster.net, 2);
		world_run(&cluster.worlds[2]);
		assert_int_equal(sent_by(&cluster.worlds[2], 2), windows[i]);
		net_run(&cluster.net);
		assert_int_equal(reader.n, TOTAL + 1);
		net_finish(&cluster.net);
	}
}

static void far_replies_that_are_held_count_until_they_are_given(void **state)
{
	struct cluster cluster;

	(void)state;
	for (int by_name = 0; by_name < 2; by_name++) {
		far_begin(&cluster);
		reader_begin(8, true);
		reader.by_name = by_name;
		cluster_ask(&cluster, 1);
		net_run(&cluster.net);
		assert_int_equal(reader.n, 8);
		cluster_ask(&cluster, 103);
		net_run(&cluster.net);
		assert_int_equal(reader.n, 8);
		cluster_ask(&cluster, 101);
		net_run(&cluster.net);
		assert_int_equal(reader.n, 12);
		while (!reader.is_over) {
			cluster_ask(&cluster, 100 + reader.held);
			net_run(&cluster.net);
		}
		assert_int_equal(reader.most_held, 8);
		assert_int_equal(reader.n, TOTAL + 1);
		net_finish(&cluster.net);
	}
}

static void far_bytes_that_are_held_count_too(void **state)
{
	struct cluster cluster;

	(void)state;
	far_begin(&cluster);
	reader_begin(TROUPE_WINDOW_MAX, true);
	cluster.worlds[1].hooks.num = plays_large;
	cluster.worlds[2].hooks.text = starts_large;
	cluster.worlds[2].hooks.room = floods_large;
	cluster_ask(&cluster, 1);
	net_run(&cluster.net);
	assert_int_equal(reader.n, LARGES);
	while (!reader.is_over) {
		cluster_ask(&cluster, 100 + reader.held);
		net_run(&cluster.net);
	}
	assert_int_equal(reader.most_held, LARGES);
	assert_int_equal(reader.n, TOTAL + 1);
	net_finish(&cluster.net);
}

/* A process that does not heed the window loses the stream. */
static void stream_that_overruns_its_window_is_ended(void **state)
{
	_Alignas(16) unsigned char block[64];
	struct cluster cluster;
	struct runtime *runtime;
	struct envelope envelope;

	(void)state;
	far_begin(&cluster);
	reader_begin(4, true);
	cluster_ask(&cluster, 1);
	net_run(&cluster.net);
	assert_int_equal(reader.n, 4);
	runtime = cluster.worlds[1].runtime;
	codec_encode(&num_type, &(struct num){7}, block, sizeof(block));
	envelope = (struct envelope){
		.kind = ENVELOPE_REPLY,
		.flags = ENVELOPE_CONTINUES,
		.from = cluster.worlds[2].actors[2],
		.to = cluster.worlds[1].actors[1],
		.hash = num_method.out_hash,
		.call = call_alias(runtime, call_find(runtime, reader.request.id)),
		.payload = block,
		.size = sizeof(struct num)};
	runtime_deliver(runtime, life_of(2, 1), &envelope);
	net_run(&cluster.net);
	assert_true(reader.is_over);
	assert_int_equal(reader.status, TROUPE_OVERLOADED);
	assert_int_equal(reader.n, 5);
	net_finish(&cluster.net);
}

/* ---- where a call is handed on */

/* Puppet 2 replies so many times, and hands the stream on to three. */
static int replies_and_hands_on(struct troupe_self *self, struct puppet *me,
				struct troupe_call call, int64_t n)
{
	struct world *world = world_of(self);
	int64_t *count = world->test;

	if (me->id != 2)
		return plays(self, me, call, n);
	for (int64_t i = 0; i < *count; i++)
		assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){i}), 0);
	return troupe_forward(self, world->net ? cluster_address(world, 3) : world->actors[3]);
}

static void window_goes_along_when_a_stream_is_handed_on(void **state)
{
	struct cluster cluster;
	int64_t before;

	(void)state;
	for (before = 0; before <= 8; before += 4) {
		far_begin(&cluster);
		reader_begin(8, true);
		for (int i = 2; i <= 3; i++) {
			cluster.worlds[i].hooks.num = replies_and_hands_on;
			cluster.worlds[i].test = &before;
		}
		cluster_ask(&cluster, 1);
		net_run(&cluster.net);
		assert_int_equal(reader.n, 8);
		assert_int_equal(sent_by(&cluster.worlds[3], 3), 8 - before);
		while (!reader.is_over) {
			cluster_ask(&cluster, 100 + reader.held);
			net_run(&cluster.net);
			assert_true(reader.held > 0 || reader.is_over);
		}
		assert_int_equal(reader.most_held, 8);
		assert_int_equal(reader.n, before + TOTAL + 1);
		net_finish(&cluster.net);
	}
}

/* Of a stream that begins here, and whose caller is here: it goes to another process. */
static void window_goes_along_from_here_to_another_process(void **state)
{
	struct cluster cluster;
	int64_t before = 6;
	struct world *one = &cluster.worlds[1];

	(void)state;
	far_begin(&cluster);
	reader_begin(8, true);
	world_spawn(one, 2);
	one->hooks.num = replies_and_hands_on;
	one->test = &before;
	cluster.net.worlds[2] = one; /* where puppet 1 finds puppet 2 */
	cluster_ask(&cluster, 1);
	world_run(one);
	cluster.net.worlds[2] = &cluster.worlds[2];
	net_run(&cluster.net);
	assert_int_equal(reader.n, 8);
	assert_int_equal(sent_by(&cluster.worlds[3], 3), 2);
	while (!reader.is_over) {
		cluster_ask(&cluster, 100 + reader.held);
		net_run(&cluster.net);
	}
	assert_int_equal(reader.most_held, 8);
	assert_int_equal(reader.n, before + TOTAL + 1);
	net_finish(&cluster.net);
}

/* ---- what is not right, and ends */

static int asks_wrongly(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	static const uint32_t wrong[] = {TROUPE_WINDOW(0),
					 TROUPE_WINDOW(TROUPE_WINDOW_MAX + 1),
					 TROUPE_WINDOW(65536u + 5),
					 2u,
					 4u,
					 TROUPE_MORE | 16u << 16,
					 TROUPE_WINDOW(3) & ~TROUPE_MORE,
					 TROUPE_WINDOW(3) | 4u,
					 16u << 16};
	struct troupe_address to = world_of(self)->actors[2];
	struct troupe_request request;

	(void)call;
	if (me->id != 1)
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(troupe_call(self, to, &num_method, &(struct num){n},
					     &num_entry, 0, 0, wrong[i], NULL),
				 -EINVAL);
		assert_int_equal(troupe_call_text(self, to, "test.puppet.Num", NULL, 0,
						  &say_entry, 0, 0, wrong[i], NULL),
				 -EINVAL);
	}
	assert_int_equal(troupe_window_hold(self), -EINVAL);
	assert_int_equal(troupe_window_give(self, (struct troupe_request){0}, 1), -ESRCH);
	assert_int_equal(troupe_call(self, to, &num_method, &(struct num){n}, &num_entry, 0, 0,
				     TROUPE_MORE, &request),
			 0);
	assert_int_equal(troupe_window_give(self, request, 0), -EINVAL);
	assert_int_equal(troupe_call(self, to, &num_method, &(struct num){n}, &num_entry, 0, 0,
				     TROUPE_WINDOW(4), &request),
			 0);
	assert_int_equal(troupe_window_give(self, request, 0), 0);
	assert_int_equal(troupe_window_give(self, request, 1), -EINVAL);
	*(struct troupe_request *)world_of(self)->test = request;
	return 0;
}

static int gives_for_another(struct troupe_self *self, struct puppet *me,
			     struct troupe_call call, int64_t n)
{
	const struct troupe_request *request = world_of(self)->test;

	(void)me;
	(void)call;
	(void)n;
	assert_int_equal(troupe_window_give(self, *request, 0), -ESRCH);
	return 0;
}

static void wrong_windows_are_refused(void **state)
{
	struct troupe_request request;
	struct world world;

	(void)state;
	near_begin(&world);
	world.hooks.num = asks_wrongly;
	world.hooks.reply = NULL;
	world.test = &request;
	world_send(&world, world.actors[1], 1);
	loop_step(world.loop, false);
	world_send(&world, world.actors[1], 1); /* what it asks for is there as it comes */
	world.hooks.num = gives_for_another;
	world_send(&world, world.actors[2], 1);
	world_run(&world);
	world_finish(&world);
}

/* Each way in which the call of a stream ends while its window is full: who waits learns it,
 * and nothing is left. */
static void call_that_ends_lets_go_of_its_window(void **state)
{
	(void)state;
	for (int far = 0; far < 2; far++)
		for (int way = 0; way < 3; way++) {
			struct cluster cluster;
			struct world *one = &cluster.worlds[1], *two = &cluster.worlds[2];
			uint64_t rooms;

			far_begin(&cluster);
			if (!far) {
				world_spawn(one, 2);
				two = cluster.net.worlds[2] = one;
			}
			reader_begin(4, true);
			cluster_ask(&cluster, 1);
			world_run(one);
			cluster.net.worlds[2] = &cluster.worlds[2];
			net_run(&cluster.net);
			assert_int_equal(reader.n, 4);
			rooms = two->rooms;
			assert_int_equal(one->runtime->call_windows.count, 1);
			world_log(two);
			if (way == 0)
				runtime_stop(one->runtime, one->actors[1]);
			else if (way == 1)
				runtime_stop(two->runtime, two->actors[2]);
			else
				net_kill(&cluster.net, far ? 2 : 1);
			net_run(&cluster.net);
			if (way == 0) {
				assert_int_equal(two->rooms, rooms + 1);
				/* Far, the reply that room is for finds nobody any more. */
				assert_log(two, far ? "2:room; "
						    : "1:fini shutdown; 2:cancel; 2:room; ");
			}
			if (way != 2 || far)
				assert_int_equal(one->runtime->call_windows.count, 0);
			net_finish(&cluster.net);
		}
}

/* A replier that waits for a window has no part in what is promised to those who wait for room
 * in the reader's mailbox. */
static int sends_until_full(struct troupe_self *self, struct puppet *me,
			    struct troupe_address where)
{
	const struct world *world = world_of(self);
	const struct actor_cold *cold =
		cold_find(world->runtime, actor_find(world->runtime, world->actors[1]));
	int rc = 0;

	if (me->id == 2) {
		if (cold->promised > reader.promised)
			reader.promised = cold->promised;
		return floods(self, me, where);
	}
	while (me->count < 3 * TOTAL && rc == 0) {
		rc = troupe_send(self, world_of(self)->actors[1], &num_method,
				 &(struct num){1000});
		me->count += rc == 0;
	}
	assert_true(rc == 0 || rc == -EAGAIN);
	return 0;
}

static int mixes(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	if (me->id == 1 && n == 1000) {
		if (reader.held > 0)
			plays(self, me, call, 100 + reader.held);
		return 0;
	}
	if (me->id == 3)
		return sends_until_full(self, me, (struct troupe_address){0});
	return plays(self, me, call, n);
}

static void who_waits_for_a_window_takes_nobodys_room(void **state)
{
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_unit(&world, 2, world.type, 8, 0, 0);
	world_spawn_in(&world, 2, 1);
	world_spawn(&world, 2);
	world_spawn(&world, 3);
	world.hooks = hooks;
	world.hooks.num = mixes;
	world.hooks.room = sends_until_full;
	reader_begin(2, true);
	world_send(&world, world.actors[1], 1);
	world_send(&world, world.actors[3], 1);
	world_run(&world);
	assert_int_equal(sent_by(&world, 3), 3 * TOTAL);
	while (!reader.is_over) {
		world_send(&world, world.actors[1], 1000);
		world_run(&world);
	}
	assert_int_equal(reader.n, TOTAL + 1);
	assert_int_equal(reader.promised, 1); /* the sender's */
	world_finish(&world);
}

/* ---- clients */

static void on_client_reply(struct runtime_client_call *client_call,
			    const struct troupe_reply *reply, const struct troupe_type *type)
{
	(void)client_call;
	(void)type;
	reader.n++;
	reader.is_over = !reply->continues;
}

static int64_t many;

static int floods_many(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	int rc = 0;

	(void)where;
	while (me->count < many && rc == 0) {
		rc = troupe_reply(self, me->kept_call, &num_method, &(struct num){me->count});
		me->count += rc == 0;
	}
	if (rc == 0)
		return troupe_return(self, me->kept_call, &num_method, &(struct num){0});
	assert_int_equal(rc, -EAGAIN);
	return 0;
}

static int hands_on_or_floods(struct troupe_self *self, struct puppet *me,
			      struct troupe_call call, int64_t n)
{
	(void)n;
	if (world_of(self)->process.worker == 1)
		return troupe_forward(self, cluster_address(world_of(self), 2));
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return floods_many(self, me, (struct troupe_address){0});
}

/* It has its own window in the other process, too, not that of an actor. */
static void clients_window_goes_along_when_its_call_is_handed_on(void **state)
{
	struct runtime_client_call client_call = {.on_reply = on_client_reply};
	struct cluster cluster;
	unsigned taken = 0;

	(void)state;
	cluster_begin(&cluster, NULL);
	reader_begin(0, false);
	many = 4 * LIMIT_CLIENT_UNREAD;
	for (int i = 1; i <= 2; i++)
		cluster.worlds[i].hooks =
			(struct hooks){.num = hands_on_or_floods, .room = floods_many};
	assert_int_equal(runtime_client_call(cluster.worlds[1].runtime,
					     cluster.worlds[1].actors[1], &num_method,
					     &(struct num){1}, UINT64_MAX, TROUPE_MORE,
					     &client_call),
			 0);
	net_run(&cluster.net);
	assert_int_equal(reader.n, LIMIT_CLIENT_UNREAD);
	while (!reader.is_over) {
		unsigned n = reader.n;

		runtime_client_taken(cluster.worlds[1].runtime, &client_call, n - taken,
				     (n - taken) * sizeof(struct num));
		taken = n;
		net_run(&cluster.net);
		assert_true(reader.n > n);
		assert_true(reader.n - taken <= LIMIT_CLIENT_UNREAD + 1);
	}
	assert_int_equal(reader.n, many + 1);
	net_finish(&cluster.net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_has_the_window_that_was_asked_for),
		cmocka_unit_test(held_replies_count_until_they_are_given),
		cmocka_unit_test(held_bytes_count_too),
		cmocka_unit_test(far_stream_has_the_window_that_was_asked_for),
		cmocka_unit_test(far_replies_that_are_held_count_until_they_are_given),
		cmocka_unit_test(far_bytes_that_are_held_count_too),
		cmocka_unit_test(stream_that_overruns_its_window_is_ended),
		cmocka_unit_test(window_goes_along_when_a_stream_is_handed_on),
		cmocka_unit_test(window_goes_along_from_here_to_another_process),
		cmocka_unit_test(wrong_windows_are_refused),
		cmocka_unit_test(call_that_ends_lets_go_of_its_window),
		cmocka_unit_test(who_waits_for_a_window_takes_nobodys_room),
		cmocka_unit_test(clients_window_goes_along_when_its_call_is_handed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

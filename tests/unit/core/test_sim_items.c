/* Streams that tasks read item by item, and that tasks make. */
#include "base/cleanup.h"
#include "base/random.h"
#include "cluster.h"
#include "core/inside.h"
#include "core/task.h"
#include <errno.h>
#include <troupe/items.h>

#define note(self, ...) world_note(world_of(self), __VA_ARGS__)
#define S               TROUPE_SECOND_NS

/* What the streamer did, and how its reader is to read. */
static struct {
	int64_t total, sent, most_ahead, taken;
	int yielded; /* what the last yield returned */
	uint32_t window;
	uint64_t nap_ns;     /* of the reader, before each item */
	int64_t leave_after; /* items; 0: it reads all */
	bool closes;
	unsigned n_read;
} play;

static void play_begin(int64_t total, uint32_t window)
{
	memset(&play, 0, sizeof(play));
	play.total = total;
	play.window = window;
}

/* ------------------------------------------------------------------ who streams */

static void count_sent(void)
{
	play.sent++;
	if (play.sent - play.taken > play.most_ahead)
		play.most_ahead = play.sent - play.taken;
}

static int yield_num(struct troupe_self *self, struct troupe_call call, int64_t n)
{
	int rc = troupe_reply_wait(self, call, &num_method, &(struct num){n});

	play.yielded = rc;
	if (rc == 0)
		count_sent();
	return rc;
}

/* A task: yields all, and returns the last. */
static int makes(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	struct troupe_call call = me->kept_call;

	(void)unused;
	(void)unused_too;
	for (int64_t n = 1; n < play.total; n++) {
		int rc = yield_num(self, call, n);

		if (rc < 0) {
			note(self, "yield %s; ", strerrorname_np(-rc));
			return 0;
		}
	}
	return troupe_return(self, call, &num_method, &(struct num){play.total});
}
TROUPE_TASK(makes, struct puppet, void, void)

static int starts_making(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	(void)n;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return troupe_start(self, TROUPE_OF_ACTOR, &makes_task, NULL, NULL, NULL);
}

/* ------------------------------------------------------------------ who reads */

static struct troupe_address puppet(struct troupe_self *self, int id)
{
	struct world *world = world_of(self);

	return world->net ? cluster_address(world, id) : world->actors[id];
}

static int open_num(struct troupe_self *self, int id, int64_t n, struct troupe_items *items)
{
	return troupe_items_open(self, puppet(self, id), &num_method, num_entry.interface,
				 &(struct num){n}, play.window, items);
}

static int64_t num_in(const struct troupe_items *items)
{
	return ((const struct num *)items->now.data)->n;
}

static int reads(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	struct troupe_items items = {0};
	int rc = open_num(self, 2, 1, &items);

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(rc, 0);
	for (;;) {
		if (play.nap_ns && troupe_sleep(self, play.nap_ns) < 0)
			return 0; /* its actor ends */
		rc = troupe_items_next(self, &items);
		if (rc <= 0)
			break;
		play.taken++;
		assert_int_equal(num_in(&items), ++play.n_read);
		if (play.n_read == play.leave_after) {
			if (play.closes)
				troupe_items_close(self, &items);
			return 0;
		}
	}
	note(self, "%s; ", rc ? strerrorname_np(-rc) : "end");
	assert_int_equal(troupe_items_next(self, &items), rc == -ECANCELED ? rc : 0);
	assert_true(items.now.data == NULL);
	troupe_items_close(self, &items);
	assert_int_equal(troupe_items_next(self, &items), -EINVAL);
	troupe_items_close(self, &items);
	return 0;
}
TROUPE_TASK(reads, struct puppet, void, void)

static const struct troupe_task_entry *reader;

/* Puppet 1 starts the reader; the others do what the test's behaviour says. */
static int begins(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	if (me->id != 1)
		return ((behaviour *)world_of(self)->test)(self, me, call, n);
	return troupe_start(self, TROUPE_OF_ACTOR, reader, NULL, NULL, NULL);
}

static void begin_near(struct world *world, behaviour *two)
{
	world_init(world, 1, NULL);
	world->hooks.num = begins;
	world->test = (void *)two;
	world_spawn(world, 1);
	world_spawn(world, 2);
}

static void begin_far(struct cluster *cluster, behaviour *two)
{
	cluster_begin(cluster, two);
	for (int i = 1; i <= 3; i++)
		cluster->worlds[i].hooks.num = begins;
}

static void tell(struct world *world)
{
	assert_int_equal(world_send(world, world->actors[1], 0), 0);
}

/* Time passes everywhere. */
static void sleep_all(struct cluster *cluster, uint64_t ns)
{
	for (int i = 1; i <= 3; i++)
		if (cluster->net.worlds[i])
			world_sleep(&cluster->worlds[i], ns);
	net_run(&cluster->net);
}

static void assert_nothing_is_open(const struct world *world)
{
	assert_int_equal(world->runtime->items.count, 0);
	assert_int_equal(world->runtime->kept.count, 0);
	assert_int_equal(world->runtime->calls.count, 0);
	assert_int_equal(world->runtime->tasks.count, 0);
}

/* ------------------------------------------------------------------ items in order */

static const uint32_t windows[] = {1, 2, 3, 16, TROUPE_WINDOW_MAX};

static void items_come_in_order_and_end(void **state)
{
	struct world world;

	(void)state;
	reader = &reads_task;
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		play_begin(300, windows[i]);
		begin_near(&world, starts_making);
		tell(&world);
		world_run(&world);
		assert_int_equal(play.n_read, 300);
		assert_non_null(strstr(world_log(&world), "end; "));
		assert_nothing_is_open(&world);
		world_finish(&world);
	}
}

static void items_come_from_another_process(void **state)
{
	struct cluster cluster;

	(void)state;
	reader = &reads_task;
	for (size_t i = 0; i < ARRAY_LEN(windows); i++) {
		play_begin(300, windows[i]);
		begin_far(&cluster, starts_making);
		tell(&cluster.worlds[1]);
		net_run(&cluster.net);
		assert_int_equal(play.n_read, 300);
		assert_nothing_is_open(&cluster.worlds[1]);
		assert_nothing_is_open(&cluster.worlds[2]);
		net_finish(&cluster.net);
	}
}

/* A reader who takes his time: who streams waits, never further ahead than the window. */
static void slow_reader_holds_back_who_yields(void **state)
{
	struct cluster cluster;
	struct world world;

	(void)state;
	reader = &reads_task;
	play_begin(40, 4);
	play.nap_ns = S;
	begin_near(&world, starts_making);
	tell(&world);
	world_run(&world);
	assert_int_equal(play.sent, 4);
	for (int n = 0; n < 100; n++)
		world_sleep(&world, S);
	assert_int_equal(play.n_read, 40);
	assert_in_range(play.most_ahead, 4, 5); /* one that is taken is being counted */
	world_finish(&world);

	play_begin(40, 4);
	play.nap_ns = S;
	begin_far(&cluster, starts_making);
	tell(&cluster.worlds[1]);
	net_run(&cluster.net);
	assert_int_equal(play.sent, 4);
	for (int n = 0; n < 100; n++)
		sleep_all(&cluster, S);
	assert_int_equal(play.n_read, 40);
	assert_in_range(play.most_ahead, 4, 5);
	net_finish(&cluster.net);
}

/* ------------------------------------------------------------------ many streams */

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
	rc = troupe_items_open(self, puppet(self, 2), &text_method, num_entry.interface,
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

static void begin_hoard(struct world *reading, struct world *making)
{
	memset(&hoard, 0, sizeof(hoard));
	reading->hooks.num = begins_to_hoard;
	making->hooks.text = starts_pieces;
	actor_find(reading->runtime, reading->actors[1])->unit->mailbox_units = HOARD / 16;
	tell(reading);
}

/* What they were promised is given back. */
static void assert_no_hoard(const struct world *world)
{
	const struct actor *actor = actor_find(world->runtime, world->actors[1]);

	assert_int_equal(hoard.n_ended, HOARDS);
	assert_int_equal(tasked_find(world->runtime, actor)->items_bytes, 0);
	assert_nothing_is_open(world);
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
	begin_near(&world, NULL);
	begin_hoard(&world, &world);
	for (int n = 0; n < 10; n++)
		world_sleep(&world, S);
	assert_hoard(&world);
	for (int n = 0; n < 10; n++)
		world_sleep(&world, S);
	assert_no_hoard(&world);
	world_finish(&world);

	begin_far(&cluster, NULL);
	begin_hoard(&cluster.worlds[1], &cluster.worlds[2]);
	net_run(&cluster.net);
	for (int n = 0; n < 10; n++)
		sleep_all(&cluster, S);
	assert_hoard(&cluster.worlds[1]);
	for (int n = 0; n < 10; n++)
		sleep_all(&cluster, S);
	assert_no_hoard(&cluster.worlds[1]);
	assert_nothing_is_open(&cluster.worlds[2]);
	net_finish(&cluster.net);
}

/* ------------------------------------------------------------------ the reader leaves */

/* Puppet 1 joins the reader: what it learns comes after what who streams learns. */
static int joins(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	struct troupe_task task;

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &reads_task, NULL, NULL, &task),
			 0);
	assert_int_equal(troupe_join(self, task, NULL), 0);
	note(self, "joined; ");
	return 0;
}
TROUPE_TASK(joins, struct puppet, void, void)

/* Trap 5: the stream is closed in the middle. */
static void who_yields_learns_that_nobody_reads_on(void **state)
{
	struct cluster cluster;
	struct world world;

	(void)state;
	reader = &joins_task;
	for (int closes = 0; closes < 2; closes++) {
		play_begin(100, 3);
		play.leave_after = 10;
		play.closes = closes;
		begin_near(&world, starts_making);
		tell(&world);
		world_run(&world);
		assert_int_equal(play.yielded, -EPIPE);
		/* trap 5: before anybody learns of the reader's end */
		assert_non_null(strstr(world_log(&world), "yield EPIPE; joined; "));
		assert_nothing_is_open(&world);
		world_finish(&world);

		play_begin(100, 3);
		play.leave_after = 10;
		play.closes = closes;
		begin_far(&cluster, starts_making);
		tell(&cluster.worlds[1]);
		net_run(&cluster.net);
		assert_int_equal(play.yielded, -EPIPE);
		assert_nothing_is_open(&cluster.worlds[1]);
		assert_nothing_is_open(&cluster.worlds[2]);
		net_finish(&cluster.net);
	}
}

static int waits_for_ever(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	(void)n;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return 0;
}

/* Trap 5: the reader returns without a word. */
static void end_of_the_reader_closes(void **state)
{
	struct cluster cluster;
	struct world world;

	(void)state;
	reader = &reads_task;
	/* It waits for the first item, or who streams waits for room. */
	for (int way = 0; way < 2; way++) {
		play_begin(100, 3);
		play.nap_ns = way ? 100 * S : 0;
		begin_near(&world, way ? starts_making : waits_for_ever);
		tell(&world);
		world_run(&world);
		assert_int_equal(world.runtime->items.count, 1);
		world_sleep(&world, way ? 150 * S : 0);
		runtime_stop(world.runtime, world.actors[1]);
		world_run(&world);
		assert_int_equal(world.runtime->items.count, 0);
		world_finish(&world);

		play_begin(100, 3);
		begin_far(&cluster, way ? starts_making : waits_for_ever);
		tell(&cluster.worlds[1]);
		if (way)
			play.nap_ns = 100 * S;
		net_run(&cluster.net);
		net_kill(&cluster.net, way ? 1 : 2);
		net_run(&cluster.net);
		if (way)
			assert_int_equal(play.yielded, -EPIPE);
		else
			assert_log(&cluster.worlds[1], "1:num 0; ECONNRESET; ");
		net_finish(&cluster.net);
	}
}

/* ------------------------------------------------------------------ scopes */

/* Trap 3. It yields in a scope that has a time: that is its own, not its reader's. */
static int makes_in_time(struct troupe_self *self, struct puppet *me, void *unused,
			 void *unused_too)
{
	struct troupe_call call = me->kept_call;
	int64_t n = 1;
	int rc = 0;

	(void)unused;
	(void)unused_too;
	{
		TROUPE_SCOPE(scope, self, S);
		while (rc == 0)
			if ((rc = yield_num(self, call, n)) == 0)
				n++;
		note(self, "yield %s; ", strerrorname_np(-rc));
		assert_int_equal(troupe_scope_end(self, scope), -ETIMEDOUT);
	}
	for (rc = 0; rc == 0 && n < play.total;)
		if ((rc = yield_num(self, call, n)) == 0)
			n++;
	assert_int_equal(rc, 0);
	return troupe_return(self, call, &num_method, &(struct num){n});
}
TROUPE_TASK(makes_in_time, struct puppet, void, void)

static int starts_in_time(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	(void)n;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return troupe_start(self, TROUPE_OF_ACTOR, &makes_in_time_task, NULL, NULL, NULL);
}

static void time_of_who_yields_is_not_his_readers(void **state)
{
	struct cluster cluster;
	struct world world;

	(void)state;
	reader = &reads_task;
	play_begin(20, 2);
	play.nap_ns = 10 * S;
	begin_near(&world, starts_in_time);
	tell(&world);
	for (int n = 0; n < 60; n++)
		world_sleep(&world, 5 * S);
	assert_int_equal(play.n_read, 20);
	assert_log(&world, "1:num 0; 2:num 1; yield ETIMEDOUT; end; ");
	world_finish(&world);

	play_begin(20, 2);
	play.nap_ns = 10 * S;
	begin_far(&cluster, starts_in_time);
	tell(&cluster.worlds[1]);
	net_run(&cluster.net);
	for (int n = 0; n < 60; n++)
		sleep_all(&cluster, 5 * S);
	assert_int_equal(play.n_read, 20);
	assert_log(&cluster.worlds[1], "1:num 0; end; ");
	assert_log(&cluster.worlds[2], "2:num 1; yield ETIMEDOUT; ");
	net_finish(&cluster.net);
}

/* The same of who reads: its time ends a wait, not the stream. */
static int reads_in_time(struct troupe_self *self, struct puppet *me, void *unused,
			 void *unused_too)
{
	struct troupe_items items = {0};
	int rc;

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(open_num(self, 2, 1, &items), 0);
	assert_int_equal(troupe_items_next(self, &items), 1);
	assert_int_equal(num_in(&items), 1);
	for (int i = 0; i < 2; i++) {
		TROUPE_SCOPE(scope, self, S);
		assert_int_equal(troupe_items_next(self, &items), -ETIMEDOUT);
		assert_int_equal(troupe_items_next(self, &items), -ETIMEDOUT);
		assert_int_equal(troupe_scope_end(self, scope), -ETIMEDOUT);
	}
	note(self, "late twice; ");
	while ((rc = troupe_items_next(self, &items)) > 0)
		note(self, "%d; ", (int)num_in(&items));
	note(self, "%s; ", rc ? strerrorname_np(-rc) : "end");
	return 0;
}
TROUPE_TASK(reads_in_time, struct puppet, void, void)

static int replies_slowly(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	(void)n;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	assert_int_equal(troupe_timer_start(self, &tick_entry, 10 * S, 10 * S, 0, NULL), 0);
	return troupe_reply(self, call, &num_method, &(struct num){++me->count});
}

static int ticks(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	(void)context;
	if (!me->kept_call.id)
		return 0;
	if (++me->count < 4)
		return troupe_reply(self, me->kept_call, &num_method, &(struct num){me->count});
	/* It ends without last words. */
	assert_int_equal(troupe_call_drop(self, me->kept_call), 0);
	me->kept_call.id = 0;
	return 0;
}

static void time_of_who_reads_ends_the_wait_only(void **state)
{
	struct world world;

	(void)state;
	reader = &reads_in_time_task;
	play_begin(0, 4);
	begin_near(&world, replies_slowly);
	world.hooks.tick = ticks;
	tell(&world);
	for (int n = 0; n < 10; n++)
		world_sleep(&world, 5 * S);
	assert_log(&world, "1:num 0; 2:num 1; late twice; 2:tick0; 2; 2:tick0; 3; 2:tick0; "
			   "end; 2:tick0; ");
	assert_int_equal(world.runtime->items.count, 0);
	world_finish(&world);
}

/* An item and the cut of its scope in one moment: none is lost, whichever comes first. */
static int reads_and_is_cut(struct troupe_self *self, struct puppet *me, void *unused,
			    void *unused_too)
{
	struct troupe_items items = {0};
	int rc;

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(open_num(self, 2, 1, &items), 0);
	for (;;) {
		struct troupe_scope scope;

		assert_int_equal(troupe_scope_begin(self, 10 * S, &scope), 0);
		rc = troupe_items_next(self, &items);
		if (rc > 0)
			assert_int_equal(num_in(&items), ++play.n_read);
		else
			assert_true(rc == 0 || rc == -ETIMEDOUT);
		(void)troupe_scope_end(self, scope);
		if (rc == 0)
			break;
	}
	return 0;
}
TROUPE_TASK(reads_and_is_cut, struct puppet, void, void)

static void item_that_is_there_is_not_lost_by_a_cut(void **state)
{
	struct world world;

	(void)state;
	reader = &reads_and_is_cut_task;
	play_begin(0, 1);
	begin_near(&world, replies_slowly);
	world.hooks.tick = ticks;
	tell(&world);
	for (int n = 0; n < 20; n++)
		world_sleep(&world, 10 * S);
	assert_int_equal(play.n_read, 3);
	assert_int_equal(world.runtime->tasks.count, 0);
	world_finish(&world);
}

/* ------------------------------------------------------------------ other ends */

static int ends_otherwise(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	(void)me;
	if (n < 10)
		assert_int_equal(troupe_reply(self, call, &num_method, &(struct num){n}), 0);
	switch (n % 10) {
	case 1:
		return troupe_fail(self, call, &bad_error, &(struct text){"one"});
	case 2:
		return -EIO;
	case 3:
		return 0;
	default:
		return troupe_fail_permission_denied(self, call);
	}
}

static int reads_ends(struct troupe_self *self, struct puppet *me, void *unused,
		      void *unused_too)
{
	static const int numbers[] = {1, 2, 3, 4, 11, 12, 13, 14};
	struct troupe_items items = {0};
	int rc;

	(void)me;
	(void)unused;
	(void)unused_too;
	/* It is closed by the next one that is opened. */
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		assert_int_equal(open_num(self, 2, numbers[i], &items), 0);
		while ((rc = troupe_items_next(self, &items)) > 0)
			note(self, "%d ", (int)num_in(&items));
		note(self, "%s", rc ? strerrorname_np(-rc) : "end");
		if (rc == -EREMOTEIO)
			note(self, " %s", ((const struct text *)items.now.data)->text);
		note(self, "; ");
		assert_int_equal(troupe_items_next(self, &items), 0);
	}
	return 0;
}
TROUPE_TASK(reads_ends, struct puppet, void, void)

#define ENDS "1 EREMOTEIO one; 2 EIO; 3 end; 4 EACCES; EREMOTEIO one; EIO; end; EACCES; "

static void each_end_of_a_stream_is_told(void **state)
{
	struct cluster cluster;
	struct world world;
	char seen[256] = "";
	const char *log;

	(void)state;
	reader = &reads_ends_task;
	play_begin(0, 2);
	begin_near(&world, ends_otherwise);
	tell(&world);
	world_run(&world);
	log = world_log(&world);
	while (*log) { /* without what puppet 2 was told */
		size_t size = strcspn(log, ";") + 2;

		if (!strstr(log, ":num") || strstr(log, ":num") - log > 4)
			strncat(seen, log, size);
		log += size;
	}
	assert_string_equal(seen, ENDS);
	assert_nothing_is_open(&world);
	world_finish(&world);

	begin_far(&cluster, ends_otherwise);
	tell(&cluster.worlds[1]);
	net_run(&cluster.net);
	assert_log(&cluster.worlds[1], "1:num 0; " ENDS);
	assert_nothing_is_open(&cluster.worlds[1]);
	net_finish(&cluster.net);
}

/* ------------------------------------------------------------------ handlers */

/* Puppet 3 calls 1, whose handler reads from that of 2; both are tasks. */
static int serves(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct troupe_items items = {0};
	int rc = 0;

	(void)n;
	if (me->id == 3)
		return troupe_call(self, puppet(self, 1), &num_method, &(struct num){1},
				   &num_entry, 0, 0, 0, NULL);
	if (me->id == 2) {
		for (int64_t i = 1; rc == 0 && i <= play.total; i++)
			rc = yield_num(self, call, i);
		if (rc < 0)
			note(self, "yield %s; ", strerrorname_np(-rc));
		return 0;
	}
	assert_int_equal(open_num(self, 2, 1, &items), 0);
	while ((rc = troupe_items_next(self, &items)) > 0) {
		assert_int_equal(num_in(&items), ++play.n_read);
		if (play.n_read == play.leave_after)
			return -EIO; /* that is its answer */
	}
	assert_int_equal(rc, 0);
	return troupe_return(self, call, &num_method, &(struct num){play.n_read});
}

static void handlers_that_are_tasks_stream_to_one_another(void **state)
{
	struct world world;

	(void)state;
	for (int leaves = 0; leaves < 2; leaves++) {
		play_begin(50, 4);
		play.leave_after = leaves ? 7 : 0;
		world_init(&world, 1, NULL);
		world_unit(&world, 2, world.tasker, 0, 0, 0);
		world.hooks.num = serves;
		for (int id = 1; id <= 3; id++)
			world_spawn_in(&world, 2, id);
		world_send(&world, world.actors[3], 1);
		world_run(&world);
		assert_log(&world, leaves ? "3:num 1; 1:num 1; 2:num 1; yield EPIPE; 3:reply0 "
					    "failed (EIO); "
					  : "3:num 1; 1:num 1; 2:num 1; 3:reply0 ok 50; ");
		assert_nothing_is_open(&world);
		world_finish(&world);
	}
}

/* ------------------------------------------------------------------ misuse */

static struct troupe_items common;

static int reads_anothers(struct troupe_self *self, struct puppet *me, void *unused,
			  void *unused_too)
{
	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(troupe_items_next(self, &common), -EINVAL);
	return 0;
}
TROUPE_TASK(reads_anothers, struct puppet, void, void)

static int misuses(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	struct troupe_items items = {0};
	struct troupe_task task;

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(troupe_items_next(self, &items), -EINVAL);
	assert_int_equal(troupe_items_next(self, NULL), -EINVAL);
	play.window = 0;
	assert_int_equal(open_num(self, 2, 1, &items), -EINVAL);
	play.window = TROUPE_WINDOW_MAX + 1;
	assert_int_equal(open_num(self, 2, 1, &items), -EINVAL);
	play.window = 1;
	assert_int_equal(troupe_items_open(self, puppet(self, 2), NULL, num_entry.interface,
					   &(struct num){1}, 1, &items),
			 -EINVAL);
	assert_int_equal(troupe_items_open(self, puppet(self, 2), &num_method,
					   num_entry.interface, NULL, 1, &items),
			 -EINVAL);
	assert_int_equal(troupe_items_open(self, (struct troupe_address){0}, &num_method,
					   num_entry.interface, &(struct num){1}, 1, &items),
			 -ESRCH);
	assert_int_equal(self->runtime->items.count, 0);
	memset(&common, 0, sizeof(common));
	assert_int_equal(open_num(self, 2, 1, &common), 0);
	assert_int_equal(
		troupe_start(self, TROUPE_OF_ACTOR, &reads_anothers_task, NULL, NULL, &task),
		0);
	assert_int_equal(troupe_join(self, task, NULL), 0);
	assert_int_equal(troupe_items_next(self, &common), 1);
	troupe_items_close(self, &common);
	assert_int_equal(troupe_reply_wait(self, (struct troupe_call){99}, &num_method,
					   &(struct num){1}),
			 -EPIPE);
	return 0;
}
TROUPE_TASK(misuses, struct puppet, void, void)

static int waits_in_a_handler(struct troupe_self *self, struct puppet *me,
			      struct troupe_call call, int64_t n)
{
	struct troupe_items items = {0};

	if (me->id != 1)
		return starts_making(self, me, call, n);
	assert_int_equal(open_num(self, 2, 1, &items), -EDEADLK);
	assert_int_equal(troupe_items_next(self, &items), -EDEADLK);
	troupe_items_close(self, &items);
	return troupe_start(self, TROUPE_OF_ACTOR, &misuses_task, NULL, NULL, NULL);
}

static void misuse_of_items_is_refused(void **state)
{
	struct world world;

	(void)state;
	play_begin(50, 1);
	begin_near(&world, NULL);
	world.hooks.num = waits_in_a_handler;
	tell(&world);
	world_run(&world);
	assert_nothing_is_open(&world);
	world_finish(&world);
}

/* ------------------------------------------------------------------ at random */

static struct random dice;

static unsigned below(unsigned bound)
{
	return (unsigned)random_below(&dice, bound);
}

static int reads_at_random(struct troupe_self *self, struct puppet *me, void *unused,
			   void *unused_too)
{
	struct troupe_items items = {0};
	int64_t last = 0;
	int rc;

	(void)me;
	(void)unused;
	(void)unused_too;
	play.window = 1 + below(5);
	rc = open_num(self, 2, 1, &items);
	while (rc >= 0 && below(40)) {
		struct troupe_scope scope;

		assert_int_equal(troupe_scope_begin(self, 1 + below(2000000), &scope), 0);
		if (below(3) == 0)
			(void)troupe_sleep(self, below(3000000));
		rc = troupe_items_next(self, &items);
		if (rc > 0)
			assert_int_equal(num_in(&items), ++last);
		(void)troupe_scope_end(self, scope);
		if (rc == -ETIMEDOUT)
			rc = 1;
		else if (rc == 0)
			break;
	}
	if (below(2))
		troupe_items_close(self, &items);
	return 0;
}
TROUPE_TASK(reads_at_random, struct puppet, void, void)

static int makes_at_random(struct troupe_self *self, struct puppet *me, void *arg,
			   void *unused_too)
{
	struct troupe_call call = {(uintptr_t)arg};
	int rc = 0;

	(void)me;
	(void)unused_too;
	for (int64_t n = 1; rc == 0 && below(60); n++) {
		struct troupe_scope scope;

		assert_int_equal(troupe_scope_begin(self, 1 + below(4000000), &scope), 0);
		if (below(4) == 0)
			(void)troupe_sleep(self, below(2000000));
		rc = troupe_reply_wait(self, call, &num_method, &(struct num){n});
		assert_true(rc == 0 || rc == -EPIPE || rc == -ETIMEDOUT || rc == -ECANCELED);
		(void)troupe_scope_end(self, scope);
	}
	return rc == -EPIPE || below(4) == 0 ? 0 : troupe_call_drop(self, call) & 0;
}
TROUPE_TASK(makes_at_random, struct puppet, void, void)

static int begins_at_random(struct troupe_self *self, struct puppet *me,
			    struct troupe_call call, int64_t n)
{
	(void)n;
	if (me->id == 1)
		return troupe_start(self, TROUPE_OF_ACTOR, &reads_at_random_task, NULL, NULL,
				    NULL);
	if (!troupe_call_wants_more(self, call))
		return 0;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	return troupe_start(self, TROUPE_OF_ACTOR, &makes_at_random_task,
			    (void *)(uintptr_t)call.id, NULL, NULL);
}

static void items_at_random_leave_nothing_behind(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 150; seed++) {
		struct cluster cluster;
		bool far = seed % 2;

		random_init(&dice, seed);
		cluster_begin(&cluster, NULL);
		for (int i = 1; i <= 3; i++)
			cluster.worlds[i].hooks.num = begins_at_random;
		if (!far) {
			world_spawn(&cluster.worlds[1], 2);
			cluster.net.worlds[2] = &cluster.worlds[1];
		}
		for (int n = 0; n < 60; n++) {
			cluster_ask(&cluster, 1);
			for (unsigned k = below(20); k > 0; k--) {
				loop_step(cluster.worlds[1].loop, false);
				if (far)
					net_carry_one(&cluster.net, (uint16_t)(1 + below(2)));
			}
			if (far && below(3) == 0)
				world_run(&cluster.worlds[2]);
			world_sleep(&cluster.worlds[1], below(3000000));
			if (far)
				world_sleep(&cluster.worlds[2], below(3000000));
			world_log(&cluster.worlds[1]);
			world_log(&cluster.worlds[2]);
		}
		cluster.net.worlds[2] = &cluster.worlds[2];
		if (seed % 3 == 0 && far)
			net_kill(&cluster.net, (uint16_t)(1 + below(2)));
		for (int n = 0; n < 20; n++)
			sleep_all(&cluster, 10 * S);
		net_finish(&cluster.net);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_come_in_order_and_end),
		cmocka_unit_test(items_come_from_another_process),
		cmocka_unit_test(slow_reader_holds_back_who_yields),
		cmocka_unit_test(streams_of_an_actor_hold_half_of_its_mailbox),
		cmocka_unit_test(who_yields_learns_that_nobody_reads_on),
		cmocka_unit_test(end_of_the_reader_closes),
		cmocka_unit_test(time_of_who_yields_is_not_his_readers),
		cmocka_unit_test(time_of_who_reads_ends_the_wait_only),
		cmocka_unit_test(item_that_is_there_is_not_lost_by_a_cut),
		cmocka_unit_test(each_end_of_a_stream_is_told),
		cmocka_unit_test(handlers_that_are_tasks_stream_to_one_another),
		cmocka_unit_test(misuse_of_items_is_refused),
		cmocka_unit_test(items_at_random_leave_nothing_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A storm: hundreds of actors in three runtimes that do anything they may at random, for many
 * seeds. Whatever happens, each call ends exactly once, messages between two actors keep
 * their order, sends add up, bounds hold, and nothing is left in the end. A failure names its
 * seed. */
#include "base/cleanup.h"
#include "base/random.h"
#include "core/call.h"
#include "core/inside.h"
#include "core/kept.h"
#include "world.h"
#include <errno.h>

#define SEEDS     40 /* `make soak` goes on with others */
#define IDS       512
#define CALLS     8192
#define ADDRESSES 512
#define WORKERS   3

struct storm {
	struct random random;
	struct net net;
	struct world worlds[WORKERS + 1];
	struct troupe_address addresses[ADDRESSES]; /* of all who ever lived, as it were */
	unsigned n_addresses, next_id;
	int budget;                              /* deeds left */
	uint32_t sent[IDS][IDS], seen[IDS][IDS]; /* sequence numbers, by sender and receiver */
	uint64_t sends, handled;
	uint8_t calls[CALLS];    /* how often it has ended */
	uint16_t callers[CALLS]; /* ids */
	uint64_t requests[CALLS];
	uint16_t workers[CALLS];
	unsigned n_calls;
	bool alive[IDS];
	bool kills;
};

static uint64_t below(struct storm *storm, uint64_t bound)
{
	return random_below(&storm->random, bound);
}

static struct storm *storm_of(const struct troupe_self *self)
{
	return world_of(self)->test;
}

static struct troupe_address anybody(struct storm *storm)
{
	struct troupe_address address = storm->addresses[below(storm, storm->n_addresses)];

	if (below(storm, 50) == 0)
		address.generation += (uint32_t)below(storm, 3);
	return address;
}

/* The receiver's id is only known when it is its address that is used; made up ones do not
 * count. */
static int id_of(struct storm *storm, struct troupe_address address)
{
	for (unsigned i = 0; i < storm->n_addresses; i++)
		if (troupe_address_equal(storm->addresses[i], address))
			return (int)i;
	return -1;
}

static void send_one(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);
	struct troupe_address to = anybody(storm);
	int receiver = id_of(storm, to), rc;
	struct num num = {.n = me->id << 32};

	if (receiver >= 0)
		num.n |= storm->sent[me->id][receiver] + 1;
	rc = self_send(self, to, &num_method, &num);
	assert_true(rc == 0 || rc == -EAGAIN || rc == -ESRCH);
	if (rc != -EAGAIN)
		storm->sends++; /* -ESRCH is a dead letter at once */
	if (rc == 0 && receiver >= 0)
		storm->sent[me->id][receiver]++;
}

static void call_one(struct troupe_self *self, struct puppet *me)
{
	static const uint64_t timeouts[] = {0, 1000000, 50000000, 2000000000};
	struct storm *storm = storm_of(self);
	unsigned index = storm->n_calls;
	struct troupe_request request;
	int rc;

	if (index == CALLS)
		return;
	rc = self_call(self, anybody(storm), &text_method, &(struct text){"storm"}, &text_entry,
		       index, timeouts[below(storm, 4)], below(storm, 3) ? 0 : TROUPE_MORE,
		       &request);
	assert_true(rc == 0 || rc == -EAGAIN || rc == -ESRCH);
	if (rc < 0)
		return;
	storm->n_calls++;
	storm->callers[index] = (uint16_t)me->id;
	storm->requests[index] = request.id;
	storm->workers[index] = world_of(self)->worker;
	if (below(storm, 8) == 0)
		assert_int_equal(self_cancel(self, request), 0);
}

static void answer_kept(struct troupe_self *self, struct puppet *me)
{
	int rc = 0;

	if (!me->kept_call.id)
		return;
	switch (below(storm_of(self), 4)) {
	case 0:
		rc = self_return(self, me->kept_call, &text_method, &(struct text){"late"});
		break;
	case 1:
		rc = self_call_drop(self, me->kept_call);
		break;
	case 2:
		rc = self_fail(self, me->kept_call, &bad_error, &(struct text){"bad"});
		break;
	default:
		rc = self_reply(self, me->kept_call, &text_method, &(struct text){"more"});
		assert_true(rc == 0 || rc == -EAGAIN || rc == -EPROTOTYPE);
		return;
	}
	assert_int_equal(rc, 0);
	me->kept_call.id = 0;
}

static void spawn_one(struct troupe_self *self)
{
	struct storm *storm = storm_of(self);
	uint32_t flags = below(storm, 4) ? 0 : TROUPE_DETACHED;
	struct troupe_address address;

	if (storm->next_id >= IDS)
		return;
	assert_int_equal(self_spawn(self, &puppet_table, &(struct num){storm->next_id++}, flags,
				    &address),
			 0);
	if (below(storm, 4) == 0) {
		int rc = self_stop(self, address);

		/* its own init may have ended it */
		assert_true(rc == -ESRCH || rc == (flags ? -EPERM : 0));
	}
}

static void act(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);

	assert_true(self->actor->load.queued <= self->actor->unit->mailbox);
	for (uint64_t n = below(storm, 4); n > 0 && storm->budget > 0; n--) {
		storm->budget--;
		switch (below(storm, 20)) {
		case 0:
			answer_kept(self, me);
			break;
		case 1:
			self_timer_start(self, &tick_entry, below(storm, 100000000),
					 below(storm, 4) ? 0 : 30000000, 0, &me->timer);
			break;
		case 2:
			self_timer_stop(self, me->timer);
			break;
		case 3:
			self_release(self, me->kept);
			me->kept = NULL;
			break;
		case 4:
			spawn_one(self);
			break;
		case 5:
			if (below(storm, 4) == 0)
				self_exit(self, -(int)below(storm, 2));
			else /* a handler that takes long */
				sim_advance(world_of(self)->loop, below(storm, 60000000));
			break;
		case 6:
		case 7:
		case 8:
		case 9:
		case 10:
		case 11:
			call_one(self, me);
			break;
		default:
			send_one(self, me);
		}
	}
}

/* ------------------------------------------------------------------ hooks */

static int on_storm_num(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	struct storm *storm = storm_of(self);
	uint32_t sender = (uint32_t)(n >> 32), sequence = (uint32_t)n;

	(void)call;
	storm->handled++;
	if (sequence) {
		assert_true(sequence > storm->seen[sender][me->id]);
		storm->seen[sender][me->id] = sequence;
	}
	if (!me->kept && below(storm, 10) == 0)
		assert_int_equal(self_keep(self, &me->kept), 0);
	act(self, me);
	return below(storm, 20) ? 0 : -EIO;
}

static int on_storm_text(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 const char *text)
{
	struct storm *storm = storm_of(self);
	int rc;

	assert_string_equal(text, "storm");
	act(self, me);
	switch (below(storm, 6)) {
	case 0:
		if (me->kept_call.id)
			return 0;
		rc = self_call_keep(self, &call);
		assert_int_equal(rc, 0);
		me->kept_call = call;
		return 0;
	case 1:
		rc = self_forward(self, anybody(storm));
		assert_true(rc == 0 || rc == -EAGAIN || rc == -ESRCH);
		return 0;
	case 2:
		return -EIO;
	case 3:
		for (int i = 0; i < 5 && self_call_wants_more(self, call); i++)
			if (self_reply(self, call, &text_method, &(struct text){"some"}) < 0)
				break;
		return self_return(self, call, &text_method, &(struct text){"last"});
	default:
		return self_return(self, call, &text_method, &(struct text){"done"});
	}
}

static int on_storm_reply(struct troupe_self *self, struct puppet *me, uint64_t context,
			  const struct troupe_reply *reply)
{
	struct storm *storm = storm_of(self);

	assert_true(context < storm->n_calls);
	assert_int_equal(storm->callers[context], me->id);
	assert_int_equal(storm->calls[context], 0); /* nothing after the end */
	if (!reply->continues)
		storm->calls[context]++;
	act(self, me);
	return 0;
}

static int on_storm_tick(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	(void)context;
	act(self, me);
	if (storm_of(self)->budget <= 0) /* let it come to rest */
		self_timer_stop(self, me->timer);
	return 0;
}

static int on_storm_init(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);

	if (storm->n_addresses <= (unsigned)me->id)
		storm->n_addresses = (unsigned)me->id + 1;
	storm->addresses[me->id] = runtime_self_address(self);
	storm->alive[me->id] = true;
	act(self, me);
	return 0;
}

static void on_storm_fini(struct troupe_self *self, struct puppet *me,
			  enum troupe_reason reason)
{
	struct storm *storm = storm_of(self);

	(void)reason;
	storm->alive[me->id] = false;
	if (below(storm, 2))
		send_one(self, me);
}

static int on_storm_room(struct troupe_self *self, struct puppet *me,
			 struct troupe_address where)
{
	(void)where;
	act(self, me);
	return 0;
}

static int on_storm_cancel(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	assert_int_equal(me->kept_call.id, call.id);
	assert_int_equal(self_return(self, call, &text_method, &(struct text){"x"}), -EALREADY);
	me->kept_call.id = 0;
	act(self, me);
	return 0;
}

/* ------------------------------------------------------------------ the weather */

static void people(struct storm *storm, struct world *world, int n)
{
	while (n-- > 0 && storm->next_id < IDS)
		world_spawn_in(world, 1 + (uint32_t)below(storm, 2), storm->next_id++);
}

static void start(struct storm *storm, struct world *world)
{
	world->hooks = (struct hooks){.num = on_storm_num,
				      .text = on_storm_text,
				      .reply = on_storm_reply,
				      .tick = on_storm_tick,
				      .init = on_storm_init,
				      .fini = on_storm_fini,
				      .room = on_storm_room,
				      .cancel = on_storm_cancel};
	world->test = storm;
	world_unit(world, 2, world->type, 4, 4096, 2);
	world_count_shares(world);
	people(storm, world, 30);
}

static void kill_one(struct storm *storm)
{
	uint16_t worker = (uint16_t)(1 + below(storm, WORKERS));
	struct world *dead = &storm->worlds[worker];
	uint32_t incarnation = dead->incarnation;
	int budget = storm->budget;

	storm->net.worlds[worker] = NULL;
	dead->net = NULL;
	storm->budget = 0; /* its last breath is not part of the storm */
	world_fini(dead);
	storm->budget = budget;
	for (uint16_t i = 1; i <= WORKERS; i++) {
		if (i == worker)
			continue;
		while (net_carry_one(&storm->net, i)) /* its last mail, too */
			;
		runtime_peer_down(storm->worlds[i].runtime, 0, worker, incarnation,
				  TROUPE_ACTOR_DIED);
	}
	world_restart(dead, &storm->net);
	start(storm, dead);
}

/* What an idle runtime does, in the middle of everything. */
static void trim(struct storm *storm, struct runtime *runtime)
{
	struct slots *tables[] = {&runtime->actors,     &runtime->mores, &runtime->calls,
				  &runtime->kept_calls, &runtime->kept,  &runtime->timers,
				  &runtime->waits};

	for (uint64_t n = below(storm, 8); n > 0; n--)
		slab_trim(below(storm, 2) ? &runtime->messages : &runtime->states);
	slots_trim(tables[below(storm, ARRAY_LEN(tables))]);
}

static void rage(struct storm *storm)
{
	while (storm->budget > 0) {
		uint16_t worker = (uint16_t)(1 + below(storm, WORKERS));
		struct world *world = &storm->worlds[worker];

		storm->budget--;
		switch (below(storm, 12)) {
		case 0:
			world_sleep(world, below(storm, 20000000));
			trim(storm, world->runtime);
			break;
		case 1:
			storm->net.full = below(storm, 4) == 0;
			if (!storm->net.full)
				for (uint16_t i = 1; i <= WORKERS; i++)
					for (uint16_t k = 1; k <= WORKERS; k++)
						runtime_link_room(storm->worlds[i].runtime, 0,
								  k);
			break;
		case 2:
			if (below(storm, 10) == 0)
				runtime_stop(world->runtime, anybody(storm));
			break;
		case 3:
			if (storm->kills && below(storm, 40) == 0)
				kill_one(storm);
			else if (below(storm, 5) == 0)
				people(storm, world, 2);
			break;
		case 4:
		case 5:
		case 6:
			loop_step(world->loop, false);
			break;
		default:
			for (uint64_t n = below(storm, 10); n > 0; n--)
				net_carry_one(&storm->net, worker);
		}
	}
}

/* After the storm: no deeds any more, all that is under way arrives, all deadlines pass. */
static void calm(struct storm *storm)
{
	storm->net.full = false;
	for (int round = 0; round < 3; round++) {
		for (uint16_t i = 1; i <= WORKERS; i++)
			for (uint16_t k = 1; k <= WORKERS; k++)
				runtime_link_room(storm->worlds[i].runtime, 0, k);
		net_run(&storm->net);
		for (uint16_t i = 1; i <= WORKERS; i++)
			world_sleep(&storm->worlds[i], 100000000000);
	}
	net_run(&storm->net);
}

/* After its first reply a stream has no deadline: it may last as long as both sides live. */
static bool is_open_stream(struct storm *storm, unsigned i)
{
	struct runtime *runtime = storm->worlds[storm->workers[i]].runtime;
	struct call *call = call_find(runtime, storm->requests[i]);

	return call && (call->flags & CALL_MORE) && !wheel_has(&call->deadline);
}

static void rage_with_seed(uint64_t seed, bool kills)
{
	struct storm *storm = calloc(1, sizeof(*storm));
	uint64_t dead = 0;

	print_message("seed %d%s\n", (int)seed, kills ? " with deaths" : "");
	random_init(&storm->random, seed);
	storm->kills = kills;
	storm->budget = 4000;
	for (uint16_t i = 1; i <= WORKERS; i++) {
		struct world *world = &storm->worlds[i];

		world_init(world, i, NULL);
		world_link(world, &storm->net);
	}
	for (uint16_t i = 1; i <= WORKERS; i++)
		start(storm, &storm->worlds[i]);
	rage(storm);
	calm(storm);
	for (unsigned i = 0; i < storm->n_calls; i++) {
		assert_true(storm->calls[i] <= 1);
		if (storm->alive[storm->callers[i]] && storm->calls[i] == 0)
			assert_true(is_open_stream(storm, i));
	}
	for (uint16_t i = 1; i <= WORKERS; i++)
		runtime_stop_all(storm->worlds[i].runtime);
	net_run(&storm->net);
	for (uint16_t i = 1; i <= WORKERS; i++) {
		dead += storm->worlds[i].dead_sends;
		world_assert_empty(&storm->worlds[i]);
	}
	if (!kills)
		assert_int_equal(storm->sends, storm->handled + dead);
	for (uint16_t i = 1; i <= WORKERS; i++)
		world_fini(&storm->worlds[i]);
	net_fini(&storm->net);
	free(storm);
}

static void storm_leaves_nothing_behind(void **state)
{
	const char *only = getenv("STORM_SEED");
	uint64_t first = only ? strtoull(only, NULL, 0) : 1, last = only ? first : SEEDS;

	(void)state;
	for (uint64_t seed = first; seed <= last; seed++)
		rage_with_seed(seed, seed % 2 == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(storm_leaves_nothing_behind)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

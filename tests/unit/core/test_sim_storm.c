/* A storm: hundreds of actors in three runtimes that do anything they may at random, for many
 * seeds, which also decide which of them is next. Whatever happens, each call, of an actor or
 * of a client, ends exactly once, and who has kept one that has ended hears of it; messages
 * between two actors keep their order, and so do the replies of a stream, of which none is
 * missing; sends add up, bounds hold; who was refused hears of room exactly once; no child
 * outlives its parent, and nothing is left in the end. A failure names its seed. */
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
#define ROOMS     1024 /* refusals that are under way */
#define CLIENTS   4    /* of each worker, at a time */
#define WIDEST    8    /* mailbox of unit 2 */
#define PASSING   3    /* the first unit of those that are forgotten */
#define STREAMS   32768

struct storm;

/* A call of a client. */
struct asker {
	struct runtime_client_call client_call;
	struct storm *storm;
	bool is_open, has_deadline;
	unsigned number; /* of the call */
};

/* The replies of one actor to one call that asked for a stream. */
struct stream {
	uint32_t key; /* 0: free */
	uint32_t sent, seen;
};

/* An on_room that an actor is to get. */
struct refusal {
	int64_t id;
	struct troupe_address where;
	uint64_t handle;
};

struct storm {
	struct random random;
	struct net net;
	struct world worlds[WORKERS + 1];
	struct troupe_address addresses[ADDRESSES]; /* of all who ever lived, as it were */
	unsigned n_addresses, next_id, next_unit;
	int budget;                              /* deeds left */
	uint32_t sent[IDS][IDS], seen[IDS][IDS]; /* sequence numbers, by sender and receiver */
	uint64_t sends, handled;
	uint8_t calls[CALLS];    /* how often it has ended */
	uint16_t callers[CALLS]; /* ids */
	uint64_t requests[CALLS];
	uint16_t workers[CALLS];
	unsigned n_calls;
	unsigned n_client_calls;
	struct stream streams[STREAMS];
	unsigned n_streams;
	unsigned kept_numbers[IDS]; /* of the call that it has kept */
	bool alive[IDS];
	uint16_t parents[IDS];                /* id plus 1; 0: nobody's child */
	bool refuses[IDS];                    /* its init does */
	struct troupe_address kept_from[IDS]; /* the caller of its kept call */
	struct refusal refusals[ROOMS];
	unsigned n_refusals;
	uint64_t clients[WORKERS + 1][CLIENTS], next_client; /* numbers */
	struct asker askers[WORKERS + 1][CLIENTS];
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

static struct refusal *find_refusal(struct storm *storm, int64_t id,
				    struct troupe_address where, uint64_t handle)
{
	for (unsigned i = 0; i < storm->n_refusals; i++) {
		struct refusal *refusal = &storm->refusals[i];

		if (refusal->id == id && refusal->handle == handle &&
		    troupe_address_equal(refusal->where, where))
			return refusal;
	}
	return NULL;
}

static uint32_t count_waits(const struct troupe_self *self)
{
	return self->runtime->waits.count;
}

/* What an actor got, when there were so many waits before. -EAGAIN promises one on_room, and
 * only that does; when one is on its way it is that one. */
static void note_result(struct troupe_self *self, struct puppet *me,
			struct troupe_address where, uint64_t handle, int rc, uint32_t before)
{
	struct storm *storm = storm_of(self);

	if (rc != -EAGAIN || count_waits(self) == before) {
		assert_int_equal(count_waits(self), before);
		assert_true(rc != -EAGAIN || find_refusal(storm, me->id, where, handle) ||
			    find_refusal(storm, me->id, where, 0));
		return;
	}
	assert_int_equal(count_waits(self), before + 1);
	assert_true(storm->n_refusals < ROOMS);
	storm->refusals[storm->n_refusals++] = (struct refusal){me->id, where, handle};
}

/* There is room, as was promised. Of a stream that was kept after it was refused the handle was
 * not known then. */
static void take_room(struct storm *storm, int64_t id, struct troupe_address where,
		      uint64_t handle)
{
	struct refusal *refusal = find_refusal(storm, id, where, handle);

	if (!refusal)
		refusal = find_refusal(storm, id, where, 0);
	assert_non_null(refusal);
	*refusal = storm->refusals[--storm->n_refusals];
}

static void forget_refusals(struct storm *storm, int64_t id)
{
	for (unsigned i = 0; i < storm->n_refusals;)
		if (storm->refusals[i].id == id)
			storm->refusals[i] = storm->refusals[--storm->n_refusals];
		else
			i++;
}

static struct stream *get_stream(struct storm *storm, unsigned number, unsigned id)
{
	uint32_t key = number * IDS + id + 1;
	unsigned at = key * 2654435761u % STREAMS;

	while (storm->streams[at].key && storm->streams[at].key != key)
		at = (at + 1) % STREAMS;
	if (!storm->streams[at].key) {
		assert_true(++storm->n_streams < STREAMS / 2);
		storm->streams[at].key = key;
	}
	return &storm->streams[at];
}

/* The next reply of a stream. */
static int reply_next(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      unsigned number)
{
	struct stream *stream = get_stream(storm_of(self), number, (unsigned)me->id);
	char text[64];
	int rc;

	(void)snprintf(text, sizeof(text), "%u %u %u", number, (unsigned)me->id,
		       stream->sent + 1);
	rc = troupe_reply(self, call, &text_method, &(struct text){text});
	stream->sent += rc == 0;
	return rc;
}

/* The last one. */
static int return_last(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       unsigned number)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "%u %u last", number, (unsigned)me->id);
	return troupe_return(self, call, &text_method, &(struct text){text});
}

/* A reply of the call of that number: the next of its stream, or the last, when all others of
 * the same actor have come. */
static void see_reply(struct storm *storm, unsigned number, const struct troupe_reply *reply)
{
	unsigned of, id, sequence;
	struct stream *stream;
	int n;

	if (reply->status != TROUPE_OK)
		return;
	n = sscanf(((const struct text *)reply->data)->text, "%u %u %u", &of, &id, &sequence);
	assert_int_equal(n, reply->continues ? 3 : 2);
	assert_int_equal(of, number);
	stream = get_stream(storm, number, id);
	if (reply->continues)
		assert_int_equal(sequence, ++stream->seen);
	else
		assert_int_equal(stream->seen, stream->sent);
}

/* One in eight is to itself: only that can come while its turn goes on. */
static void send_one(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);
	struct troupe_address to = below(storm, 8) ? anybody(storm) : troupe_address(self);
	uint32_t before = count_waits(self);
	int receiver = id_of(storm, to), rc;
	struct num num = {.n = me->id << 32};

	if (receiver >= 0)
		num.n |= storm->sent[me->id][receiver] + 1;
	rc = troupe_send(self, to, &num_method, &num);
	assert_true(rc == 0 || rc == -EAGAIN || rc == -ESRCH);
	note_result(self, me, to, 0, rc, before);
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
	struct troupe_address to = anybody(storm);
	uint32_t before = count_waits(self);
	struct troupe_request request;
	char text[32];
	int rc;

	if (index == CALLS)
		return;
	(void)snprintf(text, sizeof(text), "storm %u", index);
	rc = troupe_call(self, to, &text_method, &(struct text){text}, &text_entry, index,
			 timeouts[below(storm, 4)], below(storm, 3) ? 0 : TROUPE_MORE,
			 &request);
	assert_true(rc == 0 || rc == -EAGAIN || rc == -ESRCH);
	note_result(self, me, to, 0, rc, before);
	if (rc < 0)
		return;
	storm->n_calls++;
	storm->callers[index] = (uint16_t)me->id;
	storm->requests[index] = request.id;
	storm->workers[index] = world_of(self)->process.worker;
	if (below(storm, 8) == 0)
		assert_int_equal(troupe_cancel(self, request), 0);
}

/* Keep the call of that number or the send being handled; me->count: it is a send. */
static void keep_call(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      unsigned number, bool is_send)
{
	struct storm *storm = storm_of(self);
	int rc;

	if (me->kept_call.id)
		return;
	rc = troupe_call_keep(self, &call);
	/* a client's share */
	assert_true(rc == 0 || (rc == -ENOBUFS && is_send));
	if (rc < 0)
		return;
	me->kept_call = call;
	me->count = is_send;
	storm->kept_numbers[me->id] = number;
	storm->kept_from[me->id] = troupe_sender(self);
}

static void answer_kept(struct troupe_self *self, struct puppet *me)
{
	unsigned number = storm_of(self)->kept_numbers[me->id];
	uint32_t before = count_waits(self);
	int rc = 0;

	if (!me->kept_call.id)
		return;
	switch (below(storm_of(self), 4)) {
	case 0:
		rc = me->count
			     ? troupe_return(self, me->kept_call, &num_method, &(struct num){1})
			     : return_last(self, me, me->kept_call, number);
		break;
	case 1:
		rc = troupe_call_drop(self, me->kept_call);
		break;
	case 2:
		rc = troupe_fail(self, me->kept_call, &bad_error, &(struct text){"bad"});
		break;
	default:
		rc = me->count
			     ? troupe_reply(self, me->kept_call, &num_method, &(struct num){1})
			     : reply_next(self, me, me->kept_call, number);
		assert_true(rc == 0 || rc == -EAGAIN || rc == -EPROTOTYPE);
		note_result(self, me, storm_of(self)->kept_from[me->id], me->kept_call.id, rc,
			    before);
		return;
	}
	assert_int_equal(rc, 0);
	me->kept_call.id = 0;
}

static void spawn_one(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);
	uint32_t flags = below(storm, 4) ? 0 : TROUPE_DETACHED;
	struct troupe_address address;
	unsigned id = storm->next_id;
	int rc;

	if (id >= IDS)
		return;
	storm->next_id++;
	storm->parents[id] = flags ? 0 : (uint16_t)(me->id + 1);
	storm->refuses[id] = below(storm, 10) == 0;
	rc = troupe_spawn(self, &puppet_table, &(struct num){id}, flags, &address);
	assert_int_equal(rc, storm->refuses[id] ? -EACCES : 0);
	if (rc == 0 && below(storm, 4) == 0) {
		rc = troupe_stop(self, address);
		/* its own init may have ended it */
		assert_true(rc == -ESRCH || rc == (flags ? -EPERM : 0));
	}
}

/* Whoever it is; most are no child of this actor. */
static void stop_one(struct troupe_self *self, struct puppet *me, struct troupe_address address)
{
	struct storm *storm = storm_of(self);
	struct troupe_address own = troupe_address(self);
	bool is_near = address.worker == own.worker && address.incarnation == own.incarnation;
	int id = id_of(storm, address), expected = -ESRCH;

	if (!is_near || (id >= 0 && storm->alive[id]))
		expected = id >= 0 && storm->alive[id] && storm->parents[id] == me->id + 1
				   ? 0
				   : -EPERM;
	assert_int_equal(troupe_stop(self, address), expected);
	assert_true(id < 0 || expected != 0 || !storm->alive[id]);
}

/* A child of this actor that lives, or anybody. */
static struct troupe_address some_child(struct storm *storm, const struct puppet *me)
{
	unsigned first = (unsigned)below(storm, storm->n_addresses);

	for (unsigned i = 0; i < storm->n_addresses; i++) {
		unsigned id = (first + i) % storm->n_addresses;

		if (storm->parents[id] == me->id + 1 && storm->alive[id])
			return storm->addresses[id];
	}
	return anybody(storm);
}

static bool has_children(const struct storm *storm, const struct puppet *me)
{
	for (unsigned id = 0; id < IDS; id++)
		if (storm->parents[id] == me->id + 1 && storm->alive[id])
			return true;
	return false;
}

static void act(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);

	/* limits change */
	assert_true(
		self->actor->load.queued <=
		(self->actor->unit->mailbox > WIDEST ? self->actor->unit->mailbox : WIDEST));
	for (uint64_t n = below(storm, 4); n > 0 && storm->budget > 0; n--) {
		storm->budget--;
		switch (below(storm, 20)) {
		case 0:
			answer_kept(self, me);
			break;
		case 1:
			assert_int_equal(troupe_timer_start(
						 self, &tick_entry, below(storm, 100000000),
						 below(storm, 4) ? 0 : 30000000, 0, &me->timer),
					 0);
			break;
		case 2:
			troupe_timer_stop(self, me->timer);
			break;
		case 3:
			troupe_release(self, me->kept);
			me->kept = NULL;
			break;
		case 4:
			spawn_one(self, me);
			break;
		case 5:
			if (below(storm, 3) == 0)
				stop_one(self, me, some_child(storm, me));
			else if (below(storm, 4) == 0)
				troupe_exit(self, -(int)below(storm, 2));
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

	storm->handled++;
	if (sequence) {
		assert_true(sequence > storm->seen[sender][me->id]);
		storm->seen[sender][me->id] = sequence;
	}
	if (!me->kept && below(storm, 10) == 0)
		assert_int_equal(troupe_keep(self, &me->kept), 0);
	if (below(storm, 20) == 0)
		keep_call(self, me, call, 0, true);
	act(self, me);
	return below(storm, 20) ? 0 : -EIO;
}

/* Some replies of a stream, perhaps more than its caller takes. */
static void reply_some(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       unsigned number)
{
	struct storm *storm = storm_of(self);
	uint32_t before = count_waits(self);
	int n = below(storm, 20) ? 5 : 1100, rc = 0;

	if (!troupe_call_wants_more(self, call))
		return;
	while (n-- > 0 && rc == 0)
		rc = reply_next(self, me, call, number);
	assert_true(rc == 0 || rc == -EAGAIN);
	note_result(self, me, troupe_sender(self), 0, rc, before);
}

static int on_storm_text(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 const char *text)
{
	struct storm *storm = storm_of(self);
	struct troupe_address to;
	uint64_t before;
	uint32_t waits;
	unsigned number;
	int rc;

	assert_int_equal(sscanf(text, "storm %u", &number), 1);
	act(self, me);
	switch (below(storm, 9)) {
	case 0:
		before = me->kept_call.id;
		keep_call(self, me, call, number, false);
		if (before == me->kept_call.id || below(storm, 4) > 0)
			return 0;
		/* It is answered at once, and the handle is used up. */
		me->kept_call.id = 0;
		return -EIO;
	case 1:
		reply_some(self, me, call, number);
		/* fall through */
	case 2:
		to = anybody(storm);
		waits = count_waits(self);
		rc = troupe_forward(self, to);
		assert_true(rc == 0 || rc == -EAGAIN || rc == -ESRCH);
		note_result(self, me, to, 0, rc, waits);
		return 0;
	case 3:
		return -EIO;
	case 4:
		reply_some(self, me, call, number);
		return return_last(self, me, call, number);
	case 5:
		if (!me->kept_call.id)
			reply_some(self, me, call, number);
		keep_call(self, me, call, number, false);
		return 0;
	case 6:
		stop_one(self, me, troupe_sender(self));
		keep_call(self, me, call, number, false);
		return 0;
	default:
		return return_last(self, me, call, number);
	}
}

static int on_storm_reply(struct troupe_self *self, struct puppet *me, uint64_t context,
			  const struct troupe_reply *reply)
{
	struct storm *storm = storm_of(self);

	assert_true(context < storm->n_calls);
	assert_int_equal(storm->callers[context], me->id);
	assert_int_equal(storm->calls[context], 0); /* nothing after the end */
	see_reply(storm, (unsigned)context, reply);
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
		troupe_timer_stop(self, me->timer);
	return 0;
}

/* What has no place in an init or a fini. */
static void misbehave(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);
	struct troupe_address address = troupe_address(self);
	struct troupe_kept *kept;

	assert_int_equal(troupe_keep(self, &kept), -EINVAL);
	assert_int_equal(troupe_forward(self, anybody(storm)), -EINVAL);
	assert_int_equal(troupe_call_keep(self, &(struct troupe_call){0}), -EINVAL);
	assert_int_equal(troupe_stop(self, address), -EPERM);
	if (storm->parents[me->id])
		assert_int_equal(
			troupe_stop(self, storm->addresses[storm->parents[me->id] - 1]),
			-EPERM);
	troupe_release(self, NULL);
}

static void misbehave_at_the_end(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);
	struct troupe_address address;

	misbehave(self, me);
	assert_int_equal(troupe_spawn(self, &puppet_table, &(struct num){0},
				      below(storm, 2) ? TROUPE_DETACHED : 0, &address),
			 -EINVAL);
	assert_int_equal(troupe_call(self, anybody(storm), &text_method,
				     &(struct text){"storm"}, &text_entry, 0, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_timer_start(self, &tick_entry, 0, 0, 0, NULL), -EINVAL);
	answer_kept(self, me);
	if (below(storm, 2))
		troupe_release(self, me->kept);
	for (unsigned i = 0; i < storm->n_calls; i++)
		if (storm->callers[i] == me->id && storm->calls[i] == 0 && below(storm, 2))
			(void)troupe_cancel(self, (struct troupe_request){storm->requests[i]});
	if (below(storm, 4) == 0)
		troupe_exit(self, -EIO);
}

static int on_storm_init(struct troupe_self *self, struct puppet *me)
{
	struct storm *storm = storm_of(self);

	if (storm->n_addresses <= (unsigned)me->id)
		storm->n_addresses = (unsigned)me->id + 1;
	storm->addresses[me->id] = troupe_address(self);
	storm->alive[me->id] = true;
	misbehave(self, me);
	act(self, me);
	if (!storm->refuses[me->id])
		return 0;
	storm->alive[me->id] = false; /* what it has spawned ends now */
	forget_refusals(storm, me->id);
	return -EACCES;
}

static void on_storm_fini(struct troupe_self *self, struct puppet *me, enum troupe_cause cause)
{
	struct storm *storm = storm_of(self);

	assert_false(has_children(storm, me));
	assert_true(cause != TROUPE_CAUSE_PARENT || storm->parents[me->id] != 0);
	storm->alive[me->id] = false;
	misbehave_at_the_end(self, me);
	if (below(storm, 2))
		send_one(self, me);
	forget_refusals(storm, me->id);
}

static int on_storm_room(struct troupe_self *self, struct puppet *me,
			 struct troupe_address where)
{
	struct storm *storm = storm_of(self);

	take_room(storm, me->id, where, world_of(self)->room_of.id);
	act(self, me);
	return 0;
}

static int on_storm_cancel(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	assert_int_equal(me->kept_call.id, call.id);
	assert_int_equal(troupe_return(self, call, &text_method, &(struct text){"x"}),
			 -EALREADY);
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
	sim_seed(world->loop, random_next(&storm->random));
	world_unit(world, 2, world->type, 4, 4096, 2);
	world_count_shares(world);
	people(storm, world, 30);
}

static void kill_one(struct storm *storm)
{
	uint16_t worker = (uint16_t)(1 + below(storm, WORKERS));
	struct world *dead = &storm->worlds[worker];
	uint32_t incarnation = dead->process.incarnation;
	int budget = storm->budget;

	storm->net.worlds[worker] = NULL;
	dead->net = NULL;
	storm->budget = 0; /* its last breath is not part of the storm */
	world_fini(dead);
	storm->budget = budget;
	for (unsigned i = 0; i < CLIENTS; i++)
		assert_false(storm->askers[worker][i].is_open);
	for (uint16_t i = 1; i <= WORKERS; i++) {
		if (i == worker)
			continue;
		while (net_carry_one(&storm->net, i)) /* its last mail, too */
			;
		runtime_peer_down(storm->worlds[i].runtime, life_of(worker, incarnation),
				  TROUPE_ACTOR_DIED);
	}
	world_restart(dead, &storm->net);
	memset(storm->clients[worker], 0, sizeof(storm->clients[worker]));
	start(storm, dead);
}

/* Clients come, send, and go. */
static void visit(struct storm *storm, struct world *world)
{
	uint64_t *number = &storm->clients[world->process.worker][below(storm, CLIENTS)];
	int rc;

	if (*number && below(storm, 8) == 0) {
		runtime_client_gone(world->runtime, *number);
		*number = 0;
		return;
	}
	if (!*number)
		*number = ++storm->next_client;
	rc = runtime_client_send(world->runtime, anybody(storm), &num_method, &(struct num){0},
				 *number);
	assert_true(rc == 0 || rc == -EAGAIN || rc == -ESRCH);
	storm->sends += rc == 0;
}

static void on_client_reply(struct runtime_client_call *client_call,
			    const struct troupe_reply *reply, const struct troupe_type *type)
{
	struct asker *asker = container_of(client_call, struct asker, client_call);

	(void)type;
	assert_true(asker->is_open); /* nothing after the end */
	see_reply(asker->storm, asker->number, reply);
	asker->is_open = reply->continues;
	if (reply->continues)
		client_call->window.bytes += below(asker->storm, 20000);
}

static void on_client_kept(struct runtime_client_call *client_call)
{
	assert_true(container_of(client_call, struct asker, client_call)->is_open);
}

static void give_up(struct world *world, struct asker *asker)
{
	runtime_client_cancel(world->runtime, &asker->client_call);
	memset(asker, 0xa5, sizeof(*asker)); /* it is the caller's again */
	asker->is_open = false;
}

static void ask(struct storm *storm, struct world *world)
{
	struct asker *asker = &storm->askers[world->process.worker][below(storm, CLIENTS)];
	uint64_t deadline_ns = UINT64_MAX;
	char text[32];
	int rc;

	if (asker->is_open && below(storm, 3) == 0) {
		give_up(world, asker);
	} else if (asker->is_open) {
		runtime_client_taken(world->runtime, &asker->client_call,
				     (uint32_t)below(storm, 400), below(storm, 4000000));
	} else {
		if (below(storm, 3) == 0)
			deadline_ns = loop_clock_ns(world->loop) + 50000000;
		*asker = (struct asker){
			.client_call = {.on_reply = on_client_reply, .on_kept = on_client_kept},
			.storm = storm,
			.is_open = true,
			.has_deadline = deadline_ns != UINT64_MAX,
			.number = CALLS + storm->n_client_calls++};
		(void)snprintf(text, sizeof(text), "storm %u", asker->number);
		rc = runtime_client_call(
			world->runtime, anybody(storm), &text_method, &(struct text){text},
			deadline_ns, below(storm, 2) ? TROUPE_MORE : 0, &asker->client_call);
		assert_true(rc == 0 || rc == -EAGAIN || rc == -ESRCH);
		asker->is_open = rc == 0;
	}
	runtime_client_hold(world->runtime, below(storm, 4) == 0);
}

/* Clients read all, and give up what need not be answered any more. */
static void calm_askers(struct storm *storm, struct world *world)
{
	runtime_client_hold(world->runtime, false);
	for (unsigned i = 0; i < CLIENTS; i++) {
		struct asker *asker = &storm->askers[world->process.worker][i];

		if (asker->is_open && asker->has_deadline)
			give_up(world, asker);
		else if (asker->is_open)
			runtime_client_taken(world->runtime, &asker->client_call, UINT32_MAX,
					     UINT64_MAX);
	}
}

/* A unit that is forgotten while its actors live: who they spawn are of it, too. */
static void pass_by(struct storm *storm, struct world *world)
{
	uint32_t number = PASSING + storm->next_unit++;

	world_unit(world, number, world->type, 8, 4096, 2);
	for (uint64_t n = below(storm, 4); n > 0 && storm->next_id < IDS; n--)
		world_spawn_in(world, number, storm->next_id++);
	assert_int_equal(runtime_unit_forget(world->runtime, number), 0);
}

static void change_limits(struct storm *storm, struct world *world)
{
	const struct runtime_unit unit = {.number = 2,
					  .mailbox = 1 + (uint32_t)below(storm, WIDEST),
					  .mailbox_bytes = 1024u << below(storm, 4),
					  .batch = 1 + (uint32_t)below(storm, 4)};

	assert_int_equal(runtime_unit_change(world->runtime, &unit), 0);
}

/* What an idle runtime does, in the middle of everything. */
static void trim(struct storm *storm, struct runtime *runtime)
{
	struct slots *tables[] = {&runtime->actors,     &runtime->colds, &runtime->calls,
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
		switch (below(storm, 14)) {
		case 12:
		case 13:
			ask(storm, world);
			break;
		case 0:
			world_sleep(world, below(storm, 20000000));
			trim(storm, world->runtime);
			break;
		case 1:
			storm->net.full = below(storm, 4) == 0;
			if (!storm->net.full)
				for (uint16_t i = 1; i <= WORKERS; i++)
					for (uint16_t k = 1; k <= WORKERS; k++)
						runtime_link_room(storm->worlds[i].runtime,
								  life_of(k, 1));
			break;
		case 2:
			if (below(storm, 10) == 0)
				runtime_stop(world->runtime, anybody(storm));
			else if (below(storm, 10) == 0)
				change_limits(storm, world);
			else
				visit(storm, world);
			break;
		case 3:
			if (storm->kills && below(storm, 40) == 0)
				kill_one(storm);
			else if (below(storm, 5) == 0)
				people(storm, world, 2);
			else if (below(storm, 5) == 0)
				pass_by(storm, world);
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
				runtime_link_room(storm->worlds[i].runtime, life_of(k, 1));
		for (int n = 0; n < 20; n++) {
			for (uint16_t i = 1; i <= WORKERS; i++)
				calm_askers(storm, &storm->worlds[i]);
			net_run(&storm->net);
		}
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

/* Whoever has kept a call has it because somebody waits for the answer. */
static void assert_kept_calls_are_wanted(struct storm *storm)
{
	for (uint16_t i = 1; i <= WORKERS; i++) {
		struct runtime *runtime = storm->worlds[i].runtime;

		for (uint32_t at = 0; at < runtime->kept_calls.used; at++) {
			const struct kept_call *kept = slots_at(&runtime->kept_calls, at);

			if (slots_is_closed(&kept->slot))
				continue;
			assert_true(kept->owned);
			assert_false(kept->is_oneway);
			assert_int_not_equal(kept->call, 0);
			if (kept->peer)
				assert_non_null(call_find_alias(
					storm->worlds[kept->caller.worker].runtime,
					kept->call));
		}
		assert_int_equal(runtime->waits.count, 0);
	}
}

static void assert_none_passes_by(const struct definition *unit)
{
	for (; unit; unit = unit->next)
		assert_true(unit->origin < PASSING);
}

/* Forgotten units are gone with the last of their actors. */
static void assert_units_are_known(const struct runtime *runtime)
{
	assert_none_passes_by(runtime->units);
	for (const struct runtime_type *type = runtime->types; type; type = type->next)
		assert_none_passes_by(type->spawned);
}

static void assert_families_are_whole(const struct storm *storm)
{
	for (unsigned id = 0; id < IDS; id++)
		if (storm->alive[id] && storm->parents[id])
			assert_true(storm->alive[storm->parents[id] - 1]);
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
	assert_kept_calls_are_wanted(storm);
	assert_families_are_whole(storm);
	assert_int_equal(storm->n_refusals, 0); /* those of the dead are forgotten */
	for (uint16_t i = 1; i <= WORKERS; i++)
		runtime_stop_all(storm->worlds[i].runtime);
	net_run(&storm->net);
	for (uint16_t i = 1; i <= WORKERS; i++) {
		dead += storm->worlds[i].dead_sends;
		for (unsigned n = 0; n < CLIENTS; n++)
			assert_false(storm->askers[i][n].is_open);
		world_assert_empty(&storm->worlds[i]);
		assert_units_are_known(storm->worlds[i].runtime);
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

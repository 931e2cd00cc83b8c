/* test_sim_client_call.c - streams to clients: their windows, and who is told when they
 * open. */
#include "world.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "core/inside.h"
#include <errno.h>

#define TOTAL 2000

/* A client that reads when it is told to. */
struct reader {
	struct runtime_client_call client_call;
	int64_t next;  /* number of the next reply */
	size_t weight; /* bytes that one reply counts */
	bool is_done;
	unsigned n_kept; /* how often it was told that the call is kept */
	enum troupe_status status;
};

static void on_reply(struct runtime_client_call *client_call, const struct troupe_reply *reply,
		     const struct troupe_type *type)
{
	struct reader *reader = container_of(client_call, struct reader, client_call);

	(void)type;
	reader->is_done = !reply->continues;
	reader->status = reply->status;
	if (reply->status != TROUPE_OK)
		return;
	assert_int_equal(((const struct num *)reply->data)->n, reader->next);
	reader->next++;
	if (reply->continues)
		client_call->window.bytes += reader->weight;
}

static void on_kept(struct runtime_client_call *client_call)
{
	container_of(client_call, struct reader, client_call)->n_kept++;
}

static int stream_on(struct troupe_self *self, struct puppet *me)
{
	for (; me->count < TOTAL; me->count++) {
		int r = troupe_reply(self, me->kept_call, &num_method,
				     &(struct num){me->count});

		if (r < 0) {
			assert_int_equal(r, -EAGAIN);
			return 0;
		}
	}
	return troupe_return(self, me->kept_call, &num_method, &(struct num){TOTAL});
}

static int begin_stream(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			int64_t n)
{
	(void)n;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	me->count = 0;
	return stream_on(self, me);
}

static int go_on(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	assert_true(troupe_address_is_null(where));
	return stream_on(self, me);
}

static void begin(struct world *world, unsigned n_actors)
{
	world_init(world, 1, NULL);
	for (unsigned i = 1; i <= n_actors; i++)
		world_spawn(world, i);
	world->hooks.num = begin_stream;
	world->hooks.room = go_on;
}

static void ask(struct world *world, unsigned actor, struct reader *reader)
{
	reader->client_call.on_reply = on_reply;
	reader->client_call.on_kept = on_kept;
	assert_int_equal(runtime_client_call(world->runtime, world->actors[actor], &num_method,
					     &(struct num){1}, UINT64_MAX, TROUPE_MORE,
					     &reader->client_call),
			 0);
	world_run(world);
}

static void take(struct world *world, struct reader *reader, uint32_t count)
{
	runtime_client_taken(world->runtime, &reader->client_call, count,
			     count * reader->weight);
	world_run(world);
}

static void stream_waits_when_its_window_is_full(void **state)
{
	struct reader reader = {.weight = 1};
	struct world world;

	(void)state;
	begin(&world, 1);
	ask(&world, 1, &reader);
	assert_int_equal(reader.next, LIMIT_CLIENT_UNREAD);
	/* Half has to be free, so that the actor does not run for each reply. */
	take(&world, &reader, LIMIT_CLIENT_UNREAD / 2 - 1);
	assert_int_equal(reader.next, LIMIT_CLIENT_UNREAD);
	take(&world, &reader, 1);
	assert_int_equal(reader.next, LIMIT_CLIENT_UNREAD * 3 / 2);
	while (!reader.is_done)
		take(&world, &reader, 100);
	assert_int_equal(reader.next, TOTAL + 1);
	world_fini(&world);
}

static void client_learns_that_its_call_is_kept(void **state)
{
	struct reader reader = {.weight = 1};
	struct world world;

	(void)state;
	begin(&world, 1);
	ask(&world, 1, &reader);
	assert_int_equal(reader.n_kept, 1);
	/* Not when it has ended before that could be handed out. */
	runtime_client_cancel(world.runtime, &reader.client_call);
	runtime_client_hold(world.runtime, true);
	ask(&world, 1, &reader);
	runtime_client_cancel(world.runtime, &reader.client_call);
	memset(&reader, 0xff, sizeof(reader));
	runtime_client_hold(world.runtime, false);
	world_run(&world);
	world_fini(&world);
}

static void stream_waits_when_its_bytes_are_not_read(void **state)
{
	struct reader reader = {.weight = LIMIT_STREAM_UNREAD_BYTES / 4};
	struct world world;

	(void)state;
	begin(&world, 1);
	/* What one handler says is not known to be large before it is handed out. */
	ask(&world, 1, &reader);
	assert_int_equal(reader.next, LIMIT_CLIENT_UNREAD);
	take(&world, &reader, LIMIT_CLIENT_UNREAD - 3);
	assert_int_equal(reader.next, LIMIT_CLIENT_UNREAD);
	take(&world, &reader, 1);
	assert_true(reader.next > LIMIT_CLIENT_UNREAD);
	runtime_client_cancel(world.runtime, &reader.client_call);
	world_fini(&world);
}

static void streams_have_windows_of_their_own(void **state)
{
	struct reader a = {.weight = 1}, b = {.weight = 1};
	struct world world;

	(void)state;
	begin(&world, 2);
	ask(&world, 1, &a);
	ask(&world, 2, &b);
	while (!b.is_done)
		take(&world, &b, 200);
	assert_int_equal(b.next, TOTAL + 1);
	assert_int_equal(a.next, LIMIT_CLIENT_UNREAD);
	while (!a.is_done)
		take(&world, &a, 200);
	world_fini(&world);
}

/* ---- several streams of one actor: which one has room? */

struct streams {
	struct troupe_call calls[2];
	int n;
	bool late; /* keep the call after the first refusal only */
	struct troupe_call room;
	struct troupe_address where;
};

static int fill(struct troupe_self *self, struct troupe_call call)
{
	int rc = 0;

	while (rc == 0)
		rc = troupe_reply(self, call, &num_method, &(struct num){0});
	assert_int_equal(rc, -EAGAIN);
	return 0;
}

static int fill_one_more(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	struct streams *streams = world_of(self)->test;

	(void)n;
	if (me->id != 1)
		return 0;
	if (streams->late)
		fill(self, call);
	assert_int_equal(troupe_call_keep(self, &call), 0);
	streams->calls[streams->n++] = call;
	return fill(self, call);
}

static int note_room(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	struct streams *streams = world_of(self)->test;

	(void)me;
	streams->room = world_of(self)->room_of;
	streams->where = where;
	return 0;
}

static void on_any_reply(struct runtime_client_call *client_call,
			 const struct troupe_reply *reply, const struct troupe_type *type)
{
	(void)client_call;
	(void)reply;
	(void)type;
}

static void replier_learns_which_clients_stream_has_room(void **state)
{
	struct runtime_client_call clients[2];
	struct streams streams;
	struct world world;

	(void)state;
	for (int late = 0; late < 2; late++) {
		world_init(&world, 1, NULL);
		world_spawn(&world, 1);
		world.hooks.num = fill_one_more;
		world.hooks.room = note_room;
		world.test = &streams;
		streams = (struct streams){.late = late};
		for (int i = 0; i < 2; i++) {
			clients[i] = (struct runtime_client_call){.on_reply = on_any_reply};
			assert_int_equal(runtime_client_call(world.runtime, world.actors[1],
							     &num_method, &(struct num){1},
							     UINT64_MAX, TROUPE_MORE,
							     &clients[i]),
					 0);
		}
		world_run(&world);
		assert_int_equal(streams.n, 2);
		for (int i = 1; i >= 0; i--) {
			runtime_client_taken(world.runtime, &clients[i], LIMIT_CLIENT_UNREAD,
					     0);
			world_run(&world);
			assert_int_equal(world.rooms, 2 - i);
			assert_true(troupe_address_is_null(streams.where));
			assert_int_equal(streams.room.id, streams.calls[i].id);
		}
		runtime_client_cancel(world.runtime, &clients[0]);
		runtime_client_cancel(world.runtime, &clients[1]);
		world_fini(&world);
	}
}

static int asks_twice(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	struct troupe_address from = world_of(self)->actors[1];

	if (me->id == 1)
		return fill_one_more(self, me, call, n);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(troupe_call(self, from, &num_method, &(struct num){1},
					     &num_entry, i, 0, TROUPE_MORE, NULL),
				 0);
	return 0;
}

static int leaves_last(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	struct streams *streams = world_of(self)->test;

	assert_true(troupe_address_equal(where, world_of(self)->actors[2]));
	assert_int_equal(world_of(self)->room_of.id, streams->calls[me->count++].id);
	return troupe_return(self, world_of(self)->room_of, &num_method, &(struct num){0});
}

static void replier_learns_which_actors_stream_has_room(void **state)
{
	struct streams streams = {0};
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	world.hooks.num = asks_twice;
	world.hooks.room = leaves_last;
	world.test = &streams;
	world_send(&world, world.actors[2], 0);
	world_run(&world);
	/* the two had one caller, and each its own notice */
	assert_int_equal(world.rooms, 2);
	world_fini(&world);
}

static void claims_to_have_taken_more_than_was_sent_are_not_believed(void **state)
{
	struct reader reader = {.weight = 1};
	struct world world;

	(void)state;
	begin(&world, 1);
	ask(&world, 1, &reader);
	runtime_client_taken(world.runtime, &reader.client_call, UINT32_MAX, UINT64_MAX);
	world_run(&world);
	assert_int_equal(reader.next, 2 * LIMIT_CLIENT_UNREAD);
	runtime_client_cancel(world.runtime, &reader.client_call);
	/* Nothing is there to be taken any more. */
	runtime_client_taken(world.runtime, &reader.client_call, 1, 1);
	world_fini(&world);
}

static int cancelled(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	(void)self;
	(void)call;
	me->kept_call = (struct troupe_call){0};
	return 0;
}

static int learn_of_room(struct troupe_self *self, struct puppet *me,
			 struct troupe_address where)
{
	(void)self;
	(void)where;
	me->count = -1;
	return 0;
}

static void waiting_replier_is_woken_when_the_call_is_cancelled(void **state)
{
	struct reader reader = {.weight = 1};
	struct world world;

	(void)state;
	begin(&world, 1);
	world.hooks.cancel = cancelled;
	world.hooks.room = learn_of_room;
	ask(&world, 1, &reader);
	world_log(&world);
	runtime_client_cancel(world.runtime, &reader.client_call);
	memset(&reader, 0xff, sizeof(reader)); /* it is the caller's again */
	world_run(&world);
	assert_log(&world, "1:room; 1:cancel; ");
	world_fini(&world);
}

static int fills_and_ends(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	int r = begin_stream(self, me, call, n);

	return r < 0 ? r
		     : troupe_return(self, me->kept_call, &num_method,
				     &(struct num){me->count});
}

/* The reader's memory is its own again, though nothing of the stream has been taken. */
static void waiting_replier_is_woken_when_the_stream_ends(void **state)
{
	struct reader reader = {.weight = 1};
	struct world world;

	(void)state;
	begin(&world, 1);
	world.hooks.num = fills_and_ends;
	world.hooks.room = learn_of_room;
	ask(&world, 1, &reader);
	assert_true(reader.is_done);
	memset(&reader, 0xff, sizeof(reader));
	world_run(&world);
	assert_log(&world, "1:num 1; 1:room; ");
	assert_int_equal(world.runtime->waits.count, 0);
	world_fini(&world);
}

static int takes_its_time(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			  int64_t n)
{
	(void)me;
	sim_advance(world_of(self)->loop, 1000000);
	return troupe_return(self, call, &num_method, &(struct num){n});
}

/* The last message of a slice may be the last of all: its answer is not left behind. */
static void answers_are_reported_at_once_when_the_slice_is_over(void **state)
{
	struct reader readers[2 * SLICE_STRIDE];
	struct world world;

	(void)state;
	world_init(&world, 1, NULL);
	world_spawn(&world, 1);
	world.hooks.num = takes_its_time;
	for (unsigned count = 1; count <= ARRAY_LEN(readers); count++) {
		memset(readers, 0, sizeof(readers));
		for (unsigned i = 0; i < count; i++) {
			readers[i].client_call.on_reply = on_reply;
			assert_int_equal(runtime_client_call(world.runtime, world.actors[1],
							     &num_method, &(struct num){0},
							     UINT64_MAX, 0,
							     &readers[i].client_call),
					 0);
		}
		world_run(&world); /* as long as a loop would go on without waiting */
		for (unsigned i = 0; i < count; i++)
			assert_true(readers[i].is_done && readers[i].status == TROUPE_OK);
	}
	runtime_stop_all(world.runtime);
	world_run(&world);
	world_fini(&world);
}

#define REPLY_BYTES (1u << 20)

static int answers_much(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			const char *text)
{
	char *much = malloc(REPLY_BYTES);
	int r;

	(void)text;
	me->count++;
	assert_non_null(much);
	memset(much, 'x', REPLY_BYTES - 1);
	much[REPLY_BYTES - 1] = '\0';
	r = troupe_return(self, call, &text_method, &(struct text){much});
	free(much);
	return r;
}

static void count_reply(struct runtime_client_call *client_call,
			const struct troupe_reply *reply, const struct troupe_type *type)
{
	struct reader *reader = container_of(client_call, struct reader, client_call);

	(void)type;
	assert_false(reader->is_done);
	reader->is_done = true;
	reader->status = reply->status;
}

/* A client may ask for far more than it reads; what is answered is not held without bound. */
static void replies_that_wait_hold_a_bounded_amount(void **state)
{
	struct reader readers[500] = {0};
	struct world world;
	unsigned done = 0;

	(void)state;
	world_init(&world, 1, NULL);
	world_spawn(&world, 1);
	world_spawn(&world, 2);
	world.hooks.text = answers_much;
	runtime_client_hold(world.runtime, true);
	for (unsigned i = 0; i < ARRAY_LEN(readers); i++) {
		readers[i].client_call.on_reply = count_reply;
		assert_int_equal(runtime_client_call(world.runtime, world.actors[1 + i % 2],
						     &text_method, &(struct text){""},
						     UINT64_MAX, 0, &readers[i].client_call),
				 0);
	}
	for (int i = 0; i < 1000; i++)
		loop_step(world.loop, false);
	assert_in_range(world.runtime->outbox.bytes, LIMIT_OUTBOX_BYTES,
			LIMIT_OUTBOX_BYTES + REPLY_BYTES + 4096);
	/* and the loop does not spin meanwhile */
	assert_false(world.runtime->work.callback(&world.runtime->work));
	/* with room again, all are answered, a portion at a time */
	runtime_client_hold(world.runtime, false);
	while (done < ARRAY_LEN(readers)) {
		loop_step(world.loop, false);
		assert_true(world.runtime->outbox.bytes <
			    LIMIT_OUTBOX_BYTES + REPLY_BYTES + 4096);
		for (done = 0; done < ARRAY_LEN(readers) && readers[done].is_done; done++)
			assert_int_equal(readers[done].status, TROUPE_OK);
		world.log_size = 0;
	}
	runtime_stop_all(world.runtime);
	world_run(&world);
	world_fini(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stream_waits_when_its_window_is_full),
		cmocka_unit_test(client_learns_that_its_call_is_kept),
		cmocka_unit_test(stream_waits_when_its_bytes_are_not_read),
		cmocka_unit_test(streams_have_windows_of_their_own),
		cmocka_unit_test(replier_learns_which_clients_stream_has_room),
		cmocka_unit_test(replier_learns_which_actors_stream_has_room),
		cmocka_unit_test(claims_to_have_taken_more_than_was_sent_are_not_believed),
		cmocka_unit_test(waiting_replier_is_woken_when_the_call_is_cancelled),
		cmocka_unit_test(waiting_replier_is_woken_when_the_stream_ends),
		cmocka_unit_test(replies_that_wait_hold_a_bounded_amount),
		cmocka_unit_test(answers_are_reported_at_once_when_the_slice_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

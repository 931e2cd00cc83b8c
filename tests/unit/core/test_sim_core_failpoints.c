/* test_sim_core_failpoints.c - each allocation of core/ fails once, while actors do all that
 * actors can do.
 *
 * Clients call actor 1, which does with each call something else. However it fails, each of the
 * clients' calls ends once; afterwards the same actors do all of it again, and nothing is left
 * when they end.
 */
#include "base/cleanup.h"
#include "core/inside.h"
#include "tests/failpoints/sweep.h"
#include "tests/unit/core/world.h"
#include <errno.h>
#include <troupe/task.h>

enum act {
	CALL,    /* another actor, and answer when it has */
	SPAWN,   /* a child that ends by itself */
	TIME,    /* a timer that ticks twice */
	LARGE,   /* a text that is in no slab, there and back */
	FORWARD, /* the call to another actor */
	KEEP,    /* a message, and answer of it later */
	STREAM,  /* more replies than the window takes */
	CROWD,   /* more messages than a mailbox takes, until there is room */
	WIDE,    /* another version of a type, and back */
	BAD,     /* answer by an error with a text */
	SAY,     /* call by name, with JSON text */
	ROAR,    /* the same with a large one */
	POST,    /* a number to itself, as a thread would */
	TASK,    /* two tasks in a scope of a third one, which answers */
	ACTS,
};

#define LARGE_TEXT 200000
#define STREAMED   300
#define CROWDED    40

struct play {
	struct world *worlds; /* those of the workers 1 and 2 */
	int error;            /* the last that an actor got */
	bool is_far;          /* actor 2 is in the other world */
	char *large;
};

static struct play *play_of(const struct troupe_self *self)
{
	return world_of(self)->test;
}

static struct troupe_address actor(const struct play *play, int id)
{
	return id > 1 && play->is_far ? play->worlds[1].actors[id] : play->worlds[0].actors[id];
}

/* What an actor does that is refused: it says so to who called it. */
static int refuse(struct troupe_self *self, struct troupe_call call, int error)
{
	play_of(self)->error = error;
	return troupe_fail_permission_denied(self, call);
}

/* Keep the call while another one is under way. */
static int keep_for(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    struct troupe_request request)
{
	int r = troupe_call_keep(self, &call);

	if (r < 0) {
		assert_int_equal(troupe_cancel(self, request), 0);
		return refuse(self, call, r);
	}
	me->kept_call = call;
	return 0;
}

static int ask(struct troupe_self *self, struct puppet *me, struct troupe_call call, int to,
	       const struct troupe_method *method, const void *in,
	       const struct troupe_entry *entry, int context)
{
	struct troupe_request request;
	int r = troupe_call(self, actor(play_of(self), to), method, in, entry,
			    (uint64_t)context, 1000000000, 0, &request);

	return r < 0 ? refuse(self, call, r) : keep_for(self, me, call, request);
}

static int ask_by_name(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       const char *method, const char *json, int context)
{
	struct troupe_request request;
	int r = troupe_call_text(self, actor(play_of(self), 2), method, json, strlen(json),
				 &say_entry, (uint64_t)context, 1000000000, 0, &request);

	return r < 0 ? refuse(self, call, r) : keep_for(self, me, call, request);
}

static int say(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	char json[32];

	snprintf(json, sizeof(json), "{\"n\":%d}", SAY);
	return ask_by_name(self, me, call, "test.puppet.Num", json, SAY);
}

static int roar(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	char *json = malloc(LARGE_TEXT + 16);
	int r;

	sprintf(json, "{\"text\":\"%s\"}", play_of(self)->large);
	r = ask_by_name(self, me, call, "test.puppet.Text", json, ROAR);
	free(json);
	return r;
}

static int answer_kept(struct troupe_self *self, struct puppet *me)
{
	struct troupe_call call = me->kept_call;
	int r;

	me->kept_call = (struct troupe_call){0};
	r = troupe_return(self, call, &num_method, &(struct num){me->count});
	return r < 0 ? refuse(self, call, r) : r;
}

static int go_on_streaming(struct troupe_self *self, struct puppet *me)
{
	int r = 0;

	for (; me->count < STREAMED && r == 0; me->count += r == 0)
		r = troupe_reply(self, me->kept_call, &num_method, &(struct num){me->count});
	if (r == -EAGAIN)
		return 0;
	if (r == 0)
		return answer_kept(self, me);
	return refuse(self, me->kept_call, r);
}

static int go_on_crowding(struct troupe_self *self, struct puppet *me)
{
	int r = 0;

	for (; me->count < CROWDED && r == 0; me->count += r == 0)
		r = troupe_send(self, actor(play_of(self), 3), &num_method, &(struct num){0});
	if (r == -EAGAIN)
		return 0;
	if (r == 0)
		return answer_kept(self, me);
	return refuse(self, me->kept_call, r);
}

static int keep_call(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	int r = troupe_call_keep(self, &call);

	if (r < 0)
		return refuse(self, call, r);
	me->kept_call = call;
	me->count = 0;
	return 1;
}

static int start_timer(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	int r = troupe_timer_start(self, &tick_entry, 1000000, 1000000, 0, &me->timer);

	if (r < 0)
		return refuse(self, call, r);
	r = keep_call(self, me, call);
	if (r <= 0)
		assert_int_equal(troupe_timer_stop(self, me->timer), 0);
	return 0;
}

static int keep_message(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	int r = troupe_keep(self, &me->kept);

	if (r < 0)
		return refuse(self, call, r);
	me->count = ((const struct num *)troupe_kept_in(me->kept))->n;
	r = troupe_return(self, call, &num_method, &(struct num){me->count});
	troupe_release(self, me->kept);
	return r < 0 ? refuse(self, call, r) : r;
}

static int spawn_child(struct troupe_self *self, struct troupe_call call)
{
	struct troupe_address child;
	int r = troupe_spawn(self, &puppet_table, &(struct num){5}, 0, &child);

	if (r < 0)
		return refuse(self, call, r);
	r = troupe_send(self, child, &num_method, &(struct num){7});
	if (r < 0) {
		assert_int_equal(troupe_stop(self, child), 0);
		return refuse(self, call, r);
	}
	r = troupe_return(self, call, &num_method, &(struct num){SPAWN});
	return r < 0 ? refuse(self, call, r) : r;
}

static int post_to_itself(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	int64_t n = POST;
	int r = troupe_inlet_open(self, &post_entry, 0, 1, &me->inlet);

	if (r < 0)
		return refuse(self, call, r);
	r = troupe_post(me->inlet, &n, sizeof(n));
	if (r < 0)
		r = refuse(self, call, r);
	else
		r = keep_call(self, me, call);
	if (r <= 0) {
		troupe_inlet_release(me->inlet);
		me->inlet = NULL;
	}
	return r < 0 ? r : 0;
}

static int on_post(struct troupe_self *self, struct puppet *me, uint64_t context,
		   const struct troupe_post_event *event)
{
	(void)context;
	if (!me->inlet)
		return 0; /* it could not keep the call */
	memcpy(&me->count, event->data, sizeof(me->count));
	troupe_inlet_release(me->inlet);
	me->inlet = NULL;
	return answer_kept(self, me);
}

static int nap(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	int r = troupe_sleep(self, 1000000);

	(void)unused;
	(void)unused_too;
	me->count += r == 0;
	return r;
}
TROUPE_TASK(nap, struct puppet, void, void)

static int share_out(struct troupe_self *self, struct puppet *me, void *unused,
		     void *unused_too)
{
	struct troupe_scope scope;
	struct troupe_task task;
	int r = troupe_scope_begin(self, 1000000000, &scope);

	(void)unused;
	(void)unused_too;
	if (r == 0)
		r = troupe_start(self, scope, &nap_task, NULL, NULL, NULL);
	if (r == 0)
		r = troupe_start(self, scope, &nap_task, NULL, NULL, &task);
	if (r == 0)
		r = troupe_join(self, task, NULL);
	if (r == 0)
		r = troupe_scope_end(self, scope);
	if (r < 0)
		return refuse(self, me->kept_call, r);
	assert_int_equal(me->count, 2);
	me->count = TASK;
	return answer_kept(self, me);
}
TROUPE_TASK(share_out, struct puppet, void, void)

static int start_task(struct troupe_self *self, struct puppet *me, struct troupe_call call)
{
	int r = keep_call(self, me, call);

	if (r <= 0)
		return r;
	r = troupe_start(self, TROUPE_OF_ACTOR, &share_out_task, NULL, NULL, NULL);
	return r < 0 ? refuse(self, me->kept_call, r) : 0;
}

static int on_act(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct play *play = play_of(self);
	int r;

	if (me->id == 5)
		return troupe_exit(self, 0), 0;
	if (me->id != 1) {
		r = troupe_return(self, call, &num_method, &(struct num){n});
		return r < 0 && r != -EINVAL ? refuse(self, call, r) : 0;
	}
	switch ((enum act)n) {
	case CALL:
		return ask(self, me, call, 2, &num_method, &(struct num){n}, &num_entry, CALL);
	case WIDE:
		return ask(self, me, call, 2, &wide_method, &(struct wide){n, NULL},
			   &wide_entry, WIDE);
	case LARGE:
		return ask(self, me, call, 2, &text_method, &(struct text){play->large},
			   &text_entry, LARGE);
	case SPAWN:
		return spawn_child(self, call);
	case TIME:
		return start_timer(self, me, call);
	case FORWARD:
		r = troupe_forward(self, actor(play, 2));
		return r < 0 ? refuse(self, call, r) : 0;
	case KEEP:
		return keep_message(self, me, call);
	case STREAM:
		r = keep_call(self, me, call);
		return r <= 0 ? r : go_on_streaming(self, me);
	case CROWD:
		r = keep_call(self, me, call);
		return r <= 0 ? r : go_on_crowding(self, me);
	case BAD:
		r = troupe_fail(self, call, &bad_error, &(struct text){"bad"});
		return r < 0 ? refuse(self, call, r) : 0;
	case SAY:
		return say(self, me, call);
	case ROAR:
		return roar(self, me, call);
	case POST:
		return post_to_itself(self, me, call);
	case TASK:
		return start_task(self, me, call);
	case ACTS:
		break;
	}
	return -EINVAL;
}

static int on_reply(struct troupe_self *self, struct puppet *me, uint64_t context,
		    const struct troupe_reply *reply)
{
	/* It is nobody's fault. */
	assert_int_not_equal(reply->status, TROUPE_INVALID_PARAMETER);
	if (reply->status != TROUPE_OK)
		return refuse(self, me->kept_call, -ENOMEM);
	if (context == LARGE)
		assert_int_equal(strlen(((const struct text *)reply->data)->text), LARGE_TEXT);
	else
		assert_int_equal(((const struct num *)reply->data)->n,
				 context == WIDE ? WIDE : CALL);
	me->count = (int64_t)context;
	return answer_kept(self, me);
}

static int on_said(struct troupe_self *self, struct puppet *me, uint64_t context,
		   const struct troupe_text_reply *reply)
{
	assert_int_not_equal(reply->status, TROUPE_INVALID_PARAMETER);
	if (reply->status != TROUPE_OK)
		return refuse(self, me->kept_call, -ENOMEM);
	if (context == ROAR)
		assert_int_equal(reply->size, LARGE_TEXT + strlen("{\"text\":\"\"}"));
	else
		assert_int_equal(strtol(reply->json + strlen("{\"n\":"), NULL, 10), SAY);
	me->count = (int64_t)context;
	return answer_kept(self, me);
}

static int on_tick(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	(void)context;
	if (++me->count < 2)
		return 0;
	assert_int_equal(troupe_timer_stop(self, me->timer), 0);
	me->count = TIME;
	return answer_kept(self, me);
}

static int on_room(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	return troupe_address_is_null(where) ? go_on_streaming(self, me)
					     : go_on_crowding(self, me);
}

/* ---- clients */

struct client {
	struct runtime_client_call call;
	unsigned ends, replies;
	enum troupe_status status;
	int64_t value;
};

static void on_client_reply(struct runtime_client_call *call, const struct troupe_reply *reply,
			    const struct troupe_type *type)
{
	struct client *client = container_of(call, struct client, call);

	if (reply->status == TROUPE_OK) {
		assert_ptr_equal(type, &num_type);
		client->value = ((const struct num *)reply->data)->n;
	}
	if (reply->continues) {
		call->window.bytes += 8;
		client->replies++;
		return;
	}
	client->ends++;
	client->status = reply->status;
}

static void run(struct play *play)
{
	for (int i = 0; i < 6; i++) {
		if (play->is_far)
			net_run(play->worlds[0].net);
		else
			world_run(&play->worlds[0]);
		world_sleep(&play->worlds[0], 1000000);
	}
}

/* One call; 0 when it did what it was to do. */
static int call_actor(struct play *play, enum act act)
{
	struct client client = {.call = {.on_reply = on_client_reply}};
	int r = runtime_client_call(play->worlds[0].runtime, actor(play, 1), &num_method,
				    &(struct num){act}, UINT64_MAX,
				    act == STREAM ? TROUPE_MORE : 0, &client.call);

	if (r < 0)
		return r;
	play->error = 0;
	run(play);
	for (unsigned taken = 0; act == STREAM && taken < client.replies; run(play)) {
		runtime_client_taken(play->worlds[0].runtime, &client.call,
				     client.replies - taken, 8 * (client.replies - taken));
		taken = client.replies;
	}
	/* What was asked of another process, and was lost there for want of memory, ends by its
	 * deadline. */
	if (!client.ends)
		world_sleep(&play->worlds[0], 2000000000);
	run(play);
	/* Or it ends with its client: a message between processes that there is no memory for
	 * is lost. */
	if (!client.ends && play->is_far) {
		runtime_client_cancel(play->worlds[0].runtime, &client.call);
		return -ENOMEM;
	}
	assert_int_equal(client.ends, 1);
	if (client.status != (act == BAD ? TROUPE_ERROR : TROUPE_OK))
		return play->error < 0 ? play->error : -ENOMEM;
	if (act == STREAM)
		assert_int_equal(client.replies, STREAMED);
	else if (act == CROWD)
		assert_int_equal(client.value, CROWDED);
	else if (act != BAD)
		assert_int_equal(client.value, act);
	return 0;
}

static void make_world(struct world *world, uint16_t number, struct play *play)
{
	world_init(world, number, NULL);
	world->test = play;
	world->hooks = (struct hooks){.num = on_act,
				      .reply = on_reply,
				      .said = on_said,
				      .tick = on_tick,
				      .post = on_post,
				      .room = on_room};
	world_unit(world, 2, world->wide, 0, 0, 0);
	world_unit(world, 3, world->type, 4, 0, 0);
}

static int act_in(struct play *play)
{
	struct world *there = &play->worlds[play->is_far ? 1 : 0];
	struct num id = {1};
	struct troupe_address address;
	int result, r;

	sweep_go_on();
	result = runtime_spawn(play->worlds[0].runtime, 1, 0, &id, &address);
	for (id.n = 2; id.n <= 3 && result == 0; id.n += result == 0)
		result = runtime_spawn(there->runtime, (uint32_t)id.n == 2 ? 1 : 3, 0, &id,
				       &address);
	for (enum act act = 0; act < ACTS && id.n == 4; act++) {
		/* One that fails does not harm those after it. */
		r = call_actor(play, act);
		if (r < 0)
			result = r;
	}
	sweep_calm();
	for (enum act act = 0; act < ACTS && !troupe_address_is_null(there->actors[3]); act++) {
		r = call_actor(play, act);
		if (r < 0)
			fail_msg("act %d afterwards: %s", act, strerror(-r));
	}
	return result;
}

static int act_near(void *data)
{
	struct world world;
	struct play play = {.worlds = &world, .large = data};
	int r;

	sweep_calm();
	make_world(&world, 1, &play);
	r = act_in(&play);
	world_finish(&world);
	return r;
}

static int act_far(void *data)
{
	struct world worlds[2];
	struct play play = {.worlds = worlds, .large = data, .is_far = true};
	struct net net = {0};
	int r;

	sweep_calm();
	make_world(&worlds[0], 1, &play);
	make_world(&worlds[1], 2, &play);
	world_link(&worlds[0], &net);
	world_link(&worlds[1], &net);
	r = act_in(&play);
	net_finish(&net);
	return r;
}

static void what_actors_do_fails_alone(void **state)
{
	char *large = malloc(LARGE_TEXT + 1);

	(void)state;
	memset(large, 'x', LARGE_TEXT);
	large[LARGE_TEXT] = '\0';
	sweep(act_near, large);
	sweep(act_far, large);
	free(large);
}

/* ---- the runtime itself */

static int make_runtime(void *data)
{
	static const char plugin[1];
	struct page *page;
	const struct runtime_type *type;
	struct runtime *runtime;
	struct loop *loop;
	const char *why;
	int r;

	sweep_calm();
	assert_int_equal(loop_new(&loop), 0);
	page = calloc(1, sizeof(*page));
	sweep_go_on();
	r = runtime_new(&(struct runtime_config){.process = {.worker = 1, .incarnation = 1},
						 .loop = loop,
						 .page = page,
						 .ops = data,
						 .memory = 1 << 30},
			&runtime);
	if (r == 0) {
		r = runtime_type_add(runtime, &puppet_table, plugin, &type, &why);
		for (uint32_t i = 1; i < 40 && r == 0; i++) {
			r = runtime_unit_define(
				runtime, &(struct runtime_unit){.number = i,
								.name = "unit",
								.type = type,
								.state_directory = "/s"});
			/* Its number is free again, or was never taken. */
			if (r < 0 || i % 3 == 0)
				assert_int_equal(runtime_unit_forget(runtime, i),
						 r < 0 ? -ENOENT : 0);
		}
		runtime_free(runtime);
	}
	loop_free(loop);
	free(page);
	return r;
}

static void runtime_is_made_whole_or_not_at_all(void **state)
{
	static const struct runtime_ops none = {0};

	(void)state;
	sweep(make_runtime, (void *)(uintptr_t)&none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runtime_is_made_whole_or_not_at_all),
		cmocka_unit_test(what_actors_do_fails_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

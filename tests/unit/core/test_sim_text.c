/* test_sim_text.c - calls by name with JSON text: what an actor of the same worker answers, and
 * one of another, and that neither can tell them from typed ones. */
#include "base/cleanup.h"
#include "base/limits.h"
#include "core/call.h"
#include "core/inside.h"
#include "core/kept.h"
#include "proto/text_call.h"
#include "world.h"
#include <errno.h>

/* Puppet I is in world I, when they are far; else all are in world 1. Puppet 1 calls puppet 2
 * by name when told Num(n), as the play says. */
struct play {
	struct net net;
	struct world worlds[4];
	bool is_far;
	const char *method, *json;
	size_t size;
	uint32_t flags;
	uint64_t timeout_ns;
	behaviour *callee;
	struct troupe_address to; /* null: puppet 2 */
	struct troupe_request request;
	int rc; /* of the last call */
	int64_t streamed;
};

static struct play *play_of(const struct troupe_self *self)
{
	return world_of(self)->test;
}

static struct troupe_address puppet(const struct play *play, int id)
{
	return play->worlds[play->is_far ? id : 1].actors[id];
}

/* What the callees have seen. */
static struct world *theirs(struct play *play)
{
	return &play->worlds[play->is_far ? 2 : 1];
}

static int on_num(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct play *play = play_of(self);

	if (me->id != 1)
		return play->callee
			       ? play->callee(self, me, call, n)
			       : troupe_return(self, call, &num_method, &(struct num){n + 1});
	play->rc = troupe_call_text(
		self, troupe_address_is_null(play->to) ? puppet(play, 2) : play->to,
		play->method, play->json, play->size, &say_entry, (uint64_t)n, play->timeout_ns,
		play->flags, &play->request);
	return 0;
}

static void begin(struct play *play, bool is_far, behaviour *callee)
{
	*play = (struct play){.is_far = is_far, .callee = callee};
	for (uint16_t i = 1; i <= (is_far ? 3 : 1); i++) {
		struct world *world = &play->worlds[i];

		world_init(world, i, NULL);
		world_link(world, &play->net);
		world->hooks.num = on_num;
		world->test = play;
	}
	for (int i = 1; i <= 3; i++)
		world_spawn(&play->worlds[is_far ? i : 1], i);
}

/* Let puppet 1 call; what it returns at once. */
static int say(struct play *play, const char *method, const char *json, int64_t context)
{
	play->method = method;
	play->json = json;
	play->size = json ? strlen(json) : 0;
	play->rc = 1;
	assert_int_equal(world_send(&play->worlds[1], play->worlds[1].actors[1], context), 0);
	net_run(&play->net);
	assert_int_not_equal(play->rc, 1);
	return play->rc;
}

/* The same, without what puppet 1 itself has logged of Num, and what callees have. */
static const char *answer(struct play *play, const char *method, const char *json)
{
	static char log[1024];
	const char *said;

	assert_int_equal(say(play, method, json, 5), 0);
	snprintf(log, sizeof(log), "%s", world_log(&play->worlds[1]));
	if (play->is_far)
		world_log(&play->worlds[2]);
	said = strstr(log, "1:said5 ");
	return said ? said + strlen("1:said5 ") : "";
}

static int answers(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	struct play *play = play_of(self);

	(void)me;
	/* It sees who has called, and nothing else. */
	assert_true(troupe_address_equal(troupe_sender(self), puppet(play, 1)));
	assert_true(troupe_call_wants_reply(self, call));
	assert_int_equal(troupe_call_wants_more(self, call), play->flags == TROUPE_MORE);
	switch (n) {
	case 7:
		return troupe_fail(self, call, &bad_error, &(struct text){"se\"ven"});
	case 8:
		return troupe_fail_parameter(self, call, "n", "not eight");
	case 9:
		return -EIO;
	case 10:
		return 0;
	case 11:
		return troupe_fail_expected_more(self, call);
	case 12:
		return troupe_fail_permission_denied(self, call);
	case 13:
		return troupe_return(self, call, &num_method, NULL);
	case 14: /* the callee's fault, which says so */
		return troupe_fail(self, call, &bad_error, &(struct text){NULL});
	case 15:
		assert_int_equal(troupe_call_drop(self, call), 0);
		return 0;
	}
	return troupe_return(self, call, &num_method, &(struct num){n + 1});
}

static void call_by_name_gets_each_kind_of_answer(void **state)
{
	static const char *const expected[][2] = {
		{"{\"n\":6}", "ok {\"n\":7}; "},
		{" { \"n\" : 6 } ", "ok {\"n\":7}; "},
		{"{\"n\":7}", "error test.puppet.Bad {\"text\":\"se\\\"ven\"}; "},
		{"{\"n\":8}", "invalid (n: not eight); "},
		{"{\"n\":9}", "failed (EIO); "},
		{"{\"n\":10}", "no-reply; "},
		{"{\"n\":11}", "expected-more (Num); "},
		{"{\"n\":12}", "denied (Num); "},
		{"{\"n\":13}", "failed (EINVAL) (a value, found NULL); "},
		{"{\"n\":14}", "failed (EINVAL) (text: a string, found NULL); "},
		{"{\"n\":15}", "no-reply; "},
	};

	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct play play;

		begin(&play, is_far, answers);
		for (size_t i = 0; i < ARRAY_LEN(expected); i++)
			assert_string_equal(answer(&play, "test.puppet.Num", expected[i][0]),
					    expected[i][1]);
		play.flags = TROUPE_MORE;
		assert_string_equal(answer(&play, "test.puppet.Num", "{\"n\":1}"),
				    "ok {\"n\":2}; ");
		net_finish(&play.net);
	}
}

/* When a slice has lasted for some handlers most returns take a shorter way. */
static void calls_of_one_slice_are_all_answered_by_text(void **state)
{
	struct play play;

	(void)state;
	begin(&play, false, NULL);
	play.method = "test.puppet.Num";
	play.json = "{\"n\":1}";
	play.size = strlen(play.json);
	for (int64_t i = 0; i < 20; i++)
		assert_int_equal(world_send(&play.worlds[1], puppet(&play, 1), i), 0);
	net_run(&play.net);
	assert_int_equal(play.worlds[1].replies, 20);
	assert_non_null(strstr(world_log(&play.worlds[1]), "1:said19 ok {\"n\":2}; "));
	net_finish(&play.net);
}

static void callee_gets_what_the_text_says(void **state)
{
	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct play play;

		begin(&play, is_far, NULL);
		assert_int_equal(say(&play, "test.puppet.Text", "{\"text\":\"\\u00e4\\n\"}", 5),
				 0);
		assert_non_null(strstr(world_log(theirs(&play)), "2:text \303\244\n; "));
		if (is_far)
			assert_non_null(strstr(world_log(&play.worlds[1]),
					       "1:said5 ok {\"text\":\"\303\244\\n\"}; "));
		net_finish(&play.net);
	}
}

static void wrong_parameters_and_names_are_answered_by_the_callees_worker(void **state)
{
	static const char *const expected[][3] = {
		{"test.puppet.Num", "{}", "invalid (n: the field is missing); "},
		{"test.puppet.Num", NULL, "invalid (n: the field is missing); "},
		{"test.puppet.Num", "{\"n\":\"5\"}", "invalid (n: an int, found a string); "},
		{"test.puppet.Num", "{\"n\":1,\"x\":2}",
		 "invalid (x: the type has no such field); "},
		{"test.puppet.Num", "{\"n\":1,\"n\":2}",
		 "invalid (n: the field is there twice); "},
		{"test.puppet.Mun", "{\"n\":1}", "not-found (Mun); "},
		{"test.muppet.Num", "{\"n\":1}", "not-found (Num); "},
		{"test.puppet.None", "{}", "not-implemented (None); "},
		{"test.puppet.None", NULL, "not-implemented (None); "},
	};

	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct play play;

		begin(&play, is_far, answers);
		for (size_t i = 0; i < ARRAY_LEN(expected); i++)
			assert_string_equal(answer(&play, expected[i][0], expected[i][1]),
					    expected[i][2]);
		assert_int_equal(theirs(&play)->failures, 0);
		net_finish(&play.net);
	}
}

static void what_is_wrong_with_the_call_itself_is_said_at_once(void **state)
{
	static const char *const names[] = {"",
					    "Num",
					    ".Num",
					    "test.puppet.",
					    "test.puppet.num",
					    "test..puppet.Num",
					    "test.puppet.Num ",
					    "puppet.Nu\303\244m",
					    "test.puppet/Num"};
	static const char *const texts[] = {
		"", "5", "[]", "null", "{\"n\":5", "{\"n\":5}x", "{\"\xff\":1}", "{'n':5}"};
	char *deep = NULL, name[300];

	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct play play;

		begin(&play, is_far, NULL);
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			assert_int_equal(say(&play, names[i], "{\"n\":5}", 5), -EINVAL);
		assert_int_equal(say(&play, NULL, "{\"n\":5}", 5), -EINVAL);
		for (size_t i = 0; i < ARRAY_LEN(texts); i++)
			assert_int_equal(say(&play, "test.puppet.Num", texts[i], 5), -EINVAL);
		/* The longest name is one that nobody has. */
		memset(name, 'a', sizeof(name));
		memcpy(name + 1, ".A", 2);
		name[TEXT_CALL_NAME_MAX + 1] = '\0';
		assert_int_equal(say(&play, name, "{}", 5), -EINVAL);
		name[TEXT_CALL_NAME_MAX] = '\0';
		assert_int_equal(say(&play, name, "{}", 5), -EINVAL); /* "a" is no interface */
		memcpy(name, "a.b.A", 5);
		assert_int_equal(say(&play, name, "{}", 5), 0);
		deep = malloc(200);
		assert_non_null(deep);
		snprintf(deep, 200, "{\"n\":%.*s1%.*s}", 64,
			 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 64,
			 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
		assert_int_equal(say(&play, "test.puppet.Num", deep, 5), -E2BIG);
		free(deep);
		play.flags = 2;
		assert_int_equal(say(&play, "test.puppet.Num", "{\"n\":5}", 5), -EINVAL);
		play.flags = 0;
		play.to = (struct troupe_address){
			.worker = 1, .incarnation = 1, .slot = 99, .generation = 1};
		assert_int_equal(say(&play, "test.puppet.Num", "{\"n\":5}", 5), -ESRCH);
		play.to = (struct troupe_address){
			.node = 7, .worker = 9, .incarnation = 1, .generation = 1};
		assert_int_equal(say(&play, "test.puppet.Num", "{\"n\":5}", 5), -ESRCH);
		assert_int_equal(play.worlds[1].runtime->calls.count, 0);
		assert_int_equal(theirs(&play)->failures, 0);
		net_finish(&play.net);
	}
}

static int calls_wrongly(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	struct play *play = play_of(self);

	(void)n;
	if (me->id != 1)
		return troupe_return(self, call, &num_method, &(struct num){1});
	assert_int_equal(troupe_call_text(self, puppet(play, 2), "test.puppet.Num", "{\"n\":1}",
					  7, &num_entry, 0, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_call_text(self, puppet(play, 2), "test.puppet.Num", "{\"n\":1}",
					  7, &foreign_entry, 0, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_call_text(self, puppet(play, 2), "test.puppet.Num", "{\"n\":1}",
					  7, NULL, 0, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_call_text(self, puppet(play, 2), "test.puppet.Num", NULL, 7,
					  &say_entry, 0, 0, 0, NULL),
			 -EINVAL);
	/* A typed call does not end at an entry of texts. */
	assert_int_equal(troupe_call(self, puppet(play, 2), &num_method, &(struct num){1},
				     &say_entry, 0, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_timer_start(self, &say_entry, 0, 0, 0, NULL), -EINVAL);
	/* ret_request may be left out. */
	assert_int_equal(troupe_call_text(self, puppet(play, 2), "test.puppet.Num", "{\"n\":1}",
					  7, &say_entry, 3, 0, 0, NULL),
			 0);
	return 0;
}

static void fini_calls_no_more(struct troupe_self *self, struct puppet *me,
			       enum troupe_cause cause)
{
	(void)cause;
	assert_int_equal(troupe_call_text(self, puppet(play_of(self), me->id),
					  "test.puppet.Num", "{\"n\":1}", 7, &say_entry, 0, 0,
					  0, NULL),
			 -EINVAL);
}

static void entry_is_one_of_the_type_and_for_texts(void **state)
{
	struct play play;

	(void)state;
	begin(&play, false, NULL);
	play.worlds[1].hooks.num = calls_wrongly;
	play.worlds[1].hooks.fini = fini_calls_no_more;
	assert_int_equal(world_send(&play.worlds[1], puppet(&play, 1), 1), 0);
	net_run(&play.net);
	assert_log(&play.worlds[1], "1:num 1; 2:num 1; 1:said3 ok {\"n\":1}; ");
	net_finish(&play.net);
}

/* ------------------------------------------------------------------ ends */

static int keeps(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	if (n == 99) {
		troupe_exit(self, 0);
		return 0;
	}
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return 0;
}

static void call_ends_by_time_by_its_caller_and_by_its_callee(void **state)
{
	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct play play;

		begin(&play, is_far, keeps);
		play.timeout_ns = 1000000000;
		assert_string_equal(answer(&play, "test.puppet.Num", "{\"n\":1}"), "");
		for (uint16_t i = 1; i <= (is_far ? 3 : 1); i++)
			world_sleep(&play.worlds[i], 1100000000);
		net_run(&play.net);
		assert_non_null(strstr(world_log(&play.worlds[1]), "1:said5 timeout; "));
		world_log(theirs(&play));
		/* The callee ends. */
		play.timeout_ns = 0;
		assert_string_equal(answer(&play, "test.puppet.Num", "{\"n\":1}"), "");
		assert_int_equal(world_send(theirs(&play), puppet(&play, 2), 99), 0);
		net_run(&play.net);
		assert_non_null(strstr(world_log(&play.worlds[1]), "1:said5 died; "));
		/* There is none any more. */
		if (is_far)
			assert_string_equal(answer(&play, "test.puppet.Num", "{\"n\":1}"),
					    "no-such-actor; ");
		else
			assert_int_equal(say(&play, "test.puppet.Num", "{\"n\":1}", 5), -ESRCH);
		net_finish(&play.net);
	}
}

static int cancels(struct troupe_self *self, struct puppet *me, uint64_t context)
{
	(void)me;
	(void)context;
	assert_int_equal(troupe_cancel(self, play_of(self)->request), 0);
	assert_int_equal(troupe_cancel(self, play_of(self)->request), -ESRCH);
	return 0;
}

static int calls_then_cancels(struct troupe_self *self, struct puppet *me,
			      struct troupe_call call, int64_t n)
{
	int r = on_num(self, me, call, n);

	if (me->id == 1)
		assert_int_equal(troupe_timer_start(self, &tick_entry, 1000000, 0, 0, NULL), 0);
	return r;
}

static void cancelled_call_ends_on_both_sides(void **state)
{
	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct play play;

		begin(&play, is_far, keeps);
		play.worlds[1].hooks.num = calls_then_cancels;
		play.worlds[1].hooks.tick = cancels;
		assert_int_equal(say(&play, "test.puppet.Num", "{\"n\":1}", 5), 0);
		world_sleep(&play.worlds[1], 2000000);
		net_run(&play.net);
		assert_non_null(strstr(theirs(&play)->log, "2:cancel; "));
		assert_non_null(strstr(play.worlds[1].log, "1:said5 cancelled; "));
		net_finish(&play.net);
	}
}

static void callers_end_cancels_the_call(void **state)
{
	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct play play;

		begin(&play, is_far, keeps);
		assert_int_equal(say(&play, "test.puppet.Num", "{\"n\":1}", 5), 0);
		assert_int_equal(runtime_stop(play.worlds[1].runtime, play.worlds[1].actors[1]),
				 0);
		net_run(&play.net);
		assert_non_null(strstr(theirs(&play)->log, "2:cancel; "));
		assert_int_equal(theirs(&play)->runtime->kept_calls.count, 0);
		net_finish(&play.net);
	}
}

static void death_of_a_worker_ends_the_call(void **state)
{
	struct play play;

	(void)state;
	for (int crashed = 0; crashed <= 1; crashed++) {
		begin(&play, true, keeps);
		assert_int_equal(say(&play, "test.puppet.Num", "{\"n\":1}", 5), 0);
		runtime_peer_down(play.worlds[1].runtime, play.worlds[2].process,
				  crashed ? TROUPE_ACTOR_DIED : TROUPE_PEER_DOWN);
		net_run(&play.net);
		assert_non_null(strstr(play.worlds[1].log,
				       crashed ? "1:said5 died; " : "1:said5 peer-down; "));
		net_finish(&play.net);
	}
}

/* ------------------------------------------------------------------ room */

static void full_mailbox_refuses_and_full_link_does(void **state)
{
	struct play play;

	(void)state;
	begin(&play, false, keeps);
	world_unit(&play.worlds[1], 2, play.worlds[1].type, 1, 0, 0);
	play.to = world_spawn_in(&play.worlds[1], 2, 4);
	/* In one turn: the second finds the first there. */
	play.method = "test.puppet.Num";
	play.json = "{\"n\":1}";
	play.size = strlen(play.json);
	assert_int_equal(world_send(&play.worlds[1], puppet(&play, 1), 5), 0);
	assert_int_equal(world_send(&play.worlds[1], puppet(&play, 1), 6), 0);
	net_run(&play.net);
	assert_int_equal(play.rc, -EAGAIN);
	assert_log(&play.worlds[1], "1:num 5; 1:num 6; 4:num 1; 1:room; ");
	net_finish(&play.net);

	begin(&play, true, keeps);
	play.net.full = true;
	assert_int_equal(say(&play, "test.puppet.Num", "{\"n\":1}", 5), -EAGAIN);
	play.net.full = false;
	runtime_link_room(play.worlds[1].runtime, play.worlds[2].process);
	net_run(&play.net);
	assert_log(&play.worlds[1], "1:num 5; 1:room; ");
	assert_int_equal(play.worlds[1].runtime->calls.count, 0);
	/* Elsewhere a full mailbox answers. */
	world_unit(&play.worlds[2], 2, play.worlds[2].type, 1, 0, 0);
	play.to = world_spawn_in(&play.worlds[2], 2, 4);
	assert_int_equal(world_send(&play.worlds[1], puppet(&play, 1), 5), 0);
	assert_int_equal(world_send(&play.worlds[1], puppet(&play, 1), 6), 0);
	world_run(&play.worlds[1]);
	while (net_carry_one(&play.net, 2))
		;
	net_run(&play.net);
	assert_log(&play.worlds[1], "1:num 5; 1:num 6; 1:said6 overloaded; ");
	net_finish(&play.net);
}

static void text_that_no_mailbox_holds_is_too_large(void **state)
{
	cleanup_free char *text = malloc(TEXT_CALL_MAX + 2);
	struct play play;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', TEXT_CALL_MAX + 1);
	memcpy(text, "{\"text\":\"", 9);
	for (int is_far = 0; is_far <= 1; is_far++) {
		begin(&play, is_far, NULL);
		strcpy(text + TEXT_CALL_MAX - 1, "\"}");
		assert_int_equal(say(&play, "test.puppet.Text", text, 5), -EMSGSIZE);
		/* The largest is, as a message, more than a mailbox may hold. */
		strcpy(text + TEXT_CALL_MAX - 2, "\"}");
		world_unit(theirs(&play), 3, theirs(&play)->type, 0, 1 << 20, 0);
		play.to = world_spawn_in(theirs(&play), 3, 5);
		if (is_far)
			assert_string_equal(answer(&play, "test.puppet.Text", text),
					    "overloaded; ");
		else
			assert_int_equal(say(&play, "test.puppet.Text", text, 5), -EMSGSIZE);
		/* And there is one that holds it. */
		world_unit(theirs(&play), 2, theirs(&play)->type, 0, 64 << 20, 0);
		play.to = world_spawn_in(theirs(&play), 2, 4);
		assert_memory_equal(answer(&play, "test.puppet.Text", text),
				    "ok {\"text\":\"xxxx", 15);
		net_finish(&play.net);
		memset(text + TEXT_CALL_MAX - 2, 'x', 3);
	}
}

static int shouts(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  const char *text)
{
	struct play *play = play_of(self);
	cleanup_free char *controls = malloc((3u << 20) + 1);
	int r;

	(void)text;
	assert_non_null(controls);
	memset(controls, 1, 3u << 20);
	controls[3u << 20] = '\0';
	if (play->flags != TROUPE_MORE)
		return troupe_return(self, call, &text_method, &(struct text){controls});
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	r = troupe_reply(self, call, &text_method, &(struct text){controls});
	assert_int_equal(r, 0);
	return 0;
}

/* Each of its bytes takes six. */
static void answer_whose_text_is_too_long_fails(void **state)
{
	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct play play;

		begin(&play, is_far, NULL);
		theirs(&play)->hooks.text = shouts;
		assert_string_equal(answer(&play, "test.puppet.Text", "{\"text\":\"\"}"),
				    "failed (EMSGSIZE) (the text of the answer is longer than "
				    "a message may be); ");
		assert_int_equal(theirs(&play)->failures, 0);
		/* A stream's producer gets a cancel. */
		play.flags = TROUPE_MORE;
		assert_int_equal(say(&play, "test.puppet.Text", "{\"text\":\"\"}", 5), 0);
		assert_non_null(strstr(play.worlds[1].log, "1:said5 failed (EMSGSIZE)"));
		assert_non_null(strstr(theirs(&play)->log, "2:cancel; "));
		assert_int_equal(theirs(&play)->runtime->kept_calls.count, 0);
		net_finish(&play.net);
	}
}

/* ------------------------------------------------------------------ streams */

#define STREAMED 3000

/* Replies until there is no room; then the last. */
static int go_on(struct troupe_self *self, struct puppet *me)
{
	struct play *play = play_of(self);
	int r;

	while (play->streamed < STREAMED) {
		r = troupe_reply(self, me->kept_call, &num_method,
				 &(struct num){play->streamed});
		if (r == -EAGAIN)
			return 0;
		assert_int_equal(r, 0);
		play->streamed++;
	}
	return troupe_return(self, me->kept_call, &num_method, &(struct num){-1});
}

static int streams(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	(void)n;
	assert_int_equal(troupe_call_keep(self, &call), 0);
	me->kept_call = call;
	return go_on(self, me);
}

static int streams_on(struct troupe_self *self, struct puppet *me, struct troupe_address where)
{
	assert_true(troupe_address_equal(where, puppet(play_of(self), 1)));
	assert_true(world_of(self)->room_of.id == me->kept_call.id);
	return go_on(self, me);
}

static int counts(struct troupe_self *self, struct puppet *me, uint64_t context,
		  const struct troupe_text_reply *reply)
{
	char expected[32];

	(void)self;
	(void)context;
	assert_int_equal(reply->status, TROUPE_OK);
	snprintf(expected, sizeof(expected), "{\"n\":%d}",
		 reply->continues ? (int)me->count : -1);
	assert_string_equal(reply->json, expected);
	me->count++;
	return 0;
}

static void stream_continues_within_its_window(void **state)
{
	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct play play;

		begin(&play, is_far, streams);
		play.flags = TROUPE_MORE;
		theirs(&play)->hooks.room = streams_on;
		play.worlds[1].hooks.said = counts;
		assert_int_equal(say(&play, "test.puppet.Num", "{\"n\":1}", 5), 0);
		assert_int_equal(play.worlds[1].replies, STREAMED + 1);
		assert_true(theirs(&play)->rooms >= STREAMED / LIMIT_STREAM_UNREAD);
		net_finish(&play.net);
	}
}

/* Window and default deadline of a stream that is kept are those of a typed one. */
static void stream_that_is_kept_outlives_the_default_deadline(void **state)
{
	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct play play;

		begin(&play, is_far, keeps);
		play.flags = TROUPE_MORE;
		assert_int_equal(say(&play, "test.puppet.Num", "{\"n\":1}", 5), 0);
		for (uint16_t i = 1; i <= (is_far ? 3 : 1); i++)
			world_sleep(&play.worlds[i], 100000000000);
		net_run(&play.net);
		assert_null(strstr(play.worlds[1].log, "said5"));
		assert_int_equal(play.worlds[1].runtime->calls.count, 1);
		net_finish(&play.net);
	}
}

/* ------------------------------------------------------------------ forwarding */

static int forwards(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n)
{
	struct play *play = play_of(self);

	if (me->id == 2)
		return troupe_forward(self, play->to);
	if (n == 7)
		return troupe_fail(self, call, &bad_error, &(struct text){"seven"});
	if (n == 8)
		return keeps(self, me, call, n);
	assert_true(troupe_address_equal(troupe_sender(self), puppet(play, 1)));
	return troupe_return(self, call, &num_method, &(struct num){n + 10 * me->id});
}

static void ask_forwarded(struct play *play, struct troupe_address where)
{
	struct troupe_address two = puppet(play, 2);

	/* on_num() calls `to`, which is whom puppet 2 forwards to as well: so by hand. */
	play->to = two;
	play->method = "test.puppet.Num";
	assert_int_equal(world_send(&play->worlds[1], play->worlds[1].actors[1], 5), 0);
	world_run(&play->worlds[1]);
	play->to = where;
	net_run(&play->net);
}

static void forwarded_call_is_answered_from_where_it_went(void **state)
{
	struct play play;

	(void)state;
	/* near to near is forwarded in the same pass: `to` is where it goes, called at once */
	begin(&play, true, forwards);
	play.json = "{\"n\":1}";
	play.size = strlen(play.json);
	ask_forwarded(&play, play.worlds[3].actors[3]); /* to a third worker */
	assert_log(&play.worlds[1], "1:num 5; 1:said5 ok {\"n\":31}; ");
	play.worlds[1].hooks.num = on_num;
	world_spawn(&play.worlds[1], 4);
	ask_forwarded(&play, play.worlds[1].actors[4]); /* home */
	assert_log(&play.worlds[1], "1:num 5; 4:num 1; 1:said5 ok {\"n\":41}; ");
	world_spawn(&play.worlds[2], 5);
	ask_forwarded(&play, play.worlds[2].actors[5]); /* within its worker */
	assert_log(&play.worlds[1], "1:num 5; 1:said5 ok {\"n\":51}; ");
	play.json = "{\"n\":7}";
	ask_forwarded(&play, play.worlds[3].actors[3]);
	assert_log(&play.worlds[1],
		   "1:num 5; 1:said5 error test.puppet.Bad {\"text\":\"seven\"}; ");
	/* Whose death ends it. */
	play.json = "{\"n\":8}";
	ask_forwarded(&play, play.worlds[3].actors[3]);
	assert_log(&play.worlds[1], "1:num 5; ");
	net_kill(&play.net, 3);
	net_run(&play.net);
	assert_log(&play.worlds[1], "1:said5 died; ");
	net_finish(&play.net);
}

static int forwards_away(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	struct play *play = play_of(self);

	if (me->id == 2)
		return troupe_forward(self, play->worlds[2].actors[6]);
	assert_int_equal(me->id, 6);
	if (n == 7)
		return troupe_fail(self, call, &bad_error, &(struct text){"seven"});
	if (n == 8)
		return streams(self, me, call, n);
	return troupe_return(self, call, &num_method, &(struct num){n + 10 * me->id});
}

/* Puppets 1 and 2 are neighbours; 6 is elsewhere. */
static void near_call_goes_on_to_another_worker(void **state)
{
	struct play play;

	(void)state;
	begin(&play, false, forwards_away);
	world_init(&play.worlds[2], 2, NULL);
	world_link(&play.worlds[2], &play.net);
	play.worlds[2].hooks.num = on_num;
	play.worlds[2].test = &play;
	world_spawn(&play.worlds[2], 6);
	assert_string_equal(answer(&play, "test.puppet.Num", "{\"n\":1}"), "ok {\"n\":61}; ");
	assert_string_equal(answer(&play, "test.puppet.Num", "{\"n\":7}"),
			    "error test.puppet.Bad {\"text\":\"seven\"}; ");
	play.flags = TROUPE_MORE;
	play.worlds[2].hooks.room = streams_on;
	play.worlds[1].hooks.said = counts;
	play.worlds[1].replies = 0;
	assert_int_equal(say(&play, "test.puppet.Num", "{\"n\":8}", 5), 0);
	assert_int_equal(play.worlds[1].replies, STREAMED + 1);
	net_finish(&play.net);
}

/* ------------------------------------------------------------------ what others claim */

static void deliver_text(struct play *play, const void *bytes, size_t size, uint64_t alias)
{
	static _Alignas(16) unsigned char payload[8192];

	memcpy(payload, bytes, size);
	runtime_deliver(play->worlds[2].runtime, play->worlds[1].process,
			&(struct envelope){.kind = ENVELOPE_CALL,
					   .flags = ENVELOPE_TEXT,
					   .from = play->worlds[1].actors[1],
					   .to = play->worlds[2].actors[2],
					   .call = alias,
					   .deadline_ns = UINT64_MAX,
					   .payload = payload,
					   .size = size});
}

static size_t encode_text(const struct text_call *text, unsigned char *bytes)
{
	size_t size;

	assert_int_equal(codec_size(&text_call_type, text, &size, NULL), 0);
	codec_encode(&text_call_type, text, bytes, size);
	return size;
}

/* Whatever the payload is: the call is run, or refused, and nothing is left. */
static void payload_that_is_no_call_is_refused(void **state)
{
	static const struct text_call texts[] = {
		{"test.puppet.Num", {"{\"n\":5}", 7}},
		{"test.puppet.Num", {"{\"n\":5", 6}},
		{"test.puppet.Num", {"\xff\xfe", 2}},
		{"test.puppet.Num", {"{\"n\":5}\0", 8}},
		{"test.puppet.Num", {"[]", 2}},
		{"test.puppet.Num", {NULL, 0}},
		{"", {"{}", 2}},
		{".", {"{}", 2}},
		{"Num", {"{}", 2}},
		{"test.puppet.", {"{}", 2}},
		{"test.puppet.Num.Num", {"{}", 2}},
	};
	static _Alignas(16) unsigned char bytes[4096];
	struct random random;
	struct play play;
	char name[600];
	size_t size;

	(void)state;
	begin(&play, true, NULL);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		memset(bytes, 0, sizeof(bytes));
		size = encode_text(&texts[i], bytes);
		deliver_text(&play, bytes, size, 1000 + i);
	}
	net_run(&play.net);
	assert_log(&play.worlds[2], "2:num 5; ");
	memset(name, 'A', sizeof(name));
	memcpy(name, "test.a.", 7);
	name[sizeof(name) - 1] = '\0';
	size = encode_text(&(struct text_call){name, {"{}", 2}}, bytes);
	deliver_text(&play, bytes, size, 2000);
	/* Every length, and every byte changed. */
	memset(bytes, 0, sizeof(bytes));
	size = encode_text(&texts[0], bytes);
	for (size_t cut = 0; cut < size; cut++)
		deliver_text(&play, bytes, cut, 3000 + cut);
	random_init(&random, 5);
	for (size_t i = 0; i < 20000; i++) {
		size_t at = random_below(&random, size);
		unsigned char was = bytes[at];

		bytes[at] ^= (unsigned char)(1u << random_below(&random, 8));
		deliver_text(&play, bytes, size, 10000 + i);
		bytes[at] = was;
		if (i % 64 == 0) {
			net_run(&play.net);
			world_log(&play.worlds[2]);
		}
	}
	net_run(&play.net);
	assert_int_equal(play.worlds[2].runtime->kept_calls.count, 0);
	net_finish(&play.net);
}

static void deliver_answer(struct play *play, struct envelope answer)
{
	struct runtime *runtime = play->worlds[1].runtime;

	answer.from = play->worlds[2].actors[2];
	answer.to = play->worlds[1].actors[1];
	answer.call = call_alias(runtime, call_find(runtime, play->request.id));
	runtime_deliver(runtime, play->worlds[2].process, &answer);
}

/* Of a type that was never described, or not of the type that was. */
static void answer_that_is_no_value_is_invalid(void **state)
{
	static const _Alignas(16) char bytes[16] = "no offset";
	const struct envelope answers[] = {
		{.kind = ENVELOPE_REPLY, .hash = 0x999, .payload = bytes, .size = 8},
		{.kind = ENVELOPE_REPLY,
		 .hash = text_method.out_hash,
		 .payload = bytes,
		 .size = 8},
		{.kind = ENVELOPE_REPLY,
		 .hash = num_method.out_hash,
		 .payload = bytes,
		 .size = 7},
		{.kind = ENVELOPE_REPLY, .hash = num_method.out_hash},
		{.kind = ENVELOPE_ERROR, .hash = 0x999, .payload = bytes, .size = 8},
		{.kind = ENVELOPE_ERROR, .hash = bad_error.hash, .payload = bytes, .size = 16},
		{.kind = ENVELOPE_REPLY,
		 .flags = ENVELOPE_CONTINUES,
		 .hash = 0x999,
		 .payload = bytes,
		 .size = 8},
	};
	struct play play;

	(void)state;
	begin(&play, true, keeps);
	play.flags = TROUPE_MORE;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		assert_int_equal(say(&play, "test.puppet.Num", "{\"n\":1}", 5), 0);
		deliver_answer(&play, answers[i]);
		net_run(&play.net);
		assert_non_null(strstr(world_log(&play.worlds[1]), "1:said5 invalid"));
		assert_int_equal(play.worlds[1].runtime->calls.count, 0);
	}
	net_finish(&play.net);
}

static void text_of_too_many_values_is_refused_at_once(void **state)
{
	enum { VALUES = 1000001 };
	cleanup_free char *text = malloc(2 * VALUES + 32);
	struct play play;
	size_t at;

	(void)state;
	assert_non_null(text);
	at = (size_t)sprintf(text, "{\"n\":[0");
	for (int i = 1; i < VALUES; i++, at += 2)
		memcpy(text + at, ",0", 2);
	strcpy(text + at, "]}");
	begin(&play, false, NULL);
	assert_int_equal(say(&play, "test.puppet.Num", text, 5), -E2BIG);
	net_finish(&play.net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(call_by_name_gets_each_kind_of_answer),
		cmocka_unit_test(calls_of_one_slice_are_all_answered_by_text),
		cmocka_unit_test(callee_gets_what_the_text_says),
		cmocka_unit_test(wrong_parameters_and_names_are_answered_by_the_callees_worker),
		cmocka_unit_test(what_is_wrong_with_the_call_itself_is_said_at_once),
		cmocka_unit_test(entry_is_one_of_the_type_and_for_texts),
		cmocka_unit_test(call_ends_by_time_by_its_caller_and_by_its_callee),
		cmocka_unit_test(cancelled_call_ends_on_both_sides),
		cmocka_unit_test(callers_end_cancels_the_call),
		cmocka_unit_test(death_of_a_worker_ends_the_call),
		cmocka_unit_test(full_mailbox_refuses_and_full_link_does),
		cmocka_unit_test(text_that_no_mailbox_holds_is_too_large),
		cmocka_unit_test(answer_whose_text_is_too_long_fails),
		cmocka_unit_test(stream_continues_within_its_window),
		cmocka_unit_test(stream_that_is_kept_outlives_the_default_deadline),
		cmocka_unit_test(forwarded_call_is_answered_from_where_it_went),
		cmocka_unit_test(near_call_goes_on_to_another_worker),
		cmocka_unit_test(payload_that_is_no_call_is_refused),
		cmocka_unit_test(answer_that_is_no_value_is_invalid),
		cmocka_unit_test(text_of_too_many_values_is_refused_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

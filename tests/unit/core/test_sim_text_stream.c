/* Calls by name whose answers come from elsewhere, or in many pieces. */
#include "base/cleanup.h"
#include "core/call.h"
#include "core/inside.h"
#include "core/kept.h"
#include "naming.h"
#include <errno.h>

static int shouts(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  const char *text)
{
	struct naming *naming = naming_of(self);
	cleanup_free char *controls = malloc((3u << 20) + 1);
	int r;

	(void)text;
	assert_non_null(controls);
	memset(controls, 1, 3u << 20);
	controls[3u << 20] = '\0';
	if (naming->flags != TROUPE_MORE)
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
		struct naming naming;

		naming_begin(&naming, is_far, NULL);
		naming_theirs(&naming)->hooks.text = shouts;
		assert_string_equal(
			naming_answer(&naming, "test.puppet.Text", "{\"text\":\"\"}"),
			"failed (EMSGSIZE) (the text of the answer is longer than "
			"a message may be); ");
		assert_int_equal(naming_theirs(&naming)->failures, 0);
		/* A stream's producer gets a cancel. */
		naming.flags = TROUPE_MORE;
		assert_int_equal(naming_say(&naming, "test.puppet.Text", "{\"text\":\"\"}", 5),
				 0);
		assert_non_null(strstr(naming.worlds[1].log, "1:said5 failed (EMSGSIZE)"));
		assert_non_null(strstr(naming_theirs(&naming)->log, "2:cancel; "));
		assert_int_equal(naming_theirs(&naming)->runtime->kept_calls.count, 0);
		net_finish(&naming.net);
	}
}

#define STREAMED 3000

/* Replies until there is no room; then the last. */
static int go_on(struct troupe_self *self, struct puppet *me)
{
	struct naming *naming = naming_of(self);
	int r;

	while (naming->streamed < STREAMED) {
		r = troupe_reply(self, me->kept_call, &num_method,
				 &(struct num){naming->streamed});
		if (r == -EAGAIN)
			return 0;
		assert_int_equal(r, 0);
		naming->streamed++;
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
	assert_true(troupe_address_equal(where, naming_puppet(naming_of(self), 1)));
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
		struct naming naming;

		naming_begin(&naming, is_far, streams);
		naming.flags = TROUPE_MORE;
		naming_theirs(&naming)->hooks.room = streams_on;
		naming.worlds[1].hooks.said = counts;
		assert_int_equal(naming_say(&naming, "test.puppet.Num", "{\"n\":1}", 5), 0);
		assert_int_equal(naming.worlds[1].replies, STREAMED + 1);
		assert_true(naming_theirs(&naming)->rooms >= STREAMED / LIMIT_STREAM_UNREAD);
		net_finish(&naming.net);
	}
}

/* Window and default deadline of a stream that is kept are those of a typed one. */
static void stream_that_is_kept_outlives_the_default_deadline(void **state)
{
	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct naming naming;

		naming_begin(&naming, is_far, naming_keeps);
		naming.flags = TROUPE_MORE;
		assert_int_equal(naming_say(&naming, "test.puppet.Num", "{\"n\":1}", 5), 0);
		for (uint16_t i = 1; i <= (is_far ? 3 : 1); i++)
			world_sleep(&naming.worlds[i], 100000000000);
		net_run(&naming.net);
		assert_null(strstr(naming.worlds[1].log, "said5"));
		assert_int_equal(naming.worlds[1].runtime->calls.count, 1);
		net_finish(&naming.net);
	}
}

static int forwards(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		    int64_t n)
{
	struct naming *naming = naming_of(self);

	if (me->id == 2)
		return troupe_forward(self, naming->to);
	if (n == 7)
		return troupe_fail(self, call, &bad_error, &(struct text){"seven"});
	if (n == 8)
		return naming_keeps(self, me, call, n);
	assert_true(troupe_address_equal(troupe_sender(self), naming_puppet(naming, 1)));
	return troupe_return(self, call, &num_method, &(struct num){n + 10 * me->id});
}

static void ask_forwarded(struct naming *naming, struct troupe_address where)
{
	struct troupe_address two = naming_puppet(naming, 2);

	/* naming_on_num() calls `to`, which is whom puppet 2 forwards to, too: by hand. */
	naming->to = two;
	naming->method = "test.puppet.Num";
	assert_int_equal(world_send(&naming->worlds[1], naming->worlds[1].actors[1], 5), 0);
	world_run(&naming->worlds[1]);
	naming->to = where;
	net_run(&naming->net);
}

static void forwarded_call_is_answered_from_where_it_went(void **state)
{
	struct naming naming;

	(void)state;
	/* near to near is forwarded in the same pass: `to` is where it goes, called at once */
	naming_begin(&naming, true, forwards);
	naming.json = "{\"n\":1}";
	naming.size = strlen(naming.json);
	ask_forwarded(&naming, naming.worlds[3].actors[3]); /* to a third worker */
	assert_log(&naming.worlds[1], "1:num 5; 1:said5 ok {\"n\":31}; ");
	naming.worlds[1].hooks.num = naming_on_num;
	world_spawn(&naming.worlds[1], 4);
	ask_forwarded(&naming, naming.worlds[1].actors[4]); /* home */
	assert_log(&naming.worlds[1], "1:num 5; 4:num 1; 1:said5 ok {\"n\":41}; ");
	world_spawn(&naming.worlds[2], 5);
	ask_forwarded(&naming, naming.worlds[2].actors[5]); /* within its worker */
	assert_log(&naming.worlds[1], "1:num 5; 1:said5 ok {\"n\":51}; ");
	naming.json = "{\"n\":7}";
	ask_forwarded(&naming, naming.worlds[3].actors[3]);
	assert_log(&naming.worlds[1],
		   "1:num 5; 1:said5 error test.puppet.Bad {\"text\":\"seven\"}; ");
	/* Whose death ends it. */
	naming.json = "{\"n\":8}";
	ask_forwarded(&naming, naming.worlds[3].actors[3]);
	assert_log(&naming.worlds[1], "1:num 5; ");
	net_kill(&naming.net, 3);
	net_run(&naming.net);
	assert_log(&naming.worlds[1], "1:said5 died; ");
	net_finish(&naming.net);
}

static int forwards_away(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	struct naming *naming = naming_of(self);

	if (me->id == 2)
		return troupe_forward(self, naming->worlds[2].actors[6]);
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
	struct naming naming;

	(void)state;
	naming_begin(&naming, false, forwards_away);
	world_init(&naming.worlds[2], 2, NULL);
	world_link(&naming.worlds[2], &naming.net);
	naming.worlds[2].hooks.num = naming_on_num;
	naming.worlds[2].test = &naming;
	world_spawn(&naming.worlds[2], 6);
	assert_string_equal(naming_answer(&naming, "test.puppet.Num", "{\"n\":1}"),
			    "ok {\"n\":61}; ");
	assert_string_equal(naming_answer(&naming, "test.puppet.Num", "{\"n\":7}"),
			    "error test.puppet.Bad {\"text\":\"seven\"}; ");
	naming.flags = TROUPE_MORE;
	naming.worlds[2].hooks.room = streams_on;
	naming.worlds[1].hooks.said = counts;
	naming.worlds[1].replies = 0;
	assert_int_equal(naming_say(&naming, "test.puppet.Num", "{\"n\":8}", 5), 0);
	assert_int_equal(naming.worlds[1].replies, STREAMED + 1);
	net_finish(&naming.net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_whose_text_is_too_long_fails),
		cmocka_unit_test(stream_continues_within_its_window),
		cmocka_unit_test(stream_that_is_kept_outlives_the_default_deadline),
		cmocka_unit_test(forwarded_call_is_answered_from_where_it_went),
		cmocka_unit_test(near_call_goes_on_to_another_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

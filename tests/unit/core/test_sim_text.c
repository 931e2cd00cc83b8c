/* Calls by name with JSON text: what an actor of the same worker answers, and one of another,
 * and that neither can tell them from typed ones. */
#include "base/cleanup.h"
#include "base/limits.h"
#include "core/call.h"
#include "core/inside.h"
#include "core/kept.h"
#include "naming.h"
#include "proto/text_call.h"
#include <errno.h>

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
		struct naming naming;

		naming_begin(&naming, is_far, naming_answers);
		for (size_t i = 0; i < ARRAY_LEN(expected); i++)
			assert_string_equal(
				naming_answer(&naming, "test.puppet.Num", expected[i][0]),
				expected[i][1]);
		naming.flags = TROUPE_MORE;
		assert_string_equal(naming_answer(&naming, "test.puppet.Num", "{\"n\":1}"),
				    "ok {\"n\":2}; ");
		net_finish(&naming.net);
	}
}

/* When a slice has lasted for some handlers most returns take a shorter way. */
static void calls_of_one_slice_are_all_answered_by_text(void **state)
{
	struct naming naming;

	(void)state;
	naming_begin(&naming, false, NULL);
	naming.method = "test.puppet.Num";
	naming.json = "{\"n\":1}";
	naming.size = strlen(naming.json);
	for (int64_t i = 0; i < 20; i++)
		assert_int_equal(world_send(&naming.worlds[1], naming_puppet(&naming, 1), i),
				 0);
	net_run(&naming.net);
	assert_int_equal(naming.worlds[1].replies, 20);
	assert_non_null(strstr(world_log(&naming.worlds[1]), "1:said19 ok {\"n\":2}; "));
	net_finish(&naming.net);
}

static void callee_gets_what_the_text_says(void **state)
{
	(void)state;
	for (int is_far = 0; is_far <= 1; is_far++) {
		struct naming naming;

		naming_begin(&naming, is_far, NULL);
		assert_int_equal(
			naming_say(&naming, "test.puppet.Text", "{\"text\":\"\\u00e4\\n\"}", 5),
			0);
		assert_non_null(
			strstr(world_log(naming_theirs(&naming)), "2:text \303\244\n; "));
		if (is_far)
			assert_non_null(strstr(world_log(&naming.worlds[1]),
					       "1:said5 ok {\"text\":\"\303\244\\n\"}; "));
		net_finish(&naming.net);
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
		struct naming naming;

		naming_begin(&naming, is_far, naming_answers);
		for (size_t i = 0; i < ARRAY_LEN(expected); i++)
			assert_string_equal(
				naming_answer(&naming, expected[i][0], expected[i][1]),
				expected[i][2]);
		assert_int_equal(naming_theirs(&naming)->failures, 0);
		net_finish(&naming.net);
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
		struct naming naming;

		naming_begin(&naming, is_far, NULL);
		for (size_t i = 0; i < ARRAY_LEN(names); i++)
			assert_int_equal(naming_say(&naming, names[i], "{\"n\":5}", 5),
					 -EINVAL);
		assert_int_equal(naming_say(&naming, NULL, "{\"n\":5}", 5), -EINVAL);
		for (size_t i = 0; i < ARRAY_LEN(texts); i++)
			assert_int_equal(naming_say(&naming, "test.puppet.Num", texts[i], 5),
					 -EINVAL);
		/* The longest name is one that nobody has. */
		memset(name, 'a', sizeof(name));
		memcpy(name + 1, ".A", 2);
		name[TEXT_CALL_NAME_MAX + 1] = '\0';
		assert_int_equal(naming_say(&naming, name, "{}", 5), -EINVAL);
		name[TEXT_CALL_NAME_MAX] = '\0';
		assert_int_equal(naming_say(&naming, name, "{}", 5),
				 -EINVAL); /* "a" is no interface */
		memcpy(name, "a.b.A", 5);
		assert_int_equal(naming_say(&naming, name, "{}", 5), 0);
		deep = malloc(200);
		assert_non_null(deep);
		snprintf(deep, 200, "{\"n\":%.*s1%.*s}", 64,
			 "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 64,
			 "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
		assert_int_equal(naming_say(&naming, "test.puppet.Num", deep, 5), -E2BIG);
		free(deep);
		naming.flags = 2;
		assert_int_equal(naming_say(&naming, "test.puppet.Num", "{\"n\":5}", 5),
				 -EINVAL);
		naming.flags = 0;
		naming.to = (struct troupe_address){
			.worker = 1, .incarnation = 1, .slot = 99, .generation = 1};
		assert_int_equal(naming_say(&naming, "test.puppet.Num", "{\"n\":5}", 5),
				 -ESRCH);
		naming.to = (struct troupe_address){
			.node = 7, .worker = 9, .incarnation = 1, .generation = 1};
		assert_int_equal(naming_say(&naming, "test.puppet.Num", "{\"n\":5}", 5),
				 -ESRCH);
		assert_int_equal(naming.worlds[1].runtime->calls.count, 0);
		assert_int_equal(naming_theirs(&naming)->failures, 0);
		net_finish(&naming.net);
	}
}

static int calls_wrongly(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			 int64_t n)
{
	struct naming *naming = naming_of(self);

	(void)n;
	if (me->id != 1)
		return troupe_return(self, call, &num_method, &(struct num){1});
	assert_int_equal(troupe_call_text(self, naming_puppet(naming, 2), "test.puppet.Num",
					  "{\"n\":1}", 7, &num_entry, 0, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_call_text(self, naming_puppet(naming, 2), "test.puppet.Num",
					  "{\"n\":1}", 7, &foreign_entry, 0, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_call_text(self, naming_puppet(naming, 2), "test.puppet.Num",
					  "{\"n\":1}", 7, NULL, 0, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_call_text(self, naming_puppet(naming, 2), "test.puppet.Num",
					  NULL, 7, &say_entry, 0, 0, 0, NULL),
			 -EINVAL);
	/* A typed call does not end at an entry of texts. */
	assert_int_equal(troupe_call(self, naming_puppet(naming, 2), &num_method,
				     &(struct num){1}, &say_entry, 0, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_timer_start(self, &say_entry, 0, 0, 0, NULL), -EINVAL);
	/* ret_request may be left out. */
	assert_int_equal(troupe_call_text(self, naming_puppet(naming, 2), "test.puppet.Num",
					  "{\"n\":1}", 7, &say_entry, 3, 0, 0, NULL),
			 0);
	return 0;
}

static void fini_calls_no_more(struct troupe_self *self, struct puppet *me,
			       enum troupe_cause cause)
{
	(void)cause;
	assert_int_equal(troupe_call_text(self, naming_puppet(naming_of(self), me->id),
					  "test.puppet.Num", "{\"n\":1}", 7, &say_entry, 0, 0,
					  0, NULL),
			 -EINVAL);
}

static void entry_is_one_of_the_type_and_for_texts(void **state)
{
	struct naming naming;

	(void)state;
	naming_begin(&naming, false, NULL);
	naming.worlds[1].hooks.num = calls_wrongly;
	naming.worlds[1].hooks.fini = fini_calls_no_more;
	assert_int_equal(world_send(&naming.worlds[1], naming_puppet(&naming, 1), 1), 0);
	net_run(&naming.net);
	assert_log(&naming.worlds[1], "1:num 1; 2:num 1; 1:said3 ok {\"n\":1}; ");
	net_finish(&naming.net);
}

static void full_mailbox_refuses_and_full_link_does(void **state)
{
	struct naming naming;

	(void)state;
	naming_begin(&naming, false, naming_keeps);
	world_unit(&naming.worlds[1], 2, naming.worlds[1].type, 1, 0, 0);
	naming.to = world_spawn_in(&naming.worlds[1], 2, 4);
	/* In one turn: the second finds the first there. */
	naming.method = "test.puppet.Num";
	naming.json = "{\"n\":1}";
	naming.size = strlen(naming.json);
	assert_int_equal(world_send(&naming.worlds[1], naming_puppet(&naming, 1), 5), 0);
	assert_int_equal(world_send(&naming.worlds[1], naming_puppet(&naming, 1), 6), 0);
	net_run(&naming.net);
	assert_int_equal(naming.rc, -EAGAIN);
	assert_log(&naming.worlds[1], "1:num 5; 1:num 6; 4:num 1; 1:room; ");
	net_finish(&naming.net);

	naming_begin(&naming, true, naming_keeps);
	naming.net.full = true;
	assert_int_equal(naming_say(&naming, "test.puppet.Num", "{\"n\":1}", 5), -EAGAIN);
	naming.net.full = false;
	runtime_link_room(naming.worlds[1].runtime, naming.worlds[2].process);
	net_run(&naming.net);
	assert_log(&naming.worlds[1], "1:num 5; 1:room; ");
	assert_int_equal(naming.worlds[1].runtime->calls.count, 0);
	/* Elsewhere a full mailbox answers. */
	world_unit(&naming.worlds[2], 2, naming.worlds[2].type, 1, 0, 0);
	naming.to = world_spawn_in(&naming.worlds[2], 2, 4);
	assert_int_equal(world_send(&naming.worlds[1], naming_puppet(&naming, 1), 5), 0);
	assert_int_equal(world_send(&naming.worlds[1], naming_puppet(&naming, 1), 6), 0);
	world_run(&naming.worlds[1]);
	while (net_carry_one(&naming.net, 2))
		;
	net_run(&naming.net);
	assert_log(&naming.worlds[1], "1:num 5; 1:num 6; 1:said6 overloaded; ");
	net_finish(&naming.net);
}

static void text_that_no_mailbox_holds_is_too_large(void **state)
{
	cleanup_free char *text = malloc(TEXT_CALL_MAX + 2);
	struct naming naming;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', TEXT_CALL_MAX + 1);
	memcpy(text, "{\"text\":\"", 9);
	for (int is_far = 0; is_far <= 1; is_far++) {
		naming_begin(&naming, is_far, NULL);
		strcpy(text + TEXT_CALL_MAX - 1, "\"}");
		assert_int_equal(naming_say(&naming, "test.puppet.Text", text, 5), -EMSGSIZE);
		/* The largest is, as a message, more than a mailbox may hold. */
		strcpy(text + TEXT_CALL_MAX - 2, "\"}");
		world_unit(naming_theirs(&naming), 3, naming_theirs(&naming)->type, 0, 1 << 20,
			   0);
		naming.to = world_spawn_in(naming_theirs(&naming), 3, 5);
		if (is_far)
			assert_string_equal(naming_answer(&naming, "test.puppet.Text", text),
					    "overloaded; ");
		else
			assert_int_equal(naming_say(&naming, "test.puppet.Text", text, 5),
					 -EMSGSIZE);
		/* And there is one that holds it. */
		world_unit(naming_theirs(&naming), 2, naming_theirs(&naming)->type, 0, 64 << 20,
			   0);
		naming.to = world_spawn_in(naming_theirs(&naming), 2, 4);
		assert_memory_equal(naming_answer(&naming, "test.puppet.Text", text),
				    "ok {\"text\":\"xxxx", 15);
		net_finish(&naming.net);
		memset(text + TEXT_CALL_MAX - 2, 'x', 3);
	}
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
		cmocka_unit_test(full_mailbox_refuses_and_full_link_does),
		cmocka_unit_test(text_that_no_mailbox_holds_is_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

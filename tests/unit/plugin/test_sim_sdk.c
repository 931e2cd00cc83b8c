/* The SDK as the writer of a plug-in sees it: generated wrappers, macros, and each error that
 * <troupe/actor.h> names. A desk does what the word says that it is told, and logs what it
 * sees. */
#include "core/inside.h"
#include "core/runq.h"
#include "core/runtime.h"
#include "tests/unit/core/slab_count.h"
#include "tests/unit/plugin/data/desk.varlink.h"
#include "tests/unit/sim/sim.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/actor.h>

#include <cmocka.h>

#define TOO_LONG (17u << 20)

/* ------------------------------------------------------------------ the plug-in */

struct desk {
	char name[16];
	struct desk_ask_call call; /* kept */
	struct troupe_kept *kept;
	struct troupe_request request;
	struct troupe_timer timer;
};

TROUPE_ACTOR_DECLARE(desk);
TROUPE_ACTOR_DECLARE(stranger);

#define say(self, ...) troupe_log(self, 6, __VA_ARGS__)

static struct troupe_address find(struct troupe_self *self, const char *name)
{
	struct troupe_address address;

	assert_int_equal(troupe_find(self, name, &address), 0);
	return address;
}

static int on_answer(struct troupe_self *self, struct desk *me, uint64_t context,
		     const struct desk_ask_reply *reply)
{
	say(self, "%s reply %d status %d%s %s %s", me->name, (int)context, reply->status,
	    reply->continues ? "+" : "", reply->out ? reply->out->text : "-",
	    reply->error_name ? reply->error_name : "-");
	if (reply->refused)
		say(self, "because %s", reply->refused->reason);
	if (reply->closed)
		say(self, "closed");
	if (reply->code)
		say(self, "code %s", strerrorname_np(-reply->code));
	if (reply->detail)
		say(self, "detail %s", reply->detail);
	return 0;
}
DESK_ASK_REPLY(on_answer, struct desk)

static int on_told(struct troupe_self *self, struct desk *me, uint64_t context,
		   const struct desk_tell_reply *reply)
{
	struct troupe_kept *kept;

	say(self, "%s told %d status %d", me->name, (int)context, reply->status);
	/* there is no message here to keep or to hand on */
	assert_int_equal(troupe_keep(self, &kept), -EINVAL);
	assert_int_equal(troupe_forward(self, troupe_address(self)), -EINVAL);
	return 0;
}
DESK_TELL_REPLY(on_told, struct desk)

static int on_never(struct troupe_self *self, struct desk *me, uint64_t context,
		    const struct desk_never_reply *reply)
{
	say(self, "%s never %d status %d %s", me->name, (int)context, reply->status,
	    reply->error_name);
	return 0;
}
DESK_NEVER_REPLY(on_never, struct desk)

/* An entry that no table holds. */
static int on_nothing(struct troupe_self *self, struct desk *me, uint64_t context,
		      const struct desk_ask_reply *reply)
{
	(void)self;
	(void)me;
	(void)context;
	(void)reply;
	return 0;
}
DESK_ASK_REPLY(on_nothing, struct desk)

static int on_tick(struct troupe_self *self, struct desk *me, uint64_t context)
{
	struct troupe_kept *kept;

	say(self, "%s tick %d", me->name, (int)context);
	assert_true(troupe_address_is_null(troupe_sender(self)));
	assert_int_equal(troupe_keep(self, &kept), -EINVAL);
	assert_int_equal(troupe_forward(self, troupe_address(self)), -EINVAL);
	return 0;
}
TROUPE_TIMER(on_tick, struct desk)

/* ---- answering: what `how` says */

static int answer_twice(struct troupe_self *self, struct desk *me, struct desk_ask_call call,
			const struct desk_ask *in)
{
	struct desk_ask_call again = call;

	(void)me;
	assert_int_equal(desk_ask_return(self, call, &(struct desk_ask_out){"one", in->n}), 0);
	assert_int_equal(desk_ask_return(self, call, &(struct desk_ask_out){"two", 0}),
			 -EALREADY);
	assert_int_equal(desk_ask_reply(self, call, &(struct desk_ask_out){"two", 0}),
			 -EALREADY);
	assert_int_equal(desk_ask_fail_refused(self, call, &(struct desk_refused){"two"}),
			 -EALREADY);
	assert_int_equal(desk_ask_fail_parameter(self, call, "two", NULL), -EALREADY);
	assert_int_equal(desk_ask_keep(self, &again), -EALREADY);
	assert_int_equal(again.call.id, call.call.id);
	assert_int_equal(desk_ask_drop(self, call), -ESRCH);
	return troupe_forward(self, troupe_address(self)) == -EALREADY ? 0 : -EBADE;
}

/* Each of these leaves the call open. */
static int answer_badly(struct troupe_self *self, struct desk *me, struct desk_ask_call call,
			const struct desk_ask *in)
{
	char *long_text = malloc(TOO_LONG + 1);

	(void)me;
	(void)in;
	assert_non_null(long_text);
	memset(long_text, 'x', TOO_LONG);
	long_text[TOO_LONG] = '\0';
	assert_int_equal(desk_ask_return(self, call, &(struct desk_ask_out){NULL, 0}), -EINVAL);
	assert_int_equal(desk_ask_return(self, call, &(struct desk_ask_out){"\xc3", 0}),
			 -EINVAL);
	assert_int_equal(desk_ask_return(self, call, NULL), -EINVAL);
	assert_int_equal(desk_ask_return(self, call, &(struct desk_ask_out){long_text, 0}),
			 -EMSGSIZE);
	assert_int_equal(desk_ask_reply(self, call, &(struct desk_ask_out){"x", 0}),
			 -EPROTOTYPE);
	assert_false(desk_ask_wants_more(self, call));
	assert_int_equal(desk_ask_fail_refused(self, call, &(struct desk_refused){NULL}),
			 -EINVAL);
	assert_int_equal(desk_ask_fail_refused(self, call, &(struct desk_refused){long_text}),
			 -EMSGSIZE);
	assert_int_equal(desk_ask_fail_parameter(self, call, NULL, NULL), -EINVAL);
	assert_int_equal(desk_ask_fail_parameter(self, call, "\xff", NULL), -EINVAL);
	assert_int_equal(desk_ask_fail_parameter(self, call, long_text, NULL), -EMSGSIZE);
	free(long_text);
	assert_int_equal(desk_tell_return(self, (struct desk_tell_call){call.call},
					  &(struct desk_tell_out){0}),
			 -EINVAL);
	return desk_ask_return(self, call, &(struct desk_ask_out){"at last", 1});
}

static int answer_with_refused(struct troupe_self *self, struct desk *me,
			       struct desk_ask_call call, const struct desk_ask *in)
{
	(void)me;
	return desk_ask_fail_refused(self, call, &(struct desk_refused){in->how});
}

static int answer_with_closed(struct troupe_self *self, struct desk *me,
			      struct desk_ask_call call, const struct desk_ask *in)
{
	(void)me;
	(void)in;
	return desk_ask_fail_closed(self, call, &(struct desk_closed){0});
}

static int answer_with_field(struct troupe_self *self, struct desk *me,
			     struct desk_ask_call call, const struct desk_ask *in)
{
	(void)me;
	(void)in;
	return desk_ask_fail_parameter(self, call, "n", NULL);
}

static int answer_with_more(struct troupe_self *self, struct desk *me,
			    struct desk_ask_call call, const struct desk_ask *in)
{
	(void)me;
	(void)in;
	return desk_ask_expect_more(self, call);
}

static int answer_with_denied(struct troupe_self *self, struct desk *me,
			      struct desk_ask_call call, const struct desk_ask *in)
{
	(void)me;
	(void)in;
	assert_int_equal(desk_ask_deny(self, call), 0);
	return desk_ask_expect_more(self, call) == -EALREADY ? 0 : -EBADE;
}

static int answer_with_errno(struct troupe_self *self, struct desk *me,
			     struct desk_ask_call call, const struct desk_ask *in)
{
	(void)self;
	(void)me;
	(void)call;
	return (int)in->n;
}

static int answer_later(struct troupe_self *self, struct desk *me, struct desk_ask_call call,
			const struct desk_ask *in)
{
	struct desk_ask_call kept = call;
	int rc = desk_ask_keep(self, &kept);

	(void)in;
	if (rc < 0) {
		assert_int_equal(kept.call.id, call.call.id);
		return rc;
	}
	/* the handle of the activation is used up, the kept one may be kept again */
	assert_int_equal(desk_ask_return(self, call, &(struct desk_ask_out){"x", 0}),
			 -EALREADY);
	assert_int_equal(desk_ask_keep(self, &kept), 0);
	me->call = kept;
	return 0;
}

static int answer_in_parts(struct troupe_self *self, struct desk *me, struct desk_ask_call call,
			   const struct desk_ask *in)
{
	(void)me;
	if (!desk_ask_wants_more(self, call))
		return desk_ask_return(self, call, &(struct desk_ask_out){"all", 0});
	for (int64_t i = 0; i < in->n; i++)
		assert_int_equal(desk_ask_reply(self, call, &(struct desk_ask_out){"part", i}),
				 0);
	return desk_ask_return(self, call, &(struct desk_ask_out){"end", 0});
}

static int answer_by_another(struct troupe_self *self, struct desk *me,
			     struct desk_ask_call call, const struct desk_ask *in)
{
	struct troupe_address gone = find(self, "two"), three = find(self, "three");

	(void)in;
	if (strcmp(me->name, "three") == 0) {
		assert_true(troupe_address_equal(troupe_sender(self), find(self, "one")));
		return desk_ask_return(self, call, &(struct desk_ask_out){"three", 0});
	}
	gone.generation += 7;
	assert_int_equal(troupe_forward(self, gone), -ESRCH);
	assert_int_equal(troupe_forward(self, (struct troupe_address){0}), -ESRCH);
	assert_int_equal(troupe_forward(self, three), 0);
	assert_int_equal(troupe_forward(self, three), -EALREADY);
	assert_int_equal(desk_ask_return(self, call, &(struct desk_ask_out){"x", 0}),
			 -EALREADY);
	return 0;
}

static int answer_and_count_keeps(struct troupe_self *self, struct desk *me,
				  struct desk_ask_call call, const struct desk_ask *in)
{
	struct troupe_kept *kept;

	assert_int_equal(troupe_keep(self, &me->kept), 0);
	assert_int_equal(troupe_keep(self, &kept), -EALREADY);
	assert_ptr_equal(troupe_kept_in(me->kept), in);
	return desk_ask_return(self, call, &(struct desk_ask_out){"kept", 0});
}

typedef int answer_fn(struct troupe_self *self, struct desk *me, struct desk_ask_call call,
		      const struct desk_ask *in);

static int on_ask(struct troupe_self *self, struct desk *me, struct desk_ask_call call,
		  const struct desk_ask *in)
{
	static const struct {
		const char *how;
		answer_fn *answer;
	} ways[] = {
		{"twice", answer_twice},          {"badly", answer_badly},
		{"refused", answer_with_refused}, {"closed", answer_with_closed},
		{"field", answer_with_field},     {"errno", answer_with_errno},
		{"later", answer_later},          {"parts", answer_in_parts},
		{"another", answer_by_another},   {"keep", answer_and_count_keeps},
		{"more", answer_with_more},       {"denied", answer_with_denied},
	};

	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(in->how, ways[i].how) == 0)
			return ways[i].answer(self, me, call, in);
	return desk_ask_fail_parameter(self, call, "how", NULL);
}

/* ---- doing: what `word` says */

static int ask(struct troupe_self *self, const char *how, int64_t n)
{
	return desk_ask_ask(self, find(self, "two"), &(struct desk_ask){how, n},
			    &on_answer_entry, 1, 0, NULL);
}

static int tell_badly(struct troupe_self *self, struct desk *me)
{
	struct troupe_address two = find(self, "two"), gone = two;
	const struct desk_tell empty = {NULL}, broken = {"\xed\xa0\x80"};
	char *long_word = malloc(TOO_LONG + 1);
	struct troupe_request request = {77};

	(void)me;
	gone.generation += 9;
	assert_non_null(long_word);
	memset(long_word, 'x', TOO_LONG);
	long_word[TOO_LONG] = '\0';
	assert_int_equal(desk_tell_send(self, gone, &(struct desk_tell){"x"}), -ESRCH);
	assert_int_equal(desk_tell_send(self, two, NULL), -EINVAL);
	assert_int_equal(desk_tell_send(self, two, &empty), -EINVAL);
	assert_int_equal(desk_tell_send(self, two, &broken), -EINVAL);
	assert_int_equal(desk_tell_send(self, two, &(struct desk_tell){long_word}), -EMSGSIZE);
	assert_int_equal(desk_tell_ask(self, gone, &(struct desk_tell){"x"}, &on_told_entry, 0,
				       0, &request),
			 -ESRCH);
	assert_int_equal(desk_tell_ask(self, two, &empty, &on_told_entry, 0, 0, &request),
			 -EINVAL);
	assert_int_equal(desk_tell_ask(self, two, &(struct desk_tell){long_word},
				       &on_told_entry, 0, 0, &request),
			 -EMSGSIZE);
	/* not in the table; of another method; of another kind */
	assert_int_equal(desk_ask_ask(self, two, &(struct desk_ask){"x", 0}, &on_nothing_entry,
				      0, 0, &request),
			 -EINVAL);
	assert_int_equal(desk_ask_ask(self, two, &(struct desk_ask){"x", 0}, &on_told_entry, 0,
				      0, &request),
			 -EINVAL);
	assert_int_equal(desk_ask_ask(self, two, &(struct desk_ask){"x", 0}, &on_tick_entry, 0,
				      0, &request),
			 -EINVAL);
	assert_int_equal(request.id, 77); /* written only on success */
	assert_int_equal(troupe_cancel(self, request), -ESRCH);
	assert_int_equal(troupe_cancel(self, (struct troupe_request){0}), -ESRCH);
	free(long_word);
	return 0;
}

static int fill_two(struct troupe_self *self, struct desk *me)
{
	struct troupe_address two = find(self, "two");

	(void)me;
	while (desk_tell_send(self, two, &(struct desk_tell){"nothing"}) == 0)
		;
	assert_int_equal(desk_tell_send(self, two, &(struct desk_tell){"nothing"}), -EAGAIN);
	assert_int_equal(ask(self, "twice", 0), -EAGAIN);
	assert_int_equal(troupe_forward(self, two), -EAGAIN);
	return 0;
}

static int reach_limits(struct troupe_self *self, struct desk *me)
{
	struct troupe_timer timer = {77};
	struct troupe_address address = {0};
	int rc;

	assert_int_equal(ask(self, "later", 0), 0);
	assert_int_equal(ask(self, "later", 0), 0);
	assert_int_equal(ask(self, "later", 0), -ENOMEM);
	assert_int_equal(troupe_timer_start(self, &on_tick_entry, 1, 0, 1, &me->timer), 0);
	assert_int_equal(troupe_timer_start(self, &on_tick_entry, 1, 0, 1, NULL), 0);
	assert_int_equal(troupe_timer_start(self, &on_tick_entry, 1, 0, 1, &timer), -ENOMEM);
	assert_int_equal(timer.id, 77);
	do
		rc = troupe_spawn(self, TROUPE_ACTOR_TABLE(desk),
				  &(struct desk_config){"x", NULL}, 0, &address);
	while (rc == 0);
	assert_int_equal(rc, -EAGAIN);
	return 0;
}

static int misuse_timers_and_lives(struct troupe_self *self, struct desk *me)
{
	static const struct troupe_entry unknown = {.table_size = sizeof(unknown),
						    .kind = TROUPE_ENTRY_TIMER,
						    .name = "x",
						    .on_event = on_tick_thunk};
	struct troupe_address address = {.slot = 77};
	const struct desk_config broken = {NULL, NULL}, refused = {"refuse", NULL};
	struct troupe_timer timer = {77};

	assert_int_equal(troupe_timer_start(self, &unknown, 1, 0, 0, &timer), -EINVAL);
	assert_int_equal(troupe_timer_start(self, &on_answer_entry, 1, 0, 0, &timer), -EINVAL);
	assert_int_equal(troupe_timer_start(self, NULL, 1, 0, 0, &timer), -EINVAL);
	assert_int_equal(timer.id, 77);
	assert_int_equal(troupe_timer_stop(self, timer), -ESRCH);
	assert_int_equal(troupe_timer_stop(self, me->timer), -ESRCH);
	assert_int_equal(troupe_timer_start(self, &on_tick_entry, 1, 0, 1, &timer), 0);
	assert_int_equal(troupe_timer_stop(self, timer), 0);
	assert_int_equal(troupe_timer_stop(self, timer), -ESRCH);

	assert_int_equal(troupe_spawn(self, TROUPE_ACTOR_TABLE(stranger), NULL, 0, &address),
			 -EINVAL);
	assert_int_equal(troupe_spawn(self, TROUPE_ACTOR_TABLE(desk), NULL, 0, &address),
			 -EINVAL);
	assert_int_equal(troupe_spawn(self, TROUPE_ACTOR_TABLE(desk), &broken, 0, &address),
			 -EINVAL);
	assert_int_equal(troupe_spawn(self, TROUPE_ACTOR_TABLE(desk), &refused, 0, &address),
			 -ENOTSUP);
	assert_int_equal(address.slot, 77);
	return 0;
}

static int look_around(struct troupe_self *self, struct desk *me)
{
	struct troupe_address address = {.slot = 77}, two = find(self, "two");
	char text[TROUPE_ADDRESS_TEXT], longest[TROUPE_NAME_MAX + 2];

	(void)me;
	assert_true(troupe_address_equal(troupe_address(self), find(self, "one")));
	assert_true(troupe_address_is_null(troupe_sender(self))); /* it came from outside */
	assert_string_equal(troupe_name(self), "desks");
	assert_string_equal(troupe_state_directory(self), "/var/lib/troupe/desks");
	assert_int_equal(troupe_instance(self), 3);
	assert_int_equal(troupe_now_ns(self), SIM_START_NS);
	assert_true(troupe_random(self) != troupe_random(self));
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(troupe_find(self, "nobody", &address), -ENOENT);
	assert_int_equal(troupe_find(self, "", &address), -EINVAL);
	assert_int_equal(troupe_find(self, NULL, &address), -EINVAL);
	assert_int_equal(troupe_find(self, longest, &address), -EINVAL);
	assert_int_equal(troupe_find(self, longest + 1, &address), -ENOENT);
	assert_int_equal(troupe_address_parse("0.1.1.2", &address), -EINVAL);
	assert_int_equal(troupe_address_parse(NULL, &address), -EINVAL);
	assert_int_equal(address.slot, 77);
	troupe_address_print(two, text);
	assert_int_equal(troupe_address_parse(text, &address), 0);
	assert_true(troupe_address_equal(address, two));
	return 0;
}

static int spawn_and_leave(struct troupe_self *self, struct desk *me)
{
	struct troupe_address child;

	(void)me;
	assert_int_equal(troupe_spawn(self, TROUPE_ACTOR_TABLE(desk),
				      &(struct desk_config){"kid", NULL}, 0, &child),
			 0);
	assert_int_equal(troupe_stop(self, child), 0);
	assert_int_equal(troupe_stop(self, child), -ESRCH);
	assert_int_equal(troupe_stop(self, find(self, "two")), -EPERM);
	assert_int_equal(troupe_spawn(self, TROUPE_ACTOR_TABLE(desk),
				      &(struct desk_config){"kid", NULL}, 0, &child),
			 0);
	assert_int_equal(troupe_spawn(self, TROUPE_ACTOR_TABLE(desk),
				      &(struct desk_config){"child", NULL}, TROUPE_DETACHED,
				      &child),
			 0);
	assert_int_equal(troupe_stop(self, child), -EPERM);
	assert_int_equal(troupe_spawn(self, TROUPE_ACTOR_TABLE(desk),
				      &(struct desk_config){"kid", NULL}, 2, &child),
			 -EINVAL);
	assert_int_equal(desk_tell_send(self, child, &(struct desk_tell){"who"}), 0);
	troupe_exit(self, -EIO);
	return 0;
}

static int say_who(struct troupe_self *self, struct desk *me)
{
	assert_string_equal(troupe_state_directory(self), "/var/lib/troupe/desks");
	say(self, "%s is \"%s\"", me->name, troupe_name(self));
	return 0;
}

static int call_all(struct troupe_self *self, struct desk *me)
{
	struct troupe_address two = find(self, "two");
	int64_t n = 1;

	for (const char *const *how =
		     (const char *const[]){"twice", "badly", "refused", "closed", "field",
					   "another", "keep", "what", NULL};
	     *how; how++)
		assert_int_equal(desk_ask_ask(self, two, &(struct desk_ask){*how, n},
					      &on_answer_entry, (uint64_t)n, 0, NULL),
				 0),
			n++;
	assert_int_equal(ask(self, "errno", 0), 0);
	assert_int_equal(ask(self, "errno", -EXDEV), 0);
	assert_int_equal(desk_ask_ask_more(self, two, &(struct desk_ask){"parts", 2},
					   &on_answer_entry, 20, 0, NULL),
			 0);
	assert_int_equal(ask(self, "parts", 2), 0);
	assert_int_equal(ask(self, "more", 0), 0);
	assert_int_equal(ask(self, "denied", 0), 0);
	assert_int_equal(desk_never_ask(self, two, NULL, &on_never_entry, 30, 0, NULL), 0);
	assert_int_equal(desk_tell_ask(self, two, &(struct desk_tell){"nothing"},
				       &on_told_entry, 40, 0, &me->request),
			 0);
	return 0;
}

static int call_later(struct troupe_self *self, struct desk *me)
{
	return desk_ask_ask(self, find(self, "two"), &(struct desk_ask){"later", 0},
			    &on_answer_entry, 50, 1000000000, &me->request);
}

static int cancel(struct troupe_self *self, struct desk *me)
{
	assert_int_equal(troupe_cancel(self, me->request), 0);
	assert_int_equal(troupe_cancel(self, me->request), -ESRCH);
	return 0;
}

static int answer_now(struct troupe_self *self, struct desk *me)
{
	return desk_ask_return(self, me->call, &(struct desk_ask_out){"now", 0});
}

static int drop_now(struct troupe_self *self, struct desk *me)
{
	assert_int_equal(desk_ask_drop(self, me->call), 0);
	assert_int_equal(desk_ask_drop(self, me->call), -ESRCH);
	assert_int_equal(desk_ask_return(self, me->call, &(struct desk_ask_out){"x", 0}),
			 -EALREADY);
	return 0;
}

static int release(struct troupe_self *self, struct desk *me)
{
	assert_string_equal(((const struct desk_ask *)troupe_kept_in(me->kept))->how, "keep");
	troupe_release(self, me->kept);
	troupe_release(self, me->kept); /* a mistake, without harm */
	troupe_release(self, NULL);
	return 0;
}

static int log_long(struct troupe_self *self, struct desk *me)
{
	char text[3000];

	(void)me;
	memset(text, 'y', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	troupe_log(self, 3, "%s", text);
	return 0;
}

static int on_tell(struct troupe_self *self, struct desk *me, struct desk_tell_call call,
		   const struct desk_tell *in)
{
	static const struct {
		const char *word;
		int (*act)(struct troupe_self *self, struct desk *me);
	} acts[] = {
		{"tell badly", tell_badly}, {"fill", fill_two},
		{"limits", reach_limits},   {"misuse", misuse_timers_and_lives},
		{"look", look_around},      {"leave", spawn_and_leave},
		{"who", say_who},           {"call all", call_all},
		{"call later", call_later}, {"cancel", cancel},
		{"answer", answer_now},     {"drop", drop_now},
		{"release", release},       {"log", log_long},
	};
	int rc = 0;

	for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++)
		if (strcmp(in->word, acts[i].word) == 0)
			rc = acts[i].act(self, me);
	if (rc < 0)
		return rc;
	/* of no effect when it was only sent: answering is fine all the same */
	return desk_tell_return(self, call, &(struct desk_tell_out){0});
}

/* ---- its life */

static int desk_init(struct troupe_self *self, struct desk *me,
		     const struct desk_config *config)
{
	struct troupe_kept *kept;

	snprintf(me->name, sizeof(me->name), "%s", config->name);
	assert_int_equal(troupe_keep(self, &kept), -EINVAL);
	assert_int_equal(troupe_forward(self, troupe_address(self)), -EINVAL);
	return strcmp(config->name, "refuse") == 0 ? -ENOTSUP : 0;
}

static void desk_fini(struct troupe_self *self, struct desk *me, enum troupe_cause cause)
{
	struct troupe_address address;

	say(self, "%s fini %d", me->name, cause);
	/* nothing can arrive any more */
	assert_int_equal(troupe_timer_start(self, &on_tick_entry, 1, 0, 0, NULL), -EINVAL);
	assert_int_equal(desk_tell_ask(self, troupe_address(self), &(struct desk_tell){"x"},
				       &on_told_entry, 0, 0, NULL),
			 -EINVAL);
	assert_int_equal(troupe_spawn(self, TROUPE_ACTOR_TABLE(desk),
				      &(struct desk_config){"x", NULL}, 0, &address),
			 -EINVAL);
	/* but a last word is allowed */
	assert_int_equal(desk_tell_send(self, troupe_address(self), &(struct desk_tell){"x"}),
			 0);
}

static int desk_on_room(struct troupe_self *self, struct desk *me, struct troupe_address where,
			struct troupe_call call)
{
	assert_int_equal(call.id, 0); /* it was a message that was refused */
	say(self, "%s room %d", me->name, troupe_address_equal(where, find(self, "two")));
	return 0;
}

static int desk_on_cancel(struct troupe_self *self, struct desk *me, struct troupe_call call)
{
	say(self, "%s cancelled %d", me->name, call.id == me->call.call.id);
	assert_int_equal(desk_ask_return(self, me->call, &(struct desk_ask_out){"x", 0}),
			 -EALREADY);
	assert_int_equal(desk_ask_drop(self, me->call), -ESRCH);
	return 0;
}

DESK_HANDLERS(desk_desk, struct desk, .ask = on_ask, .tell = on_tell)
TROUPE_LIFE(desk_life, struct desk, struct desk_config, .init = desk_init, .fini = desk_fini,
	    .on_room = desk_on_room, .on_cancel = desk_on_cancel)

TROUPE_ACTOR(desk) = {
	TROUPE_ABI(desk),
	.state_size = sizeof(struct desk),
	.config = &desk_config_type,
	.life = &desk_life,
	.interfaces = {&desk_desk},
	.entries = {&on_answer_entry, &on_told_entry, &on_never_entry, &on_tick_entry},
};

/* Of another plug-in, as far as the runtime is told. */
TROUPE_ACTOR(stranger) = {TROUPE_ABI(stranger)};

/* ------------------------------------------------------------------ its host */

struct host {
	struct loop *loop;
	struct page page;
	struct runtime *runtime;
	struct troupe_address one, two, three;
	char log[4096];
	size_t size;
	int last_priority;
	size_t last_length;
	struct runtime_end end;
};

static int forward(void *context, const struct envelope *envelope,
		   const struct troupe_type *type, const void *data,
		   const struct envelope_meaning *meaning)
{
	(void)context;
	(void)envelope;
	(void)type;
	(void)data;
	(void)meaning;
	return -EHOSTUNREACH;
}

static bool find_layout(void *context, struct process from, uint64_t hash,
			const struct troupe_type **ret_type, const char **ret_name)
{
	(void)context;
	(void)from;
	(void)hash;
	(void)ret_type;
	(void)ret_name;
	return false;
}

static int find_name(void *context, const char *name, struct troupe_address *ret_address)
{
	const struct host *host = context;

	*ret_address = strcmp(name, "one") == 0   ? host->one
		       : strcmp(name, "two") == 0 ? host->two
						  : host->three;
	return strcmp(name, "one") == 0 || strcmp(name, "two") == 0 ||
			       strcmp(name, "three") == 0
		       ? 0
		       : -ENOENT;
}

static void on_end(void *context, const struct runtime_end *end)
{
	((struct host *)context)->end = *end;
}

static void on_log(void *context, uint32_t unit, int priority, const char *actor,
		   const char *text)
{
	(void)unit;
	struct host *host = context;

	(void)actor;
	host->last_priority = priority;
	host->last_length = strlen(text);
	if (host->last_length < 1000)
		host->size += (size_t)snprintf(host->log + host->size,
					       sizeof(host->log) - host->size, "%s; ", text);
	assert_true(host->size < sizeof(host->log));
}

static const struct runtime_ops ops = {forward, find_layout, find_name, on_end, NULL,
				       on_log,  NULL,        NULL,      NULL};

static struct troupe_address spawn(struct host *host, uint32_t unit, const char *name)
{
	struct troupe_address address;

	assert_int_equal(runtime_spawn(host->runtime, unit, 3,
				       &(struct desk_config){name, NULL}, &address),
			 0);
	return address;
}

static void begin(struct host *host, const struct runtime_config *limits)
{
	struct runtime_config config = limits ? *limits : (struct runtime_config){0};
	static const char plugins[2];
	const struct runtime_type *type, *other;
	const char *why;

	*host = (struct host){0};
	assert_int_equal(loop_new(&host->loop), 0);
	config.process = (struct process){.worker = 1, .incarnation = 1};
	config.loop = host->loop;
	config.page = &host->page;
	config.ops = &ops;
	config.context = host;
	config.seed = 1;
	assert_int_equal(runtime_new(&config, &host->runtime), 0);
	assert_int_equal(runtime_type_add(host->runtime, TROUPE_ACTOR_TABLE(desk), &plugins[0],
					  &type, &why),
			 0);
	assert_int_equal(runtime_type_add(host->runtime, TROUPE_ACTOR_TABLE(stranger),
					  &plugins[1], &other, &why),
			 0);
	assert_int_equal(
		runtime_unit_define(
			host->runtime,
			&(struct runtime_unit){.number = 1,
					       .name = "desks",
					       .type = type,
					       .state_directory = "/var/lib/troupe/desks"}),
		0);
	assert_int_equal(
		runtime_unit_define(host->runtime, &(struct runtime_unit){.number = 2,
									  .name = "small",
									  .type = type,
									  .mailbox = 3}),
		0);
	host->one = spawn(host, 1, "one");
	host->two = spawn(host, 1, "two");
	host->three = spawn(host, 1, "three");
}

static void run(struct host *host)
{
	do
		loop_step(host->loop, false);
	while (!runq_is_empty(host->runtime));
}

static void tell(struct host *host, struct troupe_address to, const char *word)
{
	assert_int_equal(runtime_client_send(host->runtime, to, &desk_tell_method,
					     &(struct desk_tell){word}, 0),
			 0);
	run(host);
}

/* What was said since the last time. */
static const char *take_log(struct host *host)
{
	host->log[host->size] = '\0';
	host->size = 0;
	return host->log;
}
#define assert_said(host, expected) assert_string_equal(take_log(host), expected)

/* Nothing that an actor forgot outlives it. */
static void finish(struct host *host)
{
	runtime_stop_all(host->runtime);
	run(host);
	assert_int_equal(host->runtime->n_actors + host->runtime->calls.count, 0);
	assert_int_equal(host->runtime->kept_calls.count + host->runtime->timers.count, 0);
	assert_int_equal(slab_count(&host->runtime->messages), 0);
	runtime_free(host->runtime);
	loop_free(host->loop);
}

/* ------------------------------------------------------------------ */

static void generated_wrappers_carry_calls_answers_and_errors(void **state)
{
	struct host host;

	(void)state;
	begin(&host, NULL);
	tell(&host, host.one, "call all");
	assert_said(&host,
		    "one reply 1 status 0 one -; one reply 2 status 0 at last -; "
		    "one reply 3 status 1 - test.desk.Refused; because refused; "
		    "one reply 4 status 1 - test.desk.Closed; closed; "
		    "one reply 5 status 10 - org.varlink.service.InvalidParameter; detail n; "
		    "one reply 7 status 0 kept -; "
		    "one reply 8 status 10 - org.varlink.service.InvalidParameter; detail how; "
		    "one reply 1 status 8 - io.troupe.Control.NoReply; "
		    "one reply 1 status 9 - io.troupe.Control.Failed; code EXDEV; "
		    "one reply 20 status 0+ part -; one reply 20 status 0+ part -; "
		    "one reply 20 status 0 end -; one reply 1 status 0 all -; "
		    "one reply 1 status 13 - org.varlink.service.ExpectedMore; detail Ask; "
		    "one reply 1 status 14 - org.varlink.service.PermissionDenied; detail Ask; "
		    "one never 30 status 12 org.varlink.service.MethodNotImplemented; "
		    "one told 40 status 0; one reply 6 status 0 three -; ");
	tell(&host, host.two, "release");
	finish(&host);
}

static void sdk_names_what_is_wrong_with_a_send_or_call(void **state)
{
	struct host host;

	(void)state;
	begin(&host, NULL);
	tell(&host, host.one, "tell badly");
	assert_said(&host, "");
	finish(&host);
}

static void sdk_refuses_what_a_full_mailbox_cannot_take_and_notifies_once_of_room(void **state)
{
	struct host host;

	(void)state;
	begin(&host, NULL);
	host.two = spawn(&host, 2, "two");
	tell(&host, host.one, "fill");
	assert_said(&host, "one room 1; ");
	finish(&host);
}

static void sdk_names_the_limit_that_is_reached(void **state)
{
	struct host host;

	(void)state;
	begin(&host,
	      &(struct runtime_config){
		      .max_actors = 5, .max_calls = 2, .max_kept_calls = 1, .max_timers = 2});
	tell(&host, host.one, "limits");
	/* the second call finds no place for its handle, and fails by the errno returned */
	assert_said(&host, "one reply 1 status 9 - io.troupe.Control.Failed; code ENOMEM; ");
	finish(&host);
}

static void sdk_turns_away_foreign_entries_types_and_configurations(void **state)
{
	struct host host;

	(void)state;
	begin(&host, NULL);
	tell(&host, host.one, "misuse");
	assert_said(&host, "");
	finish(&host);
}

static void actor_knows_itself_names_and_addresses(void **state)
{
	struct host host;

	(void)state;
	begin(&host, NULL);
	tell(&host, host.one, "look");
	tell(&host, host.one, "log");
	assert_int_equal(host.last_length, 2000);
	assert_int_equal(host.last_priority, 3);
	finish(&host);
}

static void actor_spawns_and_leaves(void **state)
{
	struct host host;

	(void)state;
	begin(&host, NULL);
	tell(&host, host.one, "leave");
	assert_said(&host, "kid fini 2; kid fini 7; one fini 3; child is \"\"; ");
	assert_true(troupe_address_equal(host.end.actor, host.one));
	assert_int_equal(host.end.error, -EIO);
	assert_int_equal(host.end.instance, 3);
	finish(&host);
}

static void kept_handle_is_answered_dropped_or_cancelled(void **state)
{
	struct host host;

	(void)state;
	begin(&host, NULL);
	tell(&host, host.one, "call later");
	assert_said(&host, "");
	tell(&host, host.two, "answer");
	assert_said(&host, "one reply 50 status 0 now -; ");
	tell(&host, host.one, "call later");
	tell(&host, host.two, "drop");
	assert_said(&host, "one reply 50 status 8 - io.troupe.Control.NoReply; ");
	tell(&host, host.one, "call later");
	tell(&host, host.one, "cancel");
	assert_said(&host, "two cancelled 1; one reply 50 status 7 - "
			   "io.troupe.Control.Cancelled; ");
	tell(&host, host.one, "call later");
	sim_run_until(host.loop, loop_clock_ns(host.loop) + 2000000000);
	assert_said(&host, "two cancelled 1; one reply 50 status 5 - "
			   "io.troupe.Control.Timeout; ");
	finish(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generated_wrappers_carry_calls_answers_and_errors),
		cmocka_unit_test(sdk_names_what_is_wrong_with_a_send_or_call),
		cmocka_unit_test(
			sdk_refuses_what_a_full_mailbox_cannot_take_and_notifies_once_of_room),
		cmocka_unit_test(sdk_names_the_limit_that_is_reached),
		cmocka_unit_test(sdk_turns_away_foreign_entries_types_and_configurations),
		cmocka_unit_test(actor_knows_itself_names_and_addresses),
		cmocka_unit_test(actor_spawns_and_leaves),
		cmocka_unit_test(kept_handle_is_answered_dropped_or_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

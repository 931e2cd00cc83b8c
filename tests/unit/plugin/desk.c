#include "desk.h"

#include "tests/unit/sim/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int on_answer(struct troupe_self *self, struct desk *me, uint64_t context,
		     const struct desk_ask_reply *reply)
{
	desk_say(self, "%s reply %d status %d%s %s %s", me->name, (int)context, reply->status,
		 reply->continues ? "+" : "", reply->out ? reply->out->text : "-",
		 reply->error_name ? reply->error_name : "-");
	if (reply->refused)
		desk_say(self, "because %s", reply->refused->reason);
	if (reply->closed)
		desk_say(self, "closed");
	if (reply->code)
		desk_say(self, "code %s", strerrorname_np(-reply->code));
	if (reply->detail)
		desk_say(self, "detail %s", reply->detail);
	return 0;
}
DESK_ASK_REPLY(on_answer, struct desk)

static int on_told(struct troupe_self *self, struct desk *me, uint64_t context,
		   const struct desk_tell_reply *reply)
{
	struct troupe_kept *kept;

	desk_say(self, "%s told %d status %d", me->name, (int)context, reply->status);
	/* there is no message here to keep or to hand on */
	assert_int_equal(troupe_keep(self, &kept), -EINVAL);
	assert_int_equal(troupe_forward(self, troupe_address(self)), -EINVAL);
	return 0;
}
DESK_TELL_REPLY(on_told, struct desk)

static int on_never(struct troupe_self *self, struct desk *me, uint64_t context,
		    const struct desk_never_reply *reply)
{
	desk_say(self, "%s never %d status %d %s", me->name, (int)context, reply->status,
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

	desk_say(self, "%s tick %d", me->name, (int)context);
	assert_true(troupe_address_is_null(troupe_sender(self)));
	assert_int_equal(troupe_keep(self, &kept), -EINVAL);
	assert_int_equal(troupe_forward(self, troupe_address(self)), -EINVAL);
	return 0;
}
TROUPE_TIMER(on_tick, struct desk)

/* ---- doing: what `word` says */

static int ask(struct troupe_self *self, const char *how, int64_t n)
{
	return desk_ask_ask(self, desk_find(self, "two"), &(struct desk_ask){how, n},
			    &on_answer_entry, 1, 0, NULL);
}

static int tell_badly(struct troupe_self *self, struct desk *me)
{
	struct troupe_address two = desk_find(self, "two"), gone = two;
	const struct desk_tell empty = {NULL}, broken = {"\xed\xa0\x80"};
	char *long_word = malloc(DESK_TOO_LONG + 1);
	struct troupe_request request = {77};

	(void)me;
	gone.generation += 9;
	assert_non_null(long_word);
	memset(long_word, 'x', DESK_TOO_LONG);
	long_word[DESK_TOO_LONG] = '\0';
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
	struct troupe_address two = desk_find(self, "two");

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
	struct troupe_address address = {.slot = 77}, two = desk_find(self, "two");
	char text[TROUPE_ADDRESS_TEXT], longest[TROUPE_NAME_MAX + 2];

	(void)me;
	assert_true(troupe_address_equal(troupe_address(self), desk_find(self, "one")));
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
	assert_int_equal(troupe_stop(self, desk_find(self, "two")), -EPERM);
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
	desk_say(self, "%s is \"%s\"", me->name, troupe_name(self));
	return 0;
}

static int call_all(struct troupe_self *self, struct desk *me)
{
	struct troupe_address two = desk_find(self, "two");
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
	return desk_ask_ask(self, desk_find(self, "two"), &(struct desk_ask){"later", 0},
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

	desk_say(self, "%s fini %d", me->name, cause);
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
	desk_say(self, "%s room %d", me->name,
		 troupe_address_equal(where, desk_find(self, "two")));
	return 0;
}

static int desk_on_cancel(struct troupe_self *self, struct desk *me, struct troupe_call call)
{
	desk_say(self, "%s cancelled %d", me->name, call.id == me->call.call.id);
	assert_int_equal(desk_ask_return(self, me->call, &(struct desk_ask_out){"x", 0}),
			 -EALREADY);
	assert_int_equal(desk_ask_drop(self, me->call), -ESRCH);
	return 0;
}

DESK_HANDLERS(desk_desk, struct desk, .ask = desk_on_ask, .tell = on_tell)
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

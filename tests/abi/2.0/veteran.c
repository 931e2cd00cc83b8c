/* veteran.c - all that the SDK of its version has, used once, so that a later host can be seen to keep it. */
#include "veteran.varlink.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/actor.h>

#define STEPS_MAX 64
#define STEP_MAX  120

struct veteran {
	struct veteran_work_call work; /* kept while it goes on */
	struct troupe_address apprentice;
	struct troupe_request request;
	struct troupe_timer timer;
	char greeting[32];
	int64_t limit; /* -1: none was given */
	int64_t mood;
	uint32_t at; /* the step that comes next */
	uint32_t n_steps;
	char steps[STEPS_MAX][STEP_MAX];
};

struct apprentice {
	struct troupe_address master;
	struct veteran_serve_call held;
	struct veteran_serve_call late;
	struct troupe_kept *kept; /* the message of `late` */
	struct troupe_timer timer;
};

TROUPE_ACTOR_DECLARE(veteran);
TROUPE_ACTOR_DECLARE(apprentice);

static void step(struct veteran *me, const char *what, const char *result)
{
	if (me->n_steps < STEPS_MAX)
		snprintf(me->steps[me->n_steps++], STEP_MAX, "%s: %s", what, result);
}

static void step_if(struct veteran *me, const char *what, int is_good)
{
	step(me, what, is_good ? "good" : "BAD");
}

static int go_on(struct troupe_self *self, struct veteran *me);

/* ------------------------------------------------------------------ what arrives later */

static const char *const status_words[TROUPE_STATUS_COUNT] = {
	"ok",        "error",     "no such actor", "actor died",    "peer down",
	"timeout",   "overload",  "cancelled",     "no reply",      "failed",
	"parameter", "no method", "no handler",    "expected more", "permission denied",
};

static int on_served(struct troupe_self *self, struct veteran *me, uint64_t context,
		     const struct veteran_serve_reply *reply)
{
	char result[80];

	(void)context;
	snprintf(result, sizeof(result), "%s%s%s%s%s", status_words[reply->status],
		 reply->out ? " " : "", reply->out ? reply->out->what : "",
		 reply->refused ? " " : "", reply->refused ? reply->refused->reason : "");
	step(me, "serve", result);
	return go_on(self, me);
}
VETERAN_SERVE_REPLY(on_served, struct veteran)

static int on_counted(struct troupe_self *self, struct veteran *me, uint64_t context,
		      const struct veteran_count_reply *reply)
{
	char result[80];

	(void)context;
	snprintf(result, sizeof(result), "%s %lld%s", status_words[reply->status],
		 reply->out ? (long long)reply->out->n : -1, reply->continues ? " and on" : "");
	step(me, "count", result);
	return reply->continues ? 0 : go_on(self, me);
}
VETERAN_COUNT_REPLY(on_counted, struct veteran)

static int on_never(struct troupe_self *self, struct veteran *me, uint64_t context,
		    const struct veteran_never_reply *reply)
{
	(void)context;
	step(me, "never", status_words[reply->status]);
	return go_on(self, me);
}
VETERAN_NEVER_REPLY(on_never, struct veteran)

static int on_tick(struct troupe_self *self, struct veteran *me, uint64_t context)
{
	step_if(me, "tick", context == 77);
	if (context == 77)
		step_if(me, "stop a periodic timer", troupe_timer_stop(self, me->timer) == 0);
	return go_on(self, me);
}
TROUPE_TIMER(on_tick, struct veteran)

/* Of the apprentice: the answer that it put off. */
static int on_due(struct troupe_self *self, struct apprentice *me, uint64_t context)
{
	const struct veteran_serve *in = (const struct veteran_serve *)troupe_kept_in(me->kept);
	struct veteran_serve_out out = {in->how};

	(void)context;
	(void)veteran_serve_return(self, me->late, &out);
	troupe_release(self, me->kept);
	me->kept = NULL;
	return 0;
}
TROUPE_TIMER(on_due, struct apprentice)

/* ------------------------------------------------------------------ the work, step by step */

static int serve(struct troupe_self *self, struct veteran *me, const char *how)
{
	struct veteran_serve in = {how};

	return veteran_serve_ask(self, me->apprentice, &in, &on_served_entry, 0,
				 20 * TROUPE_SECOND_NS, &me->request);
}

static void look_around(struct troupe_self *self, struct veteran *me)
{
	struct troupe_address here = troupe_address(self), there = {0};
	char text[TROUPE_ADDRESS_TEXT];
	uint64_t now_ns = troupe_now_ns(self);

	troupe_address_print(here, text);
	step_if(me, "address",
		troupe_address_parse(text, &there) == 0 && troupe_address_equal(here, there));
	step_if(me, "name", strcmp(troupe_name(self), "veteran") == 0);
	step_if(me, "state directory", troupe_state_directory(self) == NULL);
	step_if(me, "instance", troupe_instance(self) == 0);
	step_if(me, "time", now_ns > 0 && troupe_now_ns(self) >= now_ns);
	step_if(me, "random", troupe_random(self) != troupe_random(self));
	step_if(me, "find",
		troupe_find(self, "veteran", &there) == 0 && troupe_address_equal(here, there));
	step_if(me, "find nobody", troupe_find(self, "nobody", &there) == -ENOENT);
	troupe_log(self, 6, "veteran of ABI %d.%d is at %s", TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR,
		   text);
}

/* Until the apprentice's mailbox is full; on_room goes on. */
static int flood(struct troupe_self *self, struct veteran *me)
{
	struct veteran_note note = {"flood"};
	int r;

	for (int i = 0; i < 1000000; i++) {
		r = veteran_note_send(self, me->apprentice, &note);
		if (r < 0)
			break;
	}
	step_if(me, "flood", r == -EAGAIN);
	return r == -EAGAIN ? 0 : go_on(self, me);
}

static int finish(struct troupe_self *self, struct veteran *me)
{
	const char *texts[STEPS_MAX];
	struct veteran_work_out out = {{texts, me->n_steps}};

	for (uint32_t i = 0; i < me->n_steps; i++)
		texts[i] = me->steps[i];
	return veteran_work_return(self, me->work, &out);
}

static int go_on(struct troupe_self *self, struct veteran *me)
{
	struct veteran_config config = {"hello", NULL, VETERAN_MOOD_CROSS};
	struct veteran_count count = {3};
	struct troupe_timer idle;

	switch (me->at++) {
	case 0:
		look_around(self, me);
		/* its init sends a note, which goes on */
		step_if(me, "spawn",
			troupe_spawn(self, TROUPE_ACTOR_TABLE(apprentice), &config, 0,
				     &me->apprentice) == 0);
		return 0;
	case 1:
		return serve(self, me, "return");
	case 2:
		return serve(self, me, "refuse");
	case 3:
		return serve(self, me, "parameter");
	case 4:
		return serve(self, me, "deny");
	case 5:
		return serve(self, me, "expect more");
	case 6:
		return serve(self, me, "nothing");
	case 7:
		return serve(self, me, "failure");
	case 8:
		return serve(self, me, "forward");
	case 9:
		return serve(self, me, "later");
	case 10:
		return serve(self, me, "drop");
	case 11:
		return veteran_never_ask(self, me->apprentice, NULL, &on_never_entry, 0, 0,
					 NULL);
	case 12:
		return veteran_count_ask_more(self, me->apprentice, &count, &on_counted_entry,
					      0, 0, NULL);
	case 13:
		/* a note comes when it holds the call, another when it hears that it is cancelled */
		return serve(self, me, "hold");
	case 14:
		step_if(me, "cancel", troupe_cancel(self, me->request) == 0);
		return 0;
	case 15: /* of the reply and the note, the one that came first */
		return 0;
	case 16:
		step_if(me, "timer",
			troupe_timer_start(self, &on_tick_entry, 3600 * TROUPE_SECOND_NS, 0, 1,
					   &idle) == 0 &&
				troupe_timer_stop(self, idle) == 0);
		return troupe_timer_start(self, &on_tick_entry, TROUPE_MS_NS, TROUPE_MS_NS, 77,
					  &me->timer);
	case 17:
		return flood(self, me);
	case 18:
		/* its fini sends a note */
		step_if(me, "stop", troupe_stop(self, me->apprentice) == 0);
		return 0;
	default:
		step_if(me, "nobody", serve(self, me, "return") == -ESRCH);
		return finish(self, me);
	}
}

/* ------------------------------------------------------------------ veteran: handlers and life */

static int on_echo(struct troupe_self *self, struct veteran *me, struct veteran_echo_call call,
		   const struct veteran_echo *in)
{
	struct veteran_echo_out out = {in->item};

	(void)me;
	return veteran_echo_return(self, call, &out);
}

static int on_work(struct troupe_self *self, struct veteran *me, struct veteran_work_call call,
		   const struct veteran_work *in)
{
	int r;

	(void)in;
	me->at = me->n_steps = 0;
	step_if(me, "wants",
		veteran_work_wants_reply(self, call) && !veteran_work_wants_more(self, call));
	r = veteran_work_keep(self, &call);
	if (r < 0)
		return r;
	me->work = call;
	return go_on(self, me);
}

/* What the apprentice forwards. */
static int on_forwarded(struct troupe_self *self, struct veteran *me,
			struct veteran_serve_call call, const struct veteran_serve *in)
{
	struct veteran_serve_out out = {in->how};

	(void)me;
	return veteran_serve_return(self, call, &out);
}

static int on_note(struct troupe_self *self, struct veteran *me, struct veteran_note_call call,
		   const struct veteran_note *in)
{
	step(me, "note", in->text);
	step_if(me, "sender", troupe_address_equal(troupe_sender(self), me->apprentice));
	step_if(me, "nobody waits", !veteran_note_wants_reply(self, call));
	return go_on(self, me);
}

static int on_configured(struct troupe_self *self, struct veteran *me,
			 struct veteran_configured_call call,
			 const struct veteran_configured *in)
{
	struct veteran_configured_out out = {
		{me->greeting, me->limit < 0 ? NULL : &me->limit, (enum veteran_mood)me->mood}};

	(void)in;
	return veteran_configured_return(self, call, &out);
}

static int on_retire(struct troupe_self *self, struct veteran *me,
		     struct veteran_retire_call call, const struct veteran_retire *in)
{
	(void)me;
	(void)in;
	troupe_exit(self, 0);
	return veteran_retire_return(self, call, NULL);
}

static int veteran_begin(struct troupe_self *self, struct veteran *me,
			 const struct veteran_config *config)
{
	(void)self;
	snprintf(me->greeting, sizeof(me->greeting), "%s", config->greeting);
	me->limit = config->limit ? *config->limit : -1;
	me->mood = config->mood;
	return config->limit && *config->limit < 0 ? -ERANGE : 0;
}

static void veteran_end(struct troupe_self *self, struct veteran *me, enum troupe_cause cause)
{
	(void)me;
	troupe_log(self, 6, "veteran ends, reason %d", (int)cause);
}

static int on_room(struct troupe_self *self, struct veteran *me, struct troupe_address where,
		   struct troupe_call call)
{
	step_if(me, "room", troupe_address_equal(where, me->apprentice) && call.id == 0);
	return go_on(self, me);
}

VETERAN_HANDLERS(veteran_interface_, struct veteran, .echo = on_echo, .work = on_work,
		 .serve = on_forwarded, .note = on_note, .configured = on_configured,
		 .retire = on_retire)
TROUPE_LIFE(veteran_life, struct veteran, struct veteran_config, .init = veteran_begin,
	    .fini = veteran_end, .on_room = on_room)

TROUPE_ACTOR(veteran) = {
	TROUPE_ABI(veteran),
	.description = "Has seen much",
	.state_size = sizeof(struct veteran),
	.config = &veteran_config_type,
	.life = &veteran_life,
	.interfaces = {&veteran_interface_},
	.entries = {&on_served_entry, &on_counted_entry, &on_never_entry, &on_tick_entry},
};

/* ------------------------------------------------------------------ apprentice */

static int on_serve(struct troupe_self *self, struct apprentice *me,
		    struct veteran_serve_call call, const struct veteran_serve *in)
{
	struct veteran_refused refused = {"because"};
	struct veteran_serve_out out = {in->how};
	struct veteran_note note = {"held"};
	int r;

	if (strcmp(in->how, "return") == 0)
		return veteran_serve_return(self, call, &out);
	if (strcmp(in->how, "refuse") == 0)
		return veteran_serve_fail_refused(self, call, &refused);
	if (strcmp(in->how, "parameter") == 0)
		return veteran_serve_fail_parameter(self, call, "how", "is not good");
	if (strcmp(in->how, "deny") == 0)
		return veteran_serve_deny(self, call);
	if (strcmp(in->how, "expect more") == 0)
		return veteran_serve_expect_more(self, call);
	if (strcmp(in->how, "nothing") == 0)
		return 0;
	if (strcmp(in->how, "failure") == 0)
		return -EXDEV;
	if (strcmp(in->how, "forward") == 0)
		return troupe_forward(self, me->master);
	r = veteran_serve_keep(self, &call);
	if (r < 0)
		return r;
	if (strcmp(in->how, "later") == 0) {
		me->late = call;
		r = troupe_keep(self, &me->kept);
		return r < 0 ? r
			     : troupe_timer_start(self, &on_due_entry, TROUPE_MS_NS, 0, 0,
						  &me->timer);
	}
	if (strcmp(in->how, "drop") == 0)
		return veteran_serve_drop(self, call);
	me->held = call;
	return veteran_note_send(self, me->master, &note);
}

static int on_count(struct troupe_self *self, struct apprentice *me,
		    struct veteran_count_call call, const struct veteran_count *in)
{
	struct veteran_count_out out = {1};

	(void)me;
	if (!veteran_count_wants_more(self, call))
		return veteran_count_expect_more(self, call);
	for (; out.n < in->most; out.n++) {
		int r = veteran_count_reply(self, call, &out);

		if (r < 0)
			return r;
	}
	return veteran_count_return(self, call, &out);
}

static int on_flood(struct troupe_self *self, struct apprentice *me,
		    struct veteran_note_call call, const struct veteran_note *in)
{
	(void)self;
	(void)me;
	(void)call;
	(void)in;
	return 0;
}

static int apprentice_begin(struct troupe_self *self, struct apprentice *me,
			    const struct veteran_config *config)
{
	struct veteran_note note = {config->greeting};

	me->master = troupe_sender(self);
	return veteran_note_send(self, me->master, &note);
}

static void apprentice_end(struct troupe_self *self, struct apprentice *me,
			   enum troupe_cause cause)
{
	struct veteran_note note = {cause == TROUPE_CAUSE_SHUTDOWN ? "stopped" : "ended"};

	if (veteran_note_send(self, me->master, &note) < 0)
		troupe_log(self, 4, "nobody hears that the apprentice is gone");
}

static int on_cancel(struct troupe_self *self, struct apprentice *me, struct troupe_call call)
{
	struct veteran_note note = {call.id == me->held.call.id ? "cancelled" : "BAD"};

	return veteran_note_send(self, me->master, &note);
}

VETERAN_HANDLERS(apprentice_interface, struct apprentice, .serve = on_serve, .count = on_count,
		 .note = on_flood)
TROUPE_LIFE(apprentice_life, struct apprentice, struct veteran_config, .init = apprentice_begin,
	    .fini = apprentice_end, .on_cancel = on_cancel)

TROUPE_ACTOR(apprentice) = {
	TROUPE_ABI(apprentice),
	.state_size = sizeof(struct apprentice),
	.config = &veteran_config_type,
	.life = &apprentice_life,
	.interfaces = {&apprentice_interface},
	.entries = {&on_due_entry},
};

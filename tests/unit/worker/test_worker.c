/* test_worker.c - real troupe-worker processes with real plug-ins, led by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/limits.h"
#include "stage.h"
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define ECHO  "io.troupe.test.echo"
#define SLOW  "io.troupe.test.slow"
#define RELAY "io.troupe.test.relay"

static void assert_reply(const struct stage_reply *reply, const char *error,
			 const char *parameters)
{
	if (error)
		assert_string_equal(reply->error ? reply->error : "(none)", error);
	else if (reply->error)
		fail_msg("error %s %s", reply->error, reply->parameters);
	if (parameters)
		assert_string_equal(reply->parameters, parameters);
	assert_false(reply->continues);
}

static void worker_runs_actors_of_a_plugin(void **state)
{
	struct stage s;
	struct stage_worker *w;
	struct troupe_address echo;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	assert_null(stage_load(w, 1, "echo"));
	assert_null(stage_define(w, 1, 1, "echo", ""));
	assert_null(stage_spawn(w, 1, 3));
	echo = w->actor;
	assert_int_equal(echo.worker, 1);
	assert_int_equal(echo.incarnation, 1);
	assert_reply(stage_ask(w, echo, ECHO ".Text", "{\"text\":\"h\\u00e9llo\"}"), NULL,
		     "{\"text\":\"h\xc3\xa9llo\"}");
	stage_end(&s);
}

static void worker_forgets_a_unit_but_not_its_actors(void **state)
{
	struct troupe_address echo;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	assert_null(stage_load(w, 1, "echo"));
	assert_null(stage_define(w, 7, 1, "echo", ""));
	assert_null(stage_spawn(w, 7, 0));
	echo = w->actor;
	stage_tell(w, &worker_undefine_method, &(struct worker_undefine){.unit = 7});
	assert_string_equal(stage_spawn(w, 7, 1), "no such unit");
	assert_reply(stage_ask(w, echo, ECHO ".Text", "{\"text\":\"x\"}"), NULL,
		     "{\"text\":\"x\"}");
	assert_null(stage_define(w, 7, 1, "echo", ""));
	assert_null(stage_spawn(w, 7, 0));
	stage_tell(w, &worker_stop_method, &(struct worker_stop){.request = 1, .actor = echo});
	assert_reply(stage_ask(w, echo, ECHO ".Text", "{\"text\":\"x\"}"),
		     "io.troupe.Control.NoSuchActor", NULL);
	stage_tell(w, &worker_undefine_method, &(struct worker_undefine){.unit = 99});
	stage_end(&s);
}

/* The master reads from the page whose fault it is when that ends the process. It is over quickly: tried until it is seen. */
static void worker_says_whose_configuration_it_decodes(void **state)
{
	const size_t size = 4u << 20;
	cleanup_free char *config = malloc(2 * size + 32);
	bool is_seen = false;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	assert_non_null(config);
	strcpy(config, "{\"to\":\"");
	for (size_t i = 0; i < size; i++)
		memcpy(config + 7 + 2 * i, "\\n", 2);
	strcpy(config + 7 + 2 * size, "\"}");
	stage_begin(&s);
	w = stage_start(&s, 1);
	assert_null(stage_load(w, 1, "relay"));
	for (int64_t unit = 1; unit <= 50 && !is_seen; unit++) {
		unsigned before = w->defineds;

		stage_tell(w, &worker_define_method,
			   &(struct worker_define){
				   .unit = unit,
				   .name = "forward",
				   .plugin = 1,
				   .actorType = "forward",
				   .config = config,
				   .limits = {.mailbox = 1, .mailboxBytes = 1024, .batch = 1}});
		while (w->defineds == before) {
			loop_step(s.loop, false);
			is_seen |= w->page->thread.type_hash == PAGE_DOING_DEFINE &&
				   w->page->thread.unit == (uint32_t)unit &&
				   w->page->thread.sequence % 2 == 1;
		}
		assert_null(w->error);
		stage_tell(w, &worker_undefine_method, &(struct worker_undefine){.unit = unit});
	}
	assert_true(is_seen);
	assert_int_equal(w->page->thread.sequence % 2, 0);
	stage_end(&s);
}

static void worker_takes_and_gives_texts_of_many_bytes(void **state)
{
	size_t size = 5u << 20;
	cleanup_free char *text = malloc(size + 32);
	const struct stage_reply *reply;
	struct troupe_address echo;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	assert_non_null(text);
	strcpy(text, "{\"text\":\"");
	memset(text + 9, 'x', size);
	strcpy(text + 9 + size, "\"}");
	stage_begin(&s);
	w = stage_start(&s, 1);
	echo = stage_cast(w, 1, "echo", "echo", "");
	reply = stage_ask(w, echo, ECHO ".Text", text);
	assert_null(reply->error);
	assert_string_equal(reply->parameters, text);
	/* As a block it fits, with its JSON around it no more. */
	reply = stage_ask(w, echo, ECHO ".Big", "{\"bytes\":16777180}");
	assert_reply(reply, "io.troupe.Control.Failed", NULL);
	stage_end(&s);
}

static void worker_answers_wrong_calls_with_varlink_errors(void **state)
{
	struct troupe_address echo, slow, nobody;
	const struct stage_reply *reply;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	echo = stage_cast(w, 1, "echo", "echo", "");
	slow = stage_cast(w, 2, "slow", "slow", "");
	assert_reply(stage_ask(w, echo, "io.troupe.nothing.Text", "{}"),
		     "org.varlink.service.InterfaceNotFound",
		     "{\"interface\":\"io.troupe.nothing\"}");
	assert_reply(stage_ask(w, echo, "nodots", "{}"),
		     "org.varlink.service.InterfaceNotFound", "{\"interface\":\"nodots\"}");
	assert_reply(stage_ask(w, echo, "", "{}"), "org.varlink.service.InterfaceNotFound",
		     "{\"interface\":\"\"}");
	assert_reply(stage_ask(w, echo, ECHO ".Nothing", "{}"),
		     "org.varlink.service.MethodNotFound", "{\"method\":\"" ECHO ".Nothing\"}");
	assert_reply(stage_ask(w, slow, SLOW ".Missing", "{}"),
		     "org.varlink.service.MethodNotImplemented",
		     "{\"method\":\"" SLOW ".Missing\"}");
	assert_reply(stage_ask(w, echo, ECHO ".Text", "{\"text\":1}"),
		     "org.varlink.service.InvalidParameter",
		     "{\"parameter\":\"text\",\"reason\":\"a string, found a number\"}");
	/* What the actor says of a value that has the right type. */
	assert_reply(stage_ask(w, echo, ECHO ".Big", "{\"bytes\":-1}"),
		     "org.varlink.service.InvalidParameter",
		     "{\"parameter\":\"bytes\",\"reason\":\"must be 0 to twice the most of a "
		     "message\"}");
	reply = stage_ask(w, echo, ECHO ".Text", "{\"text\":\"a\",\"more\":1}");
	assert_reply(reply, "org.varlink.service.InvalidParameter", NULL);
	assert_non_null(strstr(reply->parameters, "{\"parameter\":\"more\",\"reason\":\""));
	reply = stage_ask(w, echo, ECHO ".Text", "");
	assert_reply(reply, "org.varlink.service.InvalidParameter", NULL);
	assert_non_null(strstr(reply->parameters, "{\"parameter\":\"text\",\"reason\":\""));
	reply = stage_ask(w, echo, ECHO ".Text", "{\"text\":");
	assert_reply(reply, "org.varlink.service.InvalidParameter", NULL);
	assert_non_null(
		strstr(reply->parameters, "{\"parameter\":\"parameters\",\"reason\":\""));
	reply = stage_ask(w, echo, ECHO ".Text", "[]");
	assert_reply(reply, "org.varlink.service.InvalidParameter", NULL);
	assert_non_null(
		strstr(reply->parameters, "{\"parameter\":\"parameters\",\"reason\":\""));
	nobody = echo;
	nobody.generation += 7;
	reply = stage_ask(w, nobody, ECHO ".Text", "{\"text\":\"a\"}");
	assert_reply(reply, "io.troupe.Control.NoSuchActor", NULL);
	assert_non_null(strstr(reply->parameters, "{\"name\":\"0.1.1."));
	assert_reply(stage_ask(w, echo, ECHO ".Text", "{\"text\":\"still here\"}"), NULL,
		     "{\"text\":\"still here\"}");
	stage_end(&s);
}

static void worker_passes_on_how_calls_end(void **state)
{
	struct troupe_address echo, slow;
	const struct stage_reply *reply;
	struct stage_worker *w;
	struct stage s;
	int64_t call;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	echo = stage_cast(w, 1, "echo", "echo", "");
	slow = stage_cast(w, 2, "slow", "slow", "");
	assert_reply(stage_ask(w, echo, ECHO ".Fail", "{\"number\":-4,\"text\":\"why\"}"),
		     ECHO ".Failed", "{\"number\":-4,\"text\":\"why\"}");
	reply = stage_ask(w, slow, SLOW ".Fail", "{\"code\":-5}");
	assert_reply(reply, "io.troupe.Control.Failed", NULL);
	assert_non_null(strstr(reply->parameters, "\"code\":-5"));
	assert_reply(stage_ask(w, slow, SLOW ".Forget", "{}"), "io.troupe.Control.NoReply",
		     "{}");
	assert_reply(stage_ask(w, slow, SLOW ".Drop", "{}"), "io.troupe.Control.NoReply", "{}");
	/* The master is told of a call that is kept, and keeps its deadline. */
	call = stage_call(w, slow, SLOW ".Never", "{}", 0, 10);
	stage_until(&s, w->kept == call);
	stage_tell(w, &worker_cancel_method, &(struct worker_cancel){.call = call});
	/* Whoever waits for an actor that ends hears of it. */
	call = stage_call(w, slow, SLOW ".Never", "{}", 0, 0);
	stage_tell(w, &worker_stop_method, &(struct worker_stop){.request = 1, .actor = slow});
	assert_reply(stage_reply(w, call, 0), "io.troupe.Control.ActorDied", NULL);
	stage_end(&s);
}

static void drained_actor_answers_what_it_has_before_it_ends(void **state)
{
	struct troupe_address slow;
	struct stage_worker *w;
	int64_t kept, queued, last, stream;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	slow = stage_cast(w, 1, "slow", "slow", "");
	stream = stage_call(w, slow, SLOW ".Stream", "{\"count\":1000000,\"periodMs\":10}",
			    STAGE_MORE, 0);
	kept = stage_call(w, slow, SLOW ".Answer", "{\"text\":\"k\",\"delayMs\":200}", 0, 0);
	queued = stage_call(w, slow, SLOW ".Block", "{\"ms\":50}", 0, 0);
	last = stage_call(w, slow, SLOW ".Answer", "{\"text\":\"l\",\"delayMs\":1}", 0, 0);
	stage_tell(w, &worker_stop_method,
		   &(struct worker_stop){.request = 1, .actor = slow, .drain = true});
	stage_until(&s, w->stoppeds > 0);
	assert_reply(stage_find_reply(w, queued, 0), NULL, "{}");
	assert_reply(stage_find_reply(w, last, 0), NULL, "{\"text\":\"l\"}");
	assert_reply(stage_find_reply(w, kept, 0), NULL, "{\"text\":\"k\"}");
	/* It has no end of its own. */
	stage_until(&s, stage_find_reply(w, stream, 0));
	assert_int_equal(w->endeds, 1);
	assert_int_equal(w->reason, WORKER_ENDED_REASON_SHUTDOWN);
	stage_end(&s);
}

static void drain_ends_with_a_stop_that_does_not_drain(void **state)
{
	struct troupe_address slow;
	struct stage_worker *w;
	struct stage s;
	int64_t never;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	slow = stage_cast(w, 1, "slow", "slow", "");
	never = stage_call(w, slow, SLOW ".Never", "{}", 0, 0);
	stage_tell(w, &worker_stop_method,
		   &(struct worker_stop){.request = 1, .actor = slow, .drain = true});
	/* It is still there. */
	assert_reply(stage_ask(w, slow, SLOW ".Kept", "{}"), NULL,
		     "{\"kept\":1,\"cancelled\":0}");
	assert_int_equal(w->stoppeds, 0);
	stage_tell(w, &worker_stop_method, &(struct worker_stop){.request = 2, .actor = slow});
	assert_reply(stage_reply(w, never, 0), "io.troupe.Control.ActorDied", NULL);
	stage_until(&s, w->stoppeds == 2);
	stage_end(&s);
}

static void limits_change_under_a_running_actor(void **state)
{
	struct worker_redefine redefine = {
		.unit = 1, .limits = {.mailbox = 1, .mailboxBytes = 32 << 20, .batch = 1}};
	struct troupe_address slow;
	struct stage_worker *w;
	int64_t calls[3];
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	slow = stage_cast(w, 1, "slow", "slow", "");
	for (int i = 0; i < 2; i++) {
		calls[0] = stage_call(w, slow, SLOW ".Block", "{\"ms\":200}", 0, 0);
		calls[1] = stage_call(w, slow, SLOW ".Block", "{\"ms\":0}", 0, 0);
		calls[2] = stage_call(w, slow, SLOW ".Block", "{\"ms\":0}", 0, 0);
		assert_reply(stage_reply(w, calls[2], 0),
			     i == 0 ? NULL : "io.troupe.Control.Overloaded", "{}");
		stage_reply(w, calls[0], 0);
		stage_tell(w, &worker_redefine_method, &redefine);
	}
	/* Nobody knows the unit: nothing happens. */
	redefine.unit = 9;
	stage_tell(w, &worker_redefine_method, &redefine);
	assert_reply(stage_ask(w, slow, SLOW ".Block", "{\"ms\":0}"), NULL, "{}");
	stage_end(&s);
}

static void worker_streams_until_the_end_or_cancel(void **state)
{
	const struct stage_reply *reply;
	struct troupe_address slow;
	struct stage_worker *w;
	struct stage s;
	int64_t call;
	size_t n;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	slow = stage_cast(w, 1, "slow", "slow", "");
	call = stage_call(w, slow, SLOW ".Stream", "{\"count\":5,\"periodMs\":1}", STAGE_MORE,
			  0);
	for (size_t i = 0; i < 5; i++) {
		char expected[32];

		reply = stage_reply(w, call, i);
		snprintf(expected, sizeof(expected), "{\"number\":%zu}", i + 1);
		assert_string_equal(reply->parameters, expected);
		assert_int_equal(reply->continues, i < 4);
	}
	call = stage_call(w, slow, SLOW ".Stream", "{\"count\":1000000,\"periodMs\":1}",
			  STAGE_MORE, 0);
	stage_reply(w, call, 2);
	stage_tell(w, &worker_cancel_method, &(struct worker_cancel){.call = call});
	stage_tell(w, &worker_cancel_method, &(struct worker_cancel){.call = call});
	assert_reply(stage_ask(w, slow, SLOW ".Answer", "{\"text\":\"x\",\"delayMs\":0}"), NULL,
		     NULL);
	n = w->n_replies;
	assert_reply(stage_ask(w, slow, SLOW ".Answer", "{\"text\":\"x\",\"delayMs\":30}"),
		     NULL, NULL);
	assert_int_equal(w->n_replies, n + 1);
	assert_reply(stage_ask(w, slow, SLOW ".Kept", "{}"), NULL,
		     "{\"kept\":0,\"cancelled\":1}");
	stage_end(&s);
}

static void worker_holds_streams_back_while_the_master_does_not_read(void **state)
{
	struct troupe_address slow;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	slow = stage_cast(w, 1, "slow", "slow", "");
	/* Far more than the channel's queue takes. */
	stage_call(w, slow, SLOW ".Burst", "{\"count\":100000}", STAGE_MORE, 0);
	usleep(500000);
	stage_until(&s, w->told == 100000 || w->is_closed);
	assert_false(w->is_closed);
	stage_call(w, slow, SLOW ".Answer", "{\"text\":\"x\",\"delayMs\":0}", 0, 0);
	stage_until(&s, w->told == 100001);
	stage_end(&s);
}

static void worker_holds_replies_back_while_the_master_does_not_read(void **state)
{
	enum { WAVES = 4, CALLS = 100 };
	struct troupe_address slow;
	struct stage_worker *w;
	struct stage s;
	uint64_t before, until_ns;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	slow = stage_cast(w, 1, "slow", "slow", "");
	/* Together far more than the channel's queue takes. What one pass leaves is bounded, too. */
	for (int wave = 0; wave < WAVES; wave++) {
		before = atomic_load(&w->page->messages);
		for (int i = 0; i < CALLS; i++)
			stage_call(w, slow, SLOW ".Much", "{\"bytes\":1000000}", 0, 0);
		until_ns = clock_now_ns() + STAGE_PATIENCE_NS;
		while (atomic_load(&w->page->messages) < before + CALLS) {
			assert_true(clock_now_ns() < until_ns);
			usleep(1000);
		}
	}
	stage_until(&s, w->told == WAVES * CALLS || w->is_closed);
	assert_false(w->is_closed);
	assert_null(
		stage_ask(w, slow, SLOW ".Answer", "{\"text\":\"x\",\"delayMs\":0}")->error);
	stage_end(&s);
}

static void worker_holds_a_stream_back_while_its_client_does_not_read(void **state)
{
	struct troupe_address slow;
	struct stage_worker *w;
	struct stage s;
	int64_t call;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	w->is_reading_late = true;
	slow = stage_cast(w, 1, "slow", "slow", "");
	call = stage_call(w, slow, SLOW ".Burst", "{\"count\":1000}", STAGE_MORE, 0);
	stage_until(&s, w->told == LIMIT_CLIENT_UNREAD);
	/* Others go on. */
	assert_null(
		stage_ask(w, slow, SLOW ".Answer", "{\"text\":\"x\",\"delayMs\":50}")->error);
	assert_int_equal(w->told, LIMIT_CLIENT_UNREAD + 1);
	/* Nonsense changes nothing. */
	stage_take(w, call, -1, 1);
	stage_take(w, call, 1, -1);
	stage_take(w, call + 1, 100, 100);
	assert_null(
		stage_ask(w, slow, SLOW ".Answer", "{\"text\":\"x\",\"delayMs\":50}")->error);
	assert_int_equal(w->told, LIMIT_CLIENT_UNREAD + 2);
	stage_take(w, call, LIMIT_CLIENT_UNREAD, 100000);
	stage_until(&s, w->told == 2 * LIMIT_CLIENT_UNREAD + 2);
	w->is_reading_late = false;
	stage_take(w, call, LIMIT_CLIENT_UNREAD, 100000);
	stage_until(&s, w->told == 1000 + 2);
	stage_end(&s);
}

static void worker_says_whether_a_send_was_taken(void **state)
{
	struct troupe_address echo;
	struct stage_worker *w;
	struct stage s;
	int64_t call;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	echo = stage_cast(w, 1, "echo", "echo", "");
	call = stage_call(w, echo, ECHO ".Text", "{\"text\":\"a\"}", STAGE_ONEWAY, 0);
	assert_reply(stage_reply(w, call, 0), NULL, "{}");
	call = stage_call(w, echo, ECHO ".Text", "{\"text\":1}", STAGE_ONEWAY, 0);
	assert_reply(stage_reply(w, call, 0), "org.varlink.service.InvalidParameter", NULL);
	echo.generation++;
	call = stage_call(w, echo, ECHO ".Text", "{\"text\":\"a\"}", STAGE_ONEWAY, 0);
	assert_reply(stage_reply(w, call, 0), "io.troupe.Control.NoSuchActor", NULL);
	stage_end(&s);
}

static void worker_refuses_what_it_cannot_make(void **state)
{
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	assert_non_null(strstr(stage_load(w, 1, "globals"), "static"));
	assert_non_null(stage_load(w, 1, "wrong_abi"));
	assert_null(stage_load(w, 1, "echo"));
	assert_non_null(strstr(stage_load(w, 1, "slow"), "in use"));
	assert_null(stage_load(w, 2, "relay"));
	assert_non_null(strstr(stage_define(w, 1, 9, "echo", ""), "not loaded"));
	assert_non_null(strstr(stage_define(w, 1, 1, "nothing", ""), "no actor type nothing"));
	assert_non_null(strstr(stage_define(w, 1, 1, "echo", "{\"a\":1}"), "no configuration"));
	assert_non_null(strstr(stage_define(w, 1, 2, "forward", "{\"to\":1}"), "to: "));
	assert_non_null(strstr(stage_define(w, 1, 2, "forward", ""), "to: "));
	assert_non_null(stage_define(w, 0, 1, "echo", ""));
	assert_null(stage_define(w, 1, 1, "echo", "{}"));
	assert_non_null(stage_define(w, 1, 1, "echo", "{}"));
	assert_non_null(strstr(stage_spawn(w, 5, 0), "no such unit"));
	assert_non_null(strstr(stage_spawn(w, 1, -1), "no such instance"));
	assert_null(stage_load(w, 3, "fail_in_init"));
	assert_null(stage_define(w, 3, 3, "fail_in_init", "{\"code\":-13}"));
	assert_non_null(strstr(stage_spawn(w, 3, 0), "init failed: Permission denied"));
	assert_null(stage_spawn(w, 1, 0));
	stage_end(&s);
}

static void worker_tells_of_ends_and_numbers(void **state)
{
	struct troupe_address echo, slow;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	echo = stage_cast(w, 1, "echo", "echo", "");
	slow = stage_cast(w, 2, "slow", "slow", "");
	stage_ask(w, echo, ECHO ".Text", "{\"text\":\"a\"}");
	stage_tell(w, &worker_inquire_method,
		   &(struct worker_inquire){.request = 1, .from = 0, .limit = 1});
	stage_until(&s, w->censuses == 1);
	assert_int_equal(w->n_residents, 1);
	assert_true(w->next > 0);
	stage_tell(w, &worker_inquire_method,
		   &(struct worker_inquire){.request = 1, .from = w->next, .limit = 10});
	stage_until(&s, w->censuses == 2);
	assert_int_equal(w->n_residents, 1);
	assert_int_equal(w->next, 0);
	stage_tell(w, &worker_describe_method,
		   &(struct worker_describe){.request = 1, .actor = echo});
	stage_until(&s, w->censuses == 3);
	assert_int_equal(w->n_residents, 1);
	assert_int_equal(w->resident_unit, 1);
	assert_int_equal(w->resident_handled, 1);

	stage_tell(w, &worker_stop_method, &(struct worker_stop){.request = 1, .actor = echo});
	stage_until(&s, w->stoppeds == 1);
	assert_int_equal(w->endeds, 1);
	assert_int_equal(w->reason, WORKER_ENDED_REASON_SHUTDOWN);
	stage_tell(w, &worker_stop_method, &(struct worker_stop){.request = 1, .actor = echo});
	stage_until(&s, w->stoppeds == 2);
	assert_int_equal(w->endeds, 1);
	stage_tell(w, &worker_describe_method,
		   &(struct worker_describe){.request = 1, .actor = echo});
	stage_until(&s, w->censuses == 4);
	assert_int_equal(w->n_residents, 0);

	stage_ask(w, slow, SLOW ".Quit", "{\"code\":-5}");
	stage_until(&s, w->endeds == 2);
	assert_int_equal(w->reason, WORKER_ENDED_REASON_FAILED);
	assert_int_equal(w->code, -5);
	assert_null(stage_spawn(w, 2, 0));
	stage_ask(w, w->actor, SLOW ".Quit", "{\"code\":0}");
	stage_until(&s, w->endeds == 3);
	assert_int_equal(w->reason, WORKER_ENDED_REASON_NORMAL);
	stage_end(&s);
}

static void worker_shuts_down_in_order(void **state)
{
	struct troupe_address slow;
	struct stage_worker *w;
	struct stage s;
	int64_t call;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	slow = stage_cast(w, 1, "slow", "slow", "");
	assert_null(stage_spawn(w, 1, 1));
	call = stage_call(w, slow, SLOW ".Never", "{}", 0, 0);
	stage_tell(w, &worker_shutdown_method, "");
	assert_int_equal(stage_wait_dead(w), 0);
	assert_int_equal(w->endeds, 2);
	assert_reply(stage_find_reply(w, call, 0), "io.troupe.Control.ActorDied", NULL);
	stage_end(&s);
}

static void worker_ends_when_the_master_has_gone(void **state)
{
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	stage_cast(w, 1, "echo", "echo", "");
	channel_free(w->channel);
	w->channel = NULL;
	w->is_closed = true;
	assert_int_equal(WEXITSTATUS(stage_wait_dead(w)), 1);
	stage_end(&s);
}

static void worker_does_not_mind_signals_to_its_terminal(void **state)
{
	struct troupe_address echo;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	echo = stage_cast(w, 1, "echo", "echo", "");
	kill(w->pid, SIGINT);
	kill(w->pid, SIGTERM);
	kill(w->pid, SIGHUP);
	assert_reply(stage_ask(w, echo, ECHO ".Text", "{\"text\":\"a\"}"), NULL, NULL);
	stage_end(&s);
}

/* ---- several workers */

static void workers_find_and_call_each_other(void **state)
{
	struct troupe_address relay, slow[2];
	struct stage_worker *a, *b;
	struct stage s;
	int64_t call;

	(void)state;
	stage_begin(&s);
	a = stage_start(&s, 1);
	b = stage_start(&s, 2);
	stage_introduce(a, b);
	relay = stage_cast(a, 1, "relay", "relay", "");
	slow[0] = stage_cast(b, 2, "slow", "slow", "");
	stage_name(a, "slow", slow, 1);
	assert_reply(stage_ask(a, relay, RELAY ".Answer",
			       "{\"to\":\"slow\",\"text\":\"far\",\"delayMs\":1}"),
		     NULL, "{\"text\":\"far\"}");
	assert_reply(stage_ask(a, relay, RELAY ".Answer",
			       "{\"to\":\"nobody\",\"text\":\"far\",\"delayMs\":1}"),
		     RELAY ".NoSuchName", "{\"name\":\"nobody\"}");
	call = stage_call(a, relay, RELAY ".Stream",
			  "{\"to\":\"slow\",\"count\":3,\"periodMs\":1}", STAGE_MORE, 0);
	assert_string_equal(stage_reply(a, call, 2)->parameters, "{\"number\":3}");
	assert_false(stage_reply(a, call, 2)->continues);
	assert_reply(
		stage_ask(a, relay, RELAY ".Provoke", "{\"to\":\"slow\",\"habit\":\"forget\"}"),
		RELAY ".NotAnswered", NULL);
	assert_non_null(strstr(a->replies[a->n_replies - 1].parameters, "no-reply"));
	assert_reply(
		stage_ask(a, relay, RELAY ".Provoke", "{\"to\":\"slow\",\"habit\":\"fail\"}"),
		RELAY ".NotAnswered", NULL);
	assert_non_null(strstr(a->replies[a->n_replies - 1].parameters, "failed"));
	/* An address of a life that is over. */
	slow[1] = slow[0];
	slow[1].generation++;
	stage_name(a, "slow", slow + 1, 1);
	stage_ask(a, relay, RELAY ".Answer", "{\"to\":\"slow\",\"text\":\"\",\"delayMs\":0}");
	assert_non_null(strstr(a->replies[a->n_replies - 1].parameters, "no-such-actor"));
	stage_end(&s);
}

static void workers_forward_calls_to_each_other(void **state)
{
	struct troupe_address forward, slow;
	struct stage_worker *a, *b, *c;
	struct troupe_address relay;
	struct stage s;

	(void)state;
	stage_begin(&s);
	a = stage_start(&s, 1);
	b = stage_start(&s, 2);
	c = stage_start(&s, 3);
	stage_introduce(a, b);
	stage_introduce(b, c);
	stage_introduce(a, c);
	relay = stage_cast(a, 1, "relay", "relay", "");
	forward = stage_cast(b, 2, "relay", "forward", "{\"to\":\"slow\"}");
	slow = stage_cast(c, 3, "slow", "slow", "");
	stage_name(a, "forward", &forward, 1);
	stage_name(b, "slow", &slow, 1);
	assert_reply(stage_ask(a, relay, RELAY ".Answer",
			       "{\"to\":\"forward\",\"text\":\"round\",\"delayMs\":1}"),
		     NULL, "{\"text\":\"round\"}");
	stage_end(&s);
}

/* Messages an actor has handled. */
static int64_t count_handled(struct stage_worker *w, struct troupe_address actor)
{
	unsigned before = w->censuses;

	stage_tell(w, &worker_describe_method,
		   &(struct worker_describe){.request = 1, .actor = actor});
	stage_until(w->stage, w->censuses > before);
	assert_int_equal(w->n_residents, 1);
	return w->resident_handled;
}

static void worker_gives_pools_turns_beginning_at_home(void **state)
{
	static const unsigned turns[] = {1, 2, 0, 1, 2, 0};
	struct troupe_address relay, pool[3];
	struct stage_worker *a, *b, *home[3];
	struct stage s;

	(void)state;
	stage_begin(&s);
	home[1] = a = stage_start(&s, 1);
	home[0] = home[2] = b = stage_start(&s, 2);
	stage_introduce(a, b);
	relay = stage_cast(a, 1, "relay", "relay", "");
	pool[0] = stage_cast(b, 2, "slow", "slow", "");
	pool[1] = stage_cast(a, 3, "slow", "slow", "");
	assert_null(stage_spawn(b, 2, 1));
	pool[2] = b->actor;
	stage_name(a, "slow", pool, 3);
	for (int i = 0; i < 6; i++) {
		unsigned turn = turns[i];
		int64_t before = count_handled(home[turn], pool[turn]);

		stage_ask(a, relay, RELAY ".Answer",
			  "{\"to\":\"slow\",\"text\":\"\",\"delayMs\":0}");
		assert_true(count_handled(home[turn], pool[turn]) > before);
	}
	stage_end(&s);
}

static void worker_fails_calls_to_a_worker_that_was_killed(void **state)
{
	struct troupe_address relay, slow;
	struct stage_worker *a, *b;
	struct stage s;
	int64_t call;

	(void)state;
	stage_begin(&s);
	a = stage_start(&s, 1);
	b = stage_start(&s, 2);
	stage_introduce(a, b);
	relay = stage_cast(a, 1, "relay", "relay", "");
	slow = stage_cast(b, 2, "slow", "slow", "");
	stage_name(a, "slow", &slow, 1);
	call = stage_call(a, relay, RELAY ".Provoke", "{\"to\":\"slow\",\"habit\":\"never\"}",
			  0, 0);
	assert_reply(stage_ask(a, relay, RELAY ".Answer",
			       "{\"to\":\"slow\",\"text\":\"far\",\"delayMs\":1}"),
		     NULL, NULL);
	kill(b->pid, SIGKILL);
	stage_wait_dead(b);
	stage_bury(a, b, true);
	assert_non_null(strstr(stage_reply(a, call, 0)->parameters, "actor-died"));
	/* Its successor has another address, and is reached. */
	b = stage_start(&s, 2);
	stage_introduce(a, b);
	slow = stage_cast(b, 2, "slow", "slow", "");
	assert_int_equal(slow.incarnation, 2);
	stage_name(a, "slow", &slow, 1);
	assert_reply(stage_ask(a, relay, RELAY ".Answer",
			       "{\"to\":\"slow\",\"text\":\"back\",\"delayMs\":1}"),
		     NULL, "{\"text\":\"back\"}");
	stage_end(&s);
}

static void worker_fails_calls_to_a_worker_that_ended_in_order(void **state)
{
	struct troupe_address relay, slow;
	struct stage_worker *a, *b;
	struct stage s;
	int64_t call;

	(void)state;
	stage_begin(&s);
	a = stage_start(&s, 1);
	b = stage_start(&s, 2);
	stage_introduce(a, b);
	relay = stage_cast(a, 1, "relay", "relay", "");
	slow = stage_cast(b, 2, "slow", "slow", "");
	stage_name(a, "slow", &slow, 1);
	call = stage_call(a, relay, RELAY ".Provoke", "{\"to\":\"slow\",\"habit\":\"never\"}",
			  0, 0);
	assert_reply(stage_ask(a, relay, RELAY ".Answer",
			       "{\"to\":\"slow\",\"text\":\"far\",\"delayMs\":1}"),
		     NULL, NULL);
	stage_bury(a, b, false);
	assert_non_null(strstr(stage_reply(a, call, 0)->parameters, "peer-down"));
	stage_end(&s);
}

static void worker_tells_callers_elsewhere_before_it_shuts_down(void **state)
{
	struct troupe_address relay, slow;
	struct stage_worker *a, *b;
	struct stage s;
	int64_t call;

	(void)state;
	stage_begin(&s);
	a = stage_start(&s, 1);
	b = stage_start(&s, 2);
	stage_introduce(a, b);
	relay = stage_cast(a, 1, "relay", "relay", "");
	slow = stage_cast(b, 2, "slow", "slow", "");
	stage_name(a, "slow", &slow, 1);
	call = stage_call(a, relay, RELAY ".Provoke", "{\"to\":\"slow\",\"habit\":\"never\"}",
			  0, 0);
	assert_reply(stage_ask(a, relay, RELAY ".Answer",
			       "{\"to\":\"slow\",\"text\":\"far\",\"delayMs\":1}"),
		     NULL, NULL);
	stage_tell(b, &worker_shutdown_method, "");
	/* Not by the master's word: that is not given here. */
	assert_non_null(strstr(stage_reply(a, call, 0)->parameters, "actor-died"));
	assert_int_equal(stage_wait_dead(b), 0);
	stage_end(&s);
}

/* Once its mailbox has room for the question. */
static int64_t count_taken(struct stage_worker *w, struct troupe_address sink)
{
	const char *text = NULL;

	for (int i = 0; i < 1000 && !text; i++)
		text = strstr(stage_ask(w, sink, "io.troupe.test.sink.Taken", "{}")->parameters,
			      "count");
	assert_non_null(text);
	return atoll(text + strlen("count\":"));
}

/* A far mailbox that is full takes no more; each message is either taken or told of. */
static void workers_lose_no_message_untold_in_a_flood(void **state)
{
	struct troupe_address flood, sink;
	const int64_t count = 100000;
	struct stage_worker *a, *b;
	int64_t taken = 0;
	struct stage s;

	(void)state;
	stage_begin(&s);
	a = stage_start(&s, 1);
	b = stage_start(&s, 2);
	stage_introduce(a, b);
	flood = stage_cast(a, 1, "flood", "flood", "");
	sink = stage_cast(b, 2, "flood", "sink", "");
	stage_name(a, "sink", &sink, 1);
	assert_null(stage_ask(a, flood, "io.troupe.test.flood.Flood",
			      "{\"sink\":\"sink\",\"count\":100000}")
			    ->error);
	for (int i = 0; i < 200 && taken + b->letters < count; i++) {
		usleep(50000);
		taken = count_taken(b, sink);
	}
	assert_int_equal(taken + b->letters, count);
	assert_true(taken >= 1024);
	assert_in_range(b->dead_letters, 0, 60);
	assert_int_equal(a->letters, 0);
	stage_end(&s);
}

/* ---- a master that makes mistakes */

static void expect_failure(const void *packet, size_t size, const char *complaint)
{
	cleanup_free char *complaints = NULL;
	struct stage_worker *w;
	struct stage s;
	int fds[2];
	pid_t pid;
	int status = 0;
	char path[300];

	stage_begin(&s);
	w = &s.workers[1];
	w->complaints = memfd_create("complaints", MFD_CLOEXEC);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	snprintf(path, sizeof(path), "%s/troupe-worker", s.build);
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], 3);
		dup2(w->complaints, STDERR_FILENO);
		execl(path, path, NULL);
		_exit(127);
	}
	close(fds[1]);
	assert_int_equal(send(fds[0], packet, size, 0), size);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 1);
	complaints = stage_complaints(w);
	if (!strstr(complaints, complaint))
		fail_msg("no \"%s\" in \"%s\"", complaint, complaints);
	close(fds[0]);
	close(w->complaints);
	stage_end(&s);
}

static void worker_ends_over_notices_that_make_no_sense(void **state)
{
	struct {
		uint64_t hash;
		uint32_t size, flags;
		int64_t numbers[8];
	} packet = {0};

	(void)state;
	expect_failure("x", 1, "channel");
	expect_failure(&packet, 16, "channel"); /* an unknown hash */
	packet.hash = worker_inquire_method.in_hash;
	packet.size = 24;
	expect_failure(&packet, 16, "channel");        /* cut */
	expect_failure(&packet, 16 + 24, "not Start"); /* too early */
	packet.hash = worker_start_method.in_hash;
	packet.size = 48;
	packet.numbers[3] = 999; /* an offset out of bounds */
	expect_failure(&packet, 16 + 48, "channel");
	packet.numbers[3] = 48; /* an empty directory; worker 0 */
	packet.size = 49;
	expect_failure(&packet, 16 + 49, "makes no sense");
	packet.numbers[1] = 1;
	packet.numbers[2] = 1;
	packet.numbers[4] = 7;
	packet.numbers[5] = -1;
	expect_failure(&packet, 16 + 49, "makes no sense");
	packet.numbers[5] = 0;
	expect_failure(&packet, 16 + 49, "status page");
}

static void worker_complains_when_started_by_hand(void **state)
{
	char path[300], text[1024] = "";
	struct stage s;
	FILE *output;

	(void)state;
	stage_begin(&s);
	snprintf(path, sizeof(path), "%s/troupe-worker </dev/null 3</dev/null 2>&1", s.build);
	output = popen(path, "r");
	assert_true(fread(text, 1, sizeof(text) - 1, output) > 0);
	assert_int_equal(WEXITSTATUS(pclose(output)), 2);
	assert_non_null(strstr(text, "not started by trouped"));
	snprintf(path, sizeof(path), "%s/troupe-worker --version", s.build);
	output = popen(path, "r");
	assert_true(fread(text, 1, sizeof(text) - 1, output) > 0);
	assert_int_equal(pclose(output), 0);
	assert_memory_equal(text, "troupe-worker ", 14);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worker_runs_actors_of_a_plugin),
		cmocka_unit_test(worker_forgets_a_unit_but_not_its_actors),
		cmocka_unit_test(worker_says_whose_configuration_it_decodes),
		cmocka_unit_test(worker_takes_and_gives_texts_of_many_bytes),
		cmocka_unit_test(worker_answers_wrong_calls_with_varlink_errors),
		cmocka_unit_test(worker_passes_on_how_calls_end),
		cmocka_unit_test(drained_actor_answers_what_it_has_before_it_ends),
		cmocka_unit_test(drain_ends_with_a_stop_that_does_not_drain),
		cmocka_unit_test(limits_change_under_a_running_actor),
		cmocka_unit_test(worker_streams_until_the_end_or_cancel),
		cmocka_unit_test(worker_holds_streams_back_while_the_master_does_not_read),
		cmocka_unit_test(worker_holds_replies_back_while_the_master_does_not_read),
		cmocka_unit_test(worker_holds_a_stream_back_while_its_client_does_not_read),
		cmocka_unit_test(worker_says_whether_a_send_was_taken),
		cmocka_unit_test(worker_refuses_what_it_cannot_make),
		cmocka_unit_test(worker_tells_of_ends_and_numbers),
		cmocka_unit_test(worker_shuts_down_in_order),
		cmocka_unit_test(worker_ends_when_the_master_has_gone),
		cmocka_unit_test(worker_does_not_mind_signals_to_its_terminal),
		cmocka_unit_test(workers_find_and_call_each_other),
		cmocka_unit_test(workers_forward_calls_to_each_other),
		cmocka_unit_test(worker_gives_pools_turns_beginning_at_home),
		cmocka_unit_test(worker_fails_calls_to_a_worker_that_was_killed),
		cmocka_unit_test(worker_fails_calls_to_a_worker_that_ended_in_order),
		cmocka_unit_test(worker_tells_callers_elsewhere_before_it_shuts_down),
		cmocka_unit_test(workers_lose_no_message_untold_in_a_flood),
		cmocka_unit_test(worker_ends_over_notices_that_make_no_sense),
		cmocka_unit_test(worker_complains_when_started_by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

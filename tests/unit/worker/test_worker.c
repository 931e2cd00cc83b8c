/* test_worker.c - real troupe-worker processes with real plug-ins, led by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "stage.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ECHO "io.troupe.test.echo"
#define SLOW "io.troupe.test.slow"

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
	stage_tell(w, &worker_undefine_method, &(struct worker_undefine){.version = 7});
	assert_string_equal(stage_spawn(w, 7, 1), "no such unit");
	assert_reply(stage_ask(w, echo, ECHO ".Text", "{\"text\":\"x\"}"), NULL,
		     "{\"text\":\"x\"}");
	assert_null(stage_define(w, 7, 1, "echo", ""));
	assert_null(stage_spawn(w, 7, 0));
	stage_tell(w, &worker_stop_method, &(struct worker_stop){.request = 1, .actor = echo});
	assert_reply(stage_ask(w, echo, ECHO ".Text", "{\"text\":\"x\"}"),
		     "io.troupe.Control.NoSuchActor", NULL);
	stage_tell(w, &worker_undefine_method, &(struct worker_undefine){.version = 99});
	stage_end(&s);
}

/* The master reads from the page whose fault it is when that ends the process. It is over
 * quickly: tried until it is seen. */
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
				   .version = unit,
				   .name = "forward",
				   .plugin = 1,
				   .actorType = "forward",
				   .config = config,
				   .stateDirectory = "",
				   .limits = {.mailbox = 1, .mailboxBytes = 1024, .batch = 1}});
		while (w->defineds == before) {
			loop_step(s.loop, false);
			is_seen |= w->page->thread.type_hash == PAGE_DOING_DEFINE &&
				   w->page->thread.version == (uint32_t)unit &&
				   w->page->thread.sequence % 2 == 1;
		}
		assert_null(w->error);
		stage_tell(w, &worker_undefine_method,
			   &(struct worker_undefine){.version = unit});
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
	/* What the master, which scans it, never passes on. */
	reply = stage_ask(w, echo, ECHO ".Text", "{\"text\":");
	assert_reply(reply, "org.varlink.service.InvalidParameter", NULL);
	assert_non_null(strstr(reply->parameters, "{\"parameter\":\"text\",\"reason\":\""));
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
	/* Also one that no errno value has. */
	reply = stage_ask(w, slow, SLOW ".Fail", "{\"code\":-200}");
	assert_reply(reply, "io.troupe.Control.Failed", NULL);
	assert_non_null(strstr(reply->parameters, "\"code\":-200"));
	assert_reply(stage_ask(w, slow, SLOW ".Forget", "{}"), "io.troupe.Control.NoReply",
		     "{}");
	assert_reply(stage_ask(w, slow, SLOW ".Drop", "{}"), "io.troupe.Control.NoReply", "{}");
	/* The master is told of a call that is kept, and keeps its deadline. */
	call = stage_call(w, slow, SLOW ".Never", "{}", 0, 60000);
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
	assert_int_equal(w->cause, TROUPE_CAUSE_SHUTDOWN);
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

/* How many of `n` calls are refused that the worker finds all at once: the first takes so long
 * that the others wait, even if it is not read together with all of them. */
static unsigned count_refused(struct stage_worker *w, struct troupe_address slow)
{
	unsigned refused = 0;
	int64_t calls[8];
	int status;

	kill(w->pid, SIGSTOP);
	assert_int_equal(waitpid(w->pid, &status, WUNTRACED), w->pid);
	assert_true(WIFSTOPPED(status));
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		calls[i] = stage_call(w, slow, SLOW ".Block",
				      i == 0 ? "{\"ms\":200}" : "{\"ms\":0}", 0, 0);
	kill(w->pid, SIGCONT);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
		const struct stage_reply *reply = stage_reply(w, calls[i], 0);

		if (!reply->error)
			continue;
		assert_reply(reply, "io.troupe.Control.Overloaded", "{}");
		refused++;
	}
	return refused;
}

static void limits_change_under_a_running_actor(void **state)
{
	struct worker_redefine redefine = {
		.version = 1, .limits = {.mailbox = 1, .mailboxBytes = 32 << 20, .batch = 1}};
	struct troupe_address slow;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	slow = stage_cast(w, 1, "slow", "slow", "");
	assert_int_equal(count_refused(w, slow), 0);
	stage_tell(w, &worker_redefine_method, &redefine);
	assert_true(count_refused(w, slow) > 0);
	stage_tell(w, &worker_redefine_method, &redefine);
	/* Nobody knows the unit: nothing happens. */
	redefine.version = 9;
	stage_tell(w, &worker_redefine_method, &redefine);
	assert_reply(stage_ask(w, slow, SLOW ".Block", "{\"ms\":0}"), NULL, "{}");
	stage_end(&s);
}

static void redefine_that_makes_no_sense_changes_nothing(void **state)
{
	static const struct worker_redefine wrong[] = {
		{.version = 1ll << 32 | 1,
		 .limits = {.mailbox = 1, .mailboxBytes = 1, .batch = 1}},
		{.version = 1, .limits = {.mailbox = -1, .mailboxBytes = 1, .batch = 1}},
		{.version = 1, .limits = {.mailbox = 1, .mailboxBytes = 1ll << 32, .batch = 1}},
		{.version = 1, .limits = {.mailbox = 1, .mailboxBytes = 1, .batch = 1ll << 32}},
	};
	struct troupe_address slow;
	struct stage_worker *w;
	int64_t calls[3];
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	slow = stage_cast(w, 1, "slow", "slow", "");
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		stage_tell(w, &worker_redefine_method, &wrong[i]);
	/* A mailbox of one would refuse the last. */
	calls[0] = stage_call(w, slow, SLOW ".Block", "{\"ms\":50}", 0, 0);
	calls[1] = stage_call(w, slow, SLOW ".Block", "{\"ms\":0}", 0, 0);
	calls[2] = stage_call(w, slow, SLOW ".Block", "{\"ms\":0}", 0, 0);
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		assert_reply(stage_reply(w, calls[i], 0), NULL, "{}");
	stage_end(&s);
}

static bool complains(struct stage_worker *w, const char *piece)
{
	cleanup_free char *complaints = stage_complaints(w);

	return strstr(complaints, piece) != NULL;
}

/* What cannot be done is logged, and the worker goes on. */
static void worker_logs_notices_that_it_cannot_follow(void **state)
{
	static const char *const lines[] = {
		"no link to worker 0: Invalid argument",
		"no arena of worker 2: ",
		"name : Invalid argument",
		"cannot bind the inbox again: No such file or directory",
	};
	struct troupe_address echo;
	struct stage_worker *w;
	struct stage s;
	char path[128];

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	echo = stage_cast(w, 1, "echo", "echo", "");
	stage_tell(w, &worker_peer_method, &(struct worker_peer){.up = true});
	stage_tell(
		w, &worker_peer_method,
		&(struct worker_peer){.process = {.worker = 2, .incarnation = 1}, .up = true});
	stage_tell(w, &worker_arena_method,
		   &(struct worker_arena){.process = {.worker = 2, .incarnation = 1}});
	stage_name(w, "", &echo, 1);
	snprintf(path, sizeof(path), "%s/w1-1", s.directory);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(s.directory), 0);
	stage_tell(w, &worker_publish_method, "");
	assert_reply(stage_ask(w, echo, ECHO ".Text", "{\"text\":\"a\"}"), NULL,
		     "{\"text\":\"a\"}");
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		if (!complains(w, lines[i]))
			fail_msg("no \"%s\" in: %s", lines[i], stage_complaints(w));
	stage_end(&s);
}

/* Once, in the words of the unit's owner; the budget comes with Start and Reconfigure. */
static void worker_logs_who_holds_its_memory(void **state)
{
	const struct stage_reply *reply;
	struct troupe_address hoard;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	hoard = stage_cast(w, 1, "hoard", "hoard", "");
	stage_tell(w, &worker_reconfigure_method,
		   &(struct worker_reconfigure){.logLevel = 7, .memory = 8 << 20});
	reply = stage_ask(w, hoard, "io.troupe.test.hoard.Fill",
			  "{\"cells\":10,\"texts\":10,\"bytes\":200000}");
	assert_reply(reply, NULL, NULL);
	assert_null(strstr(reply->parameters, "\"refused\":0"));
	stage_until(&s, complains(w, "hoard: its actors hold "));
	assert_true(complains(w, "of the 8 MiB of this worker (WorkerMemory=): messages to "
				 "them are refused"));
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
	assert_int_equal(w->error_code, 0);
	assert_non_null(strstr(stage_load(w, 1, "slow"), "in use"));
	assert_int_equal(w->error_code, -EEXIST);
	assert_null(stage_load(w, 2, "relay"));
	assert_non_null(strstr(stage_define(w, 1, 9, "echo", ""), "not loaded"));
	assert_int_equal(w->error_code, -EAGAIN);
	assert_non_null(strstr(stage_define(w, 1, 1, "nothing", ""), "no actor type nothing"));
	assert_int_equal(w->error_code, -ENOENT);
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

static void worker_reports_ends_and_numbers(void **state)
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
	assert_int_equal(w->cause, TROUPE_CAUSE_SHUTDOWN);
	stage_tell(w, &worker_stop_method, &(struct worker_stop){.request = 1, .actor = echo});
	stage_until(&s, w->stoppeds == 2);
	assert_int_equal(w->endeds, 1);
	stage_tell(w, &worker_describe_method,
		   &(struct worker_describe){.request = 1, .actor = echo});
	stage_until(&s, w->censuses == 4);
	assert_int_equal(w->n_residents, 0);

	stage_ask(w, slow, SLOW ".Quit", "{\"code\":-5}");
	stage_until(&s, w->endeds == 2);
	assert_int_equal(w->cause, TROUPE_CAUSE_FAILED);
	assert_int_equal(w->code, -5);
	assert_null(stage_spawn(w, 2, 0));
	stage_ask(w, w->actor, SLOW ".Quit", "{\"code\":0}");
	stage_until(&s, w->endeds == 3);
	assert_int_equal(w->cause, TROUPE_CAUSE_NORMAL);
	stage_end(&s);
}

/* A socket for a version, whose other end tells whether the worker has it still. */
static int hand_over(struct stage_worker *w, int64_t version, int64_t index)
{
	const struct worker_socket in = {.version = version, .index = index, .name = "web"};
	int ends[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	assert_int_equal(channel_send(w->channel, &worker_socket_method, &in, ends[1]), 0);
	close(ends[1]);
	return ends[0];
}

/* What it was told before that is done. */
static bool is_had(struct stage_worker *w, int end)
{
	char byte;
	ssize_t n;

	assert_non_null(stage_define(w, 1000, 1, "nobody", ""));
	n = recv(end, &byte, 1, 0);
	assert_true(n == 0 || (n < 0 && errno == EAGAIN));
	return n < 0;
}

static void sockets_go_with_a_define_that_fails(void **state)
{
	struct stage s;
	struct stage_worker *w;
	int first, second, other;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	assert_null(stage_load(w, 1, "echo"));
	first = hand_over(w, 7, 0);
	second = hand_over(w, 7, 1);
	other = hand_over(w, 8, 0);
	assert_null(stage_define(w, 8, 1, "echo", ""));
	assert_true(is_had(w, first) && is_had(w, second) && is_had(w, other));
	assert_non_null(stage_define(w, 7, 1, "nobody", ""));
	assert_false(is_had(w, first) || is_had(w, second));
	/* those of others are theirs, until they go themselves */
	assert_true(is_had(w, other));
	stage_tell(w, &worker_undefine_method, &(struct worker_undefine){.version = 8});
	assert_false(is_had(w, other));
	/* nor is a Define that never came a reason to keep them */
	close(first);
	first = hand_over(w, 9, 0);
	assert_true(is_had(w, first));
	stage_tell(w, &worker_undefine_method, &(struct worker_undefine){.version = 9});
	assert_false(is_had(w, first));
	close(first);
	close(second);
	close(other);
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
		cmocka_unit_test(sockets_go_with_a_define_that_fails),
		cmocka_unit_test(redefine_that_makes_no_sense_changes_nothing),
		cmocka_unit_test(worker_logs_notices_that_it_cannot_follow),
		cmocka_unit_test(worker_logs_who_holds_its_memory),
		cmocka_unit_test(worker_says_whether_a_send_was_taken),
		cmocka_unit_test(worker_refuses_what_it_cannot_make),
		cmocka_unit_test(worker_reports_ends_and_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

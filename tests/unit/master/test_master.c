/* test_master.c - a whole master, with the test in its workers' and its clients' place. */
#include "master/master.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/seqpacket.h"
#include "io.troupe.Worker.varlink.h"
#include "master/worker.h"
#include "proto/channel.h"
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>

#include <cmocka.h>

#define CALLS_MAX 16

struct stage {
	char directory[64], config[96], socket[80];
	struct master_options options;
	struct master *master;
	/* The worker of the test: a process that sleeps, and our end of its channel. */
	unsigned n_launched;
	int refuse; /* -errno that launching gives */
	pid_t pid;
	struct channel *worker;
	bool is_closed;
	/* What the master told it */
	unsigned n_started, n_cancelled, n_shutdown, n_calls;
	int64_t calls[CALLS_MAX], cancelled;
	char method[128], parameters[256];
	bool has_page;
	/* A client */
	int client;
	char answer[4096];
	size_t size;
};

/* ---- the worker's side */

static void on_start(void *context, const void *in, int *fd)
{
	struct stage *stage = context;
	const struct worker_start *start = in;

	stage->n_started++;
	stage->has_page = *fd >= 0;
	assert_int_equal(start->worker, 1);
	assert_int_equal(start->incarnation, stage->n_launched + 1); /* one was refused */
	assert_int_equal(channel_send(stage->worker, &worker_ready_method,
				      &(struct worker_ready){0}, -1),
			 0);
}

static void on_call(void *context, const void *in, int *fd)
{
	struct stage *stage = context;
	const struct worker_call *call = in;

	(void)fd;
	stage->calls[stage->n_calls++ % CALLS_MAX] = call->call;
	(void)snprintf(stage->method, sizeof(stage->method), "%s", call->method);
	(void)snprintf(stage->parameters, sizeof(stage->parameters), "%s", call->parameters);
}

static void on_cancel(void *context, const void *in, int *fd)
{
	struct stage *stage = context;

	(void)fd;
	stage->n_cancelled++;
	stage->cancelled = ((const struct worker_cancel *)in)->call;
}

static void on_shutdown(void *context, const void *in, int *fd)
{
	struct stage *stage = context;

	(void)in;
	(void)fd;
	stage->n_shutdown++;
	(void)kill(stage->pid, SIGTERM);
}

static void on_other(void *context, const void *in, int *fd)
{
	(void)context;
	(void)in;
	(void)fd;
}

static const struct channel_handler handlers[] = {
	{&worker_start_method, on_start},    {&worker_call_method, on_call},
	{&worker_cancel_method, on_cancel},  {&worker_shutdown_method, on_shutdown},
	{&worker_peer_method, on_other},     {&worker_name_method, on_other},
	{&worker_describe_method, on_other}, {&worker_inquire_method, on_other},
};

static void on_closed(void *context, int error)
{
	struct stage *stage = context;

	(void)error;
	stage->is_closed = true;
}

static int launch(void *context, struct launched *ret_launched)
{
	struct stage *stage = context;
	struct channel_config config = {
		.handlers = handlers,
		.n_handlers = ARRAY_LEN(handlers),
		.on_closed = on_closed,
		.context = stage,
	};
	int pair[2];
	pid_t pid;

	if (stage->refuse < 0)
		return stage->refuse;
	assert_int_equal(seqpacket_pair(pair), 0);
	pid = fork();
	if (pid == 0) {
		(void)signal(SIGTERM, SIG_DFL);
		(void)close_range(3, ~0u, 0);
		for (;;)
			pause();
	}
	stage->n_launched++;
	stage->pid = pid;
	stage->is_closed = false;
	channel_free(stage->worker);
	config.loop = stage->master->loop;
	config.fd = pair[1];
	assert_int_equal(channel_new(&config, &stage->worker), 0);
	*ret_launched = (struct launched){pid, pidfd_open(pid, 0), pair[0]};
	return 0;
}

static void free_nothing(void *context)
{
	(void)context;
}

static const struct launcher_ops stand_in = {.launch = launch, .free = free_nothing};

/* ---- the stage */

static void wait_until(struct stage *stage, bool (*is_so)(struct stage *stage))
{
	uint64_t end = clock_now_ns() + 20 * CLOCK_SECOND_NS;

	/* The master's timer of a second wakes the loop if nothing else does. */
	while (!is_so(stage)) {
		assert_true(clock_now_ns() < end);
		loop_step(stage->master->loop, true);
	}
}

static bool is_up(struct stage *stage)
{
	return worker_is_up(stage->master->workers[1]);
}

static int raise_stage(void **state)
{
	struct stage *stage = calloc(1, sizeof(*stage));
	struct log log;
	FILE *file;
	int pair[2], sink;

	strcpy(stage->directory, "/tmp/troupe-master-XXXXXX");
	assert_non_null(mkdtemp(stage->directory));
	(void)snprintf(stage->config, sizeof(stage->config), "%s/trouped.conf",
		       stage->directory);
	(void)snprintf(stage->socket, sizeof(stage->socket), "%s/s", stage->directory);
	file = fopen(stage->config, "we");
	assert_non_null(file);
	(void)fprintf(file,
		      "[Daemon]\nWorkers=1\nRuntimeDirectory=%s\nRestartDelay=10ms\n"
		      "StopTimeout=2s\n",
		      stage->directory);
	assert_int_equal(fclose(file), 0);
	stage->options.config = stage->directory;
	stage->options.socket = stage->socket;
	stage->options.launcher = (struct launcher){.ops = &stand_in, .context = stage};
	sink = open("/dev/null", O_WRONLY | O_CLOEXEC);
	log_init(&log, sink, "", LOG_P_ERROR);
	/* The first try must fail, for the master's loop is not ours yet. So the second one is tested too. */
	stage->refuse = -EAGAIN;
	assert_int_equal(master_new(&stage->options, &log, &stage->master), 0);
	stage->refuse = 0;
	assert_int_equal(stage->n_launched, 0);
	wait_until(stage, is_up);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(control_server_adopt(stage->master->server, pair[0]), 0);
	stage->client = pair[1];
	*state = stage;
	return 0;
}

static int strike_stage(void **state)
{
	struct stage *stage = *state;
	int sink = stage->master->log.fd;

	channel_free(stage->worker);
	master_free(stage->master);
	close(sink);
	if (stage->client >= 0)
		close(stage->client);
	(void)unlink(stage->config);
	assert_int_equal(rmdir(stage->directory), 0); /* nothing was left behind */
	free(stage);
	return 0;
}

static void say(struct stage *stage, const char *message)
{
	size_t size = strlen(message) + 1;

	assert_int_equal(send(stage->client, message, size, MSG_NOSIGNAL), (ssize_t)size);
}

static bool has_answer(struct stage *stage)
{
	ssize_t n = recv(stage->client, stage->answer + stage->size,
			 sizeof(stage->answer) - 1 - stage->size, 0);

	if (n > 0)
		stage->size += (size_t)n;
	return memchr(stage->answer, '\0', stage->size) != NULL;
}

/* The next answer; good until the next call. */
static void expect(struct stage *stage, const char *piece)
{
	size_t size;

	wait_until(stage, has_answer);
	if (!strstr(stage->answer, piece))
		print_error("%s\n", stage->answer);
	assert_non_null(strstr(stage->answer, piece));
	size = strlen(stage->answer) + 1;
	memmove(stage->answer, stage->answer + size, stage->size - size);
	stage->size -= size;
}

static bool has_call(struct stage *stage)
{
	return stage->n_calls > 0;
}

static bool has_cancel(struct stage *stage)
{
	return stage->n_cancelled > 0;
}

static bool is_restarted(struct stage *stage)
{
	return stage->n_launched == 2 && is_up(stage);
}

static int64_t wait_call(struct stage *stage)
{
	wait_until(stage, has_call);
	return stage->calls[--stage->n_calls];
}

#define TO_ACTOR(more)                                                                         \
	"{\"method\":\"io.troupe.Control.Call\"," more                                         \
	"\"parameters\":{\"name\":\"0.1.2.5.1\",\"method\":\"a.b.Do\",\"parameters\":{\"x\":"  \
	"1}}}"

static void reply(struct stage *stage, int64_t call, bool continues, const char *error,
		  const char *parameters)
{
	struct worker_reply notice = {call, continues, error, parameters};

	assert_int_equal(channel_send(stage->worker, &worker_reply_method, &notice, -1), 0);
}

/* ---- tests */

static void master_starts_a_worker_again_when_launching_failed(void **state)
{
	struct stage *stage = *state;

	assert_int_equal(stage->n_launched, 1);
	assert_int_equal(stage->n_started, 1);
	assert_true(stage->has_page);
	assert_int_equal(stage->master->workers[1]->incarnation, 2);
}

static void master_passes_calls_and_replies_on_as_text(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	say(stage, TO_ACTOR(""));
	call = wait_call(stage);
	assert_string_equal(stage->method, "a.b.Do");
	assert_string_equal(stage->parameters, "{\"x\":1}");
	reply(stage, call, false, NULL, "{\"y\": [1, 2]}");
	expect(stage, "{\"parameters\":{\"parameters\":{\"y\": [1, 2]}}}");
	say(stage, TO_ACTOR(""));
	reply(stage, wait_call(stage), false, "a.b.Bad", "{\"z\":true}");
	expect(stage, "\"error\":\"a.b.Bad\"");
	assert_int_equal(stage->master->calls.n_open, 0);
	assert_int_equal(stage->master->workers[1]->call_bytes, 0);
}

static void master_ignores_replies_to_calls_that_the_worker_was_not_given(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	say(stage, TO_ACTOR(""));
	call = wait_call(stage);
	reply(stage, call + 1, false, NULL, "{}");
	reply(stage, -1, false, NULL, "{}");
	reply(stage, 0, true, "a.b.Bad", "");
	reply(stage, call, false, NULL, "");
	/* Twice. */
	reply(stage, call, false, NULL, "{}");
	expect(stage, "{\"parameters\":{\"parameters\":{}}}");
	say(stage, TO_ACTOR(""));
	reply(stage, wait_call(stage), false, NULL, "{\"last\":1}");
	expect(stage, "last");
	assert_int_equal(stage->master->calls.strays, 4);
	assert_int_equal(stage->n_launched, 1);
}

static void expect_death_by(struct stage *stage, const char *error, const char *parameters)
{
	say(stage, TO_ACTOR(""));
	reply(stage, wait_call(stage), false, error, parameters);
	expect(stage, "io.troupe.Control.ActorDied");
	wait_until(stage, is_restarted);
}

static void master_ends_a_worker_when_its_reply_is_not_json(void **state)
{
	expect_death_by(*state, NULL, "{\"x\":");
}

static void master_ends_a_worker_when_its_reply_is_not_an_object(void **state)
{
	expect_death_by(*state, NULL, "[1]");
}

static void master_ends_a_worker_when_its_reply_would_end_the_frame_early(void **state)
{
	expect_death_by(*state, NULL, "{}}, {\"x\":1}");
}

static void master_ends_a_worker_when_its_error_has_no_qualified_name(void **state)
{
	expect_death_by(*state, "not \"a\" name", "{}");
}

static void master_ends_a_worker_when_it_is_ready_twice(void **state)
{
	struct stage *stage = *state;

	assert_int_equal(channel_send(stage->worker, &worker_ready_method,
				      &(struct worker_ready){0}, -1),
			 0);
	wait_until(stage, is_restarted);
}

static void master_believes_no_worker_that_speaks_of_what_is_not_its_own(void **state)
{
	struct stage *stage = *state;
	struct worker_ended ended = {.unit = 1, .instance = 7, .actor = {0, 9, 9, 9, 9}};
	struct worker_spawned spawned = {.request = 1, .unit = -1, .instance = -1};
	struct worker_loaded loaded = {.plugin = INT64_MIN};
	struct worker_census census = {.request = INT64_MAX, .next = -1};
	struct channel *channel = stage->worker;

	assert_int_equal(channel_send(channel, &worker_ended_method, &ended, -1), 0);
	assert_int_equal(channel_send(channel, &worker_spawned_method, &spawned, -1), 0);
	assert_int_equal(channel_send(channel, &worker_loaded_method, &loaded, -1), 0);
	assert_int_equal(channel_send(channel, &worker_census_method, &census, -1), 0);
	/* None of which was heeded, or its end. */
	say(stage, TO_ACTOR(""));
	reply(stage, wait_call(stage), false, NULL, "{}");
	expect(stage, "parameters");
	assert_int_equal(stage->n_launched, 1);
	assert_int_equal(stage->master->workers[1]->bad_notices, 2);
}

static void master_answers_calls_at_once_when_their_worker_dies(void **state)
{
	struct stage *stage = *state;
	int64_t last;

	say(stage, TO_ACTOR(""));
	last = wait_call(stage);
	say(stage, TO_ACTOR(""));
	(void)wait_call(stage);
	/* What it said last still counts. */
	reply(stage, last, false, NULL, "{\"just\":\"so\"}");
	assert_int_equal(kill(stage->pid, SIGKILL), 0);
	channel_free(stage->worker);
	stage->worker = NULL;
	expect(stage, "just");
	expect(stage, "io.troupe.Control.ActorDied");
	wait_until(stage, is_restarted);
	/* Its actors are not those of its successor. */
	say(stage, TO_ACTOR(""));
	expect(stage, "io.troupe.Control.NoSuchActor");
}

static void master_cancels_a_call_when_its_client_has_gone(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	say(stage, TO_ACTOR("\"more\":true,"));
	call = wait_call(stage);
	reply(stage, call, true, NULL, "{\"n\":1}");
	expect(stage, "\"continues\":true");
	close(take_fd(&stage->client));
	wait_until(stage, has_cancel);
	assert_int_equal(stage->cancelled, call);
	assert_int_equal(stage->master->calls.n_open, 0);
}

static void master_cancels_a_stream_when_the_client_takes_one_reply_only(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	say(stage, TO_ACTOR(""));
	call = wait_call(stage);
	reply(stage, call, true, NULL, "{\"n\":1}");
	expect(stage, "\"n\":1");
	wait_until(stage, has_cancel);
	assert_int_equal(stage->cancelled, call);
}

/* Send `n` replies of more than a kilobyte each, while the client reads none. */
static void flood(struct stage *stage, int64_t call, unsigned n)
{
	char text[1200];

	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(text, sizeof(text), "{\"n\":%u,\"filling\":\"%01100d\"}", i, 0);
		reply(stage, call, true, NULL, text);
		if (i % 64 == 0)
			loop_step(stage->master->loop, false);
	}
}

/* Read answers up to one with `last` in it; returns how many came before it, which must be numbered. */
static unsigned read_stream(struct stage *stage, const char *last)
{
	char number[32];

	for (unsigned n = 0;; n++) {
		wait_until(stage, has_answer);
		if (strstr(stage->answer, last)) {
			expect(stage, last);
			return n;
		}
		(void)snprintf(number, sizeof(number), "\"n\":%u,", n);
		expect(stage, number);
	}
}

static void master_holds_a_stream_when_its_client_reads_late(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	say(stage, TO_ACTOR("\"more\":true,"));
	call = wait_call(stage);
	flood(stage, call, 5000);
	reply(stage, call, false, "a.b.Enough", "{}");
	assert_int_equal(read_stream(stage, "a.b.Enough"), 5000);
	assert_int_equal(stage->master->held_bytes, 0);
	assert_int_equal(stage->n_cancelled, 0);
}

static void master_ends_a_stream_when_its_client_does_not_read(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	say(stage, TO_ACTOR("\"more\":true,"));
	call = wait_call(stage);
	flood(stage, call, LIMIT_STREAM_HELD / 1024 + 4096);
	wait_until(stage, has_cancel);
	assert_int_equal(stage->cancelled, call);
	assert_true(read_stream(stage, "io.troupe.Control.Overloaded") > 0);
	assert_int_equal(stage->master->held_bytes, 0);
}

static void master_keeps_what_was_held_when_the_worker_dies(void **state)
{
	struct stage *stage = *state;
	int64_t call;

	say(stage, TO_ACTOR("\"more\":true,"));
	call = wait_call(stage);
	flood(stage, call, 3000);
	while (!channel_is_flushed(stage->worker))
		loop_step(stage->master->loop, false);
	assert_int_equal(kill(stage->pid, SIGKILL), 0);
	channel_free(stage->worker);
	stage->worker = NULL;
	assert_int_equal(read_stream(stage, "io.troupe.Control.ActorDied"), 3000);
}

static void master_ends_a_call_when_the_worker_forgets_its_deadline(void **state)
{
	struct stage *stage = *state;

	say(stage,
	    "{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"0.1.2.5.1\","
	    "\"method\":\"a.b.Do\",\"timeoutMs\":1}}");
	(void)wait_call(stage);
	expect(stage, "io.troupe.Control.Timeout");
	assert_int_equal(stage->n_cancelled, 1);
}

static void master_refuses_calls_when_too_much_waits_for_a_worker(void **state)
{
	struct stage *stage = *state;

	stage->master->workers[1]->call_bytes = LIMIT_CLIENT_CALL_BYTES;
	say(stage, TO_ACTOR(""));
	expect(stage, "io.troupe.Control.Overloaded");
	stage->master->workers[1]->call_bytes = 0;
	stage->master->calls.n_open = LIMIT_CLIENT_CALLS;
	say(stage, TO_ACTOR(""));
	expect(stage, "io.troupe.Control.Overloaded");
	stage->master->calls.n_open = 0;
}

static void master_stops_in_order_when_told_to(void **state)
{
	struct stage *stage = *state;

	say(stage, "{\"method\":\"io.troupe.Control.Watch\",\"more\":true}");
	expect(stage, "watching");
	master_stop(stage->master);
	master_run(stage->master);
	assert_int_equal(stage->n_shutdown, 1);
	assert_true(has_answer(stage));
	expect(stage, "stopping");
	assert_int_equal(stage->master->workers[1]->state, WORKER_STOPPED);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, raise_stage, strike_stage)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(master_starts_a_worker_again_when_launching_failed),
		TEST(master_passes_calls_and_replies_on_as_text),
		TEST(master_ignores_replies_to_calls_that_the_worker_was_not_given),
		TEST(master_ends_a_worker_when_its_reply_is_not_json),
		TEST(master_ends_a_worker_when_its_reply_is_not_an_object),
		TEST(master_ends_a_worker_when_its_reply_would_end_the_frame_early),
		TEST(master_ends_a_worker_when_its_error_has_no_qualified_name),
		TEST(master_ends_a_worker_when_it_is_ready_twice),
		TEST(master_believes_no_worker_that_speaks_of_what_is_not_its_own),
		TEST(master_answers_calls_at_once_when_their_worker_dies),
		TEST(master_cancels_a_call_when_its_client_has_gone),
		TEST(master_cancels_a_stream_when_the_client_takes_one_reply_only),
		TEST(master_holds_a_stream_when_its_client_reads_late),
		TEST(master_ends_a_stream_when_its_client_does_not_read),
		TEST(master_keeps_what_was_held_when_the_worker_dies),
		TEST(master_ends_a_call_when_the_worker_forgets_its_deadline),
		TEST(master_refuses_calls_when_too_much_waits_for_a_worker),
		TEST(master_stops_in_order_when_told_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

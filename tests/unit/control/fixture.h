/* fixture.h - a server with a small service, and a client at the other end of a socketpair.
 *
 * The service is made of methods of io.troupe.Control: their types serve, their meaning does
 * not.
 *   Describe(name)  kept open until the test answers it
 *   Actors()        kept open as well; a stream when asked for with more
 *   Start(name)     fails with NoSuchActor
 *   Stop(name)      answered at once; takes CONTROL_MANAGE, audited
 *   Reload()        breaks the type of its reply
 *   Watch()         needs more; kept open
 *   Spawn           declared, not offered
 */
#ifndef TESTS_CONTROL_FIXTURE_H
#define TESTS_CONTROL_FIXTURE_H

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/loop.h"
#include "control/server.h"
#include "io.troupe.Control.varlink.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define OPEN_MAX_CALLS 4096
#define WAIT_NS        (60 * CLOCK_SECOND_NS)

struct fixture {
	struct loop *loop;
	struct control_server *server;
	struct control_config config;
	enum control_level level;
	int client; /* -1: closed */
	/* Calls that wait for the test to answer them; NULL: gone */
	struct control_call *open[OPEN_MAX_CALLS];
	size_t n_open;
	bool ignore_gone; /* do not ask for on_gone */
	unsigned n_gone, n_handled, n_foreign;
	char foreign[512];
	char audit[512];
	char trouble[4096];
	unsigned n_trouble;
	uint64_t left;       /* the connection that closed last */
	uint64_t left_marks; /* its marks */
	unsigned n_left;
	bool drained;
	char reply[1 << 20];
	char *large; /* a reply that does not fit */
};

static void on_gone(struct control_call *call)
{
	struct fixture *fixture = call->user;

	fixture->n_gone++;
	for (size_t i = 0; i < fixture->n_open; i++)
		if (fixture->open[i] == call)
			fixture->open[i] = NULL;
}

static void keep_call(struct fixture *fixture, struct control_call *call)
{
	assert_true(fixture->n_open < OPEN_MAX_CALLS);
	fixture->n_handled++;
	fixture->open[fixture->n_open++] = call;
	call->user = fixture;
	if (!fixture->ignore_gone)
		call->on_gone = on_gone;
}

static void handle_kept(void *context, struct control_call *call, const void *in)
{
	(void)in;
	keep_call(context, call);
}

static void handle_start(void *context, struct control_call *call, const void *in)
{
	const struct api_start *input = in;
	struct fixture *fixture = context;

	fixture->n_handled++;
	control_call_fail(call, &api_no_such_actor_error,
			  &(struct api_no_such_actor){.name = input->name});
}

static void handle_stop(void *context, struct control_call *call, const void *in)
{
	struct fixture *fixture = context;

	(void)in;
	fixture->n_handled++;
	assert_int_equal(
		control_call_reply(call, &api_stop_method, &(struct api_stop_out){0}, false),
		0);
}

static void handle_reload(void *context, struct control_call *call, const void *in)
{
	static const char *const bad[] = {"\xff"};

	((struct fixture *)context)->n_handled++;
	(void)in;
	assert_int_equal(control_call_reply(call, &api_reload_method,
					    &(struct api_reload_out){.started = {bad, 1}},
					    false),
			 -EINVAL);
}

static const struct control_method fixture_methods[] = {
	{&api_describe_method, CONTROL_CALL, .handle = handle_kept},
	{&api_actors_method, CONTROL_CALL, .handle = handle_kept},
	{&api_start_method, CONTROL_CALL, .handle = handle_start},
	{&api_stop_method, CONTROL_MANAGE, .handle = handle_stop},
	{&api_reload_method, CONTROL_OBSERVE, .handle = handle_reload},
	{&api_watch_method, CONTROL_OBSERVE, .handle = handle_kept, .needs_more = true},
	{0},
};

static const struct control_service fixture_service = {&api_interface, fixture_methods};
static const struct control_service *const fixture_services[] = {&fixture_service, NULL};

static enum control_level level_of(void *context, const struct control_peer *peer)
{
	struct fixture *fixture = context;

	assert_int_equal(peer->uid, getuid());
	return fixture->level;
}

static void on_foreign(void *context, struct control_call *call, struct control_name name,
		       struct json_span parameters)
{
	struct fixture *fixture = context;
	const char *method = name.text + name.interface + 1;

	fixture->n_foreign++;
	snprintf(fixture->foreign, sizeof(fixture->foreign), "%.*s|%s|%.*s",
		 (int)name.interface, name.text, method, (int)parameters.size,
		 parameters.at ? parameters.at : "");
	if (strcmp(method, "Keep") == 0)
		keep_call(fixture, call);
	else
		assert_int_equal(control_call_reply_text(call, "{\"n\":1}", 7, false), 0);
}

static void list_interfaces(void *context, void (*add)(void *list, const char *name),
			    void *list)
{
	(void)context;
	add(list, "com.example.foreign");
}

static const char *describe_interface(void *context, const char *name)
{
	(void)context;
	return strcmp(name, "com.example.foreign") == 0 ? "interface com.example.foreign\n"
							: NULL;
}

static void audit(void *context, const struct control_peer *peer, const char *method,
		  const char *target, bool allowed)
{
	struct fixture *fixture = context;

	assert_int_equal(peer->pid, getpid());
	snprintf(fixture->audit, sizeof(fixture->audit), "%s %s %s", method, target,
		 allowed ? "allowed" : "refused");
}

static void on_trouble(void *context, const char *text)
{
	struct fixture *fixture = context;
	size_t used = strlen(fixture->trouble);

	fixture->n_trouble++;
	snprintf(fixture->trouble + used, sizeof(fixture->trouble) - used, "%s\n", text);
}

static void on_left(void *context, uint64_t client, uint64_t marks)
{
	struct fixture *fixture = context;

	fixture->left = client;
	fixture->left_marks = marks;
	fixture->n_left++;
}

static const struct control_ops fixture_ops = {
	.level_of = level_of,
	.on_foreign = on_foreign,
	.list_interfaces = list_interfaces,
	.describe_interface = describe_interface,
	.audit = audit,
	.on_trouble = on_trouble,
	.on_left = on_left,
};

/* Root, as which these tests may run, has two more of all. */
static const struct control_share fixture_shares[] = {
	{{.all = 10, .uid = 3, .kept = 2}, {0}},
	{{.uid = 1}, {.uid = 100}},
};

/* Connect one more client; the descriptor does not block. */
static __attribute__((unused)) int fixture_connect(struct fixture *fixture)
{
	int ends[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
	assert_int_equal(control_server_adopt(fixture->server, ends[1]), 0);
	return ends[0];
}

/* A server with the limits in `config`, and its shares if it has any; the rest of it is filled
 * in. */
static struct fixture *fixture_new(const struct control_config *config)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->config = *config;
	fixture->level = CONTROL_DEPLOY;
	assert_int_equal(loop_new(&fixture->loop), 0);
	fixture->config.loop = fixture->loop;
	fixture->config.services = fixture_services;
	fixture->config.ops = &fixture_ops;
	fixture->config.context = fixture;
	fixture->config.vendor = "Vendor";
	fixture->config.product = "Product";
	fixture->config.version = "1.2";
	if (!fixture->config.shares)
		fixture->config.shares = fixture_shares;
	fixture->config.url = "https://example.org";
	assert_int_equal(control_server_new(&fixture->config, &fixture->server), 0);
	fixture->client = fixture_connect(fixture);
	return fixture;
}

static void fixture_free(struct fixture *fixture)
{
	control_server_free(fixture->server);
	if (fixture->client >= 0)
		close(fixture->client);
	loop_free(fixture->loop);
	free(fixture->large);
	free(fixture);
}

static __attribute__((unused)) void on_look(struct loop_timer *timer)
{
	(void)timer;
}

/* A pass of the loop, which waits for a few ms at most: a condition may come true just before
 * the loop sleeps. */
static __attribute__((unused)) void turn(struct fixture *fixture)
{
	struct loop_timer look;

	loop_timer_init(&look, fixture->loop, on_look);
	loop_timer_start(&look, 5 * CLOCK_MS_NS);
	loop_step(fixture->loop, true);
	loop_timer_stop(&look);
}

/* Pass through the loop until `condition` holds. */
#define wait_until(fixture, condition)                                                         \
	do {                                                                                   \
		uint64_t deadline_ = clock_now_ns() + WAIT_NS;                                 \
		while (!(condition)) {                                                         \
			turn(fixture);                                                         \
			if (clock_now_ns() > deadline_)                                        \
				fail_msg("in vain: %s", #condition);                           \
		}                                                                              \
	} while (0)

/* Some passes, in which nothing is meant to happen. */
static __attribute__((unused)) void settle(struct fixture *fixture)
{
	for (int i = 0; i < 20; i++)
		loop_step(fixture->loop, false);
}

/* Send raw bytes, turning the loop while the socket is full. */
static __attribute__((unused)) void send_raw(struct fixture *fixture, int fd, const void *data,
					     size_t size)
{
	const char *at = data;
	uint64_t deadline = clock_now_ns() + WAIT_NS;

	while (size > 0) {
		ssize_t n = send(fd, at, size, MSG_NOSIGNAL);

		if (n < 0) {
			assert_int_equal(errno, EAGAIN);
			assert_true(clock_now_ns() < deadline);
			loop_step(fixture->loop, false);
			continue;
		}
		at += n;
		size -= (size_t)n;
	}
}

/* Send a frame: the text and its NUL. */
static __attribute__((unused)) void send_frame(struct fixture *fixture, const char *text)
{
	send_raw(fixture, fixture->client, text, strlen(text) + 1);
}

/* The next frame that arrives at `fd`, borrowed until the next; NULL: the end of the stream. */
static const char *next_frame_at(struct fixture *fixture, int fd)
{
	size_t used = 0;
	uint64_t deadline = clock_now_ns() + WAIT_NS;

	for (;;) {
		char *at = fixture->reply + used, *end;
		ssize_t n = recv(fd, at, sizeof(fixture->reply) - used, MSG_PEEK);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return NULL;
		if (n < 0) {
			loop_step(fixture->loop, false);
			if (clock_now_ns() > deadline)
				fail_msg("no reply");
			continue;
		}
		/* What is behind the frame stays in the socket. */
		end = memchr(at, '\0', (size_t)n);
		used += end ? (size_t)(end - at) + 1 : (size_t)n;
		assert_int_equal(recv(fd, at, (size_t)(fixture->reply + used - at), 0),
				 fixture->reply + used - at);
		if (end)
			return fixture->reply;
		assert_true(used < sizeof(fixture->reply));
	}
}

static __attribute__((unused)) const char *next_frame(struct fixture *fixture)
{
	return next_frame_at(fixture, fixture->client);
}

/* That nothing arrives, in some passes. */
static __attribute__((unused)) void expect_silence(struct fixture *fixture)
{
	char byte;

	settle(fixture);
	assert_int_equal(recv(fixture->client, &byte, 1, MSG_PEEK), -1);
	assert_int_equal(errno, EAGAIN);
}

#define expect_frame(fixture, text)                                                            \
	do {                                                                                   \
		const char *frame_ = next_frame(fixture);                                      \
		assert_non_null(frame_);                                                       \
		assert_string_equal(frame_, text);                                             \
	} while (0)

#define EMPTY_ACTORS "{\"parameters\":{\"actors\":[],\"silent\":[]}}"

/* Answer an open call of Actors. */
static __attribute__((unused)) int answer_actors(struct fixture *fixture, size_t i,
						 bool continues)
{
	struct control_call *call = fixture->open[i];

	assert_non_null(call);
	if (!continues)
		fixture->open[i] = NULL;
	return control_call_reply(call, &api_actors_method, &(struct api_actors_out){0},
				  continues);
}

/* Answer an open call with text that can be told from others. */
static __attribute__((unused)) void answer_number(struct fixture *fixture, size_t i, int number)
{
	struct control_call *call = fixture->open[i];
	char text[64];
	int size = snprintf(text, sizeof(text), "{\"n\":%d}", number);

	assert_non_null(call);
	fixture->open[i] = NULL;
	assert_int_equal(control_call_reply_text(call, text, (size_t)size, false), 0);
}

#endif

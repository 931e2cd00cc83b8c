/* test_control_failpoints.c - each allocation and each descriptor of control/ fails once, while
 * clients call.
 *
 * A client's calls are answered in their order, until its connection is closed for want of
 * something, which is reported. The server takes the next client.
 */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/loop.h"
#include "control/server.h"
#include "io.troupe.Control.varlink.h"
#include "tests/failpoints/sweep.h"
#include <errno.h>
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

#define LARGE 300000

struct stage {
	struct loop *loop;
	struct control_server *server;
	struct control_call *kept[8];
	unsigned n_kept, troubles;
	bool has_failed; /* some answer was refused, for want of memory */
	char *large;
};

/* ---- the service */

static void note(struct stage *stage, int r)
{
	if (r < 0) {
		assert_int_equal(r, -ENOMEM);
		stage->has_failed = true;
	}
}

static void on_gone(struct control_call *call)
{
	struct stage *stage = call->user;

	for (unsigned i = 0; i < stage->n_kept; i++)
		if (stage->kept[i] == call)
			stage->kept[i] = NULL;
}

static void handle_describe(void *context, struct control_call *call, const void *in)
{
	struct stage *stage = context;

	(void)in;
	call->user = stage;
	call->on_gone = on_gone;
	stage->kept[stage->n_kept++] = call;
}

static void handle_stop(void *context, struct control_call *call, const void *in)
{
	(void)in;
	note(context,
	     control_call_reply(call, &api_stop_method, &(struct api_stop_out){0}, false));
}

static void handle_start(void *context, struct control_call *call, const void *in)
{
	(void)context;
	control_call_fail(
		call, &api_no_such_actor_error,
		&(struct api_no_such_actor){.name = ((const struct api_start *)in)->name});
}

static void handle_watch(void *context, struct control_call *call, const void *in)
{
	struct stage *stage = context;
	int r = 0;

	(void)in;
	for (int i = 0; i < 3 && r == 0; i++)
		r = control_call_reply(
			call, &api_watch_method,
			&(struct api_watch_out){.event = API_WATCH_OUT_EVENT_RELOADED,
						.text = stage->large},
			i < 2);
	note(stage, r);
	if (r < 0)
		control_call_permission_denied(call);
}

static const struct control_method methods[] = {
	{&api_describe_method, CONTROL_CALL, .handle = handle_describe},
	{&api_start_method, CONTROL_CALL, .handle = handle_start},
	{&api_stop_method, CONTROL_MANAGE, .handle = handle_stop},
	{&api_watch_method, CONTROL_OBSERVE, .handle = handle_watch, .needs_more = true},
	{0},
};
static const struct control_service service = {&api_interface, methods};
static const struct control_service *const services[] = {&service, NULL};

static enum control_level level_of(void *context, const struct control_peer *peer)
{
	(void)context, (void)peer;
	return CONTROL_DEPLOY;
}

static void on_foreign(void *context, struct control_call *call, struct control_name name,
		       struct json_span parameters)
{
	(void)name, (void)parameters;
	note(context, control_call_reply_text(call, "{\"n\":1}", 7, false));
}

static void list_interfaces(void *context, void (*add)(void *list, const char *name),
			    void *list)
{
	(void)context;
	add(list, "com.example.foreign");
}

static void on_trouble(void *context, const char *text)
{
	(void)text;
	((struct stage *)context)->troubles++;
}

static const struct control_ops ops = {.level_of = level_of,
				       .on_foreign = on_foreign,
				       .list_interfaces = list_interfaces,
				       .on_trouble = on_trouble};

/* ---- a client */

static void run(struct stage *stage)
{
	for (int i = 0; i < 30; i++)
		loop_step(stage->loop, false);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Answers that came; -1: the connection is closed. */
static int read_answers(struct stage *stage, int fd, char *text, size_t size)
{
	size_t used = 0;
	int answers = 0;

	for (;;) {
		ssize_t n = recv(fd, text + used, size - 1 - used, MSG_DONTWAIT);

		if (n > 0) {
			used += (size_t)n;
			run(stage);
			continue;
		}
		if (n == 0 || errno != EAGAIN)
			answers = -1;
		break;
	}
	if (answers == 0)
		for (size_t i = 0; i < used; i++)
			answers += text[i] == '\0';
	text[used] = '\0';
	return answers;
}

static const char *const calls[] = {
	"{\"method\":\"org.varlink.service.GetInfo\"}",
	("{\"method\":\"org.varlink.service.GetInterfaceDescription\",\"parameters\":{"
	 "\"interface\":\"io.troupe.Control\"}}"),
	"{\"method\":\"io.troupe.Control.Describe\",\"parameters\":{\"name\":\"a\"}}",
	"{\"method\":\"io.troupe.Control.Describe\",\"parameters\":{\"name\":\"b\"}}",
	"{\"method\":\"io.troupe.Control.Start\",\"parameters\":{\"name\":\"a\"}}",
	"{\"method\":\"io.troupe.Control.Stop\",\"parameters\":{\"name\":\"a\"}}",
	"{\"method\":\"com.example.foreign.Do\",\"parameters\":{\"x\":[1,2]}}",
	"{\"method\":\"io.troupe.Control.Stop\",\"parameters\":{\"name\":5}}",
	"{\"method\":\"io.troupe.Control.Watch\",\"more\":true}",
	"{\"method\":\"io.troupe.Control.Nothing\"}",
};

/* All calls at once; the kept ones are answered last to first. 0: each as it should be. */
static int call_all(struct stage *stage, const char *path)
{
	static char text[4 << 20];
	unsigned before = stage->troubles;
	int fd = connect_to(path), answers, refused = 0;

	stage->n_kept = 0;
	stage->has_failed = false;
	for (size_t i = 0; i < ARRAY_LEN(calls); i++)
		assert_int_equal(send(fd, calls[i], strlen(calls[i]) + 1, MSG_NOSIGNAL),
				 strlen(calls[i]) + 1);
	run(stage);
	for (unsigned i = stage->n_kept; i-- > 0;) {
		struct control_call *call = stage->kept[i];

		stage->kept[i] = NULL;
		if (call) {
			char reply[32];
			int size = snprintf(reply, sizeof(reply), "{\"number\":%u}", i);

			note(stage, control_call_reply_text(call, reply, (size_t)size, false));
		}
		run(stage);
	}
	run(stage);
	answers = read_answers(stage, fd, text, sizeof(text));
	close(fd);
	run(stage);
	if (stage->troubles > before || stage->has_failed)
		return -ENOMEM;
	/* One of them is. */
	for (size_t at = 0, i = 0; answers > 0 && i < (size_t)answers;
	     i++, at += strlen(text + at) + 1)
		refused += strstr(text + at, "InvalidParameter") != NULL;
	assert_true(refused <= 1);
	/* Or an answer says that there was no memory for it. */
	for (size_t at = 0, i = 0; answers > 0 && i < (size_t)answers;
	     i++, at += strlen(text + at) + 1)
		if (strstr(text + at, "no memory") || strstr(text + at, "InvalidParameter\"}"))
			return -ENOMEM;
	assert_int_equal(answers, ARRAY_LEN(calls) + 2);
	return 0;
}

/* What could not be accepted is, in a moment: then a client behind it is answered. */
static void wait_for_answer(struct stage *stage, const char *path)
{
	uint64_t until = clock_now_ns() + 60 * CLOCK_SECOND_NS;
	int fd = connect_to(path);
	char byte;

	assert_int_equal(send(fd, calls[0], strlen(calls[0]) + 1, MSG_NOSIGNAL),
			 strlen(calls[0]) + 1);
	while (recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0) {
		assert_true(clock_now_ns() < until);
		run(stage);
	}
	close(fd);
	run(stage);
}

static int serve(void *data)
{
	const struct control_config config = {.services = services,
					      .ops = &ops,
					      .vendor = "V",
					      .product = "P",
					      .version = "1",
					      .url = "u"};
	struct stage stage = {.large = data};
	struct control_config own = config;
	struct control_place place;
	char path[64];
	int fd, r;

	sweep_calm();
	snprintf(path, sizeof(path), "/tmp/troupe-failpoints-%d", (int)getpid());
	assert_int_equal(loop_new(&stage.loop), 0);
	own.loop = stage.loop;
	own.context = &stage;
	sweep_go_on();
	r = control_server_new(&own, &stage.server);
	if (r == 0) {
		r = control_listen(path, &fd, &place);
		if (r == 0)
			r = control_server_listen(stage.server, fd, false);
		if (r == 0) {
			r = call_all(&stage, path);
			sweep_calm();
			wait_for_answer(&stage, path);
			assert_int_equal(call_all(&stage, path), 0);
		}
		sweep_calm();
		if (access(path, F_OK) == 0)
			control_unlink(path, &place);
	}
	sweep_calm();
	control_server_free(stage.server);
	loop_free(stage.loop);
	(void)unlink(path);
	snprintf(path, sizeof(path), "/tmp/troupe-failpoints-%d.lock", (int)getpid());
	(void)unlink(path);
	return r;
}

static void clients_are_answered_or_let_go(void **state)
{
	char *large = malloc(LARGE + 1);

	(void)state;
	memset(large, 'x', LARGE);
	large[LARGE] = '\0';
	sweep(serve, large);
	free(large);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_are_answered_or_let_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_sim_http_server_failpoints.c - each allocation, each record, each descriptor, each call
 * of the system and of libmicrohttpd fails once, while actors/http-server serves files, calls
 * and streams.
 *
 * However it fails: it costs at most so many requests their answer as calls have failed, and
 * each of those has an error, or its connection's end. All others are answered, the next ones
 * too, and nothing is left when the actor ends.
 */
#include "base/cleanup.h"
#include "plugin_stage.h"
#include "tests/failpoints/failpoint.h"
#include "tests/failpoints/sweep.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define ANSWER      65536
#define LARGE       20000 /* more than is sent in one piece */
#define MESSAGE     "{\"method\":\"test.puppet.Num\",\"parameters\":{\"n\":4}}"
#define CLOSE_FRAME "\x88\x02\x03\xea"
#define PATIENCE_NS (5 * TROUPE_SECOND_NS)

TROUPE_ACTOR_DECLARE(httpserver);

struct site {
	struct plugin_stage stage;
	int stays; /* a connection for several requests; -1: closed */
	unsigned lost;
	char answer[ANSWER];
	size_t size;
	char path[100];
};

static char directory[] = "/tmp/troupe-http-failpoints-XXXXXX";

/* What is asked for, and what has to be in the answer, in its end. */
static const struct {
	const char *request, *status, *end;
	const char *then; /* the text of a frame that is sent after that */
} asks[] = {
	{"GET /small HTTP/1.1\r\nHost: a\r\n\r\n", "200", "small", NULL},
	{"GET /large HTTP/1.1\r\nHost: a\r\nRange: bytes=1-\r\n\r\n", "206", "xxxx.", NULL},
	{"GET /none HTTP/1.1\r\nHost: a\r\n\r\n", "404", "}", NULL},
	{"POST /test.puppet.Num HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	 "Content-Length: 7\r\n\r\n{\"n\":4}",
	 "200", "{\"n\":4}", NULL},
	{"POST /test.puppet.Num HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	 "Content-Length: 7\r\n\r\n{\"n\":3}",
	 "422", "}}", NULL},
	{"POST /test.puppet.Num?more HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
	 "Content-Length: 7\r\n\r\n{\"n\":5}",
	 "200", "event: end\ndata: {}\n\n\r\n0\r\n\r\n", NULL},
	{"OPTIONS /test.puppet.Num HTTP/1.1\r\nHost: a\r\n\r\n", "204", "\r\n\r\n", NULL},
	{"DELETE /small HTTP/1.1\r\nHost: a\r\n\r\n", "405", "}", NULL},
	{"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
	 "101", "{\"n\":4}}", MESSAGE},
};

#define SMALL  0
#define STREAM 5
#define LAST   (ARRAY_LEN(asks) - 1)

static int answers(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	int rc = 0;

	(void)me;
	if (n == 3)
		return troupe_fail(self, call, &bad_error, &(struct text){"bad"});
	for (int64_t i = 0; i < n && rc == 0 && troupe_call_wants_more(self, call); i++)
		rc = troupe_reply(self, call, &num_method, &(struct num){i});
	return rc < 0 ? rc : troupe_return(self, call, &num_method, &(struct num){n});
}

/* Whether there is something to hear, or it has ended. */
static bool hear(struct site *site, int fd, bool *ret_has_ended)
{
	ssize_t n = recv(fd, site->answer + site->size, ANSWER - 1 - site->size, 0);

	*ret_has_ended = n == 0 || (n < 0 && errno != EAGAIN);
	site->size += n > 0 ? (size_t)n : 0;
	site->answer[site->size] = '\0';
	return n >= 0 || errno != EAGAIN;
}

static bool ends_with(const struct site *site, const char *text)
{
	const size_t size = strlen(text);

	return site->size >= size && memcmp(site->answer + site->size - size, text, size) == 0;
}

static bool has_status(const struct site *site, const char *status)
{
	return site->size > 12 && strncmp(site->answer + 9, status, 3) == 0;
}

/* An error, where that was not asked for. */
static bool is_refused(const struct site *site, unsigned which)
{
	if (strstr(site->answer, "event: error\n"))
		return ends_with(site, "\r\n0\r\n\r\n");
	if (asks[which].then && ends_with(site, CLOSE_FRAME))
		return true;
	return site->size > 12 && ends_with(site, "}") &&
	       (asks[which].then || !has_status(site, asks[which].status));
}

/* Masked, as a client's have to be. */
static void send_frame(int fd, const char *text)
{
	char frame[128] = {(char)0x81, (char)(0x80 | strlen(text)), 1, 1, 1, 1};
	size_t size = 6;

	for (; *text; text++)
		frame[size++] = *text ^ 1;
	(void)send(fd, frame, size, MSG_NOSIGNAL);
}

/* Send what comes next, when it is time for it. */
static void go_on(const struct site *site, int fd, unsigned which, const char **then)
{
	if (!*then || !has_status(site, asks[which].status))
		return;
	send_frame(fd, *then);
	*then = NULL;
}

/* Whether it was answered as it should be. If not, it got an error or its connection's end,
 * and is counted. */
static bool ask(struct site *site, int fd, unsigned which, bool *ret_has_ended)
{
	const char *request = asks[which].request, *then = asks[which].then;
	uint64_t waited = 0;

	site->size = 0;
	site->answer[0] = '\0';
	*ret_has_ended = send(fd, request, strlen(request), MSG_NOSIGNAL) < 0;
	while (!*ret_has_ended) {
		plugin_stage_run(&site->stage, 0);
		if (!hear(site, fd, ret_has_ended)) {
			plugin_stage_run(&site->stage, TROUPE_SECOND_NS);
			waited += TROUPE_SECOND_NS;
		}
		if (has_status(site, asks[which].status) && ends_with(site, asks[which].end))
			return true;
		if (is_refused(site, which))
			break;
		go_on(site, fd, which, &then);
		if (waited > PATIENCE_NS)
			fail_msg("request %u is not answered: %s", which, site->answer);
	}
	site->lost++;
	return false;
}

static int connect_to(struct site *site)
{
	int fd = plugin_stage_connect(site->path);

	plugin_stage_run(&site->stage, 0);
	return fd;
}

/* On the connection that stays, where there is one. */
static void ask_there(struct site *site, unsigned which)
{
	bool has_ended;

	if (site->stays < 0)
		site->stays = connect_to(site);
	ask(site, site->stays, which, &has_ended);
	if (has_ended || asks[which].then || strstr(site->answer, "onnection: close")) {
		close(site->stays);
		site->stays = -1;
	}
}

static void ask_alone(struct site *site, unsigned which)
{
	bool has_ended;
	int fd = connect_to(site);

	ask(site, fd, which, &has_ended);
	close(fd);
	plugin_stage_run(&site->stage, 0);
}

static void ask_all(struct site *site)
{
	for (unsigned i = 0; i < ARRAY_LEN(asks); i++)
		ask_there(site, i);
	ask_alone(site, SMALL);
	ask_alone(site, STREAM);
}

/* There is room for one: the other one waits until that one has gone, idle as it is. */
static void take_turns(struct site *site)
{
	int idle = connect_to(site);

	ask_alone(site, SMALL);
	close(idle);
	ask_alone(site, SMALL);
}

/* An actor that cannot begin says why, and the next one can. */
static void begin(struct site *site)
{
	int rc = plugin_stage_spawn(&site->stage);

	plugin_stage_run(&site->stage, 0);
	if (rc == 0)
		return;
	sweep_calm();
	assert_true(failpoint_failed() > 0);
	assert_int_equal(plugin_stage_spawn(&site->stage), 0);
	plugin_stage_run(&site->stage, 0);
}

static void see_that_it_goes_on(struct site *site)
{
	const unsigned lost = site->lost;
	const char *status;

	plugin_stage_run(&site->stage, 5 * TROUPE_SECOND_NS);
	ask_alone(site, SMALL);
	ask_alone(site, LAST);
	ask_there(site, STREAM);
	assert_int_equal(site->lost, lost);
	if (site->stays >= 0)
		close(site->stays);
	plugin_stage_run(&site->stage, 200 * TROUPE_SECOND_NS);
	status = plugin_stage_ask(&site->stage, "io.troupe.httpserver", "Status");
	assert_int_equal(plugin_stage_number(status, "connections"), 0);
	assert_int_equal(plugin_stage_number(status, "calls"), 0);
	assert_int_equal(plugin_stage_number(status, "streams"), 0);
}

static int serve(void *data)
{
	const bool is_crowded = data;
	static struct site site;
	char config[400];

	sweep_calm();
	memset(&site, 0, sizeof(site));
	site.stays = -1;
	snprintf(site.path, sizeof(site.path), "%s.socket", directory);
	snprintf(
		config, sizeof(config),
		"{\"listen\":[\"unix:%s\"],\"httpMethods\":[\"test.puppet.*\"],\"root\":\"%s\","
		"\"webSocket\":\"/ws\",\"accessLog\":true,\"connections\":%d,"
		"\"headerTimeoutMs\":1000}",
		site.path, directory, is_crowded ? 1 : 100);
	plugin_stage_prepare(&site.stage, TROUPE_ACTOR_TABLE(httpserver), config);
	site.stage.world.hooks.num = answers;
	sweep_go_on();
	begin(&site);
	(is_crowded ? take_turns : ask_all)(&site);
	sweep_calm();
	see_that_it_goes_on(&site);
	if (site.lost > failpoint_failed())
		failpoint_print();
	assert_true(site.lost <= failpoint_failed());
	plugin_stage_stop(&site.stage);
	plugin_stage_end(&site.stage);
	return 0;
}

static void write_file(const char *name, size_t size, const char *end)
{
	char path[100], bytes[LARGE];
	int fd;

	memset(bytes, 'x', sizeof(bytes));
	memcpy(bytes + size - strlen(end), end, strlen(end));
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static int make_files(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN); /* as in a worker */
	assert_non_null(mkdtemp(directory));
	write_file("small", 5, "small");
	write_file("large", LARGE, ".");
	return 0;
}

static int remove_files(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command);
}

static void failure_costs_no_other_request(void **state)
{
	(void)state;
	sweep(serve, NULL);
}

static void failure_leaves_no_door_shut(void **state)
{
	bool is_crowded = true;

	(void)state;
	sweep(serve, &is_crowded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failure_costs_no_other_request),
		cmocka_unit_test(failure_leaves_no_door_shut),
	};

	return cmocka_run_group_tests(tests, make_files, remove_files);
}

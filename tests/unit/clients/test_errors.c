/* test_errors.c - what more than one part of the master answers: that there is too much under
 * way. */
#include "tests/unit/sim/stage.h"

#include "base/limits.h"
#include "units/unit.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define MOST    LIMIT_CHANGES_UID
#define CLIENTS (MOST / LIMIT_PIPELINED)
#define START   "{\"method\":\"io.troupe.Control.Start\",\"parameters\":{\"name\":\"one\"}}"
#define FOR(verb)                                                                              \
	"{\"method\":\"io.troupe.Control." verb "\",\"parameters\":{\"name\":\"two\"}}"

static unsigned count_answers(int fd)
{
	char text[65536];
	unsigned n = 0;
	ssize_t size;

	while ((size = recv(fd, text, sizeof(text), 0)) > 0)
		for (ssize_t i = 0; i < size; i++)
			n += text[i] == '\0';
	return n;
}

static void changes_beyond_the_limit_are_refused_before_anything_changes(void **state)
{
	struct stage *stage = *state;
	int clients[CLIENTS];
	unsigned n = 0;
	char text[1024];

	for (unsigned i = 0; i < CLIENTS; i++) {
		int pair[2];

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
					    0, pair),
				 0);
		assert_int_equal(control_server_adopt(stage->master->server, pair[0]), 0);
		clients[i] = pair[1];
		for (unsigned j = 0; j < LIMIT_PIPELINED && n < MOST; j++, n++)
			assert_int_equal(send(clients[i], START, sizeof(START), MSG_NOSIGNAL),
					 (ssize_t)sizeof(START));
	}
	stage_idle(stage);
	assert_int_equal(stage_use(stage, SHARE_CHANGES)->calls, MOST);
	stage_say(stage, FOR("Start"));
	stage_expect(stage, "io.troupe.Control.Overloaded");
	stage_say(stage, FOR("Restart"));
	stage_expect(stage, "io.troupe.Control.Overloaded");
	stage_say(stage, FOR("Stop"));
	stage_expect(stage, "io.troupe.Control.Overloaded");
	stage_say(stage, "{\"method\":\"io.troupe.Control.Reload\"}");
	stage_expect(stage, "io.troupe.Control.Overloaded");
	(void)snprintf(text, sizeof(text),
		       "{\"method\":\"io.troupe.Control.Spawn\",\"parameters\":{"
		       "\"name\":\"new\",\"plugin\":\"%s\"}}",
		       unit_find(stage->master, "one")->file.plugin);
	stage_say(stage, text);
	stage_expect(stage, "io.troupe.Control.Overloaded");
	assert_null(unit_find(stage->master, "new"));
	assert_int_equal(unit_state(unit_find(stage->master, "two")), API_STATE_STARTING);
	assert_int_equal(stage->workers[2]->n_stops, 0);
	/* Those that were under way come to their end, and make room. */
	stage_spawned(stage->workers[1], NULL);
	stage_spawned(stage->workers[2], NULL);
	for (unsigned i = 0; i < 100 && n > 0; i++) {
		stage_idle(stage);
		for (unsigned j = 0; j < CLIENTS; j++)
			n -= count_answers(clients[j]);
	}
	assert_int_equal(n, 0);
	assert_int_equal(stage_use(stage, SHARE_CHANGES)->calls, 0);
	stage_say(stage, FOR("Start"));
	stage_expect(stage, "\"state\":\"running\"");
	for (unsigned i = 0; i < CLIENTS; i++)
		close(clients[i]);
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_slowly, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(changes_beyond_the_limit_are_refused_before_anything_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_programs.c - child processes of an actor in a real worker: how they end with it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/page.h"
#include "stage.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAMS   "io.troupe.test.programs"
#define IN_TIME_MS 60000

static struct stage_worker *begin(struct stage *s, struct troupe_address *ret_actor)
{
	struct stage_worker *w;

	stage_begin(s);
	w = stage_start(s, 1);
	*ret_actor = stage_cast(w, 7, "programs", "programs", "");
	return w;
}

static pid_t start(struct stage_worker *w, struct troupe_address actor, const char *script)
{
	const struct stage_reply *reply;
	char parameters[256];
	long pid = 0;

	snprintf(parameters, sizeof(parameters), "{\"script\":\"%s\"}", script);
	reply = stage_ask(w, actor, PROGRAMS ".Start", parameters);
	assert_null(reply->error);
	assert_int_equal(sscanf(reply->parameters, "{\"pid\":%ld}", &pid), 1);
	return (pid_t)pid;
}

/* A descriptor that is ready when it is dead. */
static int start_lasting(struct stage_worker *w, struct troupe_address actor,
			 const char *script)
{
	int pidfd = pidfd_open(start(w, actor, script), 0);

	assert_true(pidfd >= 0);
	return pidfd;
}

static bool has_said(struct stage_worker *w, const char *word)
{
	cleanup_free char *complaints = stage_complaints(w);

	return strstr(complaints, word) != NULL;
}

static void assert_dead(int pidfd, int in_ms)
{
	struct pollfd look = {.fd = pidfd, .events = POLLIN};

	assert_int_equal(poll(&look, 1, in_ms), 1);
	close(pidfd);
}

static void child_is_waited_for(void **state)
{
	struct troupe_address actor;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	w = begin(&s, &actor);
	(void)start(w, actor, "exit 3");
	assert_reply(stage_ask(w, actor, PROGRAMS ".Wait", "{}"), NULL, "{\"status\":3}");
	(void)start(w, actor, "kill -9 $$");
	assert_reply(stage_ask(w, actor, PROGRAMS ".Wait", "{}"), NULL, "{\"status\":-9}");
	stage_end(&s);
}

/* However it dies. */
static void children_die_with_their_worker(void **state)
{
	static const int signals[] = {SIGKILL, SIGSEGV};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		struct troupe_address actor;
		struct stage_worker *w;
		struct stage s;
		int pidfd;

		w = begin(&s, &actor);
		pidfd = start_lasting(w, actor, "trap '' TERM HUP INT; exec sleep 1000");
		assert_int_equal(kill(w->pid, signals[i]), 0);
		(void)stage_wait_dead(w);
		assert_dead(pidfd, IN_TIME_MS);
		stage_end(&s);
	}
}

static void shutdown_waits_for_children_that_tidy_up(void **state)
{
	cleanup_free char *complaints = NULL;
	struct troupe_address actor;
	struct stage_worker *w;
	struct stage s;
	int pidfd;

	(void)state;
	w = begin(&s, &actor);
	pidfd = start_lasting(w, actor,
			      "trap 'sleep 0.2; echo tidied >&2; exit' TERM; echo trapped >&2; "
			      "while :; do sleep 0.01; done");
	stage_until(&s, has_said(w, "trapped"));
	stage_tell(w, &worker_shutdown_method, "");
	assert_int_equal(stage_wait_dead(w), 0);
	assert_dead(pidfd, 0); /* by then */
	assert_int_equal(w->finisheds, 1);
	complaints = stage_complaints(w);
	assert_non_null(strstr(complaints, "tidied"));
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_is_waited_for),
		cmocka_unit_test(children_die_with_their_worker),
		cmocka_unit_test(shutdown_waits_for_children_that_tidy_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_tasks.c - tasks of a plug-in in a real worker: in C and C++, when they use up their
 * stacks, and when the worker is shut down. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/page.h"
#include "stage.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#define TASKS "io.troupe.test.tasks"

static struct stage_worker *begin(struct stage *s, struct troupe_address *ret_actor)
{
	struct stage_worker *w;

	stage_begin(s);
	w = stage_start(s, 1);
	*ret_actor = stage_cast(w, 7, "tasks", "tasks", "");
	return w;
}

static void ask(struct stage_worker *w, struct troupe_address actor, const char *method,
		const char *parameters, const char *answer)
{
	char qualified[64];

	snprintf(qualified, sizeof(qualified), TASKS ".%s", method);
	assert_reply(stage_ask(w, actor, qualified, parameters), NULL, answer);
}

/* Trap 25: 40 KiB at once are no overflow. */
static void tasks_wait_add_and_use_their_stacks(void **state)
{
	struct troupe_address actor;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	w = begin(&s, &actor);
	ask(w, actor, "Nap", "{\"ms\":1}", "{}");
	ask(w, actor, "Sum", "{\"tasks\":900,\"ms\":1}", "{\"sum\":900}");
	ask(w, actor, "Large", "", "{\"sum\":20480}");
	/* one more than Tasks= allows: it gives up, and those that have begun are cancelled */
	assert_reply(stage_ask(w, actor, TASKS ".Sum", "{\"tasks\":1000,\"ms\":3600000}"),
		     "io.troupe.Control.Failed", NULL);
	stage_end(&s);
}

/* The naps come behind it, although they were asked for when it had just begun to wait. */
static void nothing_is_handled_beside_one_that_is_alone(void **state)
{
	struct troupe_address actor;
	struct stage_worker *w;
	int64_t quiet, nap;
	struct stage s;

	(void)state;
	w = begin(&s, &actor);
	quiet = stage_call(w, actor, TASKS ".Quiet", "{\"ms\":50}", 0, 0);
	nap = stage_call(w, actor, TASKS ".Nap", "{\"ms\":0}", 0, 0);
	assert_reply(stage_reply(w, quiet, 0), NULL, "{\"naps\":0}");
	assert_reply(stage_reply(w, nap, 0), NULL, "{}");
	stage_end(&s);
}

/* Trap 25. */
static void exceptions_of_two_tasks_do_not_mix(void **state)
{
	struct troupe_address actor;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	w = begin(&s, &actor);
	ask(w, actor, "Throw", "", "{\"caught\":6}");
	stage_end(&s);
}

/* Trap 25: it is seen, and said whose it is. */
static void stack_overflow_names_its_task(void **state)
{
	cleanup_free char *complaints = NULL;
	const struct page_crash *record;
	struct troupe_address actor;
	struct stage_worker *w;
	struct stage s;
	int status;

	(void)state;
	w = begin(&s, &actor);
	record = &w->page->crash;
	stage_call(w, actor, TASKS ".Overflow", "", 0, 0);
	status = stage_wait_dead(w);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
	assert_int_equal(record->written, 1);
	assert_int_equal(record->thread.type_hash, PAGE_DOING_TASK);
	assert_int_equal(record->thread.version, 7);
	assert_non_null(strstr(record->what, "stack overflow in task overflow, "));
	assert_non_null(strstr(record->what, " KiB: TaskStack="));
	complaints = stage_complaints(w);
	assert_non_null(strstr(complaints, "stack overflow in task overflow, "));
	stage_end(&s);
}

static void function_that_returns_from_its_scope_is_named(void **state)
{
	struct troupe_address actor;
	struct stage_worker *w;
	struct stage s;
	int status;

	(void)state;
	w = begin(&s, &actor);
	stage_call(w, actor, TASKS ".Stray", "", 0, 0);
	status = stage_wait_dead(w);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_int_equal(w->page->crash.thread.version, 7);
	assert_string_equal(
		w->page->crash.what,
		"task stray: begin_and_return() has returned from a scope that it began");
	stage_end(&s);
}

static void shutdown_waits_for_a_task_that_tidies_up(void **state)
{
	cleanup_free char *complaints = NULL;
	struct troupe_address actor;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	w = begin(&s, &actor);
	ask(w, actor, "Tidy", "{\"ms\":20}", "{}");
	stage_tell(w, &worker_shutdown_method, "");
	assert_int_equal(stage_wait_dead(w), 0);
	assert_int_equal(w->finisheds, 1);
	assert_int_equal(w->endeds, 1);
	complaints = stage_complaints(w);
	assert_non_null(strstr(complaints, "tidied: 0"));
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tasks_wait_add_and_use_their_stacks),
		cmocka_unit_test(nothing_is_handled_beside_one_that_is_alone),
		cmocka_unit_test(exceptions_of_two_tasks_do_not_mix),
		cmocka_unit_test(stack_overflow_names_its_task),
		cmocka_unit_test(function_that_returns_from_its_scope_is_named),
		cmocka_unit_test(shutdown_waits_for_a_task_that_tidies_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

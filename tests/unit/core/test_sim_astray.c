/* Of a debug build: functions that return from a scope that they have begun, and those that do
 * not. */
#define TROUPE_DEBUG
#include "core/task.h"
#include "tasking.h"
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static void run(const struct troupe_task_entry *entry)
{
	tasking_run(entry, 1000, "1:num 0; ");
}

/* What is asked of the runtime when it has died. */
static const struct runtime *dying;
static const char *guilty;

static void on_abort(int signal)
{
	const char *task, *function;

	(void)signal;
	_exit(runtime_find_astray(dying, &task, &function) && strcmp(function, guilty) == 0 &&
			      strcmp(task, "goes_astray") == 0
		      ? 42
		      : 1);
}

static void assert_dies(const struct troupe_task_entry *entry, const char *function)
{
	struct troupe_task_entry named = *entry;
	struct world world;
	pid_t pid;
	int status;

	named.name = "goes_astray";
	guilty = function;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGABRT, on_abort);
		tasking_begin(&world, &named);
		dying = world.runtime;
		world_sleep(&world, TROUPE_SECOND_NS);
		_exit(0); /* nothing was found */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
}

#define FUNCTION static __attribute__((noinline)) int

/* ------------------------------------------------------------------ those that do */

FUNCTION begins(struct troupe_self *self)
{
	struct troupe_scope scope;

	return troupe_scope_begin(self, TROUPE_UNLIMITED, &scope);
}

TEST_TASK(has_it_begun)
{
	UNUSED;
	assert_int_equal(begins(self), 0);
	return troupe_yield(self);
}

FUNCTION shields(struct troupe_self *self)
{
	struct troupe_scope scope;

	return troupe_scope_shield(self, TROUPE_SECOND_NS, &scope);
}

FUNCTION shields_deeper(struct troupe_self *self, int depth)
{
	volatile char frame[200];

	frame[0] = (char)depth;
	return depth ? shields_deeper(self, depth - 1) + frame[0] - depth : shields(self);
}

TEST_TASK(has_it_shielded)
{
	struct troupe_scope own;

	UNUSED;
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &own), 0);
	assert_int_equal(shields_deeper(self, 5), 0);
	return troupe_scope_end(self, own);
}

TEST_TASK(sleeps)
{
	UNUSED;
	return troupe_sleep(self, TROUPE_MS_NS);
}

/* Its own function returns while another task may still work on what lies in its frame. */
TEST_TASK(leaves_one_behind)
{
	struct troupe_scope scope;

	UNUSED;
	assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &scope), 0);
	return troupe_start(self, scope, &sleeps_task, NULL, NULL, NULL);
}

static void function_that_returns_from_its_scope_is_found(void **state)
{
	(void)state;
	assert_dies(&has_it_begun_task, "begins");
	assert_dies(&has_it_shielded_task, "shields");
	assert_dies(&leaves_one_behind_task, "leaves_one_behind");
}

/* ------------------------------------------------------------------ those that do not */

FUNCTION waits_deeper(struct troupe_self *self, int depth)
{
	volatile char frame[200];

	frame[0] = (char)depth;
	return depth ? waits_deeper(self, depth - 1) + frame[0] - depth : troupe_yield(self);
}

FUNCTION begins_and_ends(struct troupe_self *self, size_t size)
{
	struct troupe_scope outer, inner;
	int rc = 0;

	{ /* what it takes of the stack goes before the scope ends */
		volatile char some[size];

		some[0] = 0;
		assert_int_equal(troupe_scope_begin(self, TROUPE_UNLIMITED, &outer), 0);
		assert_int_equal(troupe_scope_shield(self, TROUPE_SECOND_NS, &inner), 0);
		rc = some[0] + waits_deeper(self, 3);
	}
	assert_int_equal(troupe_yield(self), 0);
	/* the inner one goes with it */
	return rc ? rc : troupe_scope_end(self, outer);
}

FUNCTION leaves_a_block(struct troupe_self *self)
{
	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	return troupe_start(self, scope, &sleeps_task, NULL, NULL, NULL);
}

/* The compiler may have its last call take the place of its own frame. */
FUNCTION ends_in_its_last_call(struct troupe_self *self, struct troupe_scope *scope)
{
	int rc = troupe_scope_begin(self, TROUPE_UNLIMITED, scope);

	return rc ? rc : troupe_scope_end(self, *scope);
}

TEST_TASK(behaves)
{
	struct troupe_scope scope;

	UNUSED;
	for (size_t size = 1; size < 3000; size += 500)
		assert_int_equal(begins_and_ends(self, size), 0);
	assert_int_equal(leaves_a_block(self), 0);
	assert_int_equal(ends_in_its_last_call(self, &scope), 0);
	assert_int_equal(troupe_yield(self), 0);
	/* nobody else is in it: it may go with the task */
	return troupe_scope_begin(self, TROUPE_UNLIMITED, &scope);
}

static void function_that_ends_its_scope_is_left_alone(void **state)
{
	(void)state;
	run(&behaves_task);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(function_that_returns_from_its_scope_is_found),
		cmocka_unit_test(function_that_ends_its_scope_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

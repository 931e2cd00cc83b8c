/* Child processes that are some, in simulated time: the kernel is asked for their ends. */
#include "base/cleanup.h"
#include "core/inside.h"
#include "descriptors.h"
#include "io/inside.h"
#include "io/io.h"
#include "tests/unit/core/world.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <troupe/child.h>
#include <unistd.h>

#define MS         TROUPE_MS_NS
#define IN_TIME_MS 20000

struct stage {
	struct world world;
	struct io *io;
	struct troupe_child child;
	int ends[2]; /* a pipe for what a child writes */
	unsigned done;
};

static void free_io(struct world *world)
{
	io_free(((struct stage *)world->test)->io);
}

static int (*deed)(struct troupe_self *self, struct stage *stage);

static struct stage *stage_of(struct troupe_self *self)
{
	return world_of(self)->test;
}

static int does(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	int rc = deed(self, stage_of(self));

	(void)me;
	(void)unused;
	(void)unused_too;
	stage_of(self)->done++;
	return rc;
}
TROUPE_TASK(does, struct puppet, void, void)

static int begins_task(struct troupe_self *self, struct puppet *me)
{
	(void)me;
	return troupe_start(self, TROUPE_OF_ACTOR, &does_task, NULL, NULL, NULL);
}

static void begin(struct stage *stage, int (*what)(struct troupe_self *, struct stage *))
{
	memset(stage, 0, sizeof(*stage));
	assert_int_equal(pipe2(stage->ends, O_CLOEXEC), 0);
	deed = what;
	world_init(&stage->world, 1, NULL);
	sim_poll(stage->world.loop, true);
	assert_int_equal(io_new(stage->world.runtime, &stage->io), 0);
	stage->world.test = stage;
	stage->world.on_gone = free_io;
}

/* An actor that does it. */
static void play(struct stage *stage, int (*what)(struct troupe_self *, struct stage *))
{
	begin(stage, what);
	stage->world.hooks.init = begins_task;
	world_spawn(&stage->world, 1);
	world_run(&stage->world);
}

static void finish(struct stage *stage)
{
	siginfo_t any;

	world_finish(&stage->world);
	close(stage->ends[0]);
	if (stage->ends[1] >= 0)
		close(stage->ends[1]);
	/* there is no child of this process, also no zombie */
	assert_int_equal(waitid(P_ALL, 0, &any, WEXITED | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/* What a child does takes time that is real. */
static void run_until_done(struct stage *stage, unsigned n)
{
	for (;;) {
		struct pollfd looks[2] = {
			{.fd = stage->io->children.poller.fd, .events = POLLIN},
			{.fd = stage->io->poller.fd, .events = POLLIN},
		};

		world_run(&stage->world);
		if (stage->done >= n)
			return;
		assert_true(poll(looks, 2, IN_TIME_MS) > 0);
	}
}

static void read_output(struct stage *stage, char *text, size_t size)
{
	size_t used = 0;
	ssize_t n;

	close(take_fd(&stage->ends[1]));
	while ((n = read(stage->ends[0], text + used, size - 1 - used)) > 0)
		used += (size_t)n;
	text[used] = '\0';
}

/* ------------------------------------------------------------------ one child */

static int shell(struct troupe_self *self, struct stage *stage, const char *script)
{
	static const char *const environment[] = {"PATH=/usr/bin:/bin", "WORD=bond", NULL};
	const char *const argv[] = {"sh", "-c", script, NULL};
	const struct troupe_child_options options = {
		.table_size = sizeof(options),
		.out = TROUPE_CHILD_FD,
		.out_fd = stage->ends[1],
		.err = TROUPE_CHILD_OUTPUT,
		.directory = "/usr",
		.environment = environment,
	};

	return troupe_child_start(self, argv, &options, &stage->child);
}

static int runs_a_shell(struct troupe_self *self, struct stage *stage)
{
	int status;

	assert_int_equal(
		shell(self, stage, "echo $WORD; pwd; echo error >&2; wc -c; kill -9 $$"), 0);
	assert_int_equal(troupe_child_wait(self, stage->child, &status), 0);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	return 0;
}

static void options_are_what_it_begins_with(void **state)
{
	struct stage stage;
	char text[64];

	(void)state;
	play(&stage, runs_a_shell);
	run_until_done(&stage, 1);
	read_output(&stage, text, sizeof(text));
	assert_string_equal(text, "bond\n/usr\nerror\n0\n");
	finish(&stage);
}

/* All three at once: what it reads comes back, from each of the other two. */
static int talks_to_it(struct troupe_self *self, struct stage *stage)
{
	const char *const argv[] = {"sh", "-c", "read a; read b; echo $b; echo $a >&2; cat",
				    NULL};
	const struct troupe_child_options options = {
		.table_size = sizeof(options),
		.in = TROUPE_CHILD_PIPE,
		.out = TROUPE_CHILD_PIPE,
		.err = TROUPE_CHILD_PIPE,
	};
	struct troupe_child *child = &stage->child;
	char text[16];
	int status;

	assert_int_equal(troupe_child_start(self, argv, &options, child), 0);
	assert_int_equal(troupe_write(self, child->in, "one\ntwo\nthree", 13), 0);
	assert_int_equal(troupe_read(self, child->err, text, sizeof(text)), 4);
	assert_memory_equal(text, "one\n", 4);
	assert_int_equal(troupe_read(self, child->out, text, 4), 4);
	assert_memory_equal(text, "two\n", 4);
	assert_int_equal(troupe_read(self, child->out, text, sizeof(text)), 5);
	troupe_close(self, child->in);
	assert_int_equal(troupe_read(self, child->out, text, sizeof(text)), 0);
	assert_int_equal(troupe_child_wait(self, *child, &status), 0);
	assert_int_equal(status, 0);
	troupe_close(self, child->out);
	troupe_close(self, child->err);
	return 0;
}

static void pipes_are_streams(void **state)
{
	struct stage stage;

	(void)state;
	play(&stage, talks_to_it);
	run_until_done(&stage, 1);
	finish(&stage);
}

/* The pipe is held by a grandchild: nobody waits for that, nor does it go on for ever. */
static int leaves_a_grandchild(struct troupe_self *self, struct stage *stage)
{
	int status;

	assert_int_equal(shell(self, stage, "sleep 1000 & exit 5"), 0);
	assert_int_equal(troupe_child_wait(self, stage->child, &status), 0);
	assert_int_equal(WEXITSTATUS(status), 5);
	return 0;
}

/* Trap 24: what it has left holds its pipe. */
static void wait_returns_at_the_exit(void **state)
{
	struct stage stage;
	char text[64];

	(void)state;
	play(&stage, leaves_a_grandchild);
	run_until_done(&stage, 1);
	/* the end comes when the last who could write to it is gone */
	read_output(&stage, text, sizeof(text));
	assert_string_equal(text, "");
	finish(&stage);
}

static int signals_the_group(struct troupe_self *self, struct stage *stage)
{
	char ready;
	int status;

	/* the shell waits for its child, which alone dies of it and would not by itself */
	assert_int_equal(shell(self, stage, "trap 'exit 9' USR1; sleep 1000 & echo; wait"), 0);
	assert_int_equal(read(stage->ends[0], &ready, 1), 1);
	assert_int_equal(troupe_child_signal(self, stage->child, 1000), -EINVAL);
	assert_int_equal(troupe_child_signal(self, stage->child, SIGUSR1), 0);
	assert_int_equal(troupe_child_wait(self, stage->child, &status), 0);
	assert_int_equal(WEXITSTATUS(status), 9);
	return 0;
}

static void signal_goes_to_all_of_it(void **state)
{
	struct stage stage;
	char text[64];

	(void)state;
	play(&stage, signals_the_group);
	run_until_done(&stage, 1);
	read_output(&stage, text, sizeof(text));
	finish(&stage);
}

static int cannot_start(struct troupe_self *self, struct stage *stage)
{
	const char *const argv[] = {"/no/such/program", NULL};
	struct troupe_child_options options = {
		.table_size = sizeof(options), .in = TROUPE_CHILD_FD, .in_fd = 1000};

	assert_int_equal(troupe_child_start(self, argv, NULL, &stage->child), -ENOENT);
	assert_int_equal(troupe_child_start(self, argv, &options, &stage->child), -EBADF);
	options.in_fd = -1;
	assert_int_equal(troupe_child_start(self, argv, &options, &stage->child), -EBADF);
	return 0;
}

static void error_of_exec_is_the_starts(void **state)
{
	struct stage stage;

	(void)state;
	play(&stage, cannot_start);
	run_until_done(&stage, 1);
	finish(&stage);
}

/* ------------------------------------------------------------------ ends of its actor */

static int starts_two(struct troupe_self *self, struct stage *stage)
{
	char ready;

	assert_int_equal(shell(self, stage, "echo; exec sleep 1000"), 0);
	assert_int_equal(read(stage->ends[0], &ready, 1), 1);
	/* with a child that does not hear of it, either */
	assert_int_equal(
		shell(self, stage, "trap '' TERM; sleep 1000 & echo; while :; do wait; done"),
		0);
	assert_int_equal(read(stage->ends[0], &ready, 1), 1);
	return 0;
}

/* As many are left, as soon as the others are dead: no time passes in the world. */
static void wait_for_ends(struct stage *stage, unsigned left)
{
	while (stage->io->children.left > left) {
		struct pollfd look = {.fd = stage->io->children.poller.fd, .events = POLLIN};

		assert_true(poll(&look, 1, IN_TIME_MS) > 0);
		world_run(&stage->world);
	}
	assert_int_equal(stage->io->children.left, left);
}

static void children_end_with_their_actor(void **state)
{
	struct stage stage;
	char text[64];

	(void)state;
	play(&stage, starts_two);
	run_until_done(&stage, 1);
	assert_int_equal(runtime_stop(stage.world.runtime, stage.world.actors[1]), 0);
	assert_int_equal(stage.io->children.left, 2);
	wait_for_ends(&stage, 1);
	world_sleep(&stage.world, LIMIT_TASK_GRACE_DEFAULT_NS);
	wait_for_ends(&stage, 0);
	read_output(&stage, text, sizeof(text));
	finish(&stage);
}

static void children_end_with_their_worker(void **state)
{
	struct stage stage;
	siginfo_t any;

	(void)state;
	play(&stage, starts_two);
	run_until_done(&stage, 1);
	world_finish(&stage.world);
	/* the worker gives them a second: on a busy machine one may be dead later */
	for (int i = 0; i < IN_TIME_MS && waitid(P_ALL, 0, &any, WEXITED | WNOHANG) == 0; i++)
		(void)poll(NULL, 0, 1);
	assert_int_equal(waitid(P_ALL, 0, &any, WEXITED | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	close(stage.ends[0]);
	if (stage.ends[1] >= 0)
		close(stage.ends[1]);
}

/* ------------------------------------------------------------------ many */

#define TASKS 20

static unsigned wanted, statuses, cancelled, unhurried;

static int runs_many(struct troupe_self *self, struct stage *stage)
{
	(void)stage;
	while (wanted > 0) {
		const uint64_t chance = sim_pick(world_of(self)->loop, 100);
		const char *const none[] = {"true", NULL}, *const some[] = {"sleep", "0.001",
									    NULL};
		struct troupe_child child = {0};
		struct troupe_scope scope;
		int status = 0, rc;
		uint64_t time_ns;

		wanted--;
		/* how many with some milliseconds are too late, the machine decides */
		unhurried += chance < 50;
		time_ns = chance < 50 ? 0 : chance < 90 ? chance * MS / 20 : 1;
		assert_int_equal(troupe_scope_begin(self, time_ns, &scope), 0);
		rc = troupe_child_start(self, chance % 2 ? none : some, NULL, &child);
		if (rc == 0)
			rc = troupe_child_wait(self, child, &status);
		else
			cancelled++;
		assert_true(rc == 0 || rc == -ETIMEDOUT);
		(void)troupe_scope_end(self, scope);
		if (rc < 0) /* ours to reap, if it ever began */
			rc = troupe_child_wait(self, child, &status);
		if (rc == 0) {
			assert_int_equal(status, 0);
			statuses++;
		}
	}
	return 0;
}

static int begins_many(struct troupe_self *self, struct puppet *me)
{
	(void)me;
	for (int i = 0; i < TASKS; i++)
		assert_int_equal(
			troupe_start(self, TROUPE_OF_ACTOR, &does_task, NULL, NULL, NULL), 0);
	return 0;
}

/* Trap 24: statuses that are lost. */
static void many_come_and_go(void **state)
{
	const char *chosen = getenv("CHILDREN");
	const unsigned n = chosen ? (unsigned)atoi(chosen) : 1000;
	struct stage stage;
	unsigned fds;

	(void)state;
	fds = descriptors_count();
	wanted = n;
	begin(&stage, runs_many);
	sim_seed(stage.world.loop, 7);
	statuses = cancelled = unhurried = 0;
	world_run(&stage.world);
	stage.world.hooks.init = begins_many;
	world_spawn(&stage.world, 1);
	/* however fast the children are: these are not heard before their time is over */
	sim_poll(stage.world.loop, false);
	world_sleep(&stage.world, MS / 2);
	assert_true(cancelled > 0);
	sim_poll(stage.world.loop, true);
	while (stage.done < TASKS) {
		struct pollfd look = {.fd = stage.io->children.poller.fd, .events = POLLIN};

		world_run(&stage.world);
		(void)poll(&look, 1, 1);
		world_sleep(&stage.world, MS / 2); /* about as fast as it is */
	}
	assert_int_equal(statuses + cancelled, n);
	assert_true(statuses >= unhurried);
	wait_for_ends(&stage, 0);
	finish(&stage);
	assert_int_equal(descriptors_count(), fds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_what_it_begins_with),
		cmocka_unit_test(pipes_are_streams),
		cmocka_unit_test(wait_returns_at_the_exit),
		cmocka_unit_test(signal_goes_to_all_of_it),
		cmocka_unit_test(error_of_exec_is_the_starts),
		cmocka_unit_test(children_end_with_their_actor),
		cmocka_unit_test(children_end_with_their_worker),
		cmocka_unit_test(many_come_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

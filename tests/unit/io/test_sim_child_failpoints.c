/* test_sim_child_failpoints.c - each allocation and each descriptor of a child process fails
 * once: it runs and is waited for, or the start says why not, and nothing of it is left. */
#include "base/cleanup.h"
#include "io/inside.h"
#include "io/io.h"
#include "tests/failpoints/sweep.h"
#include "tests/unit/core/world.h"
#include <errno.h>
#include <poll.h>
#include <sys/wait.h>
#include <troupe/child.h>
#include <unistd.h>

struct stage {
	struct world world;
	struct io *io;
	int error;
	bool is_done;
};

static void free_io(struct world *world)
{
	io_free(((struct stage *)world->test)->io);
}

static int runs_one(struct troupe_self *self, struct puppet *me, struct stage *stage,
		    void *unused)
{
	const char *const argv[] = {"sh", "-c", "exit 3", NULL};
	struct troupe_child child;
	int status = 0;

	(void)me;
	(void)unused;
	stage->error = troupe_child_start(self, argv, NULL, &child);
	if (stage->error == 0) {
		assert_int_equal(troupe_child_wait(self, child, &status), 0);
		assert_int_equal(WEXITSTATUS(status), 3);
	}
	stage->is_done = true;
	return 0;
}
TROUPE_TASK(runs_one, struct puppet, struct stage, void)

static int begins_task(struct troupe_self *self, struct puppet *me)
{
	(void)me;
	return troupe_start(self, TROUPE_OF_ACTOR, &runs_one_task, world_of(self)->test, NULL,
			    NULL);
}

static bool is_over(const struct stage *stage)
{
	return stage->is_done && stage->io->children.table.count == 0;
}

static int run_a_child(void *data)
{
	struct stage stage = {0};
	siginfo_t any;

	(void)data;
	sweep_calm();
	world_init(&stage.world, 1, NULL);
	sim_poll(stage.world.loop, true);
	assert_int_equal(io_new(stage.world.runtime, &stage.io), 0);
	stage.world.test = &stage;
	stage.world.on_gone = free_io;
	stage.world.hooks.init = begins_task;
	world_spawn(&stage.world, 1);
	sweep_go_on();
	/* the kernel, or the clock when it could not be asked to look */
	for (int i = 0; !is_over(&stage) && i < 20000; i++) {
		struct pollfd look = {.fd = stage.io->children.poller.fd, .events = POLLIN};

		world_sleep(&stage.world, 10 * TROUPE_MS_NS);
		if (!is_over(&stage))
			(void)poll(&look, 1, 1);
	}
	sweep_calm();
	assert_true(is_over(&stage));
	world_finish(&stage.world);
	assert_int_equal(waitid(P_ALL, 0, &any, WEXITED | WNOHANG), -1);
	return stage.error;
}

static void child_fails_as_a_whole(void **state)
{
	(void)state;
	sweep(run_a_child, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(child_fails_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

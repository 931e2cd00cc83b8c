/* Tasks that wait for a descriptor, on pipes and sockets of this process. */
#include "base/cleanup.h"
#include "core/inside.h"
#include "io/io.h"
#include "tests/unit/core/world.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <troupe/stream.h>
#include <troupe/task.h>
#include <unistd.h>

struct stage {
	struct world world;
	struct io *io;
	int ends[2];
	struct troupe_task task;
};

static void free_io(struct world *world)
{
	io_free(((struct stage *)world->test)->io);
}

static void begin(struct stage *stage, int (*init)(struct troupe_self *, struct puppet *))
{
	memset(stage, 0, sizeof(*stage));
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, stage->ends),
		0);
	world_init(&stage->world, 1, NULL);
	sim_poll(stage->world.loop, true);
	assert_int_equal(io_new(stage->world.runtime, &stage->io), 0);
	stage->world.test = stage;
	stage->world.on_gone = free_io;
	stage->world.hooks.init = init;
	world_spawn(&stage->world, 1);
	world_run(&stage->world);
}

static void finish(struct stage *stage)
{
	world_finish(&stage->world);
	for (int i = 0; i < 2; i++)
		if (stage->ends[i] >= 0)
			close(stage->ends[i]);
}

static struct stage *stage_of(struct troupe_self *self)
{
	return world_of(self)->test;
}

/* arg: the events, in the pointer itself */
static int waits(struct troupe_self *self, struct puppet *me, void *events, const char *name)
{
	int rc = troupe_wait_fd(self, stage_of(self)->ends[0], (uint32_t)(uintptr_t)events);

	(void)me;
	note(self, "%s %d; ", name ? name : "ready", rc);
	return rc == -ECANCELED ? rc : 0;
}
TROUPE_TASK(waits, struct puppet, void, const char)

static void start(struct troupe_self *self, uint32_t events, const char *name)
{
	assert_int_equal(troupe_start(self, TROUPE_OF_ACTOR, &waits_task,
				      (void *)(uintptr_t)events, (void *)(uintptr_t)name,
				      &stage_of(self)->task),
			 0);
}

static int reads(struct troupe_self *self, struct puppet *me)
{
	(void)me;
	start(self, TROUPE_READABLE, NULL);
	return 0;
}

static void task_waits_until_there_is_something_to_read(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, reads);
	assert_log(&stage.world, "");
	assert_int_equal(write(stage.ends[1], "x", 1), 1);
	world_run(&stage.world);
	assert_log(&stage.world, "ready 1; ");
	finish(&stage);
}

static int reads_or_writes(struct troupe_self *self, struct puppet *me)
{
	(void)me;
	start(self, TROUPE_READABLE | TROUPE_WRITABLE, NULL);
	return 0;
}

static void either_event_wakes(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, reads_or_writes);
	assert_log(&stage.world, "ready 2; ");
	finish(&stage);
}

static void hangup_is_every_event(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, reads);
	close(stage.ends[1]);
	stage.ends[1] = -1;
	world_run(&stage.world);
	assert_log(&stage.world, "ready 1; ");
	finish(&stage);
}

static int two_read(struct troupe_self *self, struct puppet *me)
{
	(void)me;
	start(self, TROUPE_READABLE, "first");
	start(self, TROUPE_READABLE, "second");
	return 0;
}

static void one_task_waits_for_a_descriptor(void **state)
{
	struct stage stage;
	char expected[64];

	(void)state;
	begin(&stage, two_read);
	snprintf(expected, sizeof(expected), "second %d; ", -EEXIST);
	assert_log(&stage.world, expected);
	assert_int_equal(write(stage.ends[1], "x", 1), 1);
	world_run(&stage.world);
	assert_log(&stage.world, "first 1; ");
	finish(&stage);
}

static int asks_wrongly(struct troupe_self *self, struct puppet *me, void *unused,
			void *unused_too)
{
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_true(file >= 0);
	assert_int_equal(troupe_wait_fd(self, stage_of(self)->ends[0], 0), -EINVAL);
	assert_int_equal(troupe_wait_fd(self, stage_of(self)->ends[0], 4), -EINVAL);
	assert_int_equal(troupe_wait_fd(self, -1, TROUPE_READABLE), -EBADF);
	assert_int_equal(troupe_wait_fd(self, file, TROUPE_READABLE), -EPERM);
	close(file);
	note(self, "asked; ");
	return 0;
}
TROUPE_TASK(asks_wrongly, struct puppet, void, void)

static int wrong(struct troupe_self *self, struct puppet *me)
{
	(void)me;
	assert_int_equal(troupe_wait_fd(self, 0, TROUPE_READABLE), -EDEADLK);
	return troupe_start(self, TROUPE_OF_ACTOR, &asks_wrongly_task, NULL, NULL, NULL);
}

static void wrong_waits_are_refused(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, wrong);
	assert_log(&stage.world, "asked; ");
	finish(&stage);
}

static int cancels(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		   int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	return troupe_task_cancel(self, stage_of(self)->task);
}

/* What is readable at the moment of the cancel is there for whoever waits next. */
static void cancelled_wait_leaves_nothing_behind(void **state)
{
	struct stage stage;
	char expected[64];

	(void)state;
	begin(&stage, reads);
	stage.world.hooks.num = cancels;
	world_send(&stage.world, stage.world.actors[1], 1);
	world_run(&stage.world);
	snprintf(expected, sizeof(expected), "1:num 1; ready %d; ", -ECANCELED);
	assert_log(&stage.world, expected);
	assert_int_equal(stage.world.runtime->belongings.count, 0);
	assert_int_equal(write(stage.ends[1], "x", 1), 1);
	world_run(&stage.world);
	assert_log(&stage.world, "");
	finish(&stage);
}

/* Trap 13: the number is another file's when the wait for the first one ends. */
static void number_that_is_reused_is_another_descriptor(void **state)
{
	struct stage stage;
	int keeper, other[2];

	(void)state;
	begin(&stage, reads);
	keeper = dup(stage.ends[0]); /* so that the kernel goes on to look at it */
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, other), 0);
	assert_true(dup3(other[0], stage.ends[0], O_CLOEXEC) >= 0);
	assert_int_equal(write(stage.ends[1], "x", 1), 1);
	world_run(&stage.world);
	assert_log(&stage.world, "ready 1; ");
	/* nothing is reported of the old file any more, nor does the loop go round for it */
	assert_int_equal(write(stage.ends[1], "x", 1), 1);
	world_run(&stage.world);
	assert_log(&stage.world, "");
	close(keeper);
	close(other[0]);
	close(other[1]);
	finish(&stage);
}

static int waits_again(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		       int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	start(self, TROUPE_READABLE, "second");
	return 0;
}

static int reads_a_stream(struct troupe_self *self, struct puppet *me, void *unused,
			  void *unused_too)
{
	struct troupe_stream stream;
	char byte = 0;

	(void)me;
	(void)unused;
	(void)unused_too;
	assert_int_equal(troupe_adopt(self, stage_of(self)->ends[0], &stream), 0);
	stage_of(self)->ends[0] = -1;
	note(self, "read %d", (int)troupe_read(self, stream, &byte, 1));
	note(self, " %c; ", byte);
	return 0;
}
TROUPE_TASK(reads_a_stream, struct puppet, void, void)

static int adopts(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	(void)me;
	(void)call;
	(void)n;
	return troupe_start(self, TROUPE_OF_ACTOR, &reads_a_stream_task, NULL, NULL, NULL);
}

/* A descriptor is closed while a task waits for it, against the rules, and its number is used
 * again: the wait ends, and takes nothing from who has the number now. */
static void check_reuse(int (*next)(struct troupe_self *, struct puppet *, struct troupe_call,
				    int64_t),
			const char *there)
{
	struct stage stage;
	char expected[64];
	int other[2];

	begin(&stage, reads);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, other), 0);
	assert_true(dup3(other[0], stage.ends[0], O_CLOEXEC) >= 0);
	close(other[0]);
	stage.world.hooks.num = next;
	assert_int_equal(world_send(&stage.world, stage.world.actors[1], 1), 0);
	world_run(&stage.world);
	snprintf(expected, sizeof(expected), "1:num 1; ready %d; ", -EBADF);
	assert_log(&stage.world, expected);
	assert_int_equal(write(other[1], "x", 1), 1);
	world_run(&stage.world);
	assert_log(&stage.world, there);
	close(other[1]);
	finish(&stage);
}

static void number_that_is_reused_is_waited_for_anew(void **state)
{
	(void)state;
	check_reuse(waits_again, "second 1; ");
	check_reuse(adopts, "read 1 x; ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(task_waits_until_there_is_something_to_read),
		cmocka_unit_test(either_event_wakes),
		cmocka_unit_test(hangup_is_every_event),
		cmocka_unit_test(one_task_waits_for_a_descriptor),
		cmocka_unit_test(wrong_waits_are_refused),
		cmocka_unit_test(cancelled_wait_leaves_nothing_behind),
		cmocka_unit_test(number_that_is_reused_is_another_descriptor),
		cmocka_unit_test(number_that_is_reused_is_waited_for_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Watches of descriptors, on pipes: the simulated loop asks the kernel what is ready. */
#include "core/inside.h"
#include "world.h"
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct pipes {
	int in, out; /* read from, written to */
	struct troupe_watch watch, other;
	struct troupe_address child;
	int unread; /* so many events are not read */
};

static void begin(struct world *world, struct pipes *pipes,
		  int (*init)(struct troupe_self *, struct puppet *))
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	*pipes = (struct pipes){.in = ends[0], .out = ends[1]};
	world_init(world, 1, NULL);
	sim_poll(world->loop, true);
	world->test = pipes;
	world->hooks.init = init;
	world_spawn(world, 1);
}

static void finish(struct world *world, struct pipes *pipes)
{
	world_finish(world);
	close(pipes->in);
	close(pipes->out);
}

static struct pipes *pipes_of(struct troupe_self *self)
{
	return world_of(self)->test;
}

static int watches(struct troupe_self *self, struct puppet *me)
{
	struct pipes *pipes = pipes_of(self);

	(void)me;
	return troupe_watch_start(self, pipes->in, TROUPE_READABLE, &watch_entry, 5,
				  &pipes->watch);
}

static int reads(struct troupe_self *self, struct puppet *me, uint64_t context,
		 const struct troupe_watch_event *event)
{
	char bytes[16];

	(void)me;
	(void)context;
	if (pipes_of(self)->unread-- > 0)
		return 0;
	assert_true(read(event->fd, bytes, sizeof(bytes)) > 0);
	return 0;
}

static void ready_descriptor_is_reported_until_it_is_read(void **state)
{
	struct pipes pipes;
	struct world world;

	(void)state;
	begin(&world, &pipes, watches);
	world.hooks.watch = reads;
	world_run(&world);
	assert_log(&world, "");
	pipes.unread = 2;
	assert_int_equal(write(pipes.out, "x", 1), 1);
	world_run(&world);
	assert_log(&world, "1:ready5 r; 1:ready5 r; 1:ready5 r; ");
	assert_int_equal(write(pipes.out, "x", 1), 1);
	world_run(&world);
	assert_log(&world, "1:ready5 r; ");
	finish(&world, &pipes);
}

/* Its mailbox holds one event at most, whatever else keeps the actor busy. */
static void no_event_comes_while_one_is_under_way(void **state)
{
	struct pipes pipes;
	struct world world;

	(void)state;
	begin(&world, &pipes, watches);
	world.hooks.watch = reads;
	world_unit(&world, 9, world.type, 100, 0, 1); /* Batch=1: a message a turn */
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	world_log(&world);
	world_spawn_in(&world, 9, 1);
	assert_int_equal(write(pipes.out, "x", 1), 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(world_send(&world, world.actors[1], i), 0);
	world_run(&world);
	assert_string_equal(strstr(world_log(&world), "ready"), "ready5 r; ");
	finish(&world, &pipes);
}

static int rests(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		 int64_t n)
{
	struct pipes *pipes = pipes_of(self);

	(void)me;
	(void)call;
	switch (n) {
	case 1:
		return troupe_watch_set(self, pipes->watch, 0);
	case 2:
		return troupe_watch_set(self, pipes->watch, TROUPE_READABLE);
	default:
		assert_int_equal(troupe_watch_stop(self, pipes->watch), 0);
		assert_int_equal(troupe_watch_stop(self, pipes->watch), -ESRCH);
		return 0;
	}
}

static int stops_in_time(struct troupe_self *self, struct puppet *me, uint64_t context,
			 const struct troupe_watch_event *event)
{
	struct pipes *pipes = pipes_of(self);
	char bytes[16];

	(void)me;
	assert_true(read(event->fd, bytes, sizeof(bytes)) > 0);
	/* both were ready in the same pass: the other's event lies in the mailbox */
	assert_int_equal(troupe_watch_stop(self, context == 5 ? pipes->other : pipes->watch),
			 0);
	return 0;
}

static int watches_two(struct troupe_self *self, struct puppet *me)
{
	struct pipes *pipes = pipes_of(self);
	int copy = dup(pipes->in);

	(void)me;
	assert_int_equal(watches(self, me), 0);
	return troupe_watch_start(self, copy, TROUPE_READABLE, &watch_entry, 6, &pipes->other);
}

static void event_in_the_mailbox_does_not_arrive_after_a_stop(void **state)
{
	struct pipes pipes;
	struct world world;
	const char *log;

	(void)state;
	begin(&world, &pipes, watches_two);
	world.hooks.watch = stops_in_time;
	assert_int_equal(write(pipes.out, "x", 1), 1);
	world_run(&world);
	log = world_log(&world);
	assert_true(!strcmp(log, "1:ready5 r; ") || !strcmp(log, "1:ready6 r; "));
	assert_int_equal(world.runtime->watches.count, 1);
	finish(&world, &pipes);
}

static void watch_rests_with_no_events_and_goes_on(void **state)
{
	struct pipes pipes;
	struct world world;

	(void)state;
	begin(&world, &pipes, watches);
	world.hooks.num = rests;
	world.hooks.watch = reads;
	assert_int_equal(world_send(&world, world.actors[1], 1), 0);
	world_run(&world);
	assert_int_equal(write(pipes.out, "x", 1), 1);
	world_run(&world);
	assert_log(&world, "1:num 1; ");
	assert_int_equal(world_send(&world, world.actors[1], 2), 0);
	world_run(&world);
	assert_log(&world, "1:num 2; 1:ready5 r; ");
	assert_int_equal(world_send(&world, world.actors[1], 3), 0);
	assert_int_equal(write(pipes.out, "x", 1), 1);
	world_run(&world);
	assert_log(&world, "1:num 3; ");
	finish(&world, &pipes);
}

static int starts_wrongly(struct troupe_self *self, struct puppet *me)
{
	struct pipes *pipes = pipes_of(self);
	struct troupe_watch watch = {77};
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	(void)me;
#define START(fd, events, entry) troupe_watch_start(self, fd, events, entry, 0, &watch)
	assert_int_equal(START(-1, TROUPE_READABLE, &watch_entry), -EBADF);
	assert_int_equal(START(file, TROUPE_READABLE, &watch_entry), -EPERM);
	assert_int_equal(START(pipes->in, 4, &watch_entry), -EINVAL);
	assert_int_equal(START(pipes->in, TROUPE_READABLE, &tick_entry), -EINVAL);
	assert_int_equal(START(pipes->in, 0, &watch_entry), 0);
	assert_int_equal(START(pipes->in, TROUPE_READABLE, &watch_entry), -EEXIST);
	assert_int_equal(troupe_watch_set(self, watch, 4), -EINVAL);
	assert_int_equal(troupe_watch_set(self, (struct troupe_watch){77}, 0), -ESRCH);
	assert_int_equal(troupe_timer_start(self, &watch_entry, 0, 0, 0, NULL), -EINVAL);
	close(file);
	return 0;
}

static void watch_starts_only_on_what_can_be_watched(void **state)
{
	struct pipes pipes;
	struct world world;

	(void)state;
	begin(&world, &pipes, starts_wrongly);
	assert_int_equal(world.runtime->watches.count, 1);
	finish(&world, &pipes);
}

static void touches_others(struct world *world, struct troupe_self *self)
{
	struct pipes *pipes = world->test;

	assert_int_equal(troupe_watch_set(self, pipes->watch, 0), -ESRCH);
	assert_int_equal(troupe_watch_stop(self, pipes->watch), -ESRCH);
}

static int is_not_the_owner(struct troupe_self *self, struct puppet *me)
{
	if (me->id == 1)
		return watches(self, me);
	touches_others(world_of(self), self);
	return 0;
}

static void watch_is_its_actors_alone(void **state)
{
	struct pipes pipes;
	struct world world;

	(void)state;
	begin(&world, &pipes, is_not_the_owner);
	world_spawn(&world, 2);
	assert_int_equal(world.runtime->watches.count, 1);
	finish(&world, &pipes);
}

static int ends(struct troupe_self *self, struct puppet *me, uint64_t context,
		const struct troupe_watch_event *event)
{
	(void)me;
	(void)context;
	(void)event;
	troupe_exit(self, 0);
	return 0;
}

static void stops_in_fini(struct troupe_self *self, struct puppet *me, enum troupe_cause cause)
{
	(void)me;
	(void)cause;
	if (pipes_of(self)->unread) {
		assert_int_equal(troupe_watch_stop(self, pipes_of(self)->watch), 0);
		assert_int_equal(watches(self, me), -EINVAL);
	}
}

/* In its handler, with an event in the mailbox, and by itself in fini: the descriptor is free
 * for the next actor, and nothing is left. */
static void watches_end_with_their_actor(void **state)
{
	struct pipes pipes;
	struct world world;

	(void)state;
	begin(&world, &pipes, watches_two);
	world.hooks.watch = ends;
	world.hooks.fini = stops_in_fini;
	assert_int_equal(write(pipes.out, "x", 1), 1);
	world_run(&world);
	assert_string_equal(strstr(world_log(&world), "fini"), "fini normal; ");
	assert_int_equal(world.runtime->watches.count, 0);
	world.hooks.init = watches;
	world_spawn(&world, 1); /* the same descriptor */
	pipes.unread = 1;
	assert_int_equal(runtime_stop(world.runtime, world.actors[1]), 0);
	pipes.unread = 0;
	assert_int_equal(world.runtime->watches.count, 0);
	finish(&world, &pipes);
}

static int refuses_to_begin(struct troupe_self *self, struct puppet *me)
{
	assert_int_equal(watches(self, me), 0);
	return -EACCES;
}

static void refused_init_leaves_no_watch(void **state)
{
	struct troupe_address address;
	struct pipes pipes;
	struct world world;

	(void)state;
	begin(&world, &pipes, NULL);
	world.hooks.init = refuses_to_begin;
	assert_int_equal(runtime_spawn(world.runtime, 1, 0, &(struct num){2}, &address),
			 -EACCES);
	assert_int_equal(world.runtime->watches.count, 0);
	finish(&world, &pipes);
}

/* Num(1): close it; 2: see that it is bad, and stop it; 3: stop it; 4: watch what has its
 * number now. */
static int closes(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		  int64_t n)
{
	struct pipes *pipes = pipes_of(self);

	(void)call;
	switch (n) {
	case 1:
		return close(pipes->in);
	case 2:
		assert_int_equal(troupe_watch_set(self, pipes->watch, TROUPE_WRITABLE), -EBADF);
		assert_int_equal(troupe_watch_set(self, pipes->watch, TROUPE_READABLE), -EBADF);
		return troupe_watch_stop(self, pipes->watch);
	case 3:
		return troupe_watch_stop(self, pipes->watch);
	default:
		return watches(self, me);
	}
}

static void tell(struct world *world, int n)
{
	assert_int_equal(world_send(world, world->actors[1], n), 0);
}

static void descriptor_closed_too_early_harms_nothing(void **state)
{
	struct pipes pipes;
	struct world world;

	(void)state;
	begin(&world, &pipes, watches);
	world.hooks.num = closes;
	tell(&world, 1);
	tell(&world, 2);
	world_run(&world);
	assert_log(&world, "1:num 1; 1:num 2; ");
	assert_int_equal(world.runtime->watches.count, 0);
	pipes.in = dup(STDIN_FILENO);
	finish(&world, &pipes);
}

/* A slice each: the loop looks at descriptors in between. */
static int works_long(struct troupe_self *self, struct puppet *me, struct troupe_call call,
		      int64_t n)
{
	if (n > 0)
		return rests(self, me, call, n);
	sim_advance(world_of(self)->loop, 2 * TROUPE_MS_NS);
	return 0;
}

/* Ready, and found so in several passes before its actor comes to it. */
static void make_ready_under_load(struct world *world, struct pipes *pipes)
{
	world->hooks.num = works_long;
	assert_int_equal(write(pipes->out, "x", 1), 1);
	for (int i = 0; i < 4; i++)
		tell(world, 0);
	world_run(world);
}

static void watch_goes_on_after_load(void **state)
{
	struct pipes pipes;
	struct world world;

	(void)state;
	begin(&world, &pipes, watches);
	world.hooks.watch = reads;
	make_ready_under_load(&world, &pipes);
	assert_log(&world, "1:num 0; 1:num 0; 1:num 0; 1:num 0; 1:ready5 r; ");
	assert_int_equal(write(pipes.out, "x", 1), 1);
	world_run(&world);
	assert_log(&world, "1:ready5 r; ");
	finish(&world, &pipes);
}

/* What was found before the watch was set to rest is not what it waits for any more. */
static void event_in_the_mailbox_does_not_arrive_at_rest(void **state)
{
	struct pipes pipes;
	struct world world;

	(void)state;
	begin(&world, &pipes, watches);
	world.hooks.num = works_long;
	world.hooks.watch = reads;
	assert_int_equal(write(pipes.out, "x", 1), 1);
	tell(&world, 0);
	tell(&world, 0);
	tell(&world, 1);
	world_run(&world);
	assert_log(&world, "1:num 0; 1:num 0; 1:num 1; ");
	tell(&world, 2);
	world_run(&world);
	assert_log(&world, "1:num 2; 1:ready5 r; ");
	finish(&world, &pipes);
}

static int closes_when_ready(struct troupe_self *self, struct puppet *me, uint64_t context,
			     const struct troupe_watch_event *event)
{
	(void)self;
	(void)me;
	(void)context;
	close(event->fd);
	return 0;
}

/* The kernel looks away while the event waits for its turn, and cannot look again. */
static void descriptor_closed_under_load_is_reported_once(void **state)
{
	char expected[256];
	struct pipes pipes;
	struct world world;

	(void)state;
	begin(&world, &pipes, watches);
	world.hooks.watch = closes_when_ready;
	make_ready_under_load(&world, &pipes);
	snprintf(expected, sizeof(expected),
		 "1:num 0; 1:num 0; 1:num 0; 1:num 0; 1:ready5 r; log 4 unit1 descriptor %d "
		 "cannot "
		 "be watched any more: Bad file descriptor; stop a watch before you close its "
		 "descriptor; ",
		 pipes.in);
	assert_log(&world, expected);
	world.hooks.num = closes;
	tell(&world, 2);
	world_run(&world);
	assert_log(&world, "1:num 2; ");
	pipes.in = dup(STDIN_FILENO);
	finish(&world, &pipes);
}

/* Num(1): close it, and wait for something else; 2: stop it. */
static int closes_and_asks(struct troupe_self *self, struct puppet *me, struct troupe_call call,
			   int64_t n)
{
	struct pipes *pipes = pipes_of(self);

	(void)me;
	(void)call;
	if (n == 2)
		return troupe_watch_stop(self, pipes->watch);
	close(pipes->in);
	assert_int_equal(
		troupe_watch_set(self, pipes->watch, TROUPE_READABLE | TROUPE_WRITABLE),
		-EBADF);
	return 0;
}

static void file_that_others_have_open_is_forgotten(void **state)
{
	struct pipes pipes;
	struct world world;
	int copy, ends[2];

	(void)state;
	begin(&world, &pipes, watches);
	world.hooks.num = closes;
	copy = dup(pipes.in);
	tell(&world, 1);
	tell(&world, 3);
	world_run(&world);
	assert_log(&world, "1:num 1; 1:num 3; ");
	assert_int_equal(write(pipes.out, "x", 1), 1); /* ready, for the copy alone */
	world_run(&world);
	assert_log(&world, "");
	assert_true(sim_is_asleep(world.loop)); /* nothing is ready any more */
	close(pipes.out);
	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	pipes.in = ends[0];
	pipes.out = ends[1];
	world.hooks.watch = reads;
	tell(&world, 4);
	world_run(&world);
	assert_log(&world, "1:num 4; ");
	assert_int_equal(write(pipes.out, "x", 1), 1);
	world_run(&world);
	assert_log(&world, "1:ready5 r; ");
	close(copy);
	finish(&world, &pipes);
}

static void file_of_a_bad_watch_is_forgotten(void **state)
{
	struct pipes pipes;
	struct world world;
	int copy;

	(void)state;
	begin(&world, &pipes, watches);
	world.hooks.num = closes_and_asks;
	copy = dup(pipes.in);
	tell(&world, 1);
	world_run(&world);
	assert_int_equal(write(pipes.out, "x", 1), 1); /* ready, for the copy alone */
	world_run(&world);
	assert_log(&world, "1:num 1; ");
	assert_true(sim_is_asleep(world.loop)); /* nothing is ready any more */
	tell(&world, 2);
	world_run(&world);
	assert_log(&world, "1:num 2; ");
	assert_int_equal(world.runtime->watches.count, 0);
	pipes.in = copy;
	finish(&world, &pipes);
}

static void watches_stop_at_the_limit(void **state)
{
	struct troupe_address address;
	struct pipes pipes;
	struct world world;

	(void)state;
	begin(&world, &pipes, NULL);
	world_finish(&world);
	world_init(&world, 1, &(struct runtime_config){.max_watches = 1});
	world.test = &pipes;
	world.hooks.init = watches_two;
	assert_int_equal(runtime_spawn(world.runtime, 1, 0, &(struct num){1}, &address),
			 -ENOMEM);
	finish(&world, &pipes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ready_descriptor_is_reported_until_it_is_read),
		cmocka_unit_test(no_event_comes_while_one_is_under_way),
		cmocka_unit_test(event_in_the_mailbox_does_not_arrive_after_a_stop),
		cmocka_unit_test(watch_rests_with_no_events_and_goes_on),
		cmocka_unit_test(watch_starts_only_on_what_can_be_watched),
		cmocka_unit_test(watch_is_its_actors_alone),
		cmocka_unit_test(watches_end_with_their_actor),
		cmocka_unit_test(refused_init_leaves_no_watch),
		cmocka_unit_test(descriptor_closed_too_early_harms_nothing),
		cmocka_unit_test(watch_goes_on_after_load),
		cmocka_unit_test(event_in_the_mailbox_does_not_arrive_at_rest),
		cmocka_unit_test(descriptor_closed_under_load_is_reported_once),
		cmocka_unit_test(file_that_others_have_open_is_forgotten),
		cmocka_unit_test(file_of_a_bad_watch_is_forgotten),
		cmocka_unit_test(watches_stop_at_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A task for each connection: how many, how they end, and what their failures mean. */
#include "core/inspect.h"
#include "core/task.h"
#include "harbour.h"
#include <sys/resource.h>

#define LIMIT 3

static int attends(struct troupe_self *self, struct puppet *me, struct troupe_stream *stream,
		   const char *greeting)
{
	const char *text;
	ssize_t n;
	int rc = troupe_write(self, *stream, greeting, strlen(greeting));

	(void)me;
	while (rc == 0 && (n = troupe_read_until(self, *stream, "\n", 64, &text)) > 0) {
		if (strncmp(text, "fail", 4) == 0)
			return -EBADMSG;
		if (strncmp(text, "close", 5) == 0) {
			troupe_close(self, *stream);
			stream->id = 77; /* what a plug-in does with it is its own affair */
			return 0;
		}
		rc = troupe_write(self, *stream, text, (size_t)n);
	}
	note(self, "left; ");
	return rc;
}
TROUPE_TASK(attends, struct puppet, struct troupe_stream, const char)

static int serves(struct troupe_self *self, struct harbour *harbour)
{
	int rc = troupe_listen(self, "tcp:127.0.0.1:0", &harbour->listener);

	assert_int_equal(rc, 0);
	assert_int_equal(troupe_listener_place(self, harbour->listener, harbour->place), 0);
	rc = troupe_serve(self, harbour->listener, &attends_task, "hi", LIMIT);
	note(self, "served %d; ", rc);
	return rc;
}

static int joined(struct harbour *harbour)
{
	int fd = harbour_connect(harbour->place);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO,
				    &(struct timeval){.tv_usec = 1000}, sizeof(struct timeval)),
			 0);
	harbour_run(harbour);
	return fd;
}

static void assert_hears(struct harbour *harbour, int fd, const char *expected)
{
	char bytes[64] = "";
	ssize_t n;

	if (*expected)
		harbour_await_bytes(harbour, fd);
	n = recv(fd, bytes, sizeof(bytes) - 1, 0);
	bytes[n > 0 ? n : 0] = '\0';
	assert_string_equal(bytes, expected);
}

static void each_connection_has_a_task(void **state)
{
	struct harbour harbour;
	int one, two;

	(void)state;
	harbour_play(&harbour, serves);
	one = joined(&harbour);
	two = joined(&harbour);
	assert_hears(&harbour, one, "hi");
	assert_hears(&harbour, two, "hi");
	assert_int_equal(send(two, "two\n", 4, 0), 4);
	assert_int_equal(send(one, "one\n", 4, 0), 4);
	harbour_run(&harbour);
	assert_hears(&harbour, one, "one\n");
	assert_hears(&harbour, two, "two\n");
	close(one);
	harbour_run(&harbour);
	assert_noted(&harbour, "left; ");
	assert_int_equal(send(two, "close\n", 6, 0), 6);
	harbour_run(&harbour);
	assert_int_equal(recv(two, &(char){0}, 1, 0), 0);
	close(two);
	assert_noted(&harbour, "");
	harbour_finish(&harbour);
}

/* For people: what the task that serves waits for. */
static void server_is_seen_to_accept(void **state)
{
	struct inspect_task task;
	struct harbour harbour;
	uint32_t at = 0, steps = 100;

	(void)state;
	harbour_play(&harbour, serves);
	assert_int_equal(inspect_next_task(harbour.world.runtime, harbour.world.actors[1], &at,
					   &steps, &task),
			 1);
	assert_string_equal(task.waits_for, "accept");
	harbour_finish(&harbour);
}

static void so_many_at_a_time_and_the_others_wait(void **state)
{
	struct harbour harbour;
	int fds[LIMIT + 2];

	(void)state;
	harbour_play(&harbour, serves);
	for (int i = 0; i < LIMIT + 2; i++) {
		fds[i] = joined(&harbour);
		assert_hears(&harbour, fds[i], i < LIMIT ? "hi" : "");
	}
	assert_int_equal(
		tasks_count(harbour.world.runtime,
			    actor_find(harbour.world.runtime, harbour.world.actors[1])),
		LIMIT + 1);
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		harbour_run(&harbour);
		assert_hears(&harbour, fds[LIMIT + i], "hi");
	}
	for (int i = 2; i < LIMIT + 2; i++)
		close(fds[i]);
	harbour_finish(&harbour);
}

static void failure_concerns_its_own_connection(void **state)
{
	struct harbour harbour;
	const char *log;
	int one, two;

	(void)state;
	harbour_play(&harbour, serves);
	one = joined(&harbour);
	two = joined(&harbour);
	assert_int_equal(send(one, "fail\n", 5, 0), 5);
	harbour_run(&harbour);
	log = world_log(&harbour.world);
	assert_non_null(strstr(log, "task attends of a connection failed: Bad message"));
	assert_int_equal(harbour.world.failures, 0);
	assert_hears(&harbour, two, "hi");
	assert_int_equal(send(two, "on\n", 3, 0), 3);
	harbour_run(&harbour);
	assert_hears(&harbour, two, "on\n");
	close(one);
	close(two);
	harbour_finish(&harbour);
}

static int closes(struct troupe_self *self, struct harbour *harbour)
{
	troupe_listener_close(self, harbour->listener);
	return 0;
}

static void closed_listener_lets_connections_end_by_themselves(void **state)
{
	struct harbour harbour;
	int fd;

	(void)state;
	harbour_play(&harbour, serves);
	harbour.handler = closes;
	fd = joined(&harbour);
	assert_hears(&harbour, fd, "hi");
	harbour_tell(&harbour);
	assert_int_equal(send(fd, "still\n", 6, 0), 6);
	harbour_run(&harbour);
	assert_hears(&harbour, fd, "still\n");
	close(fd);
	harbour_run(&harbour);
	assert_noted(&harbour, "left; served 0; ");
	harbour_finish(&harbour);
}

/* Also where it waits for room. */
static void closed_listener_is_noticed_at_the_limit(void **state)
{
	struct harbour harbour;
	int fds[LIMIT];

	(void)state;
	harbour_play(&harbour, serves);
	harbour.handler = closes;
	for (int i = 0; i < LIMIT; i++)
		fds[i] = joined(&harbour);
	harbour_tell(&harbour);
	for (int i = 0; i < LIMIT; i++)
		close(fds[i]);
	harbour_run(&harbour);
	assert_noted(&harbour, "left; left; left; served 0; ");
	harbour_finish(&harbour);
}

static int cancels(struct troupe_self *self, struct harbour *harbour)
{
	return troupe_task_cancel(self, harbour->tasks[0]);
}

static void cancelled_server_ends_with_its_connections(void **state)
{
	struct harbour harbour;
	char expected[64];
	int fd;

	(void)state;
	harbour_play(&harbour, serves);
	harbour.handler = cancels;
	fd = joined(&harbour);
	assert_hears(&harbour, fd, "hi");
	harbour_tell(&harbour);
	snprintf(expected, sizeof(expected), "left; served %d; ", -ECANCELED);
	assert_noted(&harbour, expected);
	assert_int_equal(recv(fd, &(char){0}, 1, 0), 0);
	close(fd);
	/* the listener is still the actor's, and its adopted stream */
	assert_int_equal(harbour.world.runtime->belongings.count, 2);
	harbour_finish(&harbour);
}

/* It was accepted, and its task waits for its turn behind who cancels the server. */
static void connection_whose_task_never_begins_is_closed(void **state)
{
	struct harbour harbour;
	char expected[64];
	int fd;

	(void)state;
	harbour_play(&harbour, serves);
	harbour.handler = cancels;
	fd = harbour_connect(harbour.place);
	loop_step(harbour.world.loop, false); /* the server is woken */
	harbour_tell(&harbour);
	snprintf(expected, sizeof(expected), "served %d; ", -ECANCELED);
	assert_noted(&harbour, expected);
	assert_int_equal(harbour.world.runtime->belongings.count, 2);
	assert_int_equal(recv(fd, &(char){0}, 1, 0), 0);
	close(fd);
	harbour_finish(&harbour);
}

static int serves_wrongly(struct troupe_self *self, struct harbour *harbour)
{
	static const struct troupe_task_entry empty = {.table_size = sizeof(empty)};

	assert_int_equal(troupe_listen(self, "tcp:127.0.0.1:0", &harbour->listener), 0);
	assert_int_equal(troupe_serve(self, harbour->listener, NULL, NULL, 1), -EINVAL);
	assert_int_equal(troupe_serve(self, harbour->listener, &empty, NULL, 1), -EINVAL);
	assert_int_equal(troupe_serve(self, harbour->listener, &attends_task, NULL, 0),
			 -EINVAL);
	troupe_listener_close(self, harbour->listener);
	assert_int_equal(troupe_serve(self, harbour->listener, &attends_task, NULL, 1), -ESRCH);
	note(self, "refused; ");
	return 0;
}

static void wrong_serving_is_refused(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, serves_wrongly);
	harbour_run(&harbour);
	assert_noted(&harbour, "refused; ");
	harbour_finish(&harbour);
}

static void set_tasks(struct harbour *harbour, uint32_t tasks)
{
	assert_int_equal(
		runtime_unit_change(harbour->world.runtime,
				    &(struct runtime_unit){.number = 1,
							   .mailbox = 100,
							   .mailbox_bytes = 1 << 20,
							   .batch = 100,
							   .tasks = tasks,
							   .task_stack = LIMIT_TASK_STACK_MIN,
							   .task_grace_ns = TROUPE_SECOND_NS}),
		0);
}

/* The unit's Tasks= is the bound then: said once, and nobody is refused. */
static void connections_wait_while_the_actor_has_all_its_tasks(void **state)
{
	struct harbour harbour;
	const char *log, *first;
	int one, two;

	(void)state;
	harbour_play(&harbour, serves);
	set_tasks(&harbour, 2);
	one = joined(&harbour);
	two = joined(&harbour);
	world_sleep(&harbour.world, TROUPE_SECOND_NS);
	assert_hears(&harbour, one, "hi");
	assert_hears(&harbour, two, "");
	log = world_log(&harbour.world);
	first = strstr(log, "have to wait: the actor has 2 tasks: Tasks=");
	assert_non_null(first);
	assert_null(strstr(first + 1, "have to wait"));
	close(one);
	harbour_run(&harbour);
	assert_hears(&harbour, two, "hi");
	close(two);
	harbour_finish(&harbour);
}

static int sleeps(struct troupe_self *self, struct harbour *harbour)
{
	(void)harbour;
	return troupe_sleep(self, TROUPE_SECOND_NS);
}

/* The last task is taken by another one while the server waits for a connection. */
static void connection_waits_for_a_task_that_others_have_taken(void **state)
{
	struct harbour harbour;
	int fds[2];

	(void)state;
	harbour_play(&harbour, serves);
	set_tasks(&harbour, 2);
	harbour_start(&harbour, sleeps);
	fds[0] = joined(&harbour);
	assert_hears(&harbour, fds[0], "");
	assert_non_null(strstr(world_log(&harbour.world), "the actor has 2 tasks: Tasks="));
	world_sleep(&harbour.world, 2 * TROUPE_SECOND_NS);
	assert_hears(&harbour, fds[0], "hi");
	close(fds[0]);
	harbour_run(&harbour);
	assert_noted(&harbour, "left; ");
	/* where the listener is closed meanwhile, the connection goes, too */
	harbour_start(&harbour, sleeps);
	fds[1] = joined(&harbour);
	harbour.handler = closes;
	harbour_tell(&harbour);
	assert_int_equal(recv(fds[1], &(char){0}, 1, 0), 0);
	close(fds[1]);
	assert_noted(&harbour, "served 0; ");
	harbour_finish(&harbour);
}

/* ------------------------------------------------------------------ what one needs */

static int stays(struct troupe_self *self, struct puppet *me, void *unused, void *unused_too)
{
	(void)me;
	(void)unused;
	(void)unused_too;
	return troupe_sleep(self, 3600 * TROUPE_SECOND_NS);
}
TROUPE_TASK(stays, struct puppet, void, void)

/* With each line that it reads another task starts, as long as the connection lasts. */
static int attends_in_tasks(struct troupe_self *self, struct puppet *me,
			    struct troupe_stream *stream, void *unused)
{
	const char *text;
	int rc = troupe_write(self, *stream, "hi", 2);

	(void)me;
	(void)unused;
	TROUPE_SCOPE(scope, self, TROUPE_UNLIMITED);
	while (rc == 0 && troupe_read_until(self, *stream, "\n", 64, &text) > 0)
		note(self, "another %d; ",
		     troupe_start(self, scope, &stays_task, NULL, NULL, NULL));
	return rc;
}
TROUPE_TASK(attends_in_tasks, struct puppet, struct troupe_stream, void)

static int serves_in_tasks(struct troupe_self *self, struct harbour *harbour)
{
	assert_int_equal(troupe_listen(self, "tcp:127.0.0.1:0", &harbour->listener), 0);
	assert_int_equal(troupe_listener_place(self, harbour->listener, harbour->place), 0);
	assert_int_equal(troupe_listener_reserve(self, harbour->listener, 1, 0), 0);
	return troupe_serve(self, harbour->listener, &attends_in_tasks_task, NULL, 100);
}

static int starts_one(struct troupe_self *self, struct harbour *harbour)
{
	(void)harbour;
	note(self, "other %d; ",
	     troupe_start(self, TROUPE_OF_ACTOR, &stays_task, NULL, NULL, NULL));
	return 0;
}

/* Its second task is kept for it, whenever it starts that, and given back in the end. */
static void connections_wait_until_there_is_room_for_all_their_tasks(void **state)
{
	struct harbour harbour;
	char expected[128];
	const char *log, *first;
	int fds[4];

	(void)state;
	harbour_play(&harbour, serves_in_tasks);
	set_tasks(&harbour, 6);
	harbour.handler = starts_one;
	for (int i = 0; i < 3; i++) {
		fds[i] = joined(&harbour);
		assert_hears(&harbour, fds[i], i < 2 ? "hi" : "");
	}
	log = world_log(&harbour.world);
	first = strstr(log, "have to wait: each takes 2 of the actor's 6 tasks: Tasks=");
	assert_non_null(first);
	assert_null(strstr(first + 1, "have to wait"));
	/* of six there are three, and two kept: the last one is anybody's */
	harbour_tell(&harbour);
	assert_noted(&harbour, "other 0; ");
	snprintf(expected, sizeof(expected), "other %d; ", -EAGAIN);
	harbour_tell(&harbour);
	assert_noted(&harbour, expected);
	snprintf(expected, sizeof(expected), "another 0; another %d; ", -EAGAIN);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(send(fds[i], "x\nx\n", 4, 0), 4);
		harbour_run(&harbour);
		assert_noted(&harbour, expected);
	}
	close(fds[0]);
	harbour_run(&harbour);
	world_sleep(&harbour.world, TROUPE_SECOND_NS);
	assert_hears(&harbour, fds[2], "hi");
	/* one that starts none gives its place back, too */
	for (int i = 1; i < 3; i++)
		close(fds[i]);
	harbour_run(&harbour);
	fds[3] = joined(&harbour);
	assert_hears(&harbour, fds[3], "hi");
	assert_int_equal(tasked_find(harbour.world.runtime,
				     actor_find(harbour.world.runtime, harbour.world.actors[1]))
				 ->places,
			 1);
	close(fds[3]);
	harbour_finish(&harbour);
}

static int opens_another(struct troupe_self *self, struct puppet *me,
			 struct troupe_stream *stream, void *unused)
{
	int fd = dup(STDIN_FILENO);
	char byte;
	int rc;

	(void)me;
	(void)unused;
	note(self, "%s; ", fd < 0 ? "lacks one" : "has both");
	rc = (int)troupe_read(self, *stream, &byte, 1);
	if (fd >= 0)
		close(fd);
	return rc;
}
TROUPE_TASK(opens_another, struct puppet, struct troupe_stream, void)

static int serves_with_two(struct troupe_self *self, struct harbour *harbour)
{
	assert_int_equal(troupe_listen(self, "tcp:127.0.0.1:0", &harbour->listener), 0);
	assert_int_equal(troupe_listener_place(self, harbour->listener, harbour->place), 0);
	assert_int_equal(troupe_listener_reserve(self, harbour->listener, 0, 1), 0);
	return troupe_serve(self, harbour->listener, &opens_another_task, NULL, 100);
}

static void limit_descriptors(const struct rlimit *usual, int limit)
{
	const struct rlimit low = {(rlim_t)limit, usual->rlim_max};

	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
}

/* Who would have one of two waits, and the log says so; not while nobody is there. */
static void connections_wait_until_there_are_descriptors_for_them(void **state)
{
	struct harbour harbour;
	struct rlimit usual;
	const char *log, *first;
	int one, two, three, lowest;

	(void)state;
	harbour_play(&harbour, serves_with_two);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &usual), 0);
	one = harbour_connect(harbour.place);
	lowest = dup(one);
	close(lowest);
	limit_descriptors(&usual, lowest + 2);
	world_sleep(&harbour.world, TROUPE_SECOND_NS);
	assert_noted(&harbour, "has both; ");
	limit_descriptors(&usual, (int)usual.rlim_cur);
	two = harbour_connect(harbour.place);
	three = harbour_connect(harbour.place);
	/* above its two both numbers are clients' */
	limit_descriptors(&usual, lowest + 4);
	world_sleep(&harbour.world, 10 * TROUPE_SECOND_NS);
	close(one);
	world_sleep(&harbour.world, TROUPE_SECOND_NS);
	close(two);
	world_sleep(&harbour.world, TROUPE_SECOND_NS);
	limit_descriptors(&usual, (int)usual.rlim_cur);
	log = world_log(&harbour.world);
	first = strstr(log, "have to wait");
	assert_non_null(first);
	assert_null(strstr(first + 1, "have to wait"));
	assert_null(strstr(log, "lacks one"));
	first = strstr(first, "has both; ");
	assert_non_null(first);
	assert_non_null(strstr(first + 1, "has both; "));
	close(three);
	harbour_finish(&harbour);
}

static int reserves_too_much(struct troupe_self *self, struct harbour *harbour)
{
	const struct troupe_listener none = {0};

	assert_int_equal(troupe_listen(self, "tcp:127.0.0.1:0", &harbour->listener), 0);
	note(self, "%d %d %d %d; ", troupe_listener_reserve(self, none, 0, 0),
	     troupe_listener_reserve(self, harbour->listener, TROUPE_RESERVE_TASKS_MAX + 1, 0),
	     troupe_listener_reserve(self, harbour->listener, 0,
				     TROUPE_RESERVE_DESCRIPTORS_MAX + 1),
	     troupe_listener_reserve(self, harbour->listener, TROUPE_RESERVE_TASKS_MAX,
				     TROUPE_RESERVE_DESCRIPTORS_MAX));
	return 0;
}

static void no_more_is_reserved_than_there_may_be(void **state)
{
	struct harbour harbour;
	char expected[64];

	(void)state;
	harbour_play(&harbour, reserves_too_much);
	harbour_run(&harbour);
	snprintf(expected, sizeof(expected), "%d %d %d 0; ", -ESRCH, -EINVAL, -EINVAL);
	assert_noted(&harbour, expected);
	harbour_finish(&harbour);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_connection_has_a_task),
		cmocka_unit_test(server_is_seen_to_accept),
		cmocka_unit_test(so_many_at_a_time_and_the_others_wait),
		cmocka_unit_test(failure_concerns_its_own_connection),
		cmocka_unit_test(closed_listener_lets_connections_end_by_themselves),
		cmocka_unit_test(closed_listener_is_noticed_at_the_limit),
		cmocka_unit_test(cancelled_server_ends_with_its_connections),
		cmocka_unit_test(connection_whose_task_never_begins_is_closed),
		cmocka_unit_test(wrong_serving_is_refused),
		cmocka_unit_test(connections_wait_while_the_actor_has_all_its_tasks),
		cmocka_unit_test(connection_waits_for_a_task_that_others_have_taken),
		cmocka_unit_test(connections_wait_until_there_is_room_for_all_their_tasks),
		cmocka_unit_test(connections_wait_until_there_are_descriptors_for_them),
		cmocka_unit_test(no_more_is_reserved_than_there_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

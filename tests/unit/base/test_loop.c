/* test_loop.c - the event loop over libev. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/loop.h"

struct fixture {
	struct loop *loop;
	struct loop_io io;
	struct loop_timer timer, other;
	struct loop_signal signal;
	struct loop_work work, work2;
	int sockets[2];
	unsigned events, calls, more;
	char order[16];
	size_t n_order;
};

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){0};
	if (loop_new(&fixture.loop) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fixture.sockets))
		return -1;
	*state = &fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	loop_free(f->loop);
	close(f->sockets[0]);
	close(f->sockets[1]);
	return 0;
}

static void on_io(struct loop_io *io, unsigned events)
{
	struct fixture *f = container_of(io, struct fixture, io);
	char byte;

	f->events = events;
	f->calls++;
	if (events & LOOP_READ)
		(void)!read(io->fd, &byte, 1);
}

static void io_is_called_when_readable_and_only_then(void **state)
{
	struct fixture *f = *state;

	loop_io_init(&f->io, f->loop, f->sockets[0], on_io);
	loop_io_set(&f->io, LOOP_READ);
	loop_step(f->loop, false);
	assert_int_equal(f->calls, 0);
	assert_int_equal(write(f->sockets[1], "x", 1), 1);
	loop_step(f->loop, true);
	assert_int_equal(f->calls, 1);
	assert_int_equal(f->events, LOOP_READ);
	loop_step(f->loop, false);
	assert_int_equal(f->calls, 1);
	loop_io_set(&f->io, LOOP_READ | LOOP_WRITE);
	loop_step(f->loop, true);
	assert_int_equal(f->events, LOOP_WRITE);
	loop_io_stop(&f->io);
	assert_false(f->io.started);
	loop_step(f->loop, false);
	assert_int_equal(f->calls, 2);
}

static void on_hangup(struct loop_io *io, unsigned events)
{
	struct fixture *f = container_of(io, struct fixture, io);

	assert_int_equal(events, LOOP_HANGUP);
	f->calls++;
}

static void hangup_is_reported_once_when_nothing_else_is_watched_for(void **state)
{
	struct fixture *f = *state;

	loop_io_init(&f->io, f->loop, f->sockets[0], on_hangup);
	/* Watched for something else before. */
	loop_io_set(&f->io, LOOP_READ);
	loop_step(f->loop, false);
	loop_io_set(&f->io, LOOP_HANGUP);
	assert_int_equal(write(f->sockets[1], "x", 1), 1);
	assert_int_equal(shutdown(f->sockets[1], SHUT_WR), 0);
	for (int i = 0; i < 3; i++)
		loop_step(f->loop, false);
	assert_int_equal(f->calls, 0);
	/* Both ways. */
	assert_int_equal(shutdown(f->sockets[1], SHUT_RD), 0);
	for (int i = 0; i < 3; i++)
		loop_step(f->loop, false);
	assert_int_equal(f->calls, 1);
	/* From the beginning again. */
	loop_io_stop(&f->io);
	loop_io_set(&f->io, LOOP_HANGUP);
	loop_step(f->loop, true);
	assert_int_equal(f->calls, 2);
	loop_io_stop(&f->io);
	loop_step(f->loop, false);
	assert_int_equal(f->calls, 2);
}

static void on_io_stop_other(struct loop_io *io, unsigned events)
{
	struct fixture *f = container_of(io, struct fixture, io);

	(void)events;
	loop_timer_stop(&f->timer);
	loop_io_stop(io);
	f->calls++;
}

static void on_timer(struct loop_timer *timer)
{
	struct fixture *f = container_of(timer, struct fixture, timer);

	f->order[f->n_order++] = 't';
	loop_io_stop(&f->io);
	loop_stop(f->loop);
}

/* Whichever of two ready watchers is called first stops the other, which must then stay
 * silent. */
static void watcher_is_not_called_when_stopped_by_an_earlier_callback(void **state)
{
	struct fixture *f = *state;
	uint64_t start = clock_now_ns();

	loop_io_init(&f->io, f->loop, f->sockets[0], on_io_stop_other);
	loop_timer_init(&f->timer, f->loop, on_timer);
	loop_io_set(&f->io, LOOP_WRITE);
	loop_timer_start(&f->timer, 0);
	while (clock_now_ns() - start < 2 * CLOCK_MS_NS)
		;
	loop_step(f->loop, true);
	loop_step(f->loop, false);
	assert_int_equal(f->calls + f->n_order, 1);
}

static void timer_fires_once_and_not_early(void **state)
{
	struct fixture *f = *state;
	uint64_t start = clock_now_ns();

	loop_timer_init(&f->timer, f->loop, on_timer);
	loop_timer_start(&f->timer, 20 * CLOCK_MS_NS);
	loop_run(f->loop);
	assert_true(clock_now_ns() - start >= 20 * CLOCK_MS_NS);
	assert_false(f->timer.started);
	assert_int_equal(f->n_order, 1);
	assert_true(loop_now_ns(f->loop) - start >= 20 * CLOCK_MS_NS);
	assert_true(loop_clock_ns(f->loop) >= loop_now_ns(f->loop));
}

/* The delay counts from now, not from when the pass began: long work must not shorten it. */
static void timer_counts_from_its_start_when_work_took_long(void **state)
{
	struct fixture *f = *state;
	uint64_t start;

	loop_timer_init(&f->timer, f->loop, on_timer);
	start = clock_now_ns();
	while (clock_now_ns() - start < 30 * CLOCK_MS_NS)
		;
	start = clock_now_ns();
	loop_timer_start(&f->timer, 20 * CLOCK_MS_NS);
	loop_run(f->loop);
	assert_true(clock_now_ns() - start >= 20 * CLOCK_MS_NS);
}

static void timer_moves_when_started_again(void **state)
{
	struct fixture *f = *state;
	uint64_t start = clock_now_ns();

	loop_timer_init(&f->timer, f->loop, on_timer);
	loop_timer_start(&f->timer, 3600 * CLOCK_SECOND_NS);
	loop_timer_start(&f->timer, 5 * CLOCK_MS_NS);
	loop_run(f->loop);
	assert_true(clock_now_ns() - start < 1000 * CLOCK_SECOND_NS);
	loop_timer_start(&f->timer, 0);
	loop_timer_stop(&f->timer);
	loop_timer_stop(&f->timer);
	loop_step(f->loop, false);
	assert_int_equal(f->n_order, 1);
}

static void on_signal(struct loop_signal *signal)
{
	struct fixture *f = container_of(signal, struct fixture, signal);

	f->calls++;
	loop_stop(f->loop);
}

static void signal_arrives_on_the_loop(void **state)
{
	struct fixture *f = *state;

	loop_signal_init(&f->signal, f->loop, SIGUSR1, on_signal);
	assert_int_equal(loop_signal_start(&f->signal), 0);
	raise(SIGUSR1);
	assert_int_equal(f->calls, 0);
	loop_run(f->loop);
	assert_int_equal(f->calls, 1);
	loop_signal_stop(&f->signal);
}

static bool on_work(struct loop_work *work)
{
	struct fixture *f = container_of(work, struct fixture, work);

	f->order[f->n_order++] = '1';
	return f->more > 0 && f->more--;
}

static bool on_work2(struct loop_work *work)
{
	struct fixture *f = container_of(work, struct fixture, work2);

	f->order[f->n_order++] = '2';
	return false;
}

static void work_runs_in_order_before_each_sleep(void **state)
{
	struct fixture *f = *state;

	loop_work_init(&f->work, f->loop, on_work);
	loop_work_init(&f->work2, f->loop, on_work2);
	loop_work_start(&f->work);
	loop_work_start(&f->work2);
	loop_work_start(&f->work);
	loop_step(f->loop, false);
	loop_work_stop(&f->work);
	loop_step(f->loop, false);
	loop_work_start(&f->work);
	loop_step(f->loop, false);
	assert_memory_equal(f->order, "12221", 6);
}

/* With more work to do, a pass that may wait must not. */
static void loop_polls_while_work_has_more(void **state)
{
	struct fixture *f = *state;

	loop_work_init(&f->work, f->loop, on_work);
	loop_work_start(&f->work);
	f->more = 5;
	for (int i = 0; i < 5; i++)
		loop_step(f->loop, true);
	assert_int_equal(f->n_order, 5);
	assert_int_equal(f->more, 0);
}

static bool on_work_start_other(struct loop_work *work)
{
	struct fixture *f = container_of(work, struct fixture, work);

	loop_work_stop(work);
	loop_work_start(&f->work2);
	return false;
}

static void work_runs_before_sleeping_when_started_by_work(void **state)
{
	struct fixture *f = *state;

	loop_work_init(&f->work, f->loop, on_work_start_other);
	loop_work_init(&f->work2, f->loop, on_work2);
	loop_work_start(&f->work);
	loop_step(f->loop, true);
	loop_step(f->loop, false);
	assert_int_equal(f->order[0], '2');
	assert_int_equal(f->n_order, 1);
}

static bool on_work_stop_loop(struct loop_work *work)
{
	loop_stop(work->loop);
	return false;
}

static void run_ends_without_sleeping_when_work_stops_the_loop(void **state)
{
	struct fixture *f = *state;

	loop_work_init(&f->work, f->loop, on_work_stop_loop);
	loop_work_start(&f->work);
	loop_run(f->loop);
	loop_work_stop(&f->work);
	/* A stop from before the run counts too. */
	loop_stop(f->loop);
	loop_run(f->loop);
}

static void loop_is_refused_when_descriptors_are_exhausted(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, none;
	struct loop *loop = NULL;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = old;
	none.rlim_cur = 0;
	loop_signal_init(&f->signal, f->loop, SIGUSR1, on_signal);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(loop_new(&loop), -EMFILE);
	assert_int_equal(loop_signal_start(&f->signal), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_null(loop);
	assert_false(f->signal.started);
}

struct waker {
	struct loop_wake wake;
	_Atomic int sent;
	int seen, calls;
};

static void on_wake(struct loop_wake *wake)
{
	struct waker *waker = container_of(wake, struct waker, wake);

	waker->seen = atomic_load_explicit(&waker->sent, memory_order_relaxed);
	waker->calls++;
}

static void *send_wakes(void *context)
{
	struct waker *waker = context;

	for (int i = 0; i < 1000; i++) {
		atomic_fetch_add_explicit(&waker->sent, 1, memory_order_relaxed);
		loop_wake_send(&waker->wake);
	}
	return NULL;
}

static void wake_of_another_thread_ends_the_sleep(void **state)
{
	struct fixture *f = *state;
	struct waker waker = {.sent = 0};
	pthread_t thread;

	assert_int_equal(loop_wake_init(&waker.wake, f->loop, on_wake), 0);
	loop_step(f->loop, false);
	assert_int_equal(waker.calls, 0);
	assert_int_equal(pthread_create(&thread, NULL, send_wakes, &waker), 0);
	while (waker.seen < 1000)
		loop_step(f->loop, true);
	assert_int_equal(pthread_join(thread, NULL), 0);
	loop_step(f->loop, false);
	/* many are one */
	waker.calls = 0;
	send_wakes(&waker);
	loop_step(f->loop, true);
	loop_step(f->loop, false);
	assert_int_equal(waker.calls, 1);
	loop_wake_stop(&waker.wake);
	loop_wake_send(&waker.wake);
	loop_step(f->loop, false);
	assert_int_equal(waker.calls, 1);
	loop_wake_fini(&waker.wake);
}

static void wake_needs_a_descriptor(void **state)
{
	struct fixture *f = *state;
	struct rlimit limit, none;
	struct waker waker = {.sent = 0};

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(loop_wake_init(&waker.wake, f->loop, on_wake), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(io_is_called_when_readable_and_only_then),
		TEST(hangup_is_reported_once_when_nothing_else_is_watched_for),
		TEST(watcher_is_not_called_when_stopped_by_an_earlier_callback),
		TEST(timer_fires_once_and_not_early),
		TEST(timer_counts_from_its_start_when_work_took_long),
		TEST(timer_moves_when_started_again),
		TEST(signal_arrives_on_the_loop),
		TEST(work_runs_in_order_before_each_sleep),
		TEST(loop_polls_while_work_has_more),
		TEST(work_runs_before_sleeping_when_started_by_work),
		TEST(run_ends_without_sleeping_when_work_stops_the_loop),
		TEST(loop_is_refused_when_descriptors_are_exhausted),
		TEST(wake_of_another_thread_ends_the_sleep),
		TEST(wake_needs_a_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_sim_loop.c - the simulated loop: time that jumps, order by seed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/list.h"
#include "tests/unit/sim/sim.h"

struct fixture {
	struct loop *loop;
	struct loop_timer timers[4];
	struct loop_io io;
	struct loop_signal signal;
	struct loop_work work;
	char order[32];
	size_t n_order;
	unsigned events, more;
};

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){0};
	*state = &fixture;
	return loop_new(&fixture.loop);
}

static int teardown(void **state)
{
	loop_free(((struct fixture *)*state)->loop);
	return 0;
}

static struct fixture *current(struct loop_timer *timer, unsigned i)
{
	return container_of(timer - i, struct fixture, timers[0]);
}

#define ON_TIMER(i)                                                                            \
	static void on_timer_##i(struct loop_timer *timer)                                     \
	{                                                                                      \
		struct fixture *f = current(timer, i);                                         \
                                                                                               \
		f->order[f->n_order++] = '0' + i;                                              \
	}
ON_TIMER(0)
ON_TIMER(1)
ON_TIMER(2)
ON_TIMER(3)

static void start_timers(struct fixture *f, const uint64_t *delays)
{
	void (*const callbacks[])(struct loop_timer *) = {on_timer_0, on_timer_1, on_timer_2,
							  on_timer_3};

	for (unsigned i = 0; i < 4; i++) {
		loop_timer_init(&f->timers[i], f->loop, callbacks[i]);
		loop_timer_start(&f->timers[i], delays[i]);
	}
}

static void clock_jumps_from_timer_to_timer_when_nothing_is_left(void **state)
{
	struct fixture *f = *state;
	const uint64_t delays[] = {3 * CLOCK_SECOND_NS, CLOCK_SECOND_NS, 3600 * CLOCK_SECOND_NS,
				   1};

	start_timers(f, delays);
	loop_run(f->loop);
	assert_string_equal(f->order, "3102");
	assert_int_equal(loop_now_ns(f->loop), SIM_START_NS + 3600 * CLOCK_SECOND_NS);
	assert_true(sim_is_asleep(f->loop));
}

static void clock_stands_still_when_a_pass_may_not_wait(void **state)
{
	struct fixture *f = *state;
	const uint64_t delays[] = {1, 1, 1, 1};

	start_timers(f, delays);
	loop_step(f->loop, false);
	assert_int_equal(f->n_order, 0);
	assert_int_equal(loop_clock_ns(f->loop), SIM_START_NS);
	sim_advance(f->loop, 1);
	loop_step(f->loop, false);
	assert_int_equal(f->n_order, 4);
}

static void order_of_simultaneous_timers_is_the_seeds(void **state)
{
	struct fixture *f = *state;
	const uint64_t delays[] = {5, 5, 5, 5};
	char first[8] = "";
	bool differs = false;

	for (uint64_t seed = 0; seed < 20; seed++) {
		char once[8] = "";

		for (int run = 0; run < 2; run++) {
			sim_seed(f->loop, seed);
			f->n_order = 0;
			memset(f->order, 0, sizeof(f->order));
			start_timers(f, delays);
			loop_run(f->loop);
			assert_int_equal(f->n_order, 4);
			if (run == 0)
				strcpy(once, f->order);
			else
				assert_string_equal(f->order, once);
		}
		if (seed == 0)
			strcpy(first, f->order);
		differs = differs || strcmp(first, f->order) != 0;
	}
	assert_true(differs);
}

static char *work_order;

static bool on_work_a(struct loop_work *work)
{
	(void)work;
	*work_order++ = 'a';
	return false;
}

static bool on_work_b(struct loop_work *work)
{
	(void)work;
	*work_order++ = 'b';
	return false;
}

static void works_run_early_as_the_seed_says_and_then_in_order(void **state)
{
	struct fixture *f = *state;
	bool was_plain = false, was_early = false;
	struct loop_work a, b;
	char order[16];

	loop_work_init(&a, f->loop, on_work_a);
	loop_work_init(&b, f->loop, on_work_b);
	loop_work_start(&a);
	loop_work_start(&b);
	for (uint64_t seed = 0; seed < 40; seed++) {
		if (seed > 0)
			sim_seed(f->loop, seed);
		work_order = order;
		loop_step(f->loop, false);
		assert_in_range(work_order - order, 2, seed > 0 ? 4 : 2);
		assert_memory_equal(work_order - 2, "ab", 2);
		was_plain = was_plain || (seed > 0 && work_order - order == 2);
		was_early = was_early || order[0] == 'b';
	}
	assert_true(was_plain && was_early);
	loop_work_stop(&a);
	loop_work_stop(&b);
}

static void on_io(struct loop_io *io, unsigned events)
{
	container_of(io, struct fixture, io)->events = events;
}

static void on_signal(struct loop_signal *signal)
{
	struct fixture *f = container_of(signal, struct fixture, signal);

	f->order[f->n_order++] = 's';
}

static void events_come_only_from_the_tests_hand(void **state)
{
	struct fixture *f = *state;

	loop_io_init(&f->io, f->loop, 7, on_io);
	loop_signal_init(&f->signal, f->loop, 15, on_signal);
	loop_io_set(&f->io, LOOP_READ);
	loop_step(f->loop, true);
	assert_int_equal(f->events, 0);
	sim_io_ready(&f->io, LOOP_READ | LOOP_WRITE);
	loop_step(f->loop, true);
	assert_int_equal(f->events, LOOP_READ);
	f->events = 0;
	loop_step(f->loop, true);
	assert_int_equal(f->events, 0);
	sim_signal_raise(&f->signal);
	assert_int_equal(loop_signal_start(&f->signal), 0);
	loop_step(f->loop, true);
	assert_int_equal(f->n_order, 0);
	sim_signal_raise(&f->signal);
	loop_step(f->loop, true);
	assert_int_equal(f->n_order, 1);
}

static bool on_work(struct loop_work *work)
{
	struct fixture *f = container_of(work, struct fixture, work);

	f->order[f->n_order++] = 'w';
	return f->more > 0 && f->more--;
}

static void time_waits_for_work(void **state)
{
	struct fixture *f = *state;

	loop_work_init(&f->work, f->loop, on_work);
	loop_work_start(&f->work);
	loop_timer_init(&f->timers[0], f->loop, on_timer_0);
	loop_timer_start(&f->timers[0], 10);
	f->more = 2;
	loop_step(f->loop, true);
	loop_step(f->loop, true);
	assert_int_equal(loop_now_ns(f->loop), SIM_START_NS);
	loop_step(f->loop, true);
	assert_string_equal(f->order, "www0");
}

static void clock_stops_at_the_given_time(void **state)
{
	struct fixture *f = *state;
	const uint64_t delays[] = {10, 20, 30, 40};

	start_timers(f, delays);
	sim_run_until(f->loop, SIM_START_NS + 25);
	assert_string_equal(f->order, "01");
	assert_int_equal(loop_now_ns(f->loop), SIM_START_NS + 25);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(clock_jumps_from_timer_to_timer_when_nothing_is_left),
		TEST(clock_stands_still_when_a_pass_may_not_wait),
		TEST(order_of_simultaneous_timers_is_the_seeds),
		TEST(works_run_early_as_the_seed_says_and_then_in_order),
		TEST(events_come_only_from_the_tests_hand),
		TEST(time_waits_for_work),
		TEST(clock_stops_at_the_given_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

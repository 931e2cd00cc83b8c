/* loop.c - the simulated body of base/loop.h: events by hand, time by jumps, order by seed. */
#include "tests/unit/sim/sim.h"

#include "base/check.h"
#include "base/list.h"
#include "base/overrun.h"
#include "base/random.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#define WORKS_MAX 4
#define IOS_MAX   1024 /* of a loop that polls */

/* Timers, ios and signals wait in one list each; lists are short, so they are searched. */
struct loop {
	struct random random;
	struct list timers, ios, signals, overruns, crews;
	struct loop_work *works;
	uint64_t now_ns;                  /* when this pass began */
	uint64_t own_clock_ns, *clock_ns; /* its own, or another loop's */
	uint64_t look_ns;                 /* what a look at it takes in a pass */
	bool is_in_pass;
	uint64_t pass;
	bool is_seeded;
	bool polls;
	bool crews_are_held;
	bool is_fresh; /* works have run, and nothing else has since */
	bool more_work;
	bool stopped;
	bool work_started;
};

struct timer_body {
	struct list link;
	struct loop_timer *timer;
	uint64_t due_ns;
	uint64_t order; /* among those due at the same time */
	uint64_t pass;  /* in which it was started: it fires in a later one */
};

struct io_body {
	struct list link;
	struct loop_io *io;
	unsigned ready;  /* by hand */
	unsigned polled; /* by poll(2), in this pass */
	uint64_t pass;
	bool hung_up; /* LOOP_HANGUP was reported, which is done once */
};

struct signal_body {
	struct list link;
	struct loop_signal *signal;
	bool raised;
};

_Static_assert(sizeof(struct timer_body) <= sizeof(((struct loop_timer *)0)->body), "fits");
_Static_assert(sizeof(struct io_body) <= sizeof(((struct loop_io *)0)->body), "fits");
_Static_assert(sizeof(struct signal_body) <= sizeof(((struct loop_signal *)0)->body), "fits");

static struct timer_body *timer_body(struct loop_timer *timer)
{
	return (struct timer_body *)(void *)timer->body;
}

static struct io_body *io_body(struct loop_io *io)
{
	return (struct io_body *)(void *)io->body;
}

static struct signal_body *signal_body(struct loop_signal *signal)
{
	return (struct signal_body *)(void *)signal->body;
}

int loop_new(struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	random_init(&loop->random, 0);
	list_init(&loop->timers);
	list_init(&loop->ios);
	list_init(&loop->signals);
	list_init(&loop->overruns);
	list_init(&loop->crews);
	loop->clock_ns = &loop->own_clock_ns;
	loop->now_ns = loop->own_clock_ns = SIM_START_NS;
	*ret_loop = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	free(loop);
}

/* ---- one pass */

/* With a seed some of them run before, in any order: as in a pass in which the others found
 * nothing to do. Then each has run after those that started before it, as loop.h promises. */
static void run_works(struct loop *loop)
{
	struct loop_work *works[WORKS_MAX];
	unsigned n = 0;

	for (struct loop_work *work = loop->works; work; work = work->next)
		works[n++] = work;
	loop->more_work = false;
	loop->work_started = false;
	loop->is_fresh = true;
	for (uint64_t early = sim_pick(loop, n + 1); early > 0; early--) {
		struct loop_work *work = works[sim_pick(loop, n)];

		if (work->started)
			(void)work->callback(work);
	}
	for (unsigned i = 0; i < n; i++)
		if (works[i]->started && works[i]->callback(works[i]))
			loop->more_work = true;
	if (loop->work_started)
		loop->more_work = true;
}

/* The timer that is due first; of those due together, the one that the seed put first. NULL:
 * none. */
static struct timer_body *find_next_timer(struct loop *loop)
{
	struct timer_body *best = NULL;

	list_foreach (at, &loop->timers) {
		struct timer_body *body = container_of(at, struct timer_body, link);

		if (!best || body->due_ns < best->due_ns ||
		    (body->due_ns == best->due_ns && body->order < best->order))
			best = body;
	}
	return best;
}

static struct timer_body *find_due_timer(struct loop *loop)
{
	struct timer_body *best = NULL;

	list_foreach (at, &loop->timers) {
		struct timer_body *body = container_of(at, struct timer_body, link);

		if (body->due_ns > loop->now_ns || body->pass == loop->pass)
			continue;
		if (!best || body->due_ns < best->due_ns ||
		    (body->due_ns == best->due_ns && body->order < best->order))
			best = body;
	}
	return best;
}

/* What the kernel says of all descriptors. */
static void poll_descriptors(struct loop *loop)
{
	struct pollfd fds[IOS_MAX];
	nfds_t n = 0;

	if (!loop->polls)
		return;
	list_foreach (at, &loop->ios) {
		struct loop_io *io = container_of(at, struct io_body, link)->io;

		check(n < IOS_MAX);
		fds[n++] = (struct pollfd){.fd = io->fd,
					   .events = (io->events & LOOP_READ ? POLLIN : 0) |
						     (io->events & LOOP_WRITE ? POLLOUT : 0)};
	}
	while (poll(fds, n, 0) < 0)
		check(errno == EINTR); /* a fuzzer's clock */
	n = 0;
	list_foreach (at, &loop->ios) {
		struct io_body *body = container_of(at, struct io_body, link);
		unsigned found = (unsigned)fds[n++].revents;
		unsigned both = POLLERR | POLLHUP | POLLNVAL;

		body->polled = (found & (POLLIN | both) ? LOOP_READ : 0) |
			       (found & (POLLOUT | both) ? LOOP_WRITE : 0) |
			       (found & both ? LOOP_HANGUP : 0);
	}
}

static unsigned io_events(const struct io_body *body)
{
	unsigned ready = body->ready | body->polled;

	if (body->io->events == LOOP_HANGUP)
		return body->hung_up ? 0 : ready & LOOP_HANGUP;
	return ready & body->io->events & (LOOP_READ | LOOP_WRITE);
}

/* One of the ready ios, by lot; NULL: none. A callback may change any of them, hence one at a
 * time. */
static struct io_body *pick_ready_io(struct loop *loop, bool of_this_pass)
{
	struct io_body *picked = NULL;
	uint64_t n = 0;

	list_foreach (at, &loop->ios) {
		struct io_body *body = container_of(at, struct io_body, link);

		if (!io_events(body) || (of_this_pass && body->pass == loop->pass))
			continue;
		if (random_below(&loop->random, ++n) == 0)
			picked = body;
	}
	return picked;
}

static struct signal_body *pick_raised_signal(struct loop *loop)
{
	struct signal_body *picked = NULL;
	uint64_t n = 0;

	list_foreach (at, &loop->signals) {
		struct signal_body *body = container_of(at, struct signal_body, link);

		if (body->raised && random_below(&loop->random, ++n) == 0)
			picked = body;
	}
	return picked;
}

static bool has_event(struct loop *loop)
{
	struct timer_body *next = find_next_timer(loop);

	poll_descriptors(loop);
	return loop->more_work || pick_ready_io(loop, false) || pick_raised_signal(loop) ||
	       (next && next->due_ns <= *loop->clock_ns);
}

void loop_step(struct loop *loop, bool wait)
{
	struct timer_body *timer;
	struct io_body *io;
	struct signal_body *signal;

	loop->is_in_pass = true;
	run_works(loop);
	if (wait && !loop->stopped && !has_event(loop)) {
		timer = find_next_timer(loop);
		if (timer)
			*loop->clock_ns = timer->due_ns;
	}
	loop->now_ns = *loop->clock_ns;
	loop->pass++;
	poll_descriptors(loop);
	while ((io = pick_ready_io(loop, true))) {
		unsigned events = io_events(io);

		io->ready = io->polled = 0;
		io->pass = loop->pass;
		loop->is_fresh = false;
		io->hung_up = io->io->events == LOOP_HANGUP;
		io->io->callback(io->io, events);
	}
	while ((signal = pick_raised_signal(loop))) {
		signal->raised = false;
		loop->is_fresh = false;
		signal->signal->callback(signal->signal);
	}
	while ((timer = find_due_timer(loop))) {
		list_remove(&timer->link);
		timer->timer->started = false;
		loop->is_fresh = false;
		timer->timer->callback(timer->timer);
	}
	loop->is_in_pass = false;
}

void loop_run(struct loop *loop)
{
	while (!loop->stopped && !sim_is_asleep(loop))
		loop_step(loop, true);
	loop->stopped = false;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
}

uint64_t loop_now_ns(struct loop *loop)
{
	return loop->now_ns;
}

uint64_t loop_clock_ns(struct loop *loop)
{
	if (loop->is_in_pass)
		*loop->clock_ns += loop->look_ns;
	return *loop->clock_ns;
}

void sim_be_slow(struct loop *loop, uint64_t ns)
{
	loop->look_ns = ns;
}

/* ---- watchers */

void loop_io_init(struct loop_io *io, struct loop *loop, int fd,
		  void (*callback)(struct loop_io *io, unsigned events))
{
	*io = (struct loop_io){.callback = callback, .loop = loop, .fd = fd};
	io_body(io)->io = io;
	list_init(&io_body(io)->link);
}

int loop_io_set(struct loop_io *io, unsigned events)
{
	if (io->events != events)
		io_body(io)->hung_up = false;
	io->events = events;
	io->started = events != 0;
	list_remove(&io_body(io)->link);
	if (io->started)
		list_append(&io->loop->ios, &io_body(io)->link);
	return 0;
}

void loop_io_stop(struct loop_io *io)
{
	(void)loop_io_set(io, 0);
	io_body(io)->ready = io_body(io)->polled = 0;
}

void loop_timer_init(struct loop_timer *timer, struct loop *loop,
		     void (*callback)(struct loop_timer *timer))
{
	*timer = (struct loop_timer){.callback = callback, .loop = loop};
	timer_body(timer)->timer = timer;
	list_init(&timer_body(timer)->link);
}

void loop_timer_start(struct loop_timer *timer, uint64_t delay_ns)
{
	struct loop *loop = timer->loop;
	struct timer_body *body = timer_body(timer);

	list_remove(&body->link);
	if (__builtin_add_overflow(*loop->clock_ns, delay_ns, &body->due_ns))
		body->due_ns = UINT64_MAX;
	body->order = random_next(&loop->random);
	body->pass = loop->pass;
	list_append(&loop->timers, &body->link);
	timer->started = true;
	timer->delay_ns = delay_ns;
}

void loop_timer_stop(struct loop_timer *timer)
{
	list_remove(&timer_body(timer)->link);
	timer->started = false;
}

void loop_signal_init(struct loop_signal *signal, struct loop *loop, int number,
		      void (*callback)(struct loop_signal *signal))
{
	*signal = (struct loop_signal){.callback = callback, .loop = loop, .number = number};
	signal_body(signal)->signal = signal;
	list_init(&signal_body(signal)->link);
}

int loop_signal_start(struct loop_signal *signal)
{
	list_remove(&signal_body(signal)->link);
	list_append(&signal->loop->signals, &signal_body(signal)->link);
	signal->started = true;
	return 0;
}

void loop_signal_stop(struct loop_signal *signal)
{
	list_remove(&signal_body(signal)->link);
	signal_body(signal)->raised = false;
	signal->started = false;
}

/* Sent by hand and in the one thread that there is. */
static void on_wake(struct loop_io *io, unsigned events)
{
	struct loop_wake *wake = container_of(io, struct loop_wake, io);

	(void)events;
	wake->callback(wake);
}

int loop_wake_init(struct loop_wake *wake, struct loop *loop,
		   void (*callback)(struct loop_wake *wake))
{
	wake->callback = callback;
	loop_io_init(&wake->io, loop, -1, on_wake);
	return loop_io_set(&wake->io, LOOP_READ);
}

void loop_wake_send(struct loop_wake *wake)
{
	sim_io_ready(&wake->io, LOOP_READ);
}

void loop_wake_stop(struct loop_wake *wake)
{
	loop_io_stop(&wake->io);
}

void loop_wake_fini(struct loop_wake *wake)
{
	(void)wake;
}

void loop_work_init(struct loop_work *work, struct loop *loop,
		    bool (*callback)(struct loop_work *work))
{
	*work = (struct loop_work){.callback = callback, .loop = loop};
}

void loop_work_start(struct loop_work *work)
{
	struct loop_work **place = &work->loop->works;
	unsigned n = 0;

	if (work->started)
		return;
	for (; *place; place = &(*place)->next)
		n++;
	check(n < WORKS_MAX);
	*place = work;
	work->next = NULL;
	work->started = true;
	work->loop->work_started = true;
	work->loop->more_work = true;
}

void loop_work_stop(struct loop_work *work)
{
	struct loop_work **place = &work->loop->works;

	if (!work->started)
		return;
	while (*place != work)
		place = &(*place)->next;
	*place = work->next;
	work->next = NULL;
	work->started = false;
}

/* ---- overruns: noticed the moment the clock gets there */

struct overrun {
	struct list link;
	struct loop *loop;
	_Atomic uint64_t *word;
	uint64_t due_ns;
};

int overrun_new(struct loop *loop, _Atomic uint64_t *word, struct overrun **ret_overrun)
{
	struct overrun *overrun = calloc(1, sizeof(*overrun));

	if (!overrun)
		return -ENOMEM;
	*overrun = (struct overrun){.loop = loop, .word = word};
	list_init(&overrun->link);
	*ret_overrun = overrun;
	return 0;
}

void overrun_free(struct overrun *overrun)
{
	if (overrun)
		list_remove(&overrun->link);
	free(overrun);
}

static void look_at_overrun(struct overrun *overrun)
{
	if (*overrun->loop->clock_ns >= overrun->due_ns)
		atomic_store_explicit(overrun->word, 0, memory_order_relaxed);
}

void overrun_begin(struct overrun *overrun, uint64_t due_ns)
{
	overrun_end(overrun);
	overrun->due_ns = due_ns;
	list_append(&overrun->loop->overruns, &overrun->link);
	look_at_overrun(overrun);
}

void overrun_end(struct overrun *overrun)
{
	list_remove(&overrun->link);
}

/* ---- the test's hand */

void sim_seed(struct loop *loop, uint64_t seed)
{
	random_init(&loop->random, seed);
	loop->is_seeded = true;
}

uint64_t sim_pick(struct loop *loop, uint64_t n)
{
	return loop->is_seeded && n > 1 ? random_below(&loop->random, n) : 0;
}

void sim_poll(struct loop *loop, bool polls)
{
	loop->polls = polls;
}

void sim_hold_crews(struct loop *loop, bool hold)
{
	loop->crews_are_held = hold;
	list_foreach (at, &loop->crews)
		sim_crew_turn(at);
}

bool sim_crews_are_held(const struct loop *loop)
{
	return loop->crews_are_held;
}

void sim_crew_enter(struct loop *loop, struct list *crew)
{
	list_append(&loop->crews, crew);
}

void sim_share_clock(struct loop *loop, struct loop *of)
{
	loop->clock_ns = of->clock_ns;
	loop->now_ns = *loop->clock_ns;
}

bool sim_is_due(struct loop *loop)
{
	return !loop->is_fresh || has_event(loop);
}

bool sim_is_stopped(const struct loop *loop)
{
	return loop->stopped;
}

uint64_t sim_next_ns(struct loop *loop)
{
	struct timer_body *next = find_next_timer(loop);

	return next ? next->due_ns : UINT64_MAX;
}

void sim_advance(struct loop *loop, uint64_t ns)
{
	*loop->clock_ns += ns;
	list_foreach (at, &loop->overruns)
		look_at_overrun(container_of(at, struct overrun, link));
}

void sim_io_ready(struct loop_io *io, unsigned events)
{
	io_body(io)->ready |= events;
}

void sim_signal_raise(struct loop_signal *signal)
{
	if (signal->started)
		signal_body(signal)->raised = true;
}

bool sim_is_asleep(struct loop *loop)
{
	/* Work may have been given to a work since the last pass: only a pass can tell. */
	run_works(loop);
	return !has_event(loop) && !find_next_timer(loop);
}

void sim_run_until(struct loop *loop, uint64_t until_ns)
{
	for (;;) {
		struct timer_body *next;

		run_works(loop);
		next = find_next_timer(loop);
		if (loop->stopped || (!has_event(loop) && (!next || next->due_ns > until_ns)))
			break;
		/* To wait is to go to the next timer, which may be later. */
		loop_step(loop, !has_event(loop));
	}
	if (*loop->clock_ns < until_ns)
		*loop->clock_ns = until_ns;
	loop->now_ns = *loop->clock_ns;
}

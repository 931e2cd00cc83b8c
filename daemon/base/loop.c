/* loop.c - the event loop, over libev; the only file that includes ev.h. */
#include "base/loop.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/list.h"
#include <errno.h>
#include <ev.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define WORKS_MAX   4
#define HANGUPS_MAX 64 /* handled in a pass */

struct loop {
	struct ev_loop *ev;
	ev_prepare
		prepare; /* runs the work, just before libev computes how long it may sleep */
	ev_idle idle;    /* active: there is more work, poll only */
	ev_check check;  /* reads the clock when the pass has polled */
	int hangups; /* an epoll of its own, since libev watches for nothing less than both */
	ev_io on_hangup; /* on it */
	struct loop_work *works;
	uint64_t now_ns;
	bool stopped;
	bool work_started; /* while the works were running */
};

_Static_assert(sizeof(ev_io) <= sizeof(((struct loop_io *)0)->body), "ev_io fits");
_Static_assert(sizeof(ev_timer) <= sizeof(((struct loop_timer *)0)->body), "ev_timer fits");
_Static_assert(sizeof(ev_signal) <= sizeof(((struct loop_signal *)0)->body), "ev_signal fits");

static ev_io *io_body(struct loop_io *io)
{
	return (ev_io *)(void *)io->body;
}

static ev_timer *timer_body(struct loop_timer *timer)
{
	return (ev_timer *)(void *)timer->body;
}

static ev_signal *signal_body(struct loop_signal *watcher)
{
	return (ev_signal *)(void *)watcher->body;
}

static bool run_works(struct loop *loop)
{
	struct loop_work *works[WORKS_MAX];
	unsigned n = 0;
	bool again = false;

	/* Callbacks may stop and start works, so walk over a copy. */
	for (struct loop_work *work = loop->works; work; work = work->next)
		works[n++] = work;
	loop->work_started = false;
	for (unsigned i = 0; i < n; i++)
		if (works[i]->started && works[i]->callback(works[i]))
			again = true;
	/* One that was started meanwhile has not run yet. */
	return again || loop->work_started;
}

static void on_prepare(struct ev_loop *ev, ev_prepare *prepare, int events)
{
	struct loop *loop = prepare->data;

	(void)events;
	if (run_works(loop))
		ev_idle_start(ev, &loop->idle);
	else
		ev_idle_stop(ev, &loop->idle);
}

static void on_idle(struct ev_loop *ev, ev_idle *idle, int events)
{
	(void)ev;
	(void)idle;
	(void)events;
}

static void on_check(struct ev_loop *ev, ev_check *watcher, int events)
{
	struct loop *loop = watcher->data;

	(void)ev;
	(void)events;
	loop->now_ns = clock_now_ns();
}

static void on_hangup(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct loop *loop = watcher->data;
	struct epoll_event found;

	(void)ev;
	(void)events;
	/* One at a time: a callback may stop any other. */
	for (int i = 0; i < HANGUPS_MAX && epoll_wait(loop->hangups, &found, 1, 0) == 1; i++) {
		struct loop_io *io = found.data.ptr;

		io->callback(io, LOOP_HANGUP);
	}
}

int loop_new(struct loop **ret_loop)
{
	struct loop *loop = calloc(1, sizeof(*loop));
	int r;

	if (!loop)
		return -ENOMEM;
	/* epoll by name: left to choose, libev would fall back to poll() when descriptors run
	 * out. */
	loop->ev = ev_loop_new(EVBACKEND_EPOLL | EVFLAG_NOENV);
	loop->hangups = loop->ev ? epoll_create1(EPOLL_CLOEXEC) : -1;
	if (loop->hangups < 0) {
		r = errno ? -errno : -ENOMEM;
		if (loop->ev)
			ev_loop_destroy(loop->ev);
		free(loop);
		return r;
	}
	loop->now_ns = clock_now_ns();
	ev_prepare_init(&loop->prepare, on_prepare);
	loop->prepare.data = loop;
	ev_prepare_start(loop->ev, &loop->prepare);
	ev_idle_init(&loop->idle, on_idle);
	ev_io_init(&loop->on_hangup, on_hangup, loop->hangups, EV_READ);
	loop->on_hangup.data = loop;
	ev_io_start(loop->ev, &loop->on_hangup);
	ev_check_init(&loop->check, on_check);
	loop->check.data = loop;
	ev_set_priority(&loop->check, EV_MAXPRI); /* before all other callbacks of the pass */
	ev_check_start(loop->ev, &loop->check);
	*ret_loop = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	ev_check_stop(loop->ev, &loop->check);
	ev_idle_stop(loop->ev, &loop->idle);
	ev_prepare_stop(loop->ev, &loop->prepare);
	ev_io_stop(loop->ev, &loop->on_hangup);
	ev_loop_destroy(loop->ev);
	close(loop->hangups);
	free(loop);
}

void loop_run(struct loop *loop)
{
	/* ev_run() forgets a break from before it began, so the flag decides. */
	while (!loop->stopped)
		ev_run(loop->ev, 0);
	loop->stopped = false;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
	ev_break(loop->ev, EVBREAK_ALL);
}

void loop_step(struct loop *loop, bool wait)
{
	ev_run(loop->ev, wait ? EVRUN_ONCE : EVRUN_NOWAIT);
}

uint64_t loop_now_ns(struct loop *loop)
{
	return loop->now_ns;
}

uint64_t loop_clock_ns(struct loop *loop)
{
	(void)loop;
	return clock_now_ns();
}

static void on_io(struct ev_loop *ev, ev_io *watcher, int events)
{
	struct loop_io *io = watcher->data;
	unsigned ready = 0;

	(void)ev;
	/* EV_ERROR (libev found the fd to be bad and stopped the watcher) comes with both bits:
	 * the read or write that follows gets the error. */
	if (events & EV_READ)
		ready |= LOOP_READ;
	if (events & EV_WRITE)
		ready |= LOOP_WRITE;
	io->callback(io, ready);
}

void loop_io_init(struct loop_io *io, struct loop *loop, int fd,
		  void (*callback)(struct loop_io *io, unsigned events))
{
	*io = (struct loop_io){.callback = callback, .loop = loop, .fd = fd};
	ev_io_init(io_body(io), on_io, fd, 0);
	io_body(io)->data = io;
}

int loop_io_set(struct loop_io *io, unsigned events)
{
	struct epoll_event hangup = {.events = EPOLLONESHOT, .data.ptr = io};

	if (events == io->events && io->started == (events != 0))
		return 0;
	if (io->events == LOOP_HANGUP)
		(void)epoll_ctl(io->loop->hangups, EPOLL_CTL_DEL, io->fd, NULL);
	ev_io_stop(io->loop->ev, io_body(io));
	io->events = 0;
	io->started = false;
	if (events == LOOP_HANGUP &&
	    epoll_ctl(io->loop->hangups, EPOLL_CTL_ADD, io->fd, &hangup) < 0)
		return -errno;
	io->events = events;
	io->started = events != 0;
	if (!(events & (LOOP_READ | LOOP_WRITE)))
		return 0;
	ev_io_set(io_body(io), io->fd,
		  (events & LOOP_READ ? EV_READ : 0) | (events & LOOP_WRITE ? EV_WRITE : 0));
	ev_io_start(io->loop->ev, io_body(io));
	return 0;
}

void loop_io_stop(struct loop_io *io)
{
	(void)loop_io_set(io, 0);
}

static void on_timer(struct ev_loop *ev, ev_timer *watcher, int events)
{
	struct loop_timer *timer = watcher->data;

	(void)ev;
	(void)events;
	timer->started = false;
	timer->callback(timer);
}

void loop_timer_init(struct loop_timer *timer, struct loop *loop,
		     void (*callback)(struct loop_timer *timer))
{
	*timer = (struct loop_timer){.callback = callback, .loop = loop};
	ev_timer_init(timer_body(timer), on_timer, 0., 0.);
	timer_body(timer)->data = timer;
}

void loop_timer_start(struct loop_timer *timer, uint64_t delay_ns)
{
	ev_timer_stop(timer->loop->ev, timer_body(timer));
	/* libev counts from the time it read last, which long work may have left far behind. */
	ev_now_update(timer->loop->ev);
	ev_timer_set(timer_body(timer), (double)delay_ns / 1e9, 0.);
	ev_timer_start(timer->loop->ev, timer_body(timer));
	timer->started = true;
	timer->delay_ns = delay_ns;
}

void loop_timer_stop(struct loop_timer *timer)
{
	ev_timer_stop(timer->loop->ev, timer_body(timer));
	timer->started = false;
}

static void on_signal(struct ev_loop *ev, ev_signal *watcher, int events)
{
	struct loop_signal *signal = watcher->data;

	(void)ev;
	(void)events;
	signal->callback(signal);
}

void loop_signal_init(struct loop_signal *signal, struct loop *loop, int number,
		      void (*callback)(struct loop_signal *signal))
{
	*signal = (struct loop_signal){.callback = callback, .loop = loop, .number = number};
	ev_signal_init(signal_body(signal), on_signal, number);
	signal_body(signal)->data = signal;
}

int loop_signal_start(struct loop_signal *signal)
{
	/* libev ends the process where there is none for it. */
	int spare = epoll_create1(EPOLL_CLOEXEC);

	if (spare < 0)
		return -errno;
	close(spare);
	ev_signal_start(signal->loop->ev, signal_body(signal));
	signal->started = true;
	return 0;
}

void loop_signal_stop(struct loop_signal *signal)
{
	ev_signal_stop(signal->loop->ev, signal_body(signal));
	signal->started = false;
}

static void on_wake(struct loop_io *io, unsigned events)
{
	struct loop_wake *wake = container_of(io, struct loop_wake, io);
	uint64_t sent;

	(void)events;
	(void)!read(io->fd, &sent,
		    sizeof(sent)); /* before the callback looks at what there is */
	wake->callback(wake);
}

int loop_wake_init(struct loop_wake *wake, struct loop *loop,
		   void (*callback)(struct loop_wake *wake))
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return -errno;
	wake->callback = callback;
	loop_io_init(&wake->io, loop, fd, on_wake);
	return loop_io_set(&wake->io, LOOP_READ);
}

void loop_wake_send(struct loop_wake *wake)
{
	const uint64_t once = 1;

	/* It fails only when that many are pending that one more changes nothing. */
	(void)!write(wake->io.fd, &once, sizeof(once));
}

void loop_wake_stop(struct loop_wake *wake)
{
	loop_io_stop(&wake->io);
}

void loop_wake_fini(struct loop_wake *wake)
{
	close(wake->io.fd);
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

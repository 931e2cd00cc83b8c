/* loop.h - one event loop: descriptors, timers, signals, children, and work before it sleeps.
 *
 * A thin face over libev; loop.c is the only file that includes ev.h. A second, simulated body
 * of the same header (tests/unit/sim/loop.c) is chosen at link time for deterministic tests:
 * its clock moves only when nothing is left to do. One thread per loop. Watchers are memory of
 * the caller (init/start/stop); stopping a watcher inside any callback, its own too, is fine,
 * and after stop its callback is not called. Callbacks get the watcher back; find your object
 * with container_of().
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;

/* *ret_loop is given. -ENOMEM, -EMFILE. */
int loop_new(struct loop **ret_loop);
void loop_free(struct loop *loop);

/* Run until loop_stop(); watchers keep it neither alive nor from stopping. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* One pass: handle what is ready; wait for something when `wait`. For tests and for clients. */
void loop_step(struct loop *loop, bool wait);

/* CLOCK_MONOTONIC in ns: as read when this pass began, and read anew. */
uint64_t loop_now_ns(struct loop *loop);
uint64_t loop_clock_ns(struct loop *loop);

/* ---- descriptors */
#define LOOP_READ  1u
#define LOOP_WRITE 2u
#define LOOP_HANGUP                                                                            \
	4u /* alone: the other end is closed both ways; reported as those two, too */

struct loop_io {
	void (*callback)(struct loop_io *io, unsigned events);
	struct loop *loop;
	int fd;
	unsigned events;
	bool started;
	_Alignas(16) unsigned char body[64]; /* of loop.c */
};
void loop_io_init(struct loop_io *io, struct loop *loop, int fd,
		  void (*callback)(struct loop_io *io, unsigned events));
/* Watch for exactly `events` from now on; 0 stops. LOOP_HANGUP is reported once, and only where
 * it is watched for alone: those who watch for LOOP_READ or LOOP_WRITE get these for it. For it
 * alone this may fail, with errno of epoll_ctl(2); then nothing is watched for. */
int loop_io_set(struct loop_io *io, unsigned events);
void loop_io_stop(struct loop_io *io); /* call before closing the fd */

/* ---- timers, for the few; actors' timers are the runtime's own */
struct loop_timer {
	void (*callback)(struct loop_timer *timer);
	struct loop *loop;
	bool started;
	uint64_t delay_ns; /* with which it was started last; its owner may set another */
	_Alignas(16) unsigned char body[64];
};
void loop_timer_init(struct loop_timer *timer, struct loop *loop,
		     void (*callback)(struct loop_timer *timer));
/* Once, delay_ns from now; starting a started one moves it. */
void loop_timer_start(struct loop_timer *timer, uint64_t delay_ns);
void loop_timer_stop(struct loop_timer *timer);

/* ---- signals: delivered on the loop */
struct loop_signal {
	void (*callback)(struct loop_signal *signal);
	struct loop *loop;
	int number;
	bool started;
	_Alignas(16) unsigned char body[64];
};
void loop_signal_init(struct loop_signal *signal, struct loop *loop, int number,
		      void (*callback)(struct loop_signal *signal));
/* -EMFILE: the first one of a process needs a descriptor. */
int loop_signal_start(struct loop_signal *signal);
void loop_signal_stop(struct loop_signal *signal);

/* ---- wakes: the one thing here that other threads may use */
struct loop_wake {
	void (*callback)(struct loop_wake *wake);
	struct loop_io io; /* of loop.c */
};
/* Takes a descriptor. -EMFILE, -ENFILE, -ENOMEM. */
int loop_wake_init(struct loop_wake *wake, struct loop *loop,
		   void (*callback)(struct loop_wake *wake));
/* Any thread, and signal handlers: the callback is called in the loop's thread, once at least
 * for all that has been sent until then, and sees all that was done before. */
void loop_wake_send(struct loop_wake *wake);
/* The loop's thread: no callback any more. It may still be sent, also when the loop is gone. */
void loop_wake_stop(struct loop_wake *wake);
/* Any thread, after the stop: nobody sends it any more. */
void loop_wake_fini(struct loop_wake *wake);

/* ---- work: called in each pass just before the loop would sleep; while `again` returns true
 * the pass polls instead of sleeping. At most four per loop; the runtime's turns and the links'
 * flushes. They run in the order of their start. */
struct loop_work {
	/* Do a bounded amount; true: there is more to do at once, also when it gave work to one
	 * that runs before it. */
	bool (*callback)(struct loop_work *work);
	struct loop *loop;
	bool started;
	struct loop_work *next; /* of loop.c */
};
void loop_work_init(struct loop_work *work, struct loop *loop,
		    bool (*callback)(struct loop_work *work));
void loop_work_start(struct loop_work *work);
void loop_work_stop(struct loop_work *work);

#endif

/* overrun.c - the thread that looks at the clock for a thread that does not. */
#include "base/overrun.h"

#include "base/clock.h"
#include "base/thread.h"
#include <errno.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>

#define REPEAT_NS CLOCK_MS_NS

struct overrun {
	_Atomic uint64_t *word;
	_Atomic uint64_t due_ns; /* 0: no stretch is under way */
	atomic_bool is_asleep;   /* the thread waits for `wake`, or is about to */
	atomic_bool is_ending;
	sem_t wake;
	pthread_t thread;
};

/* Whoever makes is_asleep false posts, and nobody else: so there is at most one post under way,
 * and none is lost. */
static void wake(struct overrun *overrun)
{
	if (atomic_load(&overrun->is_asleep) && atomic_exchange(&overrun->is_asleep, false))
		(void)sem_post(&overrun->wake);
}

/* Until a stretch begins. One that began just before is_asleep was set has not seen it, hence
 * the second look. */
static void sleep_until_woken(struct overrun *overrun)
{
	atomic_store(&overrun->is_asleep, true);
	if ((atomic_load(&overrun->due_ns) || atomic_load(&overrun->is_ending)) &&
	    atomic_exchange(&overrun->is_asleep, false))
		return;
	while (sem_wait(&overrun->wake) < 0 && errno == EINTR)
		;
}

static void sleep_until(uint64_t at_ns)
{
	const struct timespec at = {(time_t)(at_ns / CLOCK_SECOND_NS),
				    (long)(at_ns % CLOCK_SECOND_NS)};

	/* Waking early does no harm. */
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

static void *run(void *context)
{
	struct overrun *overrun = context;

	while (!atomic_load(&overrun->is_ending)) {
		uint64_t due_ns = atomic_load(&overrun->due_ns), now_ns;

		if (due_ns == 0) {
			sleep_until_woken(overrun);
			continue;
		}
		now_ns = clock_now_ns();
		if (now_ns >= due_ns) {
			atomic_store_explicit(overrun->word, 0, memory_order_relaxed);
			due_ns = now_ns + REPEAT_NS;
		} else if (due_ns - now_ns > REPEAT_NS) {
			due_ns = now_ns + REPEAT_NS; /* so that it can be ended */
		}
		sleep_until(due_ns);
	}
	return NULL;
}

int overrun_new(struct loop *loop, _Atomic uint64_t *word, struct overrun **ret_overrun)
{
	struct overrun *overrun = calloc(1, sizeof(*overrun));
	int rc;

	(void)loop;
	if (!overrun)
		return -ENOMEM;
	overrun->word = word;
	if (sem_init(&overrun->wake, 0, 0) < 0) {
		free(overrun);
		return -errno;
	}
	rc = thread_start(&overrun->thread, "overrun", 0, run, overrun);
	if (rc < 0) {
		sem_destroy(&overrun->wake);
		free(overrun);
		return rc;
	}
	*ret_overrun = overrun;
	return 0;
}

void overrun_free(struct overrun *overrun)
{
	if (!overrun)
		return;
	atomic_store(&overrun->is_ending, true);
	wake(overrun);
	pthread_join(overrun->thread, NULL);
	sem_destroy(&overrun->wake);
	free(overrun);
}

void overrun_begin(struct overrun *overrun, uint64_t due_ns)
{
	atomic_store(&overrun->due_ns, due_ns);
	wake(overrun);
}

void overrun_end(struct overrun *overrun)
{
	atomic_store_explicit(&overrun->due_ns, 0, memory_order_relaxed);
}

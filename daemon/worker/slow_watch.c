#include "worker/slow_watch.h"

#include "base/clock.h"
#include "base/thread.h"
#include "worker/code_names.h"
#include "worker/crash_context.h"
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOKS     4u                  /* in the time that makes a handler slow */
#define IDLE      8u                  /* looks in a row at no handler; then the thread sleeps */
#define LAST_NS   (100 * CLOCK_MS_NS) /* after that one more look */
#define NAP_NS    CLOCK_SECOND_NS     /* between two looks, at most */
#define ANSWER_NS CLOCK_SECOND_NS     /* for the signal's handler */

#define load(place)         atomic_load_explicit(place, memory_order_relaxed)
#define store(place, value) atomic_store_explicit(place, value, memory_order_relaxed)

/* Of the question that the signal brings. */
enum { QUIET, ASKED, TAKEN, ANSWERED };

struct slow_watch {
	struct recorder *recorder;
	struct page *page;
	_Atomic uint64_t limit_ns;
	atomic_bool sleeps, is_ending;
	sem_t wake;
	pthread_t thread, watched;
	/* The question, and what the signal's handler answers. */
	atomic_uint state;
	sem_t answered;
	uint64_t sequence; /* of the handler that it is about */
	bool is_gone;      /* another one runs by now */
	struct page_thread activity;
	uintptr_t frames[PAGE_FRAMES];
	uint32_t n_frames;
	bool is_exact;
	/* Of the thread alone */
	uint64_t last;     /* sequence that was seen last */
	uint64_t since_ns; /* when that was first seen */
	uint64_t seen_ns;  /* for so long, as far as the thread itself ran */
	uint64_t look_ns;  /* when that was */
	unsigned n_idle;
	uint64_t count;         /* of slow handlers so far */
	struct page_slow *slow; /* the one under way; NULL: none */
};

/* ---- in the thread that runs handlers */

static void copy_activity(const struct page_thread *from, struct page_thread *to)
{
	store(&to->sequence, load(&from->sequence));
	store(&to->actor, load(&from->actor));
	store(&to->type_hash, load(&from->type_hash));
	store(&to->version, load(&from->version));
	store(&to->instance, load(&from->instance));
	store(&to->thread_id, load(&from->thread_id));
	store(&to->call, load(&from->call));
	store(&to->call_sequence, load(&from->call_sequence));
}

/* What is on the stack may be of code whose unwinding information is wrong: a fault in here is
 * the end of the backtrace. */
static void take_frames(struct slow_watch *watch, const ucontext_t *context)
{
	sigjmp_buf here;

	watch->n_frames = crash_context_pc(context, &watch->frames[0]) ? 1 : 0;
	watch->is_exact = true;
	if (sigsetjmp(here, 1) == 0) {
		recorder_set_guard(watch->recorder, &here);
		watch->n_frames =
			recorder_find_frames(context, watch->frames, &watch->is_exact);
	}
	recorder_set_guard(watch->recorder, NULL);
}

static void on_signal(int number, siginfo_t *info, void *data)
{
	struct slow_watch *watch = info->si_value.sival_ptr;
	const int error = errno;
	unsigned asked = ASKED;

	(void)number;
	/* From the kernel, or another process: about something else. */
	if (info->si_code != SI_QUEUE || info->si_pid != getpid() || !watch)
		return;
	if (!atomic_compare_exchange_strong(&watch->state, &asked, TAKEN))
		return;
	watch->is_gone = load(&watch->page->thread.sequence) != watch->sequence;
	watch->n_frames = 0;
	if (!watch->is_gone) {
		copy_activity(&watch->page->thread, &watch->activity);
		take_frames(watch, data);
	}
	atomic_store(&watch->state, ANSWERED);
	(void)sem_post(&watch->answered);
	errno = error;
}

/* ---- in the thread that watches */

static bool wait_for(sem_t *semaphore, uint64_t ns)
{
	uint64_t at_ns = clock_now_ns() + ns;
	const struct timespec at = {(time_t)(at_ns / CLOCK_SECOND_NS),
				    (long)(at_ns % CLOCK_SECOND_NS)};
	int r;

	while ((r = sem_clockwait(semaphore, CLOCK_MONOTONIC, &at)) < 0 && errno == EINTR)
		;
	return r == 0;
}

/* Whether the handler at hand has told where it is. */
static bool ask(struct slow_watch *watch)
{
	unsigned asked = ASKED;

	watch->sequence = watch->last;
	atomic_store(&watch->state, ASKED);
	if (pthread_sigqueue(watch->watched, SIGURG, (union sigval){.sival_ptr = watch}) != 0) {
		atomic_store(&watch->state, QUIET);
		return false;
	}
	if (!wait_for(&watch->answered, ANSWER_NS)) {
		/* It blocks the signal. */
		if (atomic_compare_exchange_strong(&watch->state, &asked, QUIET))
			return false;
		while (!wait_for(&watch->answered, ANSWER_NS))
			if (atomic_load(&watch->is_ending))
				return false;
	}
	/* An exchange, since what was answered comes with what it reads. */
	(void)atomic_exchange(&watch->state, QUIET);
	return !watch->is_gone;
}

static void name_frames(const struct slow_watch *watch, struct page_slow *slow)
{
	const struct code_names *names = recorder_names(watch->recorder);

	for (uint32_t i = 0; i < watch->n_frames && i < PAGE_SLOW_FRAMES; i++) {
		code_names_fill(names, watch->frames[i], i > 0 || !watch->is_exact,
				&slow->frames[i]);
		slow->n_frames = i + 1;
	}
}

/* Of what the host does for itself nothing is reported. */
static bool is_handler(const struct page_thread *thread)
{
	uint64_t doing = load(&thread->type_hash);

	return doing != PAGE_DOING_NOTHING && doing != PAGE_DOING_LOAD &&
	       doing != PAGE_DOING_DEFINE;
}

static void report(struct slow_watch *watch)
{
	struct page_slow *slow = &watch->page->slow[watch->count % PAGE_SLOW];

	if (!is_handler(&watch->page->thread))
		return;
	/* Without a backtrace it is at least known who it is. */
	if (!ask(watch)) {
		watch->n_frames = 0;
		copy_activity(&watch->page->thread, &watch->activity);
		if (load(&watch->activity.sequence) != watch->last)
			return; /* it has just returned */
	}
	atomic_store(&slow->number, 0);
	copy_activity(&watch->activity, &slow->thread);
	slow->n_frames = 0;
	name_frames(watch, slow);
	store(&slow->for_ns, clock_now_ns() - watch->since_ns);
	store(&slow->is_over, 0);
	watch->slow = slow;
	atomic_store_explicit(&slow->number, ++watch->count, memory_order_release);
}

/* Another handler, or none. */
static void turn_to(struct slow_watch *watch, uint64_t sequence)
{
	if (watch->slow) {
		/* it has ended since the last look: rather a little too long than too short */
		store(&watch->slow->for_ns, watch->look_ns - watch->since_ns);
		store(&watch->slow->is_over, 1);
	}
	watch->slow = NULL;
	watch->last = sequence;
	watch->since_ns = watch->look_ns;
	watch->seen_ns = 0;
	watch->n_idle = 0;
}

static void look(struct slow_watch *watch, uint64_t limit_ns, uint64_t nap_ns)
{
	uint64_t sequence = load(&watch->page->thread.sequence), now_ns = clock_now_ns(),
		 passed_ns = now_ns - watch->look_ns;

	watch->look_ns = now_ns;
	if (sequence != watch->last) {
		turn_to(watch, sequence);
		return;
	}
	if (!(sequence & 1)) {
		watch->n_idle++;
		return;
	}
	/* When the whole process was stopped, the handler did not run either, and is not slow
	 * for that. */
	watch->seen_ns += passed_ns < 2 * nap_ns ? passed_ns : 2 * nap_ns;
	if (watch->slow)
		store(&watch->slow->for_ns, now_ns - watch->since_ns);
	else if (watch->seen_ns >= limit_ns)
		report(watch);
}

/* Until a handler is about to run. One that began just before `sleeps` was set has not seen it,
 * hence one more look. */
static void sleep_until_woken(struct slow_watch *watch)
{
	atomic_store(&watch->sleeps, true);
	if (!wait_for(&watch->wake, LAST_NS) &&
	    load(&watch->page->thread.sequence) == watch->last &&
	    !atomic_load(&watch->is_ending))
		while (sem_wait(&watch->wake) < 0 && errno == EINTR)
			;
	atomic_store(&watch->sleeps, false);
	watch->look_ns = clock_now_ns();
	watch->n_idle = 0;
}

static void *run(void *context)
{
	struct slow_watch *watch = context;

	while (!atomic_load(&watch->is_ending)) {
		uint64_t limit_ns = load(&watch->limit_ns), nap_ns = limit_ns / LOOKS;

		if (limit_ns == 0) {
			turn_to(watch, 0);
			while (sem_wait(&watch->wake) < 0 && errno == EINTR)
				;
			continue;
		}
		if (nap_ns > NAP_NS)
			nap_ns = NAP_NS;
		look(watch, limit_ns, nap_ns);
		if (watch->n_idle >= IDLE)
			sleep_until_woken(watch);
		else
			(void)wait_for(&watch->wake, nap_ns);
	}
	return NULL;
}

/* ---- */

/* A plug-in's system calls go on where that is possible. */
static int install_handler(void)
{
	struct sigaction action = {.sa_sigaction = on_signal,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

	sigemptyset(&action.sa_mask);
	return sigaction(SIGURG, &action, NULL) < 0 ? -errno : 0;
}

/* All of it but the thread. */
static void let_go(struct slow_watch *watch)
{
	const struct sigaction action = {.sa_handler = SIG_DFL};

	(void)sigaction(SIGURG, &action, NULL); /* which is to ignore it */
	sem_destroy(&watch->wake);
	sem_destroy(&watch->answered);
	free(watch);
}

int slow_watch_new(struct recorder *recorder, struct page *page, struct slow_watch **ret_watch)
{
	struct slow_watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch)
		return -ENOMEM;
	watch->recorder = recorder;
	watch->page = page;
	watch->watched = pthread_self();
	(void)sem_init(&watch->wake, 0, 0); /* cannot fail, as it is not shared, and 0 */
	(void)sem_init(&watch->answered, 0, 0);
	r = install_handler();
	if (r == 0)
		r = thread_start(&watch->thread, "slow-watch", 0, run, watch);
	if (r < 0)
		let_go(watch);
	else
		*ret_watch = watch;
	return r;
}

void slow_watch_free(struct slow_watch *watch)
{
	if (!watch)
		return;
	atomic_store(&watch->is_ending, true);
	(void)sem_post(&watch->wake);
	pthread_join(watch->thread, NULL);
	let_go(watch);
}

void slow_watch_set_limit(struct slow_watch *watch, uint64_t limit_ns)
{
	store(&watch->limit_ns, limit_ns);
	(void)sem_post(&watch->wake);
}

const atomic_bool *slow_watch_sleeps(const struct slow_watch *watch)
{
	return &watch->sleeps;
}

void slow_watch_wake(struct slow_watch *watch)
{
	if (atomic_exchange(&watch->sleeps, false))
		(void)sem_post(&watch->wake);
}

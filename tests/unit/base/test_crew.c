/* Crews with real threads, on the real loop. */
#include "base/clock.h"
#include "base/crew.h"
#include "base/list.h"
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WORKS       64
#define MANY        20000u
#define PATIENCE_NS (60 * CLOCK_SECOND_NS)

struct stage;

struct job {
	struct crew_work work;
	struct stage *stage;
	unsigned number;
	pthread_t thread;
	bool waits; /* until it is let go */
	sem_t begun, may_end;
	bool is_done;
	atomic_uint n_lost;
};

struct stage {
	struct loop *loop;
	struct crew *crew;
	unsigned n_done, order[WORKS];
	unsigned rounds;
	atomic_uint n_run, n_now, most_now;
};

static void run(struct crew_work *work, unsigned thread)
{
	struct job *job = container_of(work, struct job, work);
	struct stage *stage = job->stage;
	unsigned now = atomic_fetch_add(&stage->n_now, 1) + 1;
	unsigned most = atomic_load(&stage->most_now);

	assert_true(thread < CREW_THREADS_MAX);
	while (now > most && !atomic_compare_exchange_weak(&stage->most_now, &most, now))
		;
	job->thread = pthread_self();
	atomic_fetch_add(&stage->n_run, 1);
	sem_post(&job->begun);
	if (job->waits)
		while (sem_wait(&job->may_end) < 0)
			;
	atomic_fetch_sub(&stage->n_now, 1);
}

static void on_done(struct crew_work *work)
{
	struct job *job = container_of(work, struct job, work);
	struct stage *stage = job->stage;

	assert_false(job->is_done);
	job->is_done = true;
	if (stage->n_done < WORKS)
		stage->order[stage->n_done] = job->number;
	stage->n_done++;
}

static void begin(struct stage *stage, uint32_t most, uint64_t rest_ns)
{
	memset(stage, 0, sizeof(*stage));
	assert_int_equal(loop_new(&stage->loop), 0);
	assert_int_equal(crew_new(&(struct crew_config){.loop = stage->loop,
							.name = "test",
							.most = most,
							.rest_ns = rest_ns,
							.stack = 1 << 20},
				  &stage->crew),
			 0);
}

static void finish(struct stage *stage)
{
	crew_free(stage->crew);
	loop_free(stage->loop);
}

static void init_job(struct stage *stage, struct job *job, unsigned number, bool waits)
{
	*job = (struct job){.work = {.run = run, .on_done = on_done},
			    .stage = stage,
			    .number = number,
			    .waits = waits};
	sem_init(&job->begun, 0, 0);
	sem_init(&job->may_end, 0, 0);
}

static void give(struct stage *stage, struct job *job, unsigned number, bool waits)
{
	init_job(stage, job, number, waits);
	assert_int_equal(crew_give(stage->crew, NULL, 0, &job->work), 0);
}

static void wait_begun(struct job *job)
{
	while (sem_wait(&job->begun) < 0)
		;
}

static void run_until_done(struct stage *stage, unsigned n)
{
	uint64_t until_ns = clock_now_ns() + PATIENCE_NS;

	while (stage->n_done < n && clock_now_ns() < until_ns)
		loop_step(stage->loop, true);
	assert_int_equal(stage->n_done, n);
}

static void wait_for_threads(struct stage *stage, uint32_t n)
{
	uint64_t until_ns = clock_now_ns() + PATIENCE_NS;

	while (crew_count(stage->crew).threads != n && clock_now_ns() < until_ns)
		sched_yield();
	assert_int_equal(crew_count(stage->crew).threads, n);
}

static void work_is_done_in_another_thread(void **state)
{
	struct stage stage;
	struct job job;

	(void)state;
	begin(&stage, 4, PATIENCE_NS);
	assert_int_equal(crew_count(stage.crew).threads, 0); /* until there is work */
	give(&stage, &job, 1, false);
	run_until_done(&stage, 1);
	assert_false(pthread_equal(job.thread, pthread_self()));
	assert_int_equal(crew_count(stage.crew).threads, 1);
	finish(&stage);
}

static void first_come_first_served(void **state)
{
	struct stage stage;
	struct job jobs[WORKS];

	(void)state;
	begin(&stage, 1, PATIENCE_NS);
	for (unsigned i = 0; i < WORKS; i++)
		give(&stage, &jobs[i], i, false);
	run_until_done(&stage, WORKS);
	for (unsigned i = 0; i < WORKS; i++)
		assert_int_equal(stage.order[i], i);
	finish(&stage);
}

static void as_many_threads_as_there_is_work_for(void **state)
{
	struct stage stage;
	struct job jobs[6];

	(void)state;
	begin(&stage, 4, PATIENCE_NS);
	for (unsigned i = 0; i < 6; i++)
		give(&stage, &jobs[i], i, true);
	for (unsigned i = 0; i < 4; i++)
		wait_begun(&jobs[i]);
	assert_int_equal(crew_count(stage.crew).threads, 4);
	assert_int_equal(crew_count(stage.crew).running, 4);
	assert_int_equal(crew_count(stage.crew).waiting, 2);
	for (unsigned i = 0; i < 6; i++)
		sem_post(&jobs[i].may_end);
	run_until_done(&stage, 6);
	assert_int_equal(atomic_load(&stage.most_now), 4);
	finish(&stage);
}

static void what_no_thread_has_begun_is_taken_back(void **state)
{
	struct stage stage;
	struct job jobs[3];

	(void)state;
	begin(&stage, 1, PATIENCE_NS);
	for (unsigned i = 0; i < 3; i++)
		give(&stage, &jobs[i], i, true);
	wait_begun(&jobs[0]);
	assert_false(crew_take_back(stage.crew, &jobs[0].work));
	assert_true(crew_take_back(stage.crew, &jobs[1].work));
	sem_post(&jobs[0].may_end);
	sem_post(&jobs[2].may_end);
	run_until_done(&stage, 2);
	assert_int_equal(stage.order[1], 2);
	assert_int_equal(atomic_load(&stage.n_run), 2);
	assert_false(crew_take_back(stage.crew, &jobs[2].work));
	finish(&stage);
}

/* Two lines, one of which brings much: the other does not stand behind all of it. */
static void lines_are_bounded(void **state)
{
	struct crew_line much = {0}, little = {0};
	struct stage stage;
	struct job jobs[6], other;

	(void)state;
	begin(&stage, 1, PATIENCE_NS);
	for (unsigned i = 0; i < 6; i++) {
		init_job(&stage, &jobs[i], i, i == 0);
		assert_int_equal(crew_give(stage.crew, &much, 2, &jobs[i].work), 0);
	}
	init_job(&stage, &other, 99, false);
	assert_int_equal(crew_give(stage.crew, &little, 2, &other.work), 0);
	assert_true(crew_take_back(stage.crew, &jobs[3].work));
	sem_post(&jobs[0].may_end);
	run_until_done(&stage, 6);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(stage.order[i], ((const unsigned[]){0, 1, 99, 2, 4, 5})[i]);
	assert_int_equal(much.admitted, 0);
	finish(&stage);
}

static void a_line_runs_as_many_as_it_may(void **state)
{
	struct crew_line line = {0};
	struct stage stage;
	struct job jobs[6];

	(void)state;
	begin(&stage, 4, PATIENCE_NS);
	for (unsigned i = 0; i < 6; i++) {
		init_job(&stage, &jobs[i], i, true);
		assert_int_equal(crew_give(stage.crew, &line, 2, &jobs[i].work), 0);
	}
	wait_begun(&jobs[0]);
	wait_begun(&jobs[1]);
	assert_int_equal(crew_count(stage.crew).running, 2);
	for (unsigned i = 0; i < 6; i++)
		sem_post(&jobs[i].may_end);
	run_until_done(&stage, 6);
	assert_int_equal(atomic_load(&stage.most_now), 2);
	finish(&stage);
}

static void lost_work_leaves_a_thread_to_the_others(void **state)
{
	struct crew_line line = {0};
	struct stage stage;
	struct job stuck, next;

	(void)state;
	begin(&stage, 1, PATIENCE_NS);
	init_job(&stage, &stuck, 1, true);
	init_job(&stage, &next, 2, false);
	assert_int_equal(crew_give(stage.crew, &line, 1, &stuck.work), 0);
	assert_int_equal(crew_give(stage.crew, &line, 1, &next.work), 0);
	wait_begun(&stuck);
	assert_true(crew_lose(stage.crew, &stuck.work));
	assert_int_equal(crew_count(stage.crew).lost, 1);
	run_until_done(&stage, 1);
	assert_int_equal(stage.order[0], 2);
	/* it comes back, is one too many, and nobody hears of it */
	sem_post(&stuck.may_end);
	wait_for_threads(&stage, 1);
	while (crew_count(stage.crew).lost > 0)
		sched_yield();
	loop_step(stage.loop, false);
	assert_int_equal(stage.n_done, 1);
	assert_int_equal(line.admitted, 0);
	finish(&stage);
}

static void what_waits_is_lost_without_a_thread(void **state)
{
	struct stage stage;
	struct job jobs[2];

	(void)state;
	begin(&stage, 1, PATIENCE_NS);
	give(&stage, &jobs[0], 0, true);
	give(&stage, &jobs[1], 1, false);
	wait_begun(&jobs[0]);
	assert_false(crew_lose(stage.crew, &jobs[1].work));
	assert_int_equal(crew_count(stage.crew).lost, 0);
	sem_post(&jobs[0].may_end);
	run_until_done(&stage, 1);
	finish(&stage);
}

static void threads_end_after_rest(void **state)
{
	struct stage stage;
	struct job jobs[2];

	(void)state;
	begin(&stage, 4, CLOCK_MS_NS);
	give(&stage, &jobs[0], 0, false);
	run_until_done(&stage, 1);
	wait_for_threads(&stage, 0);
	give(&stage, &jobs[1], 1, false);
	run_until_done(&stage, 2);
	finish(&stage);
}

static void number_of_threads_follows_the_setting(void **state)
{
	struct stage stage;
	struct job jobs[4];

	(void)state;
	begin(&stage, 1, PATIENCE_NS);
	for (unsigned i = 0; i < 4; i++)
		give(&stage, &jobs[i], i, true);
	wait_begun(&jobs[0]);
	crew_set_most(stage.crew, 4);
	for (unsigned i = 1; i < 4; i++)
		wait_begun(&jobs[i]);
	crew_set_most(stage.crew, 2);
	for (unsigned i = 0; i < 4; i++)
		sem_post(&jobs[i].may_end);
	run_until_done(&stage, 4);
	wait_for_threads(&stage, 2);
	finish(&stage);
}

static void *end_later(void *context)
{
	struct job *job = context;

	usleep(1000);
	sem_post(&job->may_end);
	return NULL;
}

static void free_waits_for_what_runs(void **state)
{
	struct stage stage;
	pthread_t thread;
	struct job job;

	(void)state;
	begin(&stage, 1, PATIENCE_NS);
	give(&stage, &job, 0, true);
	wait_begun(&job);
	assert_int_equal(pthread_create(&thread, NULL, end_later, &job), 0);
	finish(&stage);
	assert_int_equal(atomic_load(&stage.n_now), 0);
	pthread_join(thread, NULL);
}

static void on_done_again(struct crew_work *work)
{
	struct job *job = container_of(work, struct job, work);

	job->stage->n_done++;
	if (++job->stage->rounds <= MANY - WORKS)
		assert_int_equal(crew_give(job->stage->crew, NULL, 0, work), 0);
}

static void run_quick(struct crew_work *work, unsigned thread)
{
	(void)thread;
	atomic_fetch_add(&container_of(work, struct job, work)->stage->n_run, 1);
}

/* None is lost, and none is done twice. */
static void many_works_in_few_threads(void **state)
{
	struct job jobs[WORKS];
	struct stage stage;

	(void)state;
	begin(&stage, 4, CLOCK_MS_NS / 10);
	for (unsigned i = 0; i < WORKS; i++) {
		init_job(&stage, &jobs[i], i, false);
		jobs[i].work.run = run_quick;
		jobs[i].work.on_done = on_done_again;
		assert_int_equal(crew_give(stage.crew, NULL, 0, &jobs[i].work), 0);
	}
	run_until_done(&stage, MANY);
	assert_int_equal(atomic_load(&stage.n_run), MANY);
	assert_int_equal(crew_count(stage.crew).running, 0);
	finish(&stage);
}

static void look_at_signals(struct crew_work *work, unsigned thread)
{
	sigset_t blocked;
	stack_t stack;

	(void)work;
	(void)thread;
	pthread_sigmask(SIG_SETMASK, NULL, &blocked);
	assert_true(sigismember(&blocked, SIGTERM));
	assert_true(sigismember(&blocked, SIGCHLD));
	assert_false(sigismember(&blocked, SIGSEGV));
	sigaltstack(NULL, &stack);
	assert_int_equal(stack.ss_flags & SS_DISABLE, 0);
}

static void threads_take_no_signals_but_their_own_faults(void **state)
{
	struct stage stage;
	struct job job;

	(void)state;
	begin(&stage, 1, PATIENCE_NS);
	init_job(&stage, &job, 0, false);
	job.work.run = look_at_signals;
	assert_int_equal(crew_give(stage.crew, NULL, 0, &job.work), 0);
	run_until_done(&stage, 1);
	finish(&stage);
}

static void on_lost(struct crew_work *work)
{
	struct job *job = container_of(work, struct job, work);

	job->thread = pthread_self();
	atomic_fetch_add(&job->n_lost, 1);
}

/* By the thread that ran it, or by the loop's where that had it already; what has not begun
 * has brought nothing. */
static void what_lost_work_has_brought_is_undone(void **state)
{
	struct job stuck, done, next;
	uint64_t until_ns;
	struct stage stage;

	(void)state;
	begin(&stage, 1, PATIENCE_NS);
	init_job(&stage, &done, 1, false);
	init_job(&stage, &stuck, 2, true);
	init_job(&stage, &next, 3, false);
	done.work.on_lost = stuck.work.on_lost = next.work.on_lost = on_lost;
	assert_int_equal(crew_give(stage.crew, NULL, 0, &done.work), 0);
	assert_int_equal(crew_give(stage.crew, NULL, 0, &stuck.work), 0);
	assert_int_equal(crew_give(stage.crew, NULL, 0, &next.work), 0);
	wait_begun(&stuck);
	assert_false(crew_lose(stage.crew, &done.work));
	assert_int_equal(atomic_load(&done.n_lost), 1);
	assert_true(pthread_equal(done.thread, pthread_self()));
	assert_false(crew_lose(stage.crew, &next.work));
	assert_true(crew_lose(stage.crew, &stuck.work));
	assert_int_equal(atomic_load(&stuck.n_lost), 0);
	sem_post(&stuck.may_end);
	until_ns = clock_now_ns() + PATIENCE_NS;
	while (crew_count(stage.crew).lost > 0 && clock_now_ns() < until_ns)
		sched_yield();
	assert_int_equal(atomic_load(&stuck.n_lost), 1);
	assert_false(pthread_equal(stuck.thread, pthread_self()));
	loop_step(stage.loop, false);
	assert_int_equal(stage.n_done, 0);
	assert_int_equal(atomic_load(&next.n_lost), 0);
	finish(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_is_done_in_another_thread),
		cmocka_unit_test(first_come_first_served),
		cmocka_unit_test(as_many_threads_as_there_is_work_for),
		cmocka_unit_test(what_no_thread_has_begun_is_taken_back),
		cmocka_unit_test(lines_are_bounded),
		cmocka_unit_test(a_line_runs_as_many_as_it_may),
		cmocka_unit_test(lost_work_leaves_a_thread_to_the_others),
		cmocka_unit_test(what_waits_is_lost_without_a_thread),
		cmocka_unit_test(threads_end_after_rest),
		cmocka_unit_test(number_of_threads_follows_the_setting),
		cmocka_unit_test(free_waits_for_what_runs),
		cmocka_unit_test(many_works_in_few_threads),
		cmocka_unit_test(threads_take_no_signals_but_their_own_faults),
		cmocka_unit_test(what_lost_work_has_brought_is_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

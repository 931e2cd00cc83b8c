/* Jobs of tasks in real threads, on the real loop. */
#include "base/clock.h"
#include "base/list.h"
#include "core/activation.h"
#include "io/io.h"
#include "tests/unit/sim/lone.h"
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <troupe/inlet.h>
#include <troupe/io.h>
#include <troupe/pool.h>
#include <troupe/text.h>
#include <unistd.h>

#include <cmocka.h>

#define TASKS       64
#define ROUNDS      200
#define PATIENCE_NS (60 * CLOCK_SECOND_NS)

struct stage {
	struct loop *loop;
	struct page page;
	struct runtime *runtime;
	struct io *io;
	struct troupe_address address;
	const struct troupe_task_entry *entry;
	struct troupe_task task;
	unsigned n_tasks, n_ended;
	int result, after;
	sem_t begun, may_end;
	atomic_uint n_run;
	bool is_gone;
};

static struct stage *stage_of(const struct troupe_self *self)
{
	return self->runtime->context;
}

static int begin_life(struct troupe_self *self, void *state, const void *config)
{
	struct stage *stage = stage_of(self);

	(void)state;
	(void)config;
	for (unsigned i = 0; i < stage->n_tasks; i++) {
		int rc = troupe_start(self, TROUPE_OF_ACTOR, stage->entry, stage, NULL,
				      i == 0 ? &stage->task : NULL);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int on_tick(struct troupe_self *self, void *state, uint64_t context)
{
	(void)self;
	(void)state;
	(void)context;
	return 0;
}
TROUPE_TIMER(on_tick, void)

TROUPE_LIFE(life, void, void, .init = begin_life)

static const struct troupe_actor table = {
	TROUPE_ABI(pooled),
	.life = &life,
	.entries = {&on_tick_entry},
};

static void on_end(void *context, const struct runtime_end *end)
{
	struct stage *stage = context;

	(void)end;
	stage->is_gone = true;
}

static const struct runtime_ops ops = {
	.forward = lone_forward, .on_end = on_end, .on_log = lone_on_log};

static void begin(struct stage *stage, const struct troupe_task_entry *entry, unsigned n_tasks)
{
	const struct runtime_type *type;
	struct runtime_config config;
	const char *why;

	*stage = (struct stage){.entry = entry, .n_tasks = n_tasks};
	sem_init(&stage->begun, 0, 0);
	sem_init(&stage->may_end, 0, 0);
	assert_int_equal(loop_new(&stage->loop), 0);
	config = (struct runtime_config){.process = {.worker = 1, .incarnation = 1},
					 .loop = stage->loop,
					 .page = &stage->page,
					 .ops = &ops,
					 .context = stage};
	assert_int_equal(runtime_new(&config, &stage->runtime), 0);
	assert_int_equal(io_new(stage->runtime, &stage->io), 0);
	assert_int_equal(runtime_type_add(stage->runtime, &table, stage, &type, &why), 0);
	assert_int_equal(
		runtime_unit_define(stage->runtime,
				    &(struct runtime_unit){.number = 7,
							   .name = "pooled",
							   .type = type,
							   .task_grace_ns = PATIENCE_NS}),
		0);
	assert_int_equal(runtime_spawn(stage->runtime, 7, 3, NULL, &stage->address), 0);
}

static void finish(struct stage *stage)
{
	assert_false(io_is_held(stage->io));
	runtime_free(stage->runtime);
	io_free(stage->io);
	loop_free(stage->loop);
}

static void on_patience(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("the loop was not woken");
}

static void run_until_ended(struct stage *stage, unsigned n)
{
	struct loop_timer patience;

	loop_timer_init(&patience, stage->loop, on_patience);
	loop_timer_start(&patience, PATIENCE_NS);
	while (stage->n_ended < n)
		loop_run(stage->loop);
	loop_timer_stop(&patience);
	assert_int_equal(stage->n_ended, n);
}

static void end(struct stage *stage)
{
	stage->n_ended++;
	loop_stop(stage->loop);
}

static void wait_begun(struct stage *stage)
{
	uint64_t until_ns = clock_now_ns() + PATIENCE_NS;

	while (sem_trywait(&stage->begun) < 0) {
		assert_true(clock_now_ns() < until_ns);
		loop_step(stage->loop, false);
	}
}

/* ---- many */

static int add_one(struct troupe_job *job, void *arg)
{
	struct stage *stage = arg;

	assert_false(troupe_job_cancelled(job));
	atomic_fetch_add(&stage->n_run, 1);
	return 5;
}

static int adds(struct troupe_self *self, void *state, struct stage *stage, void *unused)
{
	(void)state;
	(void)unused;
	for (int i = 0; i < ROUNDS; i++)
		assert_int_equal(troupe_blocking(self, add_one, stage), 5);
	end(stage);
	return 0;
}
TROUPE_TASK(adds, void, struct stage, void)

static void every_job_runs_once_and_is_waited_for(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, &adds_task, TASKS);
	run_until_ended(&stage, TASKS);
	assert_int_equal(atomic_load(&stage.n_run), TASKS * ROUNDS);
	finish(&stage);
}

/* ---- trap 22: a cancelled job still runs, on memory of the stack of its task */

#define PATTERN 4096

struct writing {
	struct stage *stage;
	unsigned char bytes[PATTERN];
	bool was_told;
};

static int write_until_cancelled(struct troupe_job *job, void *arg)
{
	struct writing *writing = arg;
	uint64_t n = 0;

	sem_post(&writing->stage->begun);
	while (troupe_job_progress(job, n, 0) == 0)
		memset(writing->bytes, (int)(++n & 0x7f), PATTERN);
	/* nobody has taken the stack away meanwhile */
	while (sem_wait(&writing->stage->may_end) < 0)
		;
	memset(writing->bytes, 0xa5, PATTERN);
	writing->was_told = troupe_job_cancelled(job);
	return 6;
}

static int writes(struct troupe_self *self, void *state, struct stage *stage, void *unused)
{
	struct writing writing = {.stage = stage};

	(void)state;
	(void)unused;
	stage->result = troupe_blocking(self, write_until_cancelled, &writing);
	assert_true(writing.was_told);
	for (size_t i = 0; i < PATTERN; i++)
		assert_int_equal(writing.bytes[i], 0xa5);
	stage->after = troupe_sleep(self, 0);
	end(stage);
	return stage->after;
}
TROUPE_TASK(writes, void, struct stage, void)

static void cancelled_job_is_waited_for(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, &writes_task, 1);
	wait_begun(&stage);
	assert_int_equal(runtime_stop(stage.runtime, stage.address), 0);
	for (int i = 0; i < 100; i++)
		loop_step(stage.loop, false);
	assert_int_equal(stage.n_ended, 0);
	assert_true(io_is_held(stage.io));
	sem_post(&stage.may_end);
	run_until_ended(&stage, 1);
	assert_int_equal(stage.result, 6);
	assert_int_equal(stage.after, -ECANCELED);
	loop_step(stage.loop, false);
	assert_true(stage.is_gone);
	finish(&stage);
}

/* ---- trap 21, jobs that wait for jobs: the SDK refuses the task's self in its job */

struct misuse {
	struct troupe_self *self;
	struct stage *stage;
};

static int does_nothing(struct troupe_job *job, void *arg)
{
	(void)job;
	(void)arg;
	return 0;
}

static int misuse_self(struct troupe_job *job, void *arg)
{
	struct troupe_self *self = ((struct misuse *)arg)->self;
	const struct troupe_address where = ((struct misuse *)arg)->stage->address;
	static const struct troupe_type empty = {0};
	static const struct troupe_method method = {
		.interface = "io.x", .name = "M", .in = &empty, .out = &empty};
	static const struct troupe_error error = {.name = "io.x.E", .type = &empty};
	struct troupe_call call = {0}, activation = {SELF_ACTIVATION};
	struct troupe_scope scope = {0};
	struct troupe_inlet *inlet;
	struct troupe_kept *kept;
	struct troupe_watch watch;
	struct troupe_address address;
	struct troupe_task task;
	char text[TROUPE_ADDRESS_TEXT];

	(void)job;
	/* what waits */
	assert_int_equal(troupe_blocking(self, does_nothing, NULL), -EINVAL);
	assert_int_equal(troupe_sleep(self, 1), -EINVAL);
	assert_int_equal(troupe_yield(self), -EINVAL);
	assert_int_equal(troupe_join(self, (struct troupe_task){1}, NULL), -EINVAL);
	assert_int_equal(troupe_wait_fd(self, 0, TROUPE_READABLE), -EINVAL);
	assert_int_equal(troupe_scope_begin(self, 0, &scope), -EINVAL);
	assert_int_equal(troupe_scope_shield(self, 1, &scope), -EINVAL);
	assert_int_equal(troupe_scope_end(self, scope), -EINVAL);
	/* messages */
	assert_true(troupe_send(self, where, &method, "") < 0);
	assert_true(troupe_send(self, (struct troupe_address){0}, &method, "") < 0);
	assert_true(troupe_call(self, where, &method, "", &on_tick_entry, 0, 0, 0, NULL) < 0);
	assert_true(troupe_call_text(self, where, "io.x.M", NULL, 0, &on_tick_entry, 0, 0, 0,
				     NULL) < 0);
	assert_true(troupe_cancel(self, (struct troupe_request){1}) < 0);
	assert_true(troupe_return(self, call, &method, "") < 0);
	assert_true(troupe_return(self, activation, &method, "") < 0);
	assert_true(troupe_reply(self, call, &method, "") < 0);
	assert_true(troupe_fail(self, call, &error, "") < 0);
	assert_true(troupe_fail_parameter(self, call, "x", NULL) < 0);
	assert_true(troupe_fail_not_implemented(self, call) < 0);
	assert_true(troupe_fail_expected_more(self, call) < 0);
	assert_true(troupe_fail_permission_denied(self, call) < 0);
	assert_true(troupe_call_keep(self, &call) < 0);
	assert_true(troupe_call_drop(self, call) < 0);
	assert_false(troupe_call_wants_more(self, call));
	assert_false(troupe_call_wants_reply(self, call));
	assert_true(troupe_forward(self, where) < 0);
	assert_true(troupe_keep(self, &kept) < 0);
	troupe_release(self, (struct troupe_kept *)&scope);
	/* all else */
	assert_true(troupe_find(self, "pooled", &address) < 0);
	assert_true(troupe_find_provider(self, "io.x", &address) < 0);
	assert_true(troupe_timer_start(self, &on_tick_entry, 0, 0, 0, NULL) < 0);
	assert_true(troupe_timer_move(self, (struct troupe_timer){1}, 0) < 0);
	assert_true(troupe_timer_stop(self, (struct troupe_timer){1}) < 0);
	assert_true(troupe_spawn(self, &table, NULL, 0, &address) < 0);
	assert_true(troupe_stop(self, where) < 0);
	assert_true(troupe_start(self, TROUPE_OF_ACTOR, &adds_task, NULL, NULL, &task) < 0);
	assert_true(troupe_task_cancel(self, (struct troupe_task){0}) < 0);
	troupe_scope_cancel(self, TROUPE_OF_ACTOR);
	assert_true(troupe_watch_start(self, 0, 0, &on_tick_entry, 0, &watch) < 0);
	assert_true(troupe_watch_set(self, (struct troupe_watch){1}, 0) < 0);
	assert_true(troupe_watch_stop(self, (struct troupe_watch){1}) < 0);
	assert_true(troupe_inlet_open(self, &on_tick_entry, 0, 0, &inlet) < 0);
	troupe_log(self, 6, "unheard");
	troupe_exit(self, -EIO);
	assert_true(troupe_now_ns(self) == 0 && troupe_random(self) == 0);
	assert_true(troupe_address_is_null(troupe_address(self)));
	assert_int_equal(troupe_instance(self), 0);
	/* what does not change while it runs can be asked */
	assert_string_equal(troupe_name(self), "pooled");
	assert_true(troupe_address_is_null(troupe_sender(self)));
	assert_null(troupe_state_directory(self));
	troupe_address_print(where, text);
	return 0;
}

static int misuses(struct troupe_self *self, void *state, struct stage *stage, void *unused)
{
	struct misuse misuse = {self, stage};

	(void)state;
	(void)unused;
	stage->result = troupe_blocking(self, misuse_self, &misuse);
	stage->after = troupe_sleep(self, 1);
	assert_true(troupe_now_ns(self) > 0);
	assert_false(troupe_address_is_null(troupe_address(self)));
	end(stage);
	return 0;
}
TROUPE_TASK(misuses, void, struct stage, void)

static void sdk_is_refused_in_a_job(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, &misuses_task, 1);
	run_until_ended(&stage, 1);
	assert_int_equal(stage.result, 0);
	assert_int_equal(stage.after, 0);
	assert_false(stage.is_gone);
	finish(&stage);
}

/* ---- the status page, which says whose a crash would be */

static int looks_at_page(struct troupe_job *job, void *arg)
{
	struct stage *stage = arg;
	const struct page_thread *found = NULL;

	(void)job;
	for (size_t i = 0; i < PAGE_JOBS; i++)
		if (stage->page.jobs[i].thread_id == (uint32_t)gettid())
			found = &stage->page.jobs[i];
	assert_non_null(found);
	assert_int_equal(found->sequence & 1, 1);
	assert_int_equal(found->version, 7);
	assert_int_equal(found->instance, 3);
	assert_int_equal(found->type_hash, PAGE_DOING_JOB);
	assert_true(found->actor ==
		    ((uint64_t)stage->address.slot << 32 | stage->address.generation));
	return 0;
}

static int looks(struct troupe_self *self, void *state, struct stage *stage, void *unused)
{
	(void)state;
	(void)unused;
	stage->result = troupe_blocking(self, looks_at_page, stage);
	end(stage);
	return 0;
}
TROUPE_TASK(looks, void, struct stage, void)

static void page_says_whose_job_it_is(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage, &looks_task, 1);
	run_until_ended(&stage, 1);
	assert_int_equal(stage.result, 0);
	for (size_t i = 0; i < PAGE_JOBS; i++)
		assert_int_equal(stage.page.jobs[i].sequence & 1, 0);
	finish(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_job_runs_once_and_is_waited_for),
		cmocka_unit_test(cancelled_job_is_waited_for),
		cmocka_unit_test(sdk_is_refused_in_a_job),
		cmocka_unit_test(page_says_whose_job_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

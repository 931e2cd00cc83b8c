/* Names, files and jobs in real threads: none waits for the others. The server of names is
 * dead: this program's own getaddrinfo() returns when it is let go. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/list.h"
#include "core/activation.h"
#include "io/io.h"
#include "tests/unit/sim/lone.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <troupe/file.h>
#include <troupe/names.h>
#include <troupe/pool.h>
#include <unistd.h>

#include <cmocka.h>

#define NAMES       1000
#define PIECES      50
#define PIECE       (100u << 10) /* read in a thread */
#define PATIENCE_NS (60 * CLOCK_SECOND_NS)

/* ---- a dead server */

static sem_t may_answer;
static atomic_uint n_asked, n_asking, most_asking;

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret_infos)
{
	unsigned now, most = atomic_load(&most_asking);

	(void)host;
	(void)service;
	(void)hints;
	(void)ret_infos;
	/* who sees that so many ask sees that so many have asked */
	atomic_fetch_add(&n_asked, 1);
	now = atomic_fetch_add(&n_asking, 1) + 1;
	while (now > most && !atomic_compare_exchange_weak(&most_asking, &most, now))
		;
	while (sem_wait(&may_answer) < 0)
		;
	atomic_fetch_sub(&n_asking, 1);
	return EAI_AGAIN;
}

/* ---- the stage */

struct stage {
	struct loop *loop;
	struct page page;
	struct runtime *runtime;
	struct io *io;
	struct troupe_address address;
	const struct troupe_task_entry *entry;
	unsigned n_tasks, next;
	unsigned n_in_vain, n_read, n_jobs, wanted;
	int fd;
	char fifo[64];
};

static struct stage *stage_of(const struct troupe_self *self)
{
	return self->runtime->context;
}

static int asks(struct troupe_self *self, void *state, struct stage *stage, void *unused)
{
	struct sockaddr_storage found;
	char host[32];
	int rc;

	(void)state;
	(void)unused;
	snprintf(host, sizeof(host), "host%u.test", stage->next++);
	rc = troupe_resolve(self, host, "80", &found, 1);
	stage->n_in_vain += rc == -EAGAIN;
	if (stage->n_in_vain >= stage->wanted)
		loop_stop(stage->loop);
	return rc == -ECANCELED ? rc : 0;
}
TROUPE_TASK(asks, void, struct stage, void)

static int count(struct troupe_job *job, void *arg)
{
	(void)job;
	return ++*(int *)arg;
}

static int reads(struct troupe_self *self, void *state, struct stage *stage, void *unused)
{
	static unsigned char piece[PIECE];
	int counted = 0;

	(void)state;
	(void)unused;
	for (int i = 0; i < PIECES; i++) {
		assert_int_equal(troupe_file_read(self, stage->fd, piece, PIECE, 0), PIECE);
		stage->n_read++;
		assert_int_equal(troupe_blocking(self, count, &counted), i + 1);
		stage->n_jobs++;
	}
	loop_stop(stage->loop);
	return 0;
}
TROUPE_TASK(reads, void, struct stage, void)

static int begin_life(struct troupe_self *self, void *state, const void *config)
{
	struct stage *stage = stage_of(self);
	int rc = 0;

	(void)state;
	(void)config;
	for (unsigned i = 0; i < stage->n_tasks && rc == 0; i++)
		rc = troupe_start(self, TROUPE_OF_ACTOR, stage->entry, stage, NULL, NULL);
	return rc;
}

TROUPE_LIFE(life, void, void, .init = begin_life)

static const struct troupe_actor table = {TROUPE_ABI(asking), .life = &life};

static const struct runtime_ops ops = {
	.forward = lone_forward, .on_end = lone_on_end, .on_log = lone_on_log};

static void spawn(struct stage *stage, uint32_t unit, const struct troupe_task_entry *entry,
		  unsigned n_tasks)
{
	stage->entry = entry;
	stage->n_tasks = n_tasks;
	assert_int_equal(runtime_spawn(stage->runtime, unit, 0, NULL, &stage->address), 0);
}

static void begin(struct stage *stage)
{
	const struct runtime_type *type;
	struct runtime_config config;
	const char *why;
	char path[] = "/tmp/troupe-threads-XXXXXX";

	*stage = (struct stage){.wanted = UINT_MAX, .fd = mkostemp(path, O_CLOEXEC)};
	assert_true(stage->fd >= 0);
	unlink(path);
	assert_int_equal(ftruncate(stage->fd, PIECE), 0);
	sem_init(&may_answer, 0, 0);
	atomic_store(&n_asked, 0);
	atomic_store(&most_asking, 0);
	assert_int_equal(loop_new(&stage->loop), 0);
	config = (struct runtime_config){.process = {.worker = 1, .incarnation = 1},
					 .loop = stage->loop,
					 .page = &stage->page,
					 .ops = &ops,
					 .context = stage};
	assert_int_equal(runtime_new(&config, &stage->runtime), 0);
	assert_int_equal(io_new(stage->runtime, &stage->io), 0);
	assert_int_equal(runtime_type_add(stage->runtime, &table, stage, &type, &why), 0);
	for (uint32_t unit = 1; unit <= 3; unit++)
		assert_int_equal(
			runtime_unit_define(
				stage->runtime,
				&(struct runtime_unit){
					.number = unit,
					.name = "asking",
					.type = type,
					.task_grace_ns = unit == 3 ? 10 * CLOCK_MS_NS : 0}),
			0);
}

static void on_patience(struct loop_timer *timer)
{
	(void)timer;
	fail_msg("the loop was not woken");
}

static void run(struct stage *stage)
{
	struct loop_timer patience;

	loop_timer_init(&patience, stage->loop, on_patience);
	loop_timer_start(&patience, PATIENCE_NS);
	loop_run(stage->loop);
	loop_timer_stop(&patience);
}

static void finish(struct stage *stage)
{
	runtime_stop_all(stage->runtime);
	while (!runtime_is_empty(stage->runtime))
		loop_step(stage->loop, false);
	for (unsigned i = 0; i < 2 * NAMES; i++)
		sem_post(&may_answer);
	runtime_free(stage->runtime);
	io_free(stage->io);
	loop_free(stage->loop);
	close(stage->fd);
}

/* ---- tests */

/* Trap 21: a thousand names at a dead server, and files and jobs go on. */
static void names_do_not_hold_up_files_and_jobs(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	spawn(&stage, 1, &asks_task, NAMES);
	spawn(&stage, 2, &reads_task, 1);
	run(&stage);
	assert_int_equal(stage.n_read, PIECES);
	assert_int_equal(stage.n_jobs, PIECES);
	assert_int_equal(stage.n_in_vain, 0);
	finish(&stage);
	assert_true(atomic_load(&most_asking) <= LIMIT_UNIT_LOOKUPS);
}

/* Nor do they hold up another unit's names: one thread is left to it. */
static void names_of_one_unit_leave_a_thread_to_the_others(void **state)
{
	struct stage stage;
	uint64_t until_ns;

	(void)state;
	begin(&stage);
	spawn(&stage, 1, &asks_task, NAMES - 1);
	spawn(&stage, 2, &asks_task, 1);
	until_ns = clock_now_ns() + PATIENCE_NS;
	while (atomic_load(&n_asking) < LIMIT_NAME_THREADS && clock_now_ns() < until_ns)
		loop_step(stage.loop, false);
	assert_int_equal(atomic_load(&n_asked), LIMIT_NAME_THREADS);
	finish(&stage);
}

/* Trap 26: one answer after the other that there is none. */
static void every_wait_ends_when_the_server_is_given_up(void **state)
{
	struct stage stage;

	(void)state;
	begin(&stage);
	stage.wanted = 200;
	for (unsigned i = 0; i < stage.wanted; i++)
		sem_post(&may_answer);
	spawn(&stage, 1, &asks_task, 200);
	run(&stage);
	assert_int_equal(stage.n_in_vain, 200);
	finish(&stage);
}

static int opens(struct troupe_self *self, void *state, struct stage *stage, void *unused)
{
	(void)state;
	(void)unused;
	return troupe_file_open(self, stage->fifo, O_RDONLY, 0);
}
TROUPE_TASK(opens, void, struct stage, void)

static void run_until_held(struct stage *stage, bool is_held)
{
	uint64_t until_ns = clock_now_ns() + PATIENCE_NS;

	while (io_is_held(stage->io) != is_held && clock_now_ns() < until_ns)
		loop_step(stage->loop, false);
	assert_int_equal(io_is_held(stage->io), is_held);
}

/* The task has been abandoned, and then there is a writer after all. */
static void open_that_succeeds_too_late_leaves_no_descriptor(void **state)
{
	char directory[] = "/tmp/troupe-threads-XXXXXX";
	struct pollfd writer = {0};
	struct stage stage;

	(void)state;
	begin(&stage);
	assert_non_null(mkdtemp(directory));
	snprintf(stage.fifo, sizeof(stage.fifo), "%s/fifo", directory);
	assert_int_equal(mkfifo(stage.fifo, 0600), 0);
	spawn(&stage, 3, &opens_task, 1);
	run_until_held(&stage, true);
	(void)runtime_stop(stage.runtime, stage.address);
	while (!runtime_is_empty(stage.runtime))
		loop_step(stage.loop, false);
	assert_true(io_is_held(stage.io));
	writer.fd = open(stage.fifo, O_WRONLY | O_CLOEXEC);
	assert_true(writer.fd >= 0);
	/* nobody reads it */
	assert_int_equal(poll(&writer, 1, (int)(PATIENCE_NS / CLOCK_MS_NS)), 1);
	assert_true(writer.revents & POLLERR);
	run_until_held(&stage, false);
	close(writer.fd);
	unlink(stage.fifo);
	rmdir(directory);
	finish(&stage);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_do_not_hold_up_files_and_jobs),
		cmocka_unit_test(names_of_one_unit_leave_a_thread_to_the_others),
		cmocka_unit_test(every_wait_ends_when_the_server_is_given_up),
		cmocka_unit_test(open_that_succeeds_too_late_leaves_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

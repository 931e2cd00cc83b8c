/* test_arenas.c - memory for large messages: made for its owner, read by others, gone with its
 * process. */
#include "tests/unit/sim/stage.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "master/arenas.h"
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

static void ask(struct stage *stage, unsigned from, uint16_t worker, uint32_t incarnation)
{
	stage_tell(stage->workers[from], &worker_borrow_method,
		   &(struct worker_borrow){
			   .process = {.worker = worker, .incarnation = incarnation}});
}

static bool first_has_one(struct stage *stage)
{
	return stage->workers[1]->n_arenas == 1;
}

static bool second_has_one(struct stage *stage)
{
	return stage->workers[2]->n_arenas == 1;
}

/* The first worker has its arena. */
static void give_first(struct stage *stage)
{
	ask(stage, 1, 1, stage->workers[1]->incarnation);
	stage_until(stage, first_has_one);
	assert_int_equal(stage->workers[1]->arena.process.worker, 1);
	assert_int_equal(stage->workers[1]->arena.process.incarnation,
			 stage->workers[1]->incarnation);
}

static void worker_gets_an_arena_that_it_can_write_and_others_read(void **state)
{
	struct stage *stage = *state;
	const struct stage_worker *owner = stage->workers[1], *peer = stage->workers[2];
	struct stat status;
	char *own, *seen;

	assert_int_equal(stage->master->workers[1]->arena, -1);
	give_first(stage);
	ask(stage, 2, 1, owner->incarnation);
	stage_until(stage, second_has_one);
	assert_int_equal(peer->arena.process.worker, 1);
	assert_int_equal(peer->arena.process.incarnation, owner->incarnation);
	own = mmap(NULL, LIMIT_ARENA_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, owner->arena_fd,
		   0);
	seen = mmap(NULL, LIMIT_ARENA_BYTES, PROT_READ, MAP_SHARED, peer->arena_fd, 0);
	assert_ptr_not_equal(own, MAP_FAILED);
	assert_ptr_not_equal(seen, MAP_FAILED);
	own[LIMIT_ARENA_BYTES - 1] = 'x';
	assert_int_equal(seen[LIMIT_ARENA_BYTES - 1], 'x');
	assert_int_equal(munmap(own, LIMIT_ARENA_BYTES), 0);
	assert_int_equal(munmap(seen, LIMIT_ARENA_BYTES), 0);
	assert_ptr_equal(
		mmap(NULL, LIMIT_ARENA_BYTES, PROT_WRITE, MAP_SHARED, peer->arena_fd, 0),
		MAP_FAILED);
	/* Neither end can have the other killed. */
	assert_int_equal(ftruncate(owner->arena_fd, 0), -1);
	assert_int_equal(ftruncate(owner->arena_fd, 2ll * LIMIT_ARENA_BYTES), -1);
	assert_int_equal(fstat(owner->arena_fd, &status), 0);
	assert_int_equal(status.st_size, LIMIT_ARENA_BYTES);
	/* Only what is touched takes memory. */
	assert_in_range(status.st_blocks * 512, 1, 65536);
}

/* Who has been handed an arena to read must not get one to write out of /proc: a worker may run
 * as another user. */
static void arena_cannot_be_opened_anew_to_be_written(void **state)
{
	struct stage *stage = *state;
	struct stat status;

	give_first(stage);
	ask(stage, 2, 1, stage->workers[1]->incarnation);
	stage_until(stage, second_has_one);
	assert_int_equal(fstat(stage->workers[2]->arena_fd, &status), 0);
	assert_int_equal(status.st_mode & 0222, 0);
}

static void arena_is_given_once_and_to_those_who_may_have_it(void **state)
{
	struct stage *stage = *state;
	uint32_t incarnation = stage->workers[1]->incarnation;
	static const uint16_t numbers[] = {0, 3, LIMIT_WORKERS, LIMIT_WORKERS + 1, UINT16_MAX};

	ask(stage, 2, 1, incarnation); /* there is none */
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		ask(stage, 2, numbers[i], 1);
	stage_idle(stage);
	assert_int_equal(stage->workers[2]->n_arenas, 0);
	give_first(stage);
	ask(stage, 1, 1, incarnation);
	ask(stage, 1, 1, incarnation + 1);
	ask(stage, 2, 1, incarnation - 1);
	stage_tell(stage->workers[2], &worker_borrow_method,
		   &(struct worker_borrow){
			   .process = {.node = 1, .worker = 1, .incarnation = incarnation}});
	stage_idle(stage);
	assert_int_equal(stage->workers[1]->n_arenas, 1);
	assert_int_equal(stage->workers[2]->n_arenas, 0);
	assert_false(stage->workers[1]->is_closed || stage->workers[2]->is_closed);
}

/* Each that has not been read holds a descriptor, of which the kernel lets a user have so many
 * under way. */
static void arena_is_not_given_again_before_it_was_read(void **state)
{
	struct stage *stage = *state;

	give_first(stage);
	for (int i = 0; i < 200; i++)
		ask(stage, 2, 1, stage->workers[1]->incarnation);
	stage_idle(stage);
	assert_in_range(stage->workers[2]->n_arenas, 1, 10);
	/* What it has read it may have again. */
	stage->workers[2]->n_arenas = 0;
	ask(stage, 2, 1, stage->workers[1]->incarnation);
	stage_until(stage, second_has_one);
}

static size_t count_arenas(void)
{
	DIR *directory = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory));) {
		char name[64];
		ssize_t size = readlinkat(dirfd(directory), entry->d_name, name, sizeof(name));

		n += size > 0 && strncmp(name, "/memfd:troupe-arena", 19) == 0;
	}
	closedir(directory);
	return n;
}

static bool is_replaced(struct stage *stage)
{
	return stage->n_launched == 3 && worker_is_up(stage->master->workers[1]);
}

static void arena_goes_with_its_process(void **state)
{
	struct stage *stage = *state;
	uint32_t incarnation = stage->workers[1]->incarnation;

	give_first(stage);
	/* Ours to be read, and the one the worker got. */
	assert_int_equal(count_arenas(), 2);
	stage_kill(stage->workers[1]);
	stage_until(stage, is_replaced);
	assert_int_equal(stage->master->workers[1]->arena, -1);
	assert_int_equal(count_arenas(), 0);
	ask(stage, 2, 1, incarnation);
	ask(stage, 2, 1, stage->workers[1]->incarnation);
	stage_idle(stage);
	assert_int_equal(stage->workers[2]->n_arenas, 0);
	give_first(stage);
	assert_int_equal(count_arenas(), 2);
}

#define TEST(function)                                                                         \
	cmocka_unit_test_setup_teardown(function, stage_raise_units, stage_strike)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(worker_gets_an_arena_that_it_can_write_and_others_read),
		TEST(arena_cannot_be_opened_anew_to_be_written),
		TEST(arena_is_given_once_and_to_those_who_may_have_it),
		TEST(arena_is_not_given_again_before_it_was_read),
		TEST(arena_goes_with_its_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

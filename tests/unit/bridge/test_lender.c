/* test_lender.c - an arena's two sides: what is lent, given back, kept, and found. */
#include "base/cleanup.h"
#include "bridge/borrower.h"
#include "pair.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define PIECE LIMIT_ARENA_PIECE

/* Bytes of memory behind a memfd. */
static size_t memory_of(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return (size_t)status.st_blocks * 512;
}

static struct lender *make_lender(size_t pieces, int *ret_fd)
{
	struct lender *lender;

	*ret_fd = pair_make_arena(pieces * PIECE);
	assert_int_equal(lender_new(*ret_fd, &lender), 0);
	return lender;
}

static struct process holder(unsigned worker)
{
	return (struct process){.worker = (uint16_t)worker, .incarnation = 1};
}

static void lender_lends_what_does_not_overlap(void **state)
{
	cleanup_close int fd = -1;
	struct lender *lender = make_lender(16, &fd);
	static const size_t sizes[] = {1, PIECE, PIECE + 1, 5 * PIECE - 7, 2};
	unsigned char *places[ARRAY_LEN(sizes)];
	uint32_t pieces[ARRAY_LEN(sizes)];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		places[i] = lender_lend(lender, sizes[i], holder(1), &pieces[i]);
		assert_non_null(places[i]);
		memset(places[i], (int)i + 1, sizes[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(places[i][at], i + 1);
	assert_int_equal(lender_lent(lender), (1 + 1 + 2 + 5 + 1) * PIECE);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
		assert_int_equal(lender_take_back(lender, pieces[i], holder(1)),
				 lender_size_of(sizes[i]));
	assert_int_equal(lender_lent(lender), 0);
	lender_free(lender);
}

static void lender_says_when_it_is_full(void **state)
{
	cleanup_close int fd = -1;
	struct lender *lender = make_lender(8, &fd);
	uint32_t pieces[8], piece;

	(void)state;
	assert_null(lender_lend(lender, 0, holder(1), &piece));
	assert_null(lender_lend(lender, 8 * PIECE + 1, holder(1), &piece));
	assert_null(lender_lend(lender, SIZE_MAX, holder(1), &piece));
	assert_non_null(lender_lend(lender, 8 * PIECE, holder(1), &piece));
	assert_null(lender_lend(lender, 1, holder(1), &pieces[0]));
	assert_int_equal(lender_take_back(lender, piece, holder(1)), 8 * PIECE);
	for (size_t i = 0; i < 8; i++)
		assert_non_null(lender_lend(lender, 1, holder(1), &pieces[i]));
	assert_null(lender_lend(lender, 1, holder(1), &piece));
	/* Two free ones that are not neighbours are no room for two. */
	assert_int_equal(lender_take_back(lender, pieces[2], holder(1)), PIECE);
	assert_int_equal(lender_take_back(lender, pieces[5], holder(1)), PIECE);
	assert_null(lender_lend(lender, 2 * PIECE, holder(1), &piece));
	assert_int_equal(lender_take_back(lender, pieces[4], holder(1)), PIECE);
	assert_non_null(lender_lend(lender, 2 * PIECE, holder(1), &piece));
	assert_int_equal(piece, pieces[4]);
	lender_free(lender);
}

static void lender_has_room_for_many_of_the_largest_size(void **state)
{
	cleanup_close int fd = -1;
	struct lender *lender = make_lender(LENDER_PIECES, &fd);
	uint32_t piece;

	(void)state;
	for (size_t i = 0; i < LIMIT_ARENA_BYTES / LIMIT_MESSAGE_BYTES; i++)
		assert_non_null(lender_lend(lender, LIMIT_MESSAGE_BYTES, holder(1), &piece));
	assert_null(lender_lend(lender, 1, holder(1), &piece));
	/* It has not been touched. */
	assert_int_equal(memory_of(fd), 0);
	lender_free(lender);
}

static void lender_takes_back_once_and_from_the_holder_only(void **state)
{
	cleanup_close int fd = -1;
	struct lender *lender = make_lender(16, &fd);
	uint32_t first, second;

	(void)state;
	assert_non_null(lender_lend(lender, 3 * PIECE, holder(7), &first));
	assert_non_null(lender_lend(lender, PIECE, holder(8), &second));
	assert_int_equal(lender_take_back(lender, first, holder(8)), 0);
	assert_int_equal(lender_take_back(lender, first, holder(0)), 0);
	assert_int_equal(lender_take_back(lender, first + 1, holder(7)), 0);
	assert_int_equal(lender_take_back(lender, 15, holder(7)), 0);
	assert_int_equal(lender_take_back(lender, 16, holder(7)), 0);
	assert_int_equal(lender_take_back(lender, UINT32_MAX, holder(7)), 0);
	assert_int_equal(lender_lent(lender), 4 * PIECE);
	assert_int_equal(lender_take_back(lender, first, holder(7)), 3 * PIECE);
	assert_int_equal(lender_take_back(lender, first, holder(7)), 0);
	assert_int_equal(lender_lent(lender), PIECE);
	lender_free(lender);
}

static void lender_takes_all_back_from_one_holder(void **state)
{
	cleanup_close int fd = -1;
	struct lender *lender = make_lender(16, &fd);
	uint32_t pieces[16];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		assert_non_null(lender_lend(lender, 1, holder(i % 2 + 1), &pieces[i]));
	lender_take_all_back(lender, holder(1));
	assert_int_equal(lender_lent(lender), 8 * PIECE);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(lender_take_back(lender, pieces[i], holder(i % 2 + 1)),
				 i % 2 ? PIECE : 0);
	lender_free(lender);
}

static void lender_gives_memory_back_that_is_not_used(void **state)
{
	cleanup_close int fd = -1;
	struct lender *lender = make_lender(16, &fd);
	uint32_t kept, idle;
	char *place;

	(void)state;
	place = lender_lend(lender, PIECE, holder(1), &kept);
	memset(place, 'k', PIECE);
	memset(lender_lend(lender, 4 * PIECE, holder(1), &idle), 'i', 4 * PIECE);
	assert_int_equal(memory_of(fd), 5 * PIECE);
	(void)lender_take_back(lender, idle, holder(1));
	/* Used since the last look: it stays, to be used again. */
	assert_true(lender_age(lender));
	assert_int_equal(memory_of(fd), 5 * PIECE);
	assert_true(lender_age(lender));
	assert_int_equal(memory_of(fd), PIECE);
	for (size_t i = 0; i < 10; i++)
		assert_true(lender_age(lender));
	assert_int_equal(place[PIECE - 1], 'k');
	(void)lender_take_back(lender, kept, holder(1));
	assert_true(lender_age(lender));
	assert_false(lender_age(lender));
	assert_int_equal(memory_of(fd), 0);
	assert_false(lender_age(lender));
	lender_free(lender);
}

static void arena_is_refused_when_it_is_not_sealed_or_of_no_size(void **state)
{
	cleanup_close int open = memfd_create("open", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	cleanup_close int plain = memfd_create("plain", MFD_CLOEXEC);
	cleanup_close int odd = pair_make_arena(PIECE + 4096), none = pair_make_arena(0);
	cleanup_close int large = pair_make_arena((size_t)LIMIT_ARENA_BYTES + PIECE);
	int pipes[2];
	const struct {
		int fd, error;
	} bad[] = {{open, -EPERM},  {plain, -EPERM},  {odd, -EINVAL},
		   {none, -EINVAL}, {large, -EINVAL}, {-1, -EBADF}};
	struct borrower borrower;
	struct lender *lender;

	(void)state;
	borrower = (struct borrower){0};
	assert_int_equal(ftruncate(open, PIECE), 0);
	assert_int_equal(ftruncate(plain, PIECE), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		assert_int_equal(lender_new(bad[i].fd, &lender), bad[i].error);
		assert_int_equal(borrower_map(&borrower, bad[i].fd), bad[i].error);
	}
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	assert_int_equal(borrower_map(&borrower, pipes[0]), -EPERM);
	assert_null(borrower.memory);
	close(pipes[0]);
	close(pipes[1]);
	borrower_fini(&borrower);
}

static void borrower_finds_what_lies_in_the_arena(void **state)
{
	cleanup_close int fd = -1;
	struct lender *lender = make_lender(300, &fd);
	struct borrower borrower;
	uint32_t piece;
	char *place;

	(void)state;
	borrower = (struct borrower){0};
	assert_null(borrower_find(&borrower, 0, 1));
	assert_int_equal(borrower_map(&borrower, fd), 0);
	assert_int_equal(borrower_map(&borrower, fd), -EEXIST);
	assert_non_null(lender_lend(lender, 1, holder(1), &piece));
	place = lender_lend(lender, 100, holder(1), &piece);
	strcpy(place, "hello");
	assert_string_equal(borrower_find(&borrower, piece, 6), "hello");
	assert_non_null(borrower_find(&borrower, 299, PIECE));
	assert_null(borrower_find(&borrower, 299, PIECE + 1));
	assert_null(borrower_find(&borrower, 300, 1));
	assert_null(borrower_find(&borrower, UINT32_MAX, 1));
	assert_null(borrower_find(&borrower, 0, 0));
	assert_non_null(borrower_find(&borrower, 0, LIMIT_MESSAGE_BYTES));
	assert_null(borrower_find(&borrower, 0, LIMIT_MESSAGE_BYTES + 1));
	assert_null(borrower_find(&borrower, 0, SIZE_MAX));
	/* What was mapped stays when the owner is gone. */
	lender_free(lender);
	assert_string_equal(borrower_find(&borrower, piece, 6), "hello");
	borrower_fini(&borrower);
	assert_null(borrower_find(&borrower, piece, 6));
}

static void borrower_gives_each_block_back_once(void **state)
{
	struct borrower borrower;
	uint32_t pieces[4];

	(void)state;
	borrower = (struct borrower){0};
	for (size_t i = 0; i < 3; i++) {
		borrower_use(&borrower, LENDER_PIECES - 1);
		borrower_use(&borrower, 0);
		borrower_use(&borrower, 64);
	}
	assert_int_equal(borrower.n_used, 3);
	borrower_take_used(&borrower, pieces);
	assert_int_equal(pieces[0], 0);
	assert_int_equal(pieces[1], 64);
	assert_int_equal(pieces[2], LENDER_PIECES - 1);
	assert_int_equal(borrower.n_used, 0);
	borrower_use(&borrower, 64);
	assert_int_equal(borrower.n_used, 1);
	borrower_fini(&borrower);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lender_lends_what_does_not_overlap),
		cmocka_unit_test(lender_says_when_it_is_full),
		cmocka_unit_test(lender_has_room_for_many_of_the_largest_size),
		cmocka_unit_test(lender_takes_back_once_and_from_the_holder_only),
		cmocka_unit_test(lender_takes_all_back_from_one_holder),
		cmocka_unit_test(lender_gives_memory_back_that_is_not_used),
		cmocka_unit_test(arena_is_refused_when_it_is_not_sealed_or_of_no_size),
		cmocka_unit_test(borrower_finds_what_lies_in_the_arena),
		cmocka_unit_test(borrower_gives_each_block_back_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

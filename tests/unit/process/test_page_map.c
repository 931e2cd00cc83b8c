/* test_page_map.c - the page of a worker: whole and safe to read, or none. */
#include "process/page_map.h"

#include "base/cleanup.h"
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "rlimits.h"

static void page_cannot_be_made_shorter_by_its_worker(void **state)
{
	cleanup_close int fd = -1;
	struct page *page;

	(void)state;
	assert_int_equal(page_map((struct process){0, 3, 7}, &page, &fd), 0);
	assert_int_equal(page->magic, PAGE_MAGIC);
	assert_int_equal(page->worker, 3);
	assert_int_equal(page->incarnation, 7);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 2 * PAGE_BYTES), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	page_unmap(page);
}

static void page_is_whole_or_there_is_none(void **state)
{
	static const struct {
		__rlimit_resource_t what;
		int error;
	} cases[] = {
		{RLIMIT_NOFILE, -EMFILE},
		{RLIMIT_FSIZE, -EFBIG},
		{RLIMIT_AS, -ENOMEM},
	};
	rlim_t free_before = limit_of_free(0), before;
	struct page *page = NULL;
	int fd = -1, r;

	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		before = lower_limit(cases[i].what,
				     cases[i].what == RLIMIT_NOFILE ? free_before : 1);
		r = page_map((struct process){0, 3, 7}, &page, &fd);
		lower_limit(cases[i].what, before);
		assert_int_equal(r, cases[i].error);
		assert_null(page);
		assert_int_equal(fd, -1);
		assert_int_equal(limit_of_free(0), free_before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_cannot_be_made_shorter_by_its_worker),
		cmocka_unit_test(page_is_whole_or_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

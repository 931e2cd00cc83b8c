/* test_crash.c - a dead worker's page, honest and forged. */
#include "process/crash.h"

#include "base/cleanup.h"
#include "base/text.h"
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PID 4711

static struct launch_end killed(int number)
{
	return (struct launch_end){LAUNCH_SIGNALED, number};
}

static void set_thread(struct page_thread *thread, uint64_t sequence, uint64_t type_hash)
{
	thread->sequence = sequence;
	thread->actor = 5ull << 32 | 2;
	thread->type_hash = type_hash;
	thread->version = 3;
	thread->instance = 1;
	thread->thread_id = PID;
}

/* A record of a fault in a handler. */
static void set_record(struct page *page, int number, int code)
{
	set_thread(&page->crash.thread, 7, 0x1234567890ull);
	page->crash.signal = number;
	page->crash.code = code;
	page->crash.thread_id = PID;
	page->crash.n_frames = 2;
	strcpy(page->crash.frames[0].text, "hello.so(on_greet+0x1c)");
	strcpy(page->crash.frames[1].text, "troupe-worker(main+0x2)");
	page->crash.written = 1;
}

static void crash_is_blamed_when_a_handler_faulted(void **state)
{
	struct page page = {0};
	struct crash crash;
	struct launch_end end = killed(SIGSEGV);
	char text[200];

	(void)state;
	set_record(&page, SIGSEGV, SEGV_MAPERR);
	crash_read(&crash, &page, &end);
	assert_string_equal(crash.cause, "SIGSEGV");
	assert_true(crash.in_handler);
	assert_true(crash.is_blamed);
	assert_int_equal(crash.activity.version, 3);
	assert_int_equal(crash.activity.instance, 1);
	assert_int_equal(crash.activity.address.slot, 5);
	assert_int_equal(crash.activity.address.generation, 2);
	assert_int_equal(crash.n_frames, 2);
	assert_string_equal(crash.frames[1].text, "troupe-worker(main+0x2)");
	strcpy(crash.names.actor, "pool/1");
	strcpy(crash.names.message, "io.troupe.hello.Greet");
	crash_print(&crash, text, sizeof(text));
	assert_string_equal(text, "SIGSEGV in pool/1 while handling io.troupe.hello.Greet");
}

/* The record may hold anything, also where a text is to end. */
static void crash_has_the_word_of_its_worker(void **state)
{
	struct page page = {0};
	struct crash crash;
	struct launch_end end = killed(SIGSEGV);
	char text[400];

	(void)state;
	set_record(&page, SIGSEGV, SEGV_MAPERR);
	strcpy(page.crash.what, "stack overflow in task get, 64 KiB: TaskStack=");
	crash_read(&crash, &page, &end);
	assert_true(crash.is_blamed);
	strcpy(crash.names.actor, "pool/1");
	strcpy(crash.names.message, "a task");
	crash.activity.type_hash = PAGE_DOING_TASK;
	crash_print(&crash, text, sizeof(text));
	assert_string_equal(text, "SIGSEGV in pool/1, in a task: stack overflow in task get, "
				  "64 KiB: TaskStack=");
	memset(page.crash.what, 0xff, sizeof(page.crash.what));
	crash_read(&crash, &page, &end);
	assert_true(strlen(crash.failure) > 0 && strlen(crash.failure) < sizeof(crash.failure));
	assert_null(memchr(crash.failure, 0xff, strlen(crash.failure)));
}

static void crash_is_not_blamed_when_somebody_sent_the_signal(void **state)
{
	struct page page = {0};
	struct crash crash;
	struct launch_end end = killed(SIGSEGV);

	(void)state;
	set_record(&page, SIGSEGV, SI_USER);
	crash_read(&crash, &page, &end);
	assert_true(crash.in_handler);
	assert_false(crash.is_blamed);
	/* abort() sends one too, but to its own thread. */
	set_record(&page, SIGABRT, SI_TKILL);
	end = killed(SIGABRT);
	crash_read(&crash, &page, &end);
	assert_true(crash.is_blamed);
}

static void crash_is_unattributed_when_another_thread_faulted(void **state)
{
	struct page page = {0};
	struct crash crash;
	struct launch_end end = killed(SIGSEGV);
	char text[200];

	(void)state;
	set_record(&page, SIGSEGV, SEGV_MAPERR);
	page.crash.thread_id = PID + 1;
	crash_read(&crash, &page, &end);
	assert_false(crash.in_handler);
	assert_false(crash.is_blamed);
	assert_int_equal(crash.activity.version, 0);
	crash_print(&crash, text, sizeof(text));
	assert_string_equal(text, "SIGSEGV, not in a handler");
}

static void crash_is_unattributed_when_the_page_names_no_thread(void **state)
{
	struct page page = {0};
	struct crash crash;
	struct launch_end end = killed(SIGSEGV);

	(void)state;
	set_record(&page, SIGSEGV, SEGV_MAPERR);
	page.crash.thread.thread_id = 0;
	crash_read(&crash, &page, &end);
	assert_false(crash.is_blamed);
}

static void crash_reports_what_ran_when_the_worker_was_killed(void **state)
{
	struct page page = {0};
	struct crash crash;
	struct launch_end end = killed(SIGKILL);

	(void)state;
	set_thread(&page.thread, 9, PAGE_DOING_TIMER);
	crash_read(&crash, &page, &end);
	assert_string_equal(crash.cause, "SIGKILL");
	assert_true(crash.in_handler);
	assert_false(crash.is_blamed);
	assert_string_equal(page_doing_words(crash.activity.type_hash), "a timer");
}

static void crash_is_blamed_when_a_handler_left_the_process(void **state)
{
	struct page page = {0};
	struct crash crash;
	struct launch_end end = {LAUNCH_EXITED, 3};

	(void)state;
	set_thread(&page.thread, 9, 99);
	crash_read(&crash, &page, &end);
	assert_string_equal(crash.cause, "exit 3");
	assert_true(crash.is_blamed);
}

static void crash_names_the_signal_of_its_record_when_no_other_is_known(void **state)
{
	struct page page = {0};
	struct crash crash;
	struct launch_end end = {0};

	(void)state;
	set_record(&page, SIGSEGV, SEGV_MAPERR);
	crash_read(&crash, &page, &end);
	assert_string_equal(crash.cause, "SIGSEGV");
	assert_true(crash.is_blamed);
	/* What an exit() has left names none. */
	set_record(&page, 0, 0);
	crash_read(&crash, &page, &end);
	assert_string_equal(crash.cause, "unknown");
	assert_false(crash.was_sent);
	end = (struct launch_end){LAUNCH_EXITED, 3};
	crash_read(&crash, &page, &end);
	assert_string_equal(crash.cause, "exit 3");
}

static void crash_by_a_signal_without_a_name_has_its_number(void **state)
{
	struct page page = {0};
	struct crash crash;
	struct launch_end end = killed(SIGRTMIN + 6);

	(void)state;
	crash_read(&crash, &page, &end);
	assert_string_equal(crash.cause, "signal 40");
}

static void crash_is_in_no_handler_when_the_sequence_is_even(void **state)
{
	struct page page = {0};
	struct crash crash;
	struct launch_end end = killed(SIGSEGV);

	(void)state;
	set_thread(&page.thread, 8, 99);
	crash_read(&crash, &page, &end);
	assert_false(crash.in_handler);
	crash_read(&crash, NULL, &end);
	assert_false(crash.in_handler);
}

static void crash_is_safe_to_print_when_the_page_is_forged(void **state)
{
	struct page page;
	struct crash crash;
	struct launch_end end = killed(SIGSEGV);

	(void)state;
	/* No NUL anywhere, bad UTF-8, a number of frames beyond all there are. */
	memset(&page, 0xff, sizeof(page));
	page.crash.written = 1;
	memcpy(page.crash.frames[0].text, "a\nb\x1b[31m", 8);
	memcpy(page.crash.frames[1].text + PAGE_SYMBOL - 3, "\xe2\x82\xac", 3);
	crash_read(&crash, &page, &end);
	assert_int_equal(crash.n_frames, PAGE_FRAMES);
	for (unsigned i = 0; i < crash.n_frames; i++) {
		size_t size = strnlen(crash.frames[i].text, PAGE_SYMBOL);

		assert_true(size < PAGE_SYMBOL);
		assert_true(text_is_utf8(crash.frames[i].text, size));
		for (size_t j = 0; j < size; j++)
			assert_true((unsigned char)crash.frames[i].text[j] >= ' ');
	}
	assert_null(page_doing_words(crash.activity.type_hash));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crash_is_blamed_when_a_handler_faulted),
		cmocka_unit_test(crash_has_the_word_of_its_worker),
		cmocka_unit_test(crash_is_not_blamed_when_somebody_sent_the_signal),
		cmocka_unit_test(crash_is_unattributed_when_another_thread_faulted),
		cmocka_unit_test(crash_is_unattributed_when_the_page_names_no_thread),
		cmocka_unit_test(crash_reports_what_ran_when_the_worker_was_killed),
		cmocka_unit_test(crash_is_blamed_when_a_handler_left_the_process),
		cmocka_unit_test(crash_names_the_signal_of_its_record_when_no_other_is_known),
		cmocka_unit_test(crash_by_a_signal_without_a_name_has_its_number),
		cmocka_unit_test(crash_is_in_no_handler_when_the_sequence_is_even),
		cmocka_unit_test(crash_is_safe_to_print_when_the_page_is_forged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_crash.c - the last words of workers that die in every way there is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/page.h"
#include "stage.h"
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define CRASH "io.troupe.test.crash"

/* Whether a frame is like that; a compiler may have put a handler into the thunk that calls
 * it. */
static bool has_frame(const struct page_crash *record, const char *part)
{
	for (uint32_t i = 0; i < record->n_frames; i++)
		if (strstr(record->frames[i].text, part))
			return true;
	return false;
}

/* Call the method, and see that the worker died of the signal with a record that says so. */
static const struct page_crash *die_asked(struct stage *s, const char *method,
					  const char *parameters, int number)
{
	cleanup_free char *complaints = NULL;
	struct stage_worker *w = stage_start(s, 1);
	struct troupe_address crash = stage_cast(w, 7, "crash", "crash", "");
	const struct page_crash *record = &w->page->crash;
	char qualified[64], name[16];
	int status;

	assert_int_equal(record->written, 0);
	snprintf(qualified, sizeof(qualified), CRASH ".%s", method);
	stage_call(w, crash, qualified, parameters, 0, 0);
	status = stage_wait_dead(w);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), number);
	assert_int_equal(record->written, 1);
	assert_int_equal(record->signal, number);
	assert_int_equal(record->thread.version, 7);
	assert_int_equal(record->thread.actor, (uint64_t)crash.slot << 32 | crash.generation);
	assert_true(record->thread.sequence & 1);
	assert_int_equal(record->thread_id, record->thread.thread_id);
	assert_true(record->n_frames > 0);
	assert_true(has_frame(record, "crash.so("));
	complaints = stage_complaints(w);
	snprintf(name, sizeof(name), "SIG%s", sigabbrev_np(number));
	assert_non_null(strstr(complaints, name));
	assert_non_null(strstr(complaints, "worker 1: "));
	return record;
}

static const struct page_crash *die(struct stage *s, const char *method, int number)
{
	return die_asked(s, method, "", number);
}

static void crash_names_static_functions_of_the_plugin(void **state)
{
	const struct page_crash *record;
	struct stage s;

	(void)state;
	stage_begin(&s);
	record = die(&s, "Segfault", SIGSEGV);
	assert_int_equal(record->code, SEGV_MAPERR);
	assert_int_equal(record->address, 8);
	assert_memory_equal(record->frames[0].text, "crash.so(write_to_first_page+0x", 31);
	assert_true(has_frame(record, "on_segfault+0x"));
	assert_true(has_frame(record, "troupe-worker(main+0x"));
	stage_end(&s);
}

static void crash_reports_abort(void **state)
{
	const struct page_crash *record;
	struct stage s;

	(void)state;
	stage_begin(&s);
	record = die(&s, "Abort", SIGABRT);
	assert_true(has_frame(record, "on_abort+0x"));
	stage_end(&s);
}

static void crash_reports_a_stack_that_is_used_up(void **state)
{
	const struct page_crash *record;
	struct stage s;

	(void)state;
	stage_begin(&s);
	record = die(&s, "StackOverflow", SIGSEGV);
	assert_true(has_frame(record, "crash.so(descend+0x"));
	assert_int_equal(record->n_frames, PAGE_FRAMES);
	stage_end(&s);
}

static void crash_reports_a_division(void **state)
{
	struct stage s;

	(void)state;
	stage_begin(&s);
	die(&s, "Divide", SIGFPE);
	stage_end(&s);
}

/* The unwinder cannot get past an address without code, and faults itself where nothing is
 * mapped. */
static void crash_of_a_call_to_nowhere_names_the_caller(void **state)
{
	const struct page_crash *record;
	struct stage s;

	(void)state;
	stage_begin(&s);
	for (uint64_t address = 0; address <= 16; address += 16) {
		char parameters[32], frame[32];

		snprintf(parameters, sizeof(parameters), "{\"address\":%d}", (int)address);
		snprintf(frame, sizeof(frame), "0x%x", (unsigned)address);
		record = die_asked(&s, "Jump", parameters, SIGSEGV);
		assert_int_equal(record->address, address);
		assert_int_equal(record->n_frames, 2);
		assert_string_equal(record->frames[0].text, frame);
		assert_int_equal(record->frames[0].plugin, 0);
		assert_memory_equal(record->frames[1].text, "crash.so(", 9);
		assert_true(record->frames[1].plugin > 0);
	}
	stage_end(&s);
}

/* A wait status does not say who called exit(). */
static void exit_is_noted_with_its_actor(void **state)
{
	const struct page_crash *record;
	struct troupe_address crash;
	struct stage_worker *w;
	struct stage s;
	char *complaints;
	int status;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	record = &w->page->crash;
	crash = stage_cast(w, 7, "crash", "crash", "");
	/* 1 is also what AddressSanitizer makes of a status when it then finds leaks. */
	stage_call(w, crash, CRASH ".Exit", "{\"code\":1}", 0, 0);
	status = stage_wait_dead(w);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_int_equal(record->written, 1);
	assert_int_equal(record->signal, 0);
	assert_int_equal(record->thread.version, 7);
	assert_int_equal(record->thread_id, record->thread.thread_id);
	assert_true(has_frame(record, "crash.so("));
	complaints = stage_complaints(w);
	assert_non_null(strstr(complaints, "worker 1: exit 1 in thread "));
	free(complaints);
	stage_end(&s);
}

/* By exit() and by _exit(). */
static void exit_of_another_thread_is_noted_with_that_thread(void **state)
{
	static const char *const ways[] = {"exit", "leave"};
	cleanup_free char *complaints = NULL;
	const struct page_crash *record;
	struct stage_worker *w;
	struct stage s;
	char config[64];

	(void)state;
	stage_begin(&s);
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		snprintf(config, sizeof(config), "{\"afterMs\":0,\"how\":\"%s\"}", ways[i]);
		w = stage_start(&s, 1);
		record = &w->page->crash;
		assert_null(stage_load(w, 1, "thread_crash"));
		assert_null(stage_define(w, 7, 1, "thread_crash", config));
		stage_spawn(w, 7, 0);
		assert_true(WIFEXITED(stage_wait_dead(w)));
		assert_int_equal(record->written, 1);
		assert_int_equal(record->signal, 0);
		assert_int_not_equal(record->thread_id, record->thread.thread_id);
		assert_true(has_frame(record, "thread_crash.so("));
		free(complaints);
		complaints = stage_complaints(w);
		assert_non_null(strstr(complaints, "worker 1: exit 9 in thread "));
	}
	stage_end(&s);
}

/* Its end is not the worker's: nothing is written to its page. */
static void end_of_a_forked_process_is_its_own(void **state)
{
	struct troupe_address crash;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	crash = stage_cast(w, 7, "crash", "crash", "");
	assert_null(stage_ask(w, crash, CRASH ".Fork", "{\"code\":3}")->error);
	assert_null(stage_ask(w, crash, CRASH ".Fork", "{\"code\":0}")->error);
	assert_int_equal(w->page->crash.written, 0);
	assert_null(stage_ask(w, crash, CRASH ".Ping", "")->error);
	stage_end(&s);
}

static void crash_in_init_is_that_units(void **state)
{
	const struct page_crash *record;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	record = &w->page->crash;
	assert_null(stage_load(w, 1, "crash_in_init"));
	assert_null(stage_define(w, 9, 1, "crash_in_init", ""));
	stage_spawn(w, 9, 4);
	assert_int_equal(WTERMSIG(stage_wait_dead(w)), SIGSEGV);
	assert_int_equal(record->written, 1);
	assert_int_equal(record->thread.version, 9);
	assert_int_equal(record->thread.instance, 4);
	assert_int_equal(record->thread.type_hash, PAGE_DOING_INIT);
	assert_true(has_frame(record, "crash_in_init.so("));
	stage_end(&s);
}

/* The plug-in is in no list yet. */
static void crash_while_a_plugin_is_loaded_names_its_function(void **state)
{
	const struct page_crash *record;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	record = &w->page->crash;
	stage_load(w, 5, "crash_in_load");
	assert_int_equal(WTERMSIG(stage_wait_dead(w)), SIGSEGV);
	assert_int_equal(record->written, 1);
	assert_int_equal(record->thread.type_hash, PAGE_DOING_LOAD);
	assert_memory_equal(record->frames[0].text, "crash_in_load.so(crash_at_once+0x", 33);
	assert_int_equal(record->frames[0].plugin, 5);
	stage_end(&s);
}

static void crash_between_handlers_is_nobodys(void **state)
{
	const struct page_crash *record;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	record = &w->page->crash;
	stage_cast(w, 1, "echo", "echo", "");
	kill(w->pid, SIGSEGV);
	assert_int_equal(WTERMSIG(stage_wait_dead(w)), SIGSEGV);
	assert_int_equal(record->written, 1);
	assert_int_equal(record->code, SI_USER);
	assert_int_equal(record->address, 0);
	assert_int_equal(record->thread.sequence & 1, 0);
	stage_end(&s);
}

/* Whether its loop handles a message; init was before. */
static bool is_in_message(const struct stage_worker *w)
{
	return (w->page->thread.sequence & 1) && w->page->thread.type_hash > PAGE_DOING_COUNT;
}

/* Have nanomsg's thread abort, over a frame of a type that there is not. The connection to
 * close afterwards. */
static int send_nonsense(struct stage_worker *w)
{
	static const unsigned char nonsense[17] = {0, 'S', 'P', 0, 0, 0x50, 0, 0, 0x2a};
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/w%u-%u", w->stage->directory,
		 w->number, w->incarnation);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(write(fd, nonsense, sizeof(nonsense)), sizeof(nonsense));
	return fd;
}

static void crash_of_another_thread_is_reported_as_such(void **state)
{
	pid_t first;
	int fd;
	const struct page_crash *record;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	record = &w->page->crash;
	first = w->pid;
	fd = send_nonsense(w);
	assert_int_equal(WTERMSIG(stage_wait_dead(w)), SIGABRT);
	close(fd);
	assert_int_equal(record->written, 1);
	assert_int_equal(record->thread.thread_id, first);
	assert_int_not_equal(record->thread_id, first);
	assert_true(has_frame(record, "libnanomsg"));
	stage_end(&s);
}

static void crash_of_another_thread_interrupts_a_handler(void **state)
{
	const struct page_crash *record;
	struct stage_worker *w;
	struct troupe_address crash;
	struct stage s;
	int fd;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	record = &w->page->crash;
	crash = stage_cast(w, 1, "crash", "crash", "");
	stage_call(w, crash, CRASH ".Loop", "", 0, 0);
	stage_until(&s, is_in_message(w));
	fd = send_nonsense(w);
	assert_int_equal(WTERMSIG(stage_wait_dead(w)), SIGABRT);
	close(fd);
	assert_int_equal(record->written, 1);
	assert_int_not_equal(record->thread_id, record->thread.thread_id);
	assert_true(record->thread.sequence & 1);
	stage_end(&s);
}

static void worker_reports_what_it_does_while_it_hangs(void **state)
{
	struct troupe_address crash;
	struct stage_worker *w;
	struct stage s;

	(void)state;
	stage_begin(&s);
	w = stage_start(&s, 1);
	crash = stage_cast(w, 1, "crash", "crash", "");
	stage_call(w, crash, CRASH ".Loop", "", 0, 0);
	stage_until(&s, is_in_message(w));
	/* What it does is told by the page while it hangs. */
	assert_int_equal(w->page->thread.version, 1);
	kill(w->pid, SIGKILL);
	assert_int_equal(WTERMSIG(stage_wait_dead(w)), SIGKILL);
	assert_int_equal(w->page->crash.written, 0);
	stage_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crash_names_static_functions_of_the_plugin),
		cmocka_unit_test(crash_reports_abort),
		cmocka_unit_test(crash_reports_a_stack_that_is_used_up),
		cmocka_unit_test(crash_reports_a_division),
		cmocka_unit_test(crash_of_a_call_to_nowhere_names_the_caller),
		cmocka_unit_test(exit_is_noted_with_its_actor),
		cmocka_unit_test(exit_of_another_thread_is_noted_with_that_thread),
		cmocka_unit_test(end_of_a_forked_process_is_its_own),
		cmocka_unit_test(crash_in_init_is_that_units),
		cmocka_unit_test(crash_while_a_plugin_is_loaded_names_its_function),
		cmocka_unit_test(crash_between_handlers_is_nobodys),
		cmocka_unit_test(crash_of_another_thread_is_reported_as_such),
		cmocka_unit_test(crash_of_another_thread_interrupts_a_handler),
		cmocka_unit_test(worker_reports_what_it_does_while_it_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

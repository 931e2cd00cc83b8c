/* test_audit.c - the journal of refused requests has a limit for each user. */
#include "clients/audit.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static struct log log_of(int fd)
{
	struct log log;

	log_init(&log, fd, "", LOG_P_DEBUG);
	return log;
}

static unsigned count(int fd, const char *piece)
{
	static char text[1 << 20];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	unsigned found = 0;

	assert_true(n >= 0 && (size_t)n < sizeof(text) - 1);
	text[n] = '\0';
	for (const char *at = text; (at = strstr(at, piece)); at++)
		found++;
	return found;
}

static void ask(struct audit *audit, struct log *log, uid_t uid, bool allowed, uint64_t now_ns)
{
	audit_request(audit, log, &(struct control_peer){.uid = uid, .pid = 4711}, "a.b.Stop",
		      "hello", allowed, now_ns);
}

static void refused_requests_are_counted_beyond_a_few(void **state)
{
	cleanup_close int fd = memfd_create("log", MFD_CLOEXEC);
	struct log log = log_of(fd);
	uint64_t now = CLOCK_SECOND_NS;
	struct audit audit;

	(void)state;
	audit_init(&audit);
	for (unsigned i = 0; i < 100000; i++)
		ask(&audit, &log, 1000, false, now);
	assert_int_equal(count(fd, "refused: a.b.Stop hello by uid 1000, pid 4711\n"),
			 LIMIT_AUDIT_BURST);
	/* Another user is another matter, and so is what is allowed. */
	ask(&audit, &log, 1001, false, now);
	assert_int_equal(count(fd, "by uid 1001"), 1);
	for (unsigned i = 0; i < 1000; i++)
		ask(&audit, &log, 1000, true, now);
	assert_int_equal(count(fd, "request: a.b.Stop hello by uid 1000"), 1000);
	audit_tick(&audit, &log, now + 1);
	assert_int_equal(count(fd, "more requests"), 0);
	now += LIMIT_AUDIT_INTERVAL_NS;
	audit_tick(&audit, &log, now);
	audit_tick(&audit, &log, now);
	assert_int_equal(count(fd, "more requests"), 1);
	assert_int_equal(count(fd, "refused: and 99980 more requests by uid 1000\n"), 1);
	ask(&audit, &log, 1000, false, now);
	assert_int_equal(count(fd, "refused: a.b.Stop hello by uid 1000"),
			 LIMIT_AUDIT_BURST + 1);
	log_fini(&log);
}

static void users_beyond_the_table_share_a_limit(void **state)
{
	cleanup_close int fd = memfd_create("log", MFD_CLOEXEC);
	struct log log = log_of(fd);
	uint64_t now = CLOCK_SECOND_NS;
	struct audit audit;

	(void)state;
	audit_init(&audit);
	for (uid_t uid = 1; uid <= 10000; uid++)
		ask(&audit, &log, uid, false, now);
	assert_int_equal(count(fd, "refused: a.b.Stop"),
			 LIMIT_AUDITED_USERS + LIMIT_AUDIT_BURST);
	now += LIMIT_AUDIT_INTERVAL_NS;
	audit_tick(&audit, &log, now);
	assert_int_equal(count(fd, "more requests by many users\n"), 1);
	/* Who has been quiet for an interval makes room. */
	for (unsigned i = 0; i < 2 * LIMIT_AUDIT_BURST; i++)
		ask(&audit, &log, 20000, false, now);
	assert_int_equal(count(fd, "by uid 20000"), LIMIT_AUDIT_BURST);
	log_fini(&log);
}

/* Many quiet users take places, but not that of one of whom something is still to be said. */
static void what_was_left_out_is_said_however_many_users_come(void **state)
{
	cleanup_close int fd = memfd_create("log", MFD_CLOEXEC);
	struct log log = log_of(fd);
	uint64_t now = CLOCK_SECOND_NS;
	struct audit audit;

	(void)state;
	audit_init(&audit);
	for (unsigned i = 0; i < LIMIT_AUDIT_BURST + 7; i++)
		ask(&audit, &log, 1, false, now);
	for (uid_t uid = 2; uid <= LIMIT_AUDITED_USERS; uid++)
		ask(&audit, &log, uid, false, now);
	now += LIMIT_AUDIT_INTERVAL_NS;
	for (uid_t uid = 1000; uid < 1000 + 2 * LIMIT_AUDITED_USERS; uid++)
		ask(&audit, &log, uid, false, now);
	audit_tick(&audit, &log, now);
	assert_int_equal(count(fd, "refused: and 7 more requests by uid 1\n"), 1);
	log_fini(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_requests_are_counted_beyond_a_few),
		cmocka_unit_test(users_beyond_the_table_share_a_limit),
		cmocka_unit_test(what_was_left_out_is_said_however_many_users_come),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Who is at the other end of a socket. */
#include "base/cleanup.h"
#include "control/credentials.h"
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void credentials_say_who_connects_when_socket_is_unix(void **state)
{
	gid_t groups[256];
	struct credentials *peer;
	int ends[2], n;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(credentials_new(ends[0], &peer), 0);
	assert_int_equal(peer->public.uid, getuid());
	assert_int_equal(peer->public.gid, getgid());
	assert_int_equal(peer->public.pid, getpid());
	n = getgroups(ARRAY_LEN(groups), groups);
	assert_int_equal(peer->public.n_groups, n);
	assert_memory_equal(peer->public.groups, groups, (size_t)n * sizeof(gid_t));
	credentials_unref(peer);
	close(ends[0]);
	close(ends[1]);
}

/* More groups than were guessed. Setting them takes root. */
static void credentials_hold_all_groups_when_there_are_many(void **state)
{
	gid_t groups[100], old[256];
	int ends[2], n_old = getgroups(ARRAY_LEN(old), old);
	struct credentials *peer;

	(void)state;
	if (geteuid() != 0)
		skip();
	for (unsigned i = 0; i < ARRAY_LEN(groups); i++)
		groups[i] = 1000 + i;
	assert_int_equal(setgroups(ARRAY_LEN(groups), groups), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(setgroups((size_t)n_old, old), 0);
	assert_int_equal(credentials_new(ends[0], &peer), 0);
	assert_int_equal(peer->public.n_groups, ARRAY_LEN(groups));
	assert_memory_equal(peer->public.groups, groups, sizeof(groups));
	credentials_unref(peer);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credentials_say_who_connects_when_socket_is_unix),
		cmocka_unit_test(credentials_hold_all_groups_when_there_are_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

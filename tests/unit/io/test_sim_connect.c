/* Connecting by name: the addresses of a host, one beside the other, on a simulated crew, with
 * a getaddrinfo() of this program's own. */
#include "descriptors.h"
#include "harbour.h"
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/un.h>

/* What "a.test" is, in this order; NULL at the end. */
static const char *const *addresses;

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		struct addrinfo **ret_infos)
{
	struct addrinfo **place = ret_infos;

	(void)service;
	(void)hints;
	*ret_infos = NULL;
	if (strcmp(host, "a.test") != 0)
		return EAI_NONAME;
	for (int i = 0; addresses[i]; i++, place = &(*place)->ai_next) {
		const int family = strchr(addresses[i], ':') ? AF_INET6 : AF_INET;
		struct sockaddr_in6 *address = calloc(1, sizeof(*address));
		struct sockaddr_in *v4 = (void *)address;

		*place = calloc(1, sizeof(**place));
		assert_true(*place && address);
		address->sin6_family = (sa_family_t)family;
		assert_int_equal(inet_pton(family, addresses[i],
					   family == AF_INET ? (void *)&v4->sin_addr
							     : &address->sin6_addr),
				 1);
		(*place)->ai_family = family;
		(*place)->ai_addr = (struct sockaddr *)(void *)address;
		(*place)->ai_addrlen = family == AF_INET ? sizeof(*v4) : sizeof(*address);
	}
	return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
	while (info) {
		struct addrinfo *next = info->ai_next;

		free(info->ai_addr);
		free(info);
		info = next;
	}
}

/* Hosts that are silent, until a test lets one answer: such a socket can be written when the
 * other end has read what fills it. */
static struct silence {
	int fds[2];
	unsigned tried;
} silence;

static void begin_silence(void)
{
	static const char block[4096];

	silence = (struct silence){0};
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, silence.fds),
		0);
	while (write(silence.fds[0], block, sizeof(block)) > 0)
		;
}

static void break_silence(void)
{
	char block[4096];

	while (read(silence.fds[1], block, sizeof(block)) > 0)
		;
}

static void end_silence(void)
{
	close(silence.fds[0]);
	close(silence.fds[1]);
}

static bool is_silent(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const void *)address;

	return address->sa_family == AF_INET6 ||
	       (address->sa_family == AF_INET && v4->sin_addr.s_addr == htonl(0x7f000008));
}

/* 127.0.0.8 is silent, and each of IPv6; 127.0.0.9 is a silent host, of which the kernel has
 * said so already. */
int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	const struct sockaddr_in *v4 = (const void *)address;

	if (is_silent(address)) {
		assert_int_equal(dup2(silence.fds[0], fd), fd);
		silence.tried++;
		errno = EINPROGRESS;
		return -1;
	}
	if (v4->sin_family == AF_INET && v4->sin_addr.s_addr == htonl(0x7f000009)) {
		errno = ETIMEDOUT;
		return -1;
	}
	return (int)syscall(SYS_connect, fd, address, size);
}

static int connects(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream;
	char place[TROUPE_PLACE_MAX], peer[TROUPE_PLACE_MAX] = "";
	int rc = troupe_listen(self, "tcp:127.0.0.1:0", &harbour->listener);

	assert_int_equal(rc, 0);
	assert_int_equal(troupe_listener_place(self, harbour->listener, harbour->place), 0);
	snprintf(place, sizeof(place), "tcp:a.test%s", strrchr(harbour->place, ':'));
	rc = troupe_connect(self, place, &stream);
	if (rc == 0)
		assert_int_equal(troupe_peer(self, stream, peer), 0);
	note(self, "%d %s; ", rc, strcmp(peer, harbour->place) == 0 ? "there" : "nowhere");
	return 0;
}

static void try_connect(const char *const *hosts, const char *expected)
{
	struct harbour harbour;

	addresses = hosts;
	harbour_play(&harbour, connects);
	assert_comes(&harbour, expected);
	harbour_finish(&harbour);
}

/* All of 127.0.0.0/8 is this machine: nobody listens at the others. */
static void addresses_of_a_host_are_tried_in_turn(void **state)
{
	char refused[32];

	(void)state;
	snprintf(refused, sizeof(refused), "%d nowhere; ", -ECONNREFUSED);
	try_connect((const char *[]){"127.0.0.1", NULL}, "0 there; ");
	try_connect((const char *[]){"127.0.0.2", "127.0.0.3", "127.0.0.1", NULL}, "0 there; ");
	try_connect((const char *[]){"127.0.0.2", "127.0.0.3", NULL}, refused);
}

static int connects_to_nobody(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream;

	(void)harbour;
	note(self, "%d; ", troupe_connect(self, "tcp:b.test:80", &stream));
	note(self, "%d; ", troupe_connect(self, "udp:a.test:80", &stream));
	return 0;
}

static void host_that_there_is_not_is_an_error(void **state)
{
	struct harbour harbour;
	char expected[64];

	(void)state;
	harbour_play(&harbour, connects_to_nobody);
	world_sleep(&harbour.world, 60 * TROUPE_SECOND_NS);
	snprintf(expected, sizeof(expected), "%d; ", -ENOENT);
	assert_non_null(strstr(world_log(&harbour.world), expected));
	harbour_finish(&harbour);
}

/* -ETIMEDOUT is what a scope says, and nothing else. */
static void silent_host_is_no_timeout_of_the_scope(void **state)
{
	char silent[32];

	(void)state;
	snprintf(silent, sizeof(silent), "%d nowhere; ", -EHOSTUNREACH);
	try_connect((const char *[]){"127.0.0.9", NULL}, silent);
	try_connect((const char *[]){"127.0.0.9", "127.0.0.1", NULL}, "0 there; ");
}

/* ------------------------------------------------------------------ one beside the other */

static void begin_to_connect(struct harbour *harbour, const char *const *hosts)
{
	begin_silence();
	addresses = hosts;
	harbour_play(harbour, connects);
	assert_noted(harbour, "");
}

static void finish_connecting(struct harbour *harbour)
{
	harbour_finish(harbour);
	end_silence();
}

static void silent_address_costs_a_quarter_of_a_second(void **state)
{
	struct harbour harbour;

	(void)state;
	begin_to_connect(&harbour, (const char *[]){"127.0.0.8", "127.0.0.1", NULL});
	world_sleep(&harbour.world, 240 * TROUPE_MS_NS);
	assert_noted(&harbour, "");
	world_sleep(&harbour.world, 30 * TROUPE_MS_NS);
	assert_comes(&harbour, "0 there; ");
	finish_connecting(&harbour);
}

/* One family may lead nowhere, with all of its addresses. */
static void families_are_tried_by_turns(void **state)
{
	struct harbour harbour;

	(void)state;
	begin_to_connect(&harbour, (const char *[]){"fd00::1", "fd00::2", "fd00::3", "fd00::4",
						    "fd00::5", "fd00::6", "fd00::7", "fd00::8",
						    "fd00::9", "127.0.0.1", NULL});
	world_sleep(&harbour.world, 270 * TROUPE_MS_NS);
	assert_comes(&harbour, "0 there; ");
	finish_connecting(&harbour);
}

static void address_that_answers_late_is_not_forgotten(void **state)
{
	struct harbour harbour;

	(void)state;
	begin_to_connect(&harbour, (const char *[]){"127.0.0.8", "127.0.0.8", "127.0.0.2",
						    "127.0.0.8", NULL});
	world_sleep(&harbour.world, 2 * TROUPE_SECOND_NS);
	assert_int_equal(silence.tried, 3);
	assert_noted(&harbour, "");
	break_silence();
	harbour_run(&harbour);
	assert_comes(&harbour, "0 nowhere; ");
	finish_connecting(&harbour);
}

/* Nothing is left of them. */
static void silent_addresses_have_five_seconds_and_an_end(void **state)
{
	char silent[32];
	struct harbour harbour;
	unsigned n;

	(void)state;
	snprintf(silent, sizeof(silent), "%d nowhere; ", -ECONNREFUSED);
	begin_to_connect(&harbour, (const char *[]){"127.0.0.8", "127.0.0.2", NULL});
	world_sleep(&harbour.world, 100 * TROUPE_MS_NS);
	assert_int_equal(silence.tried, 1);
	n = descriptors_count();
	world_sleep(&harbour.world, 4800 * TROUPE_MS_NS);
	assert_noted(&harbour, "");
	world_sleep(&harbour.world, 200 * TROUPE_MS_NS);
	assert_comes(&harbour, silent);
	assert_int_equal(descriptors_count(), n - 1);
	finish_connecting(&harbour);
}

/* However many of them it tries when its time is up. */
static int connects_in_time(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_scope scope;
	unsigned n = descriptors_count();
	int rc = troupe_scope_begin(self, TROUPE_SECOND_NS, &scope);

	assert_int_equal(rc, 0);
	rc = troupe_connect(self, "tcp:a.test:80", &harbour->stream);
	note(self, "%d; ", rc);
	assert_int_equal(descriptors_count(), n);
	assert_int_equal(troupe_scope_end(self, scope), -ETIMEDOUT);
	return 0;
}

static void nothing_is_left_when_its_time_is_up(void **state)
{
	struct harbour harbour;
	char late[32];

	(void)state;
	begin_silence();
	addresses = (const char *[]){"127.0.0.8", "fd00::1", "127.0.0.8", "127.0.0.8", NULL};
	harbour_play(&harbour, connects_in_time);
	world_sleep(&harbour.world, 2 * TROUPE_SECOND_NS);
	snprintf(late, sizeof(late), "%d; ", -ETIMEDOUT);
	assert_noted(&harbour, late);
	finish_connecting(&harbour);
}

static int connects_to_the_busy(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_stream stream;

	note(self, "%d; ", troupe_connect(self, harbour->place, &stream));
	return 0;
}

/* Whoever is abandoned while it waits for a backlog leaves no descriptor: it has none. */
static void wait_for_a_backlog_holds_no_descriptor(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), first;
	struct harbour harbour;
	socklen_t size = sizeof(sa_family_t);
	unsigned n;

	(void)state;
	assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0); /* any */
	size = sizeof(address);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
	assert_int_equal(listen(listener, 0), 0);
	first = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(first, (struct sockaddr *)&address, size), 0);
	harbour_begin(&harbour, (script *const[SCRIPTS + 1]){NULL});
	snprintf(harbour.place, sizeof(harbour.place), "unix:@%.*s",
		 (int)(size - sizeof(sa_family_t) - 1), address.sun_path + 1);
	n = descriptors_count();
	harbour_start(&harbour, connects_to_the_busy);
	harbour_run(&harbour);
	assert_noted(&harbour, "");
	assert_int_equal(descriptors_count(), n);
	close(accept(listener, NULL, NULL));
	world_sleep(&harbour.world, TROUPE_SECOND_NS);
	assert_noted(&harbour, "0; ");
	harbour_finish(&harbour);
	close(listener);
	close(first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_of_a_host_are_tried_in_turn),
		cmocka_unit_test(host_that_there_is_not_is_an_error),
		cmocka_unit_test(silent_host_is_no_timeout_of_the_scope),
		cmocka_unit_test(silent_address_costs_a_quarter_of_a_second),
		cmocka_unit_test(families_are_tried_by_turns),
		cmocka_unit_test(address_that_answers_late_is_not_forgotten),
		cmocka_unit_test(silent_addresses_have_five_seconds_and_an_end),
		cmocka_unit_test(nothing_is_left_when_its_time_is_up),
		cmocka_unit_test(wait_for_a_backlog_holds_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

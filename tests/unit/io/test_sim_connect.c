/* Connecting by name: the addresses of a host in turn, on a simulated crew, with a
 * getaddrinfo() of this program's own. */
#include "harbour.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <netdb.h>
#include <netinet/in.h>
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
		struct sockaddr_in *address = calloc(1, sizeof(*address));

		*place = calloc(1, sizeof(**place));
		assert_true(*place && address);
		address->sin_family = AF_INET;
		assert_int_equal(inet_pton(AF_INET, addresses[i], &address->sin_addr), 1);
		(*place)->ai_addr = (struct sockaddr *)(void *)address;
		(*place)->ai_addrlen = sizeof(*address);
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

/* 127.0.0.9 is a silent host, of which the kernel has said so already. */
int connect(int fd, const struct sockaddr *address, socklen_t size)
{
	const struct sockaddr_in *v4 = (const void *)address;

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
	world_sleep(&harbour.world, 60 * TROUPE_SECOND_NS);
	assert_noted(&harbour, expected);
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

static unsigned count_descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(directory);
	while (readdir(directory))
		n++;
	closedir(directory);
	return n;
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
	n = count_descriptors();
	harbour_start(&harbour, connects_to_the_busy);
	harbour_run(&harbour);
	assert_noted(&harbour, "");
	assert_int_equal(count_descriptors(), n);
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
		cmocka_unit_test(wait_for_a_backlog_holds_no_descriptor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

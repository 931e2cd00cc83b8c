/* test_seqpacket.c - packets with descriptors from a hostile peer. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/seqpacket.h"

struct fixture {
	int sockets[2];
	char data[64];
	size_t size, n;
	int fds[SEQPACKET_FDS];
	int lowest; /* the next free descriptor: shows leaks */
};

static int find_lowest(void)
{
	int fd = dup(0);

	close(fd);
	return fd;
}

static int setup(void **state)
{
	static struct fixture fixture;

	fixture = (struct fixture){0};
	*state = &fixture;
	if (seqpacket_pair(fixture.sockets) < 0)
		return -1;
	fixture.lowest = find_lowest();
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	if (f->sockets[0] >= 0)
		close(f->sockets[0]);
	close(f->sockets[1]);
	return 0;
}

static int receive(struct fixture *f)
{
	return seqpacket_receive(f->sockets[1], f->data, sizeof(f->data), &f->size, f->fds,
				 &f->n);
}

static struct iovec part(const char *text)
{
	return (struct iovec){.iov_base = (void *)(uintptr_t)text, .iov_len = strlen(text)};
}

static void packet_arrives_whole_with_its_descriptors(void **state)
{
	struct fixture *f = *state;
	struct iovec parts[] = {part("head"), part("body")};
	const int sent[] = {0, 1, 2, 0};

	assert_int_equal(receive(f), -EAGAIN);
	assert_int_equal(seqpacket_send(f->sockets[0], parts, 2, sent, 4), 0);
	assert_int_equal(seqpacket_send(f->sockets[0], parts, 1, NULL, 0), 0);
	assert_int_equal(receive(f), 0);
	assert_int_equal(f->size, 8);
	assert_memory_equal(f->data, "headbody", 8);
	assert_int_equal(f->n, 4);
	for (unsigned i = 0; i < 4; i++) {
		assert_true(fcntl(f->fds[i], F_GETFD) & FD_CLOEXEC);
		close(f->fds[i]);
	}
	assert_int_equal(receive(f), 0);
	assert_int_equal(f->size, 4);
	assert_int_equal(f->n, 0);
	assert_int_equal(f->fds[0], -1);
}

static void packet_is_refused_when_cut_and_leaves_nothing_open(void **state)
{
	struct fixture *f = *state;
	char large[65];
	struct iovec parts[] = {{large, sizeof(large)}};
	const int sent[] = {0, 1};

	memset(large, 'x', sizeof(large));
	assert_int_equal(seqpacket_send(f->sockets[0], parts, 1, sent, 2), 0);
	assert_int_equal(receive(f), -EMSGSIZE);
	assert_int_equal(f->fds[0], -1);
	assert_int_equal(find_lowest(), f->lowest);
	parts[0].iov_len = 64;
	assert_int_equal(seqpacket_send(f->sockets[0], parts, 1, sent, 2), 0);
	assert_int_equal(receive(f), 0);
	close(f->fds[0]);
	close(f->fds[1]);
}

static void send_raw(int fd, unsigned n_fds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))] = {0};
	struct iovec one = part("x");
	struct msghdr message = {.msg_iov = &one,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = CMSG_SPACE(n_fds * sizeof(int))};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int zero = 0;

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
	for (unsigned i = 0; i < n_fds; i++)
		memcpy(CMSG_DATA(header) + i * sizeof(int), &zero, sizeof(int));
	assert_int_equal(sendmsg(fd, &message, 0), 1);
}

static void packet_is_refused_when_it_brings_too_many_descriptors(void **state)
{
	struct fixture *f = *state;

	for (unsigned n = 5; n <= 8; n++) {
		send_raw(f->sockets[0], n);
		assert_int_equal(receive(f), -EBADMSG);
		assert_int_equal(find_lowest(), f->lowest);
	}
}

static void packet_is_refused_when_descriptors_are_exhausted(void **state)
{
	struct fixture *f = *state;
	struct rlimit old, few;

	send_raw(f->sockets[0], 3);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	few.rlim_cur = (rlim_t)f->lowest + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	assert_int_equal(receive(f), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(find_lowest(), f->lowest);
}

static void sender_waits_for_nobody(void **state)
{
	struct fixture *f = *state;
	static char large[1 << 20];
	struct iovec parts[] = {{large, 60000}};
	int r;

	do
		r = seqpacket_send(f->sockets[0], parts, 1, NULL, 0);
	while (r == 0);
	assert_int_equal(r, -EAGAIN);
	parts[0].iov_len = sizeof(large);
	assert_int_equal(seqpacket_send(f->sockets[0], parts, 1, NULL, 0), -EMSGSIZE);
	parts[0].iov_len = 0;
	assert_int_equal(seqpacket_send(f->sockets[0], parts, 1, NULL, 0), -EINVAL);
	parts[0].iov_len = 1;
	assert_int_equal(seqpacket_send(f->sockets[0], parts, 1, (int[5]){0}, 5), -EINVAL);
}

static void end_and_empty_packet_read_as_reset(void **state)
{
	struct fixture *f = *state;
	struct iovec one = part("x");

	assert_int_equal(send(f->sockets[0], "", 0, 0), 0);
	assert_int_equal(receive(f), -ECONNRESET);
	close(f->sockets[0]);
	f->sockets[0] = -1;
	assert_int_equal(receive(f), -ECONNRESET);
	assert_int_equal(seqpacket_send(f->sockets[1], &one, 1, NULL, 0), -EPIPE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(packet_arrives_whole_with_its_descriptors),
		TEST(packet_is_refused_when_cut_and_leaves_nothing_open),
		TEST(packet_is_refused_when_it_brings_too_many_descriptors),
		TEST(packet_is_refused_when_descriptors_are_exhausted),
		TEST(sender_waits_for_nobody),
		TEST(end_and_empty_packet_read_as_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

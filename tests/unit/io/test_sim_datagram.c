/* Datagrams: one at a time, each as a whole or cut off and said so. */
#include "harbour.h"

static int opens(struct troupe_self *self, struct harbour *harbour)
{
	assert_int_equal(troupe_datagram_open(self, "udp:127.0.0.1:0", &harbour->stream), 0);
	assert_int_equal(troupe_datagram_place(self, harbour->stream, harbour->place), 0);
	return 0;
}

static int echoes(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_endpoint from;
	char bytes[8];
	ssize_t n;
	int rc = opens(self, harbour);

	while (rc == 0) {
		n = troupe_receive(self, harbour->stream, bytes, sizeof(bytes), &from);
		note(self, "%zd; ", n);
		if (n == -ECANCELED)
			return -ECANCELED;
		rc = troupe_send_to(self, harbour->stream, bytes, n < 0 ? 8 : (size_t)n, &from);
	}
	return rc;
}

/* A socket of this program's that is connected there. */
static int connected(const struct harbour *harbour)
{
	struct troupe_endpoint endpoint;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(troupe_endpoint_of(harbour->place, &endpoint), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&endpoint.address, endpoint.size), 0);
	return fd;
}

static void each_datagram_comes_with_its_sender(void **state)
{
	static const char *const sent[] = {"one", "", "12345678", "123456789"};
	struct harbour harbour;
	char bytes[16], expected[64];
	int fd;

	(void)state;
	harbour_play(&harbour, echoes);
	assert_memory_equal(harbour.place, "udp:127.0.0.1:", 14);
	fd = connected(&harbour);
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		size_t size = strlen(sent[i]);

		assert_int_equal(send(fd, sent[i], size, 0), size);
		harbour_await_bytes(&harbour, fd);
		assert_int_equal(recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT),
				 size < 8 ? size : 8);
		assert_memory_equal(bytes, sent[i], size < 8 ? size : 8);
	}
	snprintf(expected, sizeof(expected), "3; 0; 8; %d; ", -EMSGSIZE);
	assert_noted(&harbour, expected);
	close(fd);
	harbour_finish(&harbour);
}

static int uses_wrongly(struct troupe_self *self, struct harbour *harbour)
{
	const struct troupe_endpoint none = {0};
	struct troupe_stream connection = harbour->stream;
	const char *text;
	char bytes[8];

	assert_int_equal(troupe_receive(self, connection, bytes, 8, NULL), -EINVAL);
	assert_int_equal(opens(self, harbour), 0);
	assert_int_equal(troupe_read(self, harbour->stream, bytes, 8), -EINVAL);
	assert_int_equal(troupe_read_until(self, harbour->stream, "\n", 8, &text), -EINVAL);
	assert_int_equal(troupe_write(self, harbour->stream, bytes, 8), -EINVAL);
	assert_int_equal(troupe_send_to(self, harbour->stream, bytes, 8, NULL), -EINVAL);
	assert_int_equal(troupe_send_to(self, harbour->stream, bytes, 8, &none), -EINVAL);
	assert_int_equal(troupe_limit(self, harbour->stream, TROUPE_SECOND_NS, 0), 0);
	assert_int_equal(troupe_receive(self, harbour->stream, bytes, 8, NULL), -ETIME);
	note(self, "refused; ");
	return 0;
}

static void streams_and_datagrams_are_not_mixed_up(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, uses_wrongly);
	world_sleep(&harbour.world, 2 * TROUPE_SECOND_NS);
	assert_noted(&harbour, "refused; ");
	harbour_finish(&harbour);
}

static int sends_to_a_path(struct troupe_self *self, struct harbour *harbour)
{
	struct troupe_endpoint from, to;
	struct troupe_stream other;
	char place[TROUPE_PLACE_MAX], bytes[8];

	snprintf(place, sizeof(place), "unix:@troupe-test-datagram-%d", (int)getpid());
	assert_int_equal(troupe_datagram_open(self, place, &other), 0);
	assert_int_equal(troupe_endpoint_of(place, &to), 0);
	assert_int_equal(troupe_send_to(self, other, "self", 4, &to), 0);
	assert_int_equal(troupe_receive(self, other, bytes, sizeof(bytes), &from), 4);
	troupe_endpoint_place(&from, true, harbour->place);
	assert_string_equal(harbour->place, place);
	note(self, "unix; ");
	return 0;
}

static void unix_sockets_have_datagrams_too(void **state)
{
	struct harbour harbour;

	(void)state;
	harbour_play(&harbour, sends_to_a_path);
	harbour_run(&harbour);
	assert_noted(&harbour, "unix; ");
	harbour_finish(&harbour);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_datagram_comes_with_its_sender),
		cmocka_unit_test(streams_and_datagrams_are_not_mixed_up),
		cmocka_unit_test(unix_sockets_have_datagrams_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

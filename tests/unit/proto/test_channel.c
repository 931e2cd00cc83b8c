/* test_channel.c - notices between two ends, and what hostile ends can do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/io.h"
#include "base/seqpacket.h"
#include "ends.h"
#include "proto/packet.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>

static void channel_delivers_notices_in_order(void **state)
{
	struct ends f;

	(void)state;
	ends_begin(&f, false, 0);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(ends_send_note(&f.a, i, "hello", -1), 0);
	assert_int_equal(channel_send(f.a.channel, &ping_method, NULL, -1), 0);
	ends_turn(&f, ENDS_TO_SPARE);
	assert_int_equal(f.b.notes, 3);
	assert_int_equal(f.b.pings, 1);
	assert_int_equal(f.b.text_size, 5);
	ends_finish(&f);
}

static void channel_keeps_order_when_socket_is_full(void **state)
{
	struct ends f;

	(void)state;
	ends_begin(&f, false, 0);
	for (int i = 1; i <= 20000; i++)
		assert_int_equal(ends_send_note(&f.a, i, "hello", -1), 0);
	assert_false(channel_is_flushed(f.a.channel));
	assert_in_range(channel_backlog(f.a.channel), 20000, 20000 * 200);
	assert_int_equal(f.a.flushes, 0);
	for (int i = 0; i < 100000 && f.b.notes < 20000; i++)
		loop_step(f.loop, false);
	assert_int_equal(f.b.notes, 20000);
	assert_true(channel_is_flushed(f.a.channel));
	assert_int_equal(channel_backlog(f.a.channel), 0);
	assert_int_equal(f.a.flushes, 1);
	ends_finish(&f);
}

static void channel_handles_a_bounded_amount_in_one_pass(void **state)
{
	struct ends f;
	struct {
		uint64_t hash;
		uint32_t size, flags;
	} packet = {21, 0, 0};
	unsigned n = 0;

	(void)state;
	ends_begin(&f, true, 0);
	while (send(f.raw, &packet, sizeof(packet), MSG_DONTWAIT) > 0)
		n++;
	assert_true(n > 0);
	ends_turn(&f, 1);
	assert_in_range(f.a.pings, 1, 256);
	ends_finish(&f);
}

/* Handlers may run what takes long: an actor's init, say. */
static void channel_ends_its_pass_by_time(void **state)
{
	struct ends f;

	(void)state;
	ends_begin(&f, false, 0);
	f.b.slow = f.loop;
	for (int i = 0; i < 5; i++)
		assert_int_equal(channel_send(f.a.channel, &ping_method, NULL, -1), 0);
	for (unsigned i = 1; i <= 5; i++) {
		ends_turn(&f, 1);
		assert_int_equal(f.b.pings, i);
	}
	ends_finish(&f);
}

static void channel_passes_large_blocks_and_descriptors_along(void **state)
{
	cleanup_free char *text = ends_long_text(5u << 20);
	unsigned before = ends_count_fds();
	struct ends f;
	int memory;
	char byte;

	(void)state;
	ends_begin(&f, false, 0);
	f.b.takes_fds = true;
	assert_int_equal(memfd_of("test", "z", 1, &memory), 0);
	assert_int_equal(ends_send_note(&f.a, 1, text, memory), 0);
	ends_turn(&f, ENDS_TO_SPARE);
	assert_int_equal(f.b.notes, 1);
	assert_int_equal(f.b.text_size, 5u << 20);
	assert_true(f.b.fd >= 0);
	assert_int_equal(pread(f.b.fd, &byte, 1, 0), 1);
	assert_int_equal(byte, 'z');
	close(f.b.fd);
	/* One that nobody takes is closed, queued ones are sent too. */
	f.b.takes_fds = false;
	for (int i = 2; i <= 100; i++)
		assert_int_equal(ends_send_note(&f.a, i, "small", memory), 0);
	close(memory);
	for (int i = 0; i < 1000 && f.b.notes < 100; i++)
		ends_turn(&f, 1);
	assert_int_equal(f.b.notes, 100);
	ends_finish(&f);
	assert_int_equal(ends_count_fds(), before);
}

static void channel_refuses_values_that_break_their_type(void **state)
{
	cleanup_free char *text = ends_long_text(17u << 20);
	struct ends f;

	(void)state;
	ends_begin(&f, false, 0);
	assert_int_equal(ends_send_note(&f.a, 1, NULL, -1), -EINVAL);
	assert_int_equal(ends_send_note(&f.a, 1, "\xff", -1), -EINVAL);
	assert_int_equal(ends_send_note(&f.a, 1, text, -1), -EMSGSIZE);
	assert_int_equal(ends_send_note(&f.a, 1, "fine", -1), 0);
	ends_turn(&f, ENDS_TO_SPARE);
	assert_int_equal(f.b.notes, 1);
	ends_finish(&f);
}

static void channel_reports_when_peer_closes_after_its_last_notices(void **state)
{
	struct ends f;

	(void)state;
	ends_begin(&f, false, 0);
	/* Unread input at b makes the kernel report a reset before what b had sent. */
	assert_int_equal(ends_send_note(&f.a, 1, "unread", -1), 0);
	for (int i = 1; i <= 5; i++)
		assert_int_equal(ends_send_note(&f.b, i, "last words", -1), 0);
	channel_free(f.b.channel);
	f.b.channel = NULL;
	assert_int_equal(ends_send_note(&f.a, 2, "too late", -1), -ENOTCONN);
	assert_int_equal(f.a.closes, 0); /* not from inside send */
	ends_turn(&f, ENDS_TO_SPARE);
	assert_int_equal(f.a.notes, 5);
	assert_int_equal(f.a.closes, 1);
	assert_int_equal(f.a.error, 0);
	assert_int_equal(ends_send_note(&f.a, 2, "too late", -1), -ENOTCONN);
	ends_turn(&f, ENDS_TO_SPARE);
	assert_int_equal(f.a.closes, 1);
	ends_finish(&f);
}

static void channel_closes_when_peer_does_not_read(void **state)
{
	cleanup_free char *text = ends_long_text(1000);
	struct ends f;
	int r = 0;
	int64_t sent = 0;

	(void)state;
	ends_begin(&f, true, 100000);
	while (r == 0 && sent < 100000)
		r = ends_send_note(&f.a, ++sent, text, -1);
	assert_int_equal(r, -ENOTCONN);
	assert_int_equal(f.a.closes, 0);
	ends_turn(&f, ENDS_TO_SPARE);
	assert_int_equal(f.a.closes, 1);
	assert_int_equal(f.a.error, -ENOBUFS);
	ends_finish(&f);
}

static void channel_can_be_freed_in_its_callbacks(void **state)
{
	struct ends f;

	(void)state;
	ends_begin(&f, false, 0);
	f.b.frees_itself = true;
	assert_int_equal(ends_send_note(&f.a, 1, "one", -1), 0);
	assert_int_equal(ends_send_note(&f.a, 2, "two", -1), 0);
	f.a.frees_itself = true;
	ends_turn(&f, ENDS_TO_SPARE);
	assert_int_equal(f.b.notes, 1);
	assert_null(f.b.channel);
	assert_int_equal(f.a.closes, 1);
	assert_null(f.a.channel);
	ends_finish(&f);
}

static void channel_answers_from_inside_a_handler(void **state)
{
	struct ends f;

	(void)state;
	ends_begin(&f, false, 0);
	f.b.answers = true;
	for (int i = 1; i <= 100; i++)
		assert_int_equal(ends_send_note(&f.a, i, "question", -1), 0);
	ends_turn(&f, ENDS_TO_SPARE);
	assert_int_equal(f.a.notes, 100);
	ends_finish(&f);
}

static void expect_refused(const void *packet, size_t size, const int *fds, size_t n_fds)
{
	unsigned before = ends_count_fds();
	struct iovec part = {(void *)(uintptr_t)packet, size};
	struct ends f;

	ends_begin(&f, true, 0);
	assert_int_equal(seqpacket_send(f.raw, &part, 1, fds, n_fds), 0);
	ends_turn(&f, ENDS_TO_SPARE);
	assert_int_equal(f.a.notes + f.a.pings, 0);
	assert_int_equal(f.a.closes, 1);
	assert_int_equal(f.a.error, -EBADMSG);
	ends_finish(&f);
	assert_int_equal(ends_count_fds(), before);
}

static void channel_refuses_hostile_packets(void **state)
{
	struct {
		uint64_t hash;
		uint32_t size, flags;
		struct note block;
		char text[8];
	} packet = {11, 24, 0, {1, (const char *)16}, "hostile"};
	unsigned char longer[sizeof(packet) + 1] = {0}, many[17 * 16] = {0};
	cleanup_close int sealed = -1, loose = -1, null = -1;
	cleanup_free char *huge = ends_long_text(PACKET_INLINE + 64);

	(void)state;
	loose = memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(loose >= 0 && null >= 0);
	assert_int_equal(ftruncate(loose, 24), 0);
	assert_int_equal(memfd_of("sealed", &packet.block, 24, &sealed), 0);

	memcpy(longer, &packet, sizeof(packet));
	/* More in one packet than a peer may gather: none of them is handled. */
	for (size_t i = 0; i < 17; i++)
		memcpy(many + 16 * i, &(uint64_t){21}, 8);
	expect_refused(many, sizeof(many), NULL, 0);
	expect_refused(many, 32 + 8, NULL, 0); /* half a head behind two */
	expect_refused(many, 32, &null, 1);    /* a descriptor, and not alone */
	expect_refused("x", 1, NULL, 0);       /* less than a head */
	expect_refused(&packet, 15, NULL, 0);
	expect_refused(&packet, 40 - 1, NULL, 0);          /* cut */
	expect_refused(&longer, sizeof(longer), NULL, 0);  /* bytes behind it */
	expect_refused(huge, PACKET_INLINE + 64, NULL, 0); /* too long */
	packet.hash = 12;
	expect_refused(&packet, 40, NULL, 0); /* not one of ours */
	packet.hash = 11;
	packet.flags = 2;
	expect_refused(&packet, 40, NULL, 0); /* unknown flag */
	packet.flags = 0;
	packet.block.text = (const char *)8;
	expect_refused(&packet, 40, NULL, 0); /* not canonical */
	packet.block.text = (const char *)16;
	expect_refused(&packet, 40, (int[]){null, null}, 2); /* too many descriptors */
	expect_refused(&packet, 40, (int[]){null, null, null, null}, 4);
	packet.flags = 1;
	expect_refused(&packet, 16, NULL, 0);    /* large without memory */
	expect_refused(&packet, 16, &null, 1);   /* no memory at all */
	expect_refused(&packet, 16, &loose, 1);  /* not sealed */
	expect_refused(&packet, 40, &sealed, 1); /* both forms */
	packet.size = 23;
	expect_refused(&packet, 16, &sealed, 1); /* another size */
	packet.size = UINT32_MAX;
	expect_refused(&packet, 16, &sealed, 1);
	expect_refused(&packet, 16, (int[]){sealed, null, null}, 3);
}

static void channel_passes_large_notices_when_descriptors_are_exhausted(void **state)
{
	cleanup_free char *text = ends_long_text(200000);
	struct rlimit limit, low;
	struct ends f;
	int extra[1024], sent[2];
	size_t n = 0;

	(void)state;
	ends_begin(&f, false, 0);
	ends_turn(&f, 1);
	assert_int_equal(ends_send_note(&f.a, 1, text, -1), 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 200;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	while (n < ARRAY_LEN(extra)) {
		extra[n] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		if (extra[n] < 0)
			break;
		n++;
	}
	for (size_t i = 0; i < ARRAY_LEN(sent); i++) {
		ends_turn(&f, ENDS_TO_SPARE);
		sent[i] = ends_send_note(&f.a, 2 + (int)i, text, -1);
	}
	ends_turn(&f, ENDS_TO_SPARE);
	for (size_t i = 0; i < n; i++)
		close(extra[i]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(sent[0], 0);
	assert_int_equal(sent[1], 0);
	assert_int_equal(f.b.notes, 3);
	assert_int_equal(f.b.closes, 0);
	ends_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channel_delivers_notices_in_order),
		cmocka_unit_test(channel_keeps_order_when_socket_is_full),
		cmocka_unit_test(channel_handles_a_bounded_amount_in_one_pass),
		cmocka_unit_test(channel_ends_its_pass_by_time),
		cmocka_unit_test(channel_passes_large_blocks_and_descriptors_along),
		cmocka_unit_test(channel_refuses_values_that_break_their_type),
		cmocka_unit_test(channel_reports_when_peer_closes_after_its_last_notices),
		cmocka_unit_test(channel_closes_when_peer_does_not_read),
		cmocka_unit_test(channel_can_be_freed_in_its_callbacks),
		cmocka_unit_test(channel_answers_from_inside_a_handler),
		cmocka_unit_test(channel_refuses_hostile_packets),
		cmocka_unit_test(channel_passes_large_notices_when_descriptors_are_exhausted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_channel_gathered.c - notices that share packets, and text that is printed into them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "ends.h"
#include "proto/packet.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void channel_gathers_notices_until_it_is_flushed(void **state)
{
	struct ends f;

	(void)state;
	ends_begin(&f, false, 0);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(ends_send_soon(&f.a, i, "hello"), 0);
	ends_turn(&f, 2);
	assert_int_equal(f.b.notes, 0);
	assert_false(channel_is_flushed(f.a.channel));
	assert_true(channel_backlog(f.a.channel) > 0);
	assert_int_equal(channel_flush(f.a.channel), 0);
	assert_true(channel_is_flushed(f.a.channel));
	ends_turn(&f, 2);
	assert_int_equal(f.b.notes, 3);
	/* What cannot wait, or has no room beside them, is sent after them. */
	assert_int_equal(ends_send_soon(&f.a, 4, "soon"), 0);
	assert_int_equal(ends_send_note(&f.a, 5, "now", -1), 0);
	ends_turn(&f, 2);
	assert_int_equal(f.b.notes, 5);
	ends_finish(&f);
}

/* The process is about to end: what waits for others goes out behind what went before, once, as
 * far as the socket takes it. */
static void channel_sends_the_last_in_order_or_not_at_all(void **state)
{
	cleanup_free char *text = ends_long_text(40000);
	struct ends f;
	int sent = 0;

	(void)state;
	ends_begin(&f, false, 0);
	channel_send_last(f.a.channel); /* nothing is there */
	for (int i = 1; i <= 3; i++)
		assert_int_equal(ends_send_soon(&f.a, i, "hello"), 0);
	/* It does not count that one could not be put there. */
	assert_true(channel_send_soon(f.a.channel, &note_method, &(struct note){4, NULL}) < 0);
	channel_send_last(f.a.channel);
	ends_turn(&f, ENDS_TO_SPARE);
	assert_int_equal(f.b.notes, 3);
	ends_finish(&f);

	ends_begin(&f, false, 0);
	while (channel_is_flushed(f.a.channel))
		assert_int_equal(ends_send_note(&f.a, ++sent, text, -1), 0);
	assert_int_equal(ends_send_soon(&f.a, ++sent, "behind those in the queue"), 0);
	channel_send_last(f.a.channel);
	channel_free(f.a.channel);
	f.a.channel = NULL;
	ends_turn(&f, ENDS_TO_SPARE);
	assert_int_equal(f.b.notes, sent - 2);
	ends_finish(&f);
}

/* Sizes of all kinds: each fits beside some others, or beside none. */
static void channel_keeps_order_of_gathered_notices_of_any_size(void **state)
{
	static const size_t sizes[] = {1,  1000,   30000,         PACKET_INLINE - 24,
				       7,  200000, PACKET_INLINE, 3000000,
				       16, 40000};
	cleanup_free char *text = ends_long_text(3000000);
	struct ends f;

	(void)state;
	ends_begin(&f, false, 0);
	for (int i = 1; i <= 300; i++) {
		const char *tail = text + 3000000 - sizes[i % 10];

		assert_int_equal(i % 7 ? ends_send_soon(&f.a, i, tail)
				       : ends_send_note(&f.a, i, tail, -1),
				 0);
		if (i % 30 == 0)
			ends_turn(&f, 30);
	}
	assert_int_equal(channel_flush(f.a.channel), 0);
	for (int i = 0; i < 1000 && f.b.notes < 300; i++)
		ends_turn(&f, 1);
	assert_int_equal(f.b.notes, 300);
	ends_finish(&f);
}

static int send_letter(struct end *from, int64_t number, const char *text)
{
	size_t size = 0;
	int r = channel_send_json(from->channel, &letter_method,
				  &(struct letter){.number = number}, &string_type, &text,
				  &size);

	if (r == 0)
		assert_int_equal(size, strlen(text) + 2);
	return r;
}

static void channel_prints_text_into_packets_in_order(void **state)
{
	static const size_t sizes[] = {0,    1,      1000, 30000,   PACKET_INLINE - 26,
				       20,   200000, 9000, 3000000, PACKET_INLINE - 25,
				       60000};
	cleanup_free char *text = ends_long_text(3000000);
	struct ends f;

	(void)state;
	ends_begin(&f, false, 0);
	for (int i = 1; i <= 300; i++) {
		const char *tail = text + 3000000 - sizes[i % 11];

		assert_int_equal(i % 4   ? send_letter(&f.a, i, tail)
				 : i % 8 ? ends_send_soon(&f.a, i, tail)
					 : ends_send_note(&f.a, i, tail, -1),
				 0);
		if (i % 30 == 0)
			ends_turn(&f, 30);
	}
	assert_int_equal(channel_flush(f.a.channel), 0);
	for (int i = 0; i < 1000 && f.b.notes < 300; i++)
		ends_turn(&f, 1);
	assert_int_equal(f.b.notes, 300);
	ends_finish(&f);
}

/* What is refused takes nothing with it, and leaves nothing. */
static void channel_refuses_text_over_the_limit_of_a_message(void **state)
{
	static const size_t sizes[] = {CODEC_BLOCK_MAX - 25, CODEC_BLOCK_MAX,
				       2 * CODEC_BLOCK_MAX};
	cleanup_free char *text = ends_long_text(2 * CODEC_BLOCK_MAX);
	struct ends f;

	(void)state;
	ends_begin(&f, false, 0);
	for (int64_t i = 0; i < (int64_t)ARRAY_LEN(sizes); i++) {
		assert_int_equal(send_letter(&f.a, 2 * i + 1, "x"), 0);
		assert_int_equal(send_letter(&f.a, 99, text + 2 * CODEC_BLOCK_MAX - sizes[i]),
				 -EMSGSIZE);
		assert_int_equal(send_letter(&f.a, 2 * i + 2, "xx"), 0);
	}
	/* 24 bytes of the struct, and two quotes */
	assert_int_equal(send_letter(&f.a, 7, text + CODEC_BLOCK_MAX + 26), 0);
	assert_int_equal(channel_flush(f.a.channel), 0);
	ends_turn(&f, ENDS_TO_SPARE);
	assert_int_equal(f.b.notes, 7);
	assert_int_equal(f.b.text_size, CODEC_BLOCK_MAX - 24);
	ends_finish(&f);
}

/* The peer may begin with the first ones while more are made. */
static void channel_sends_what_it_gathered_when_it_is_enough(void **state)
{
	unsigned char packet[4096];
	struct ends f;

	(void)state;
	ends_begin(&f, true, 0);
	for (int i = 1; i <= 17; i++)
		assert_int_equal(ends_send_soon(&f.a, i, "x"), 0);
	/* 16 times a head and a block of 18 bytes, all but the last padded */
	assert_int_equal(recv(f.raw, packet, sizeof(packet), MSG_DONTWAIT), 15 * 48 + 34);
	assert_int_equal(recv(f.raw, packet, sizeof(packet), MSG_DONTWAIT), -1);
	assert_int_equal(channel_flush(f.a.channel), 0);
	assert_int_equal(recv(f.raw, packet, sizeof(packet), MSG_DONTWAIT), 34);
	ends_finish(&f);
}

static void channel_sends_what_its_handlers_gathered_in_a_pass(void **state)
{
	struct ends f;

	(void)state;
	ends_begin(&f, false, 0);
	f.b.answers_soon = true;
	for (int i = 1; i <= 3; i++)
		assert_int_equal(ends_send_note(&f.a, i, "question", -1), 0);
	ends_turn(&f, ENDS_TO_SPARE);
	assert_int_equal(f.a.notes, 3);
	ends_finish(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(channel_gathers_notices_until_it_is_flushed),
		cmocka_unit_test(channel_sends_the_last_in_order_or_not_at_all),
		cmocka_unit_test(channel_keeps_order_of_gathered_notices_of_any_size),
		cmocka_unit_test(channel_prints_text_into_packets_in_order),
		cmocka_unit_test(channel_refuses_text_over_the_limit_of_a_message),
		cmocka_unit_test(channel_sends_what_it_gathered_when_it_is_enough),
		cmocka_unit_test(channel_sends_what_its_handlers_gathered_in_a_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

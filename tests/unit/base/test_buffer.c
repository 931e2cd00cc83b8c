/* test_buffer.c - bytes in at the end, out at the front. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/random.h"

static void bytes_come_out_as_they_went_in_whatever_the_pieces(void **state)
{
	enum { TOTAL = 300000 };
	struct random random;
	struct buffer buffer;
	size_t in = 0, out = 0;

	(void)state;
	random_init(&random, 1);
	buffer_init(&buffer, 100000);
	while (out < TOTAL) {
		unsigned char piece[3000];
		size_t n = random_below(&random, sizeof(piece));

		if (in + n <= TOTAL && buffer_size(&buffer) + n <= 100000) {
			for (size_t i = 0; i < n; i++)
				piece[i] = (unsigned char)((in + i) * 7);
			assert_int_equal(buffer_append(&buffer, piece, n), 0);
			in += n;
		}
		n = random_below(&random, 3100);
		if (n > buffer_size(&buffer) || in + 3000 > TOTAL)
			n = buffer_size(&buffer);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(buffer_data(&buffer)[i],
					 (unsigned char)((out + i) * 7));
		buffer_eat(&buffer, n);
		out += n;
		if (in + 3000 > TOTAL)
			break;
	}
	assert_true(out > TOTAL / 2);
	buffer_fini(&buffer);
}

static void append_is_refused_when_over_the_limit(void **state)
{
	struct buffer buffer;

	(void)state;
	buffer_init(&buffer, 10);
	assert_int_equal(buffer_append(&buffer, "0123456789", 10), 0);
	assert_int_equal(buffer_append(&buffer, "x", 1), -ENOBUFS);
	assert_int_equal(buffer_append(&buffer, NULL, 0), 0);
	assert_int_equal(buffer_size(&buffer), 10);
	buffer_eat(&buffer, 1);
	assert_int_equal(buffer_append(&buffer, "x", 1), 0);
	errno = 0;
	assert_null(buffer_reserve(&buffer, SIZE_MAX));
	assert_int_equal(errno, ENOBUFS);
	assert_memory_equal(buffer_data(&buffer), "123456789x", 10);
	buffer_fini(&buffer);
}

static void printf_fills_exactly_to_the_limit(void **state)
{
	struct buffer buffer;
	char text[1001];

	(void)state;
	memset(text, 'a', 1000);
	text[1000] = '\0';
	buffer_init(&buffer, 1000);
	assert_int_equal(buffer_printf(&buffer, "%s", text), 0);
	assert_int_equal(buffer_size(&buffer), 1000);
	assert_memory_equal(buffer_data(&buffer), text, 1000);
	assert_int_equal(buffer_printf(&buffer, "b"), -ENOBUFS);
	buffer_eat(&buffer, 999);
	assert_int_equal(buffer_printf(&buffer, "%s", text), -ENOBUFS);
	assert_int_equal(buffer_printf(&buffer, "%s", text + 1), 0);
	assert_int_equal(buffer_size(&buffer), 1000);
	buffer_fini(&buffer);
}

static void memory_is_given_back_when_a_large_buffer_runs_empty(void **state)
{
	struct buffer buffer;
	void *place;

	(void)state;
	buffer_init(&buffer, SIZE_MAX);
	place = buffer_reserve(&buffer, 1 << 20);
	assert_non_null(place);
	memset(place, 0, 1 << 20);
	buffer_added(&buffer, 1 << 20);
	buffer_eat(&buffer, 1 << 20);
	assert_int_equal(buffer.room, 0);
	assert_int_equal(buffer_append(&buffer, "x", 1), 0);
	buffer_eat(&buffer, 1);
	assert_int_not_equal(buffer.room, 0);
	buffer_fini(&buffer);
}

static void memory_of_the_caller_is_used_first_and_again(void **state)
{
	static _Alignas(16) unsigned char own[100 << 10];
	struct buffer buffer;

	(void)state;
	buffer_init_in(&buffer, own, sizeof(own), SIZE_MAX);
	for (int i = 0; i < 3; i++) {
		void *place = buffer_reserve(&buffer, sizeof(own));

		assert_ptr_equal(place, own);
		memset(place, 'a' + i, sizeof(own));
		buffer_added(&buffer, sizeof(own));
		assert_ptr_equal(buffer_data(&buffer), own);
		/* What is over it is held as well, elsewhere. */
		assert_int_equal(buffer_append(&buffer, "over", 4), 0);
		assert_ptr_not_equal(buffer.memory, own);
		assert_int_equal(buffer_data(&buffer)[0], 'a' + i);
		assert_memory_equal(buffer_data(&buffer) + sizeof(own) - 1,
				    ((char[]){(char)('a' + i), 'o', 'v', 'e', 'r'}), 5);
		if (i == 0)
			buffer_eat(&buffer, buffer_size(&buffer));
		else if (i == 1)
			buffer_cut(&buffer, 0);
		else
			buffer_fini(&buffer);
	}
	assert_ptr_equal(buffer_reserve(&buffer, 1), own);
}

static void cut_keeps_what_is_in_front(void **state)
{
	struct buffer buffer;

	(void)state;
	buffer_init(&buffer, 1000);
	assert_int_equal(buffer_append(&buffer, "abcdef", 6), 0);
	buffer_eat(&buffer, 1);
	buffer_cut(&buffer, 3);
	assert_int_equal(buffer_append(&buffer, "x", 1), 0);
	assert_int_equal(buffer_size(&buffer), 4);
	assert_memory_equal(buffer_data(&buffer), "bcdx", 4);
	buffer_cut(&buffer, 0);
	assert_int_equal(buffer_size(&buffer), 0);
	buffer_fini(&buffer);
}

static void data_is_aligned_when_nothing_was_eaten(void **state)
{
	struct buffer buffer;

	(void)state;
	buffer_init(&buffer, 1000);
	assert_int_equal(buffer_append(&buffer, "abc", 3), 0);
	buffer_eat(&buffer, 3);
	assert_int_equal(buffer_append(&buffer, "abc", 3), 0);
	assert_int_equal((uintptr_t)buffer_data(&buffer) % 16, 0);
	buffer_fini(&buffer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_as_they_went_in_whatever_the_pieces),
		cmocka_unit_test(append_is_refused_when_over_the_limit),
		cmocka_unit_test(printf_fills_exactly_to_the_limit),
		cmocka_unit_test(memory_is_given_back_when_a_large_buffer_runs_empty),
		cmocka_unit_test(memory_of_the_caller_is_used_first_and_again),
		cmocka_unit_test(cut_keeps_what_is_in_front),
		cmocka_unit_test(data_is_aligned_when_nothing_was_eaten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

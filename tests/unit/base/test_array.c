/* test_array.c - arrays that grow at their end. */
#include "base/array.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct item {
	uint64_t number;
	char rest[13];
};

static void array_keeps_its_items_and_adds_zeroed_ones(void **state)
{
	struct item *items = NULL;
	size_t n = 0;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		struct item *item = array_add(&items, &n, sizeof(*item));

		assert_ptr_equal(item, &items[i]);
		assert_int_equal(n, i + 1);
		assert_memory_equal(item, &(struct item){0}, sizeof(*item));
		*item = (struct item){i, "twelve bytes"};
	}
	for (uint64_t i = 0; i < n; i++)
		assert_int_equal(items[i].number, i);
	free(items);
}

/* As its owner may, by counting them no more. */
static void array_has_room_after_items_were_taken_off(void **state)
{
	uint64_t *items = NULL;
	size_t n = 0;

	(void)state;
	for (size_t most = 0; most < 70; most++)
		for (size_t left = most; left-- > 0;) {
			uint64_t *item;

			while (n < most) {
				item = array_add(&items, &n, sizeof(*item));
				assert_non_null(item);
				*item = n;
			}
			n = left;
			for (size_t i = 0; i < n; i++)
				assert_int_equal(items[i], i + 1);
		}
	free(items);
}

static void texts_are_copies(void **state)
{
	char **texts = NULL, text[12];
	size_t n = 0;

	(void)state;
	texts_free(NULL, 3);
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "%d", i);
		assert_int_equal(texts_add(&texts, &n, text), 0);
	}
	assert_int_equal(n, 100);
	assert_string_equal(texts[0], "0");
	assert_string_equal(texts[99], "99");
	texts_free(texts, n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(array_keeps_its_items_and_adds_zeroed_ones),
		cmocka_unit_test(array_has_room_after_items_were_taken_off),
		cmocka_unit_test(texts_are_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

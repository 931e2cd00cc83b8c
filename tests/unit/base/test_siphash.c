/* SipHash-2-4 against a vector of its authors. */
#include "base/siphash.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void siphash_agrees_with_the_published_vector(void **state)
{
	/* key 00 01 .. 0f, input 00 01 .. 07 */
	static const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};

	(void)state;
	assert_true(siphash_word(key, 0x0706050403020100u) == 0x93f5f5799a932462u);
}

static void siphash_depends_on_each_word_of_the_key(void **state)
{
	(void)state;
	assert_true(siphash_word((const uint64_t[]){1, 2}, 3) !=
		    siphash_word((const uint64_t[]){1, 3}, 3));
	assert_true(siphash_word((const uint64_t[]){1, 2}, 3) !=
		    siphash_word((const uint64_t[]){2, 2}, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_agrees_with_the_published_vector),
		cmocka_unit_test(siphash_depends_on_each_word_of_the_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

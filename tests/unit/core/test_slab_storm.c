/* A slab that is used and trimmed at random. */
#include "base/random.h"
#include "core/slab.h"
#include "slab_count.h"
#include "tests/unit/sim/seeds.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Between two steps of a trim the slab is used as ever: no piece is given to two, nor lost. */
static void slab_is_used_while_it_is_trimmed(void **state)
{
	enum { MANY = 60000 };
	static unsigned char *pieces[MANY];
	static uint32_t sizes[MANY];

	(void)state;
	for (uint64_t seed = 0; seed < seeds_of(20); seed++) {
		uint64_t out = 0;
		struct random random;
		struct slab slab;

		random_init(&random, seed);
		slab_init(&slab, SLAB_SMALL);
		memset(pieces, 0, sizeof(pieces));
		for (int round = 0; round < 300000; round++) {
			uint64_t i = random_below(&random, MANY);
			/* waves: now most are taken, now most are given */
			bool takes =
				random_below(&random, 100) < (round / 50000 % 2 ? 15u : 85u);

			if (takes && !pieces[i]) {
				sizes[i] = 16u << random_below(&random, 5);
				pieces[i] = slab_take(&slab, sizes[i]);
				memset(pieces[i], (int)(i & 255), sizes[i]);
				out++;
			} else if (!takes && pieces[i]) {
				assert_int_equal(pieces[i][0], i & 255);
				assert_memory_equal(pieces[i], pieces[i] + 1, sizes[i] - 1);
				slab_give(&slab, pieces[i], sizes[i]);
				pieces[i] = NULL;
				out--;
			}
			if (random_below(&random, 50) == 0)
				slab_trim(&slab);
			if (random_below(&random, 20000) == 0)
				assert_int_equal(slab_count(&slab), out);
		}
		assert_int_equal(slab_count(&slab), out);
		for (int i = 0; i < MANY; i++)
			if (pieces[i])
				slab_give(&slab, pieces[i], sizes[i]);
		assert_int_equal(slab_count(&slab), 0);
		/* one that is under way may have missed some: two have not */
		slab_trim_whole(&slab);
		slab_trim_whole(&slab);
		assert_int_equal(slab_bytes(&slab), 0);
		slab_fini(&slab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slab_is_used_while_it_is_trimmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

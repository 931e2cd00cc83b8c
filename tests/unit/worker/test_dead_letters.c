/* test_dead_letters.c - a flood of dead letters becomes a few notices that add up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "worker/dead_letters.h"
#include <string.h>

struct heard {
	unsigned notices;
	int64_t letters;
	struct dead_letters_one last;
};

static void tell(void *context, const struct dead_letters_one *one, int64_t more)
{
	struct heard *heard = context;

	heard->notices++;
	if (more < INT64_MAX / 2)
		heard->letters += 1 + more;
	heard->last = *one;
}

static void run_for(struct loop *loop, uint64_t ns)
{
	uint64_t until = loop_clock_ns(loop) + ns;

	while (loop_clock_ns(loop) < until)
		loop_step(loop, false);
}

static const struct troupe_address to = {.worker = 1, .slot = 5, .generation = 6};

static void dead_letters_are_told_at_once_and_then_counted(void **state)
{
	struct heard heard = {0};
	struct dead_letters letters;
	struct loop *loop;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	dead_letters_init(&letters, loop, tell, &heard);
	dead_letters_add(&letters, to, "a.b.C", "mailbox-full", 1);
	assert_int_equal(heard.notices, 1);
	assert_int_equal(heard.last.to.slot, 5);
	assert_string_equal(heard.last.name, "a.b.C");
	assert_string_equal(heard.last.reason, "mailbox-full");
	for (int i = 0; i < 1000; i++)
		dead_letters_add(&letters, to, NULL, "no-such-actor", 1);
	assert_int_equal(heard.notices, 1);
	run_for(loop, DEAD_LETTERS_PERIOD_NS + 50000000);
	assert_int_equal(heard.notices, 2);
	assert_int_equal(heard.letters, 1001);
	assert_string_equal(heard.last.name, "");
	/* A quiet period: the next is told at once again. */
	run_for(loop, DEAD_LETTERS_PERIOD_NS + 50000000);
	dead_letters_add(&letters, to, NULL, "no-such-actor", 7);
	assert_int_equal(heard.letters, 1008);
	dead_letters_add(&letters, to, NULL, "no-such-actor", INT64_MAX);
	dead_letters_add(&letters, to, NULL, "no-such-actor", INT64_MAX);
	dead_letters_fini(&letters);
	assert_int_equal(heard.notices, 4);
	loop_free(loop);
}

static void dead_letters_cut_names_between_characters(void **state)
{
	char name[2 * DEAD_LETTERS_NAME];
	struct heard heard = {0};
	struct dead_letters letters;
	struct loop *loop;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	dead_letters_init(&letters, loop, tell, &heard);
	for (size_t i = 0; i + 2 < sizeof(name); i += 2)
		memcpy(name + i, "\xc3\xa9", 3);
	dead_letters_add(&letters, to, name, "no-such-actor", 1);
	assert_int_equal(strlen(heard.last.name), DEAD_LETTERS_NAME - 2);
	assert_true(text_is_utf8(heard.last.name, strlen(heard.last.name)));
	run_for(loop, 2 * DEAD_LETTERS_PERIOD_NS);
	dead_letters_add(&letters, to, "\xff\xfe", "no-such-actor", 1);
	assert_string_equal(heard.last.name, "");
	dead_letters_fini(&letters);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dead_letters_are_told_at_once_and_then_counted),
		cmocka_unit_test(dead_letters_cut_names_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

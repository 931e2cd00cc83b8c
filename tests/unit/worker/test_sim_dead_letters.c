/* test_sim_dead_letters.c - a flood of dead letters becomes a few notices that add up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "tests/unit/sim/sim.h"
#include "worker/dead_letters.h"
#include <string.h>

struct heard {
	unsigned notices;
	int64_t letters;
	struct worker_dead_letter last;
	char method[DEAD_LETTERS_METHOD];
	int64_t last_count;
	int64_t by_slot[64]; /* of the receiver */
};

static void report(void *context, const struct worker_dead_letter *letter)
{
	struct heard *heard = context;
	int64_t count = letter->count;

	heard->notices++;
	if (count < INT64_MAX / 2) {
		heard->letters += count;
		heard->by_slot[letter->to.slot % 64] += count;
	}
	heard->last = *letter;
	strcpy(heard->method, letter->method);
	heard->last_count = count;
}

static void run_for(struct loop *loop, uint64_t ns)
{
	sim_run_until(loop, loop_clock_ns(loop) + ns);
}

static void add(struct dead_letters *letters, uint32_t slot, const char *method,
		const char *reason, int64_t n)
{
	dead_letters_add(letters, &(struct worker_dead_letter){
					  .from = {.worker = 2, .slot = 7, .generation = 8},
					  .to = {.worker = 1, .slot = slot, .generation = 6},
					  .method = method,
					  .reason = reason,
					  .count = n,
				  });
}

static void dead_letters_are_reported_at_once_and_then_counted(void **state)
{
	struct heard heard = {0};
	struct dead_letters letters;
	struct loop *loop;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	dead_letters_init(&letters, loop, report, &heard);
	add(&letters, 5, "a.b.C", "mailbox-full", 1);
	assert_int_equal(heard.notices, 1);
	assert_int_equal(heard.last_count, 1);
	assert_int_equal(heard.last.from.slot, 7);
	assert_int_equal(heard.last.to.slot, 5);
	assert_string_equal(heard.method, "a.b.C");
	assert_string_equal(heard.last.reason, "mailbox-full");
	for (int i = 0; i < 1000; i++)
		add(&letters, 5, "", "no-such-actor", 1);
	assert_int_equal(heard.notices, 1);
	run_for(loop, DEAD_LETTERS_PERIOD_NS + 50000000);
	assert_int_equal(heard.notices, 2);
	assert_int_equal(heard.letters, 1001);
	assert_string_equal(heard.method, "");
	/* A quiet period: the next is told at once again. */
	run_for(loop, DEAD_LETTERS_PERIOD_NS + 50000000);
	add(&letters, 5, "", "no-such-actor", 7);
	assert_int_equal(heard.letters, 1008);
	add(&letters, 5, "", "no-such-actor", INT64_MAX);
	add(&letters, 5, "", "no-such-actor", INT64_MAX);
	dead_letters_fini(&letters);
	assert_int_equal(heard.notices, 4);
	assert_int_equal(heard.last_count, INT64_MAX);
	loop_free(loop);
}

static void dead_letters_of_two_senders_are_counted_apart(void **state)
{
	struct worker_dead_letter letter = {.method = "a.b.C", .reason = "stale", .count = 3};
	struct heard heard = {0};
	struct dead_letters letters;
	struct loop *loop;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	dead_letters_init(&letters, loop, report, &heard);
	add(&letters, 5, "", "stale", 1);
	for (letter.from.slot = 1; letter.from.slot <= 2; letter.from.slot++)
		dead_letters_add(&letters, &letter);
	dead_letters_fini(&letters);
	assert_int_equal(heard.notices, 3);
	assert_int_equal(heard.last.from.slot, 2);
	assert_int_equal(heard.last_count, 3);
	loop_free(loop);
}

static void dead_letters_of_each_kind_are_counted_apart(void **state)
{
	struct heard heard = {0};
	struct dead_letters letters;
	struct loop *loop;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	dead_letters_init(&letters, loop, report, &heard);
	add(&letters, 63, "", "stale", 1);
	for (uint32_t slot = 0; slot < LIMIT_DEAD_LETTER_KINDS - 1; slot++)
		for (uint32_t i = 0; i <= slot; i++)
			add(&letters, slot, "a.b.C", "mailbox-full", 1);
	add(&letters, 0, "a.b.D", "mailbox-full", 1);
	/* There is no room for these. */
	add(&letters, 0, "a.b.C", "no-such-actor", 3);
	add(&letters, 50, "a.b.C", "mailbox-full", 4);
	assert_int_equal(heard.notices, 1);
	dead_letters_flush(&letters);
	assert_int_equal(heard.notices, 2 + LIMIT_DEAD_LETTER_KINDS);
	for (uint32_t slot = 1; slot < LIMIT_DEAD_LETTER_KINDS - 1; slot++)
		assert_int_equal(heard.by_slot[slot], slot + 1);
	assert_int_equal(heard.last_count, 7);
	assert_string_equal(heard.last.reason, "various");
	assert_true(troupe_address_is_null(heard.last.to));
	dead_letters_fini(&letters);
	loop_free(loop);
}

static void dead_letters_cut_names_between_characters(void **state)
{
	char name[2 * DEAD_LETTERS_METHOD];
	struct heard heard = {0};
	struct dead_letters letters;
	struct loop *loop;

	(void)state;
	assert_int_equal(loop_new(&loop), 0);
	dead_letters_init(&letters, loop, report, &heard);
	for (size_t i = 0; i + 2 < sizeof(name); i += 2)
		memcpy(name + i, "\xc3\xa9", 3);
	add(&letters, 5, name, "no-such-actor", 1);
	assert_int_equal(strlen(heard.method), DEAD_LETTERS_METHOD - 2);
	assert_true(text_is_utf8(heard.method, strlen(heard.method)));
	/* Two with a long name are of one kind. */
	add(&letters, 5, name, "no-such-actor", 1);
	add(&letters, 5, name, "no-such-actor", 1);
	run_for(loop, 2 * DEAD_LETTERS_PERIOD_NS);
	assert_int_equal(heard.notices, 2);
	run_for(loop, 2 * DEAD_LETTERS_PERIOD_NS);
	add(&letters, 5, "\xff\xfe", "no-such-actor", 1);
	assert_string_equal(heard.method, "");
	dead_letters_fini(&letters);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dead_letters_are_reported_at_once_and_then_counted),
		cmocka_unit_test(dead_letters_of_two_senders_are_counted_apart),
		cmocka_unit_test(dead_letters_of_each_kind_are_counted_apart),
		cmocka_unit_test(dead_letters_cut_names_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

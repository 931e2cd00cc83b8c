/* Tables of which no note can be made when a plug-in is linked. */
#include "tests/unit/proto/plugin_maker.h"

#include "proto/plugin_describe.h"
#include <errno.h>

/* What is made of a plug-in that is being linked. */
static void assert_not_described(struct elf_maker *maker, const char *reason)
{
	size_t size;
	unsigned char *file = maker_make(maker, &size);
	char why[PLUGIN_WHY_MAX] = "", *text = NULL;

	assert_int_equal(plugin_describe(file, size, &text, why), -ENOEXEC);
	if (!strstr(why, reason))
		fail_msg("the reason was \"%s\"", why);
	assert_null(text);
	free(file);
	maker_fini(maker);
	free(maker);
}

static void actor_types_without_a_good_table_are_not_described(void **state)
{
	const struct troupe_actor wrong_abi = {.abi_major = TROUPE_ABI_MAJOR + 1,
					       .table_size = sizeof(wrong_abi)};

	(void)state;
	struct elf_maker *maker = make_good();
	add_actor_note(maker, "second", TROUPE_ABI_MAJOR, 0);
	assert_not_described(maker,
			     "\"second\": the plug-in does not export troupe_actor_second");
	maker = make_good();
	add_table(maker, "greeter", &empty_table);
	assert_not_described(maker, "two symbols troupe_actor_greeter");
	maker = make_good();
	add_actor_note(maker, "second", TROUPE_ABI_MAJOR, 0);
	add_table(maker, "second", &wrong_abi);
	assert_not_described(maker, "\"second\": its table does not begin with TROUPE_ABI");
	/* A table that nobody's note tells of is nobody's business. */
	maker = make_good();
	add_table(maker, "unknown", &wrong_abi);
	assert_accepted(maker, 0);
}

/* How a table may lie about its size. */
static void tables_of_a_size_that_cannot_be_are_not_described(void **state)
{
	static const struct {
		uint32_t size;
		const char *reason;
	} cases[] = {
		{0, "says a size that is smaller than ABI 2.0 has it"},
		{8, "smaller than ABI 2.0"},
		{sizeof(struct troupe_actor) - 8, "smaller than ABI 2.0"},
		{sizeof(struct troupe_actor) + 1, "larger than this host knows it"},
		{sizeof(struct troupe_actor) + 8, "larger than this host knows it"},
		{UINT32_MAX, "larger than this host knows it"},
		{1u << 31, "larger than this host knows it"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct troupe_actor table = empty_table;
		struct elf_maker *maker = make_good();

		table.table_size = cases[i].size;
		add_actor_note(maker, "second", TROUPE_ABI_MAJOR, 0);
		add_table(maker, "second", &table);
		assert_not_described(maker, cases[i].reason);
	}
}

static void plugins_whose_relocations_cannot_be_read_are_not_described(void **state)
{
	const struct {
		int64_t tag;
		uint64_t value;
		const char *reason;
	} cases[] = {
		{DT_REL, 8, "a form that is not known here"},
		{DT_RELASZ, 1, "malformed"},
		{DT_RELAENT, 16, "malformed"},
		{DT_RELA, 1u << 30, "malformed"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct elf_maker *maker = make_good();

		maker_dynamic(maker, cases[i].tag, cases[i].value);
		assert_not_described(maker, cases[i].reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actor_types_without_a_good_table_are_not_described),
		cmocka_unit_test(tables_of_a_size_that_cannot_be_are_not_described),
		cmocka_unit_test(plugins_whose_relocations_cannot_be_read_are_not_described),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_plugin_symbols.c - the functions of an object by their addresses. */
#include "plugin/plugin_symbols.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/proto/elf_maker.h"

static void add_function(struct elf_maker *maker, uint32_t name, uint64_t start, uint64_t size)
{
	maker->symbols[maker->n_symbols++] = (Elf64_Sym){
		.st_name = name,
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = 2, /* an address, as it is */
		.st_value = start,
		.st_size = size,
	};
}

/* Read what was made; the maker is done with. */
static struct plugin_symbols *read_made(struct elf_maker *maker)
{
	struct plugin_symbols *symbols = NULL;
	size_t size;
	unsigned char *file = maker_make(maker, &size);

	assert_int_equal(plugin_symbols_read(file, size, &symbols), 0);
	free(file);
	maker_fini(maker);
	return symbols;
}

static void address_has_a_name_within_a_function_only(void **state)
{
	struct elf_maker *maker = calloc(1, sizeof(*maker));
	struct plugin_symbols *symbols;
	uint64_t offset = 7;

	(void)state;
	assert_non_null(maker);
	maker_init(maker);
	/* in no order; one that is no function, one that is undefined, one of no size */
	add_function(maker, maker_string(maker, "later"), 0x200, 0x10);
	add_function(maker, maker_string(maker, "early"), 0x100, 0x10);
	maker_export(maker, "data", 0x180);
	maker_undefined(maker, "printf", STB_GLOBAL);
	add_function(maker, maker_string(maker, "none"), 0x190, 0);
	symbols = read_made(maker);
	free(maker);
	assert_string_equal(plugin_symbols_find(symbols, 0x100, &offset), "early");
	assert_int_equal(offset, 0);
	assert_string_equal(plugin_symbols_find(symbols, 0x10f, &offset), "early");
	assert_int_equal(offset, 15);
	assert_string_equal(plugin_symbols_find(symbols, 0x200, &offset), "later");
	offset = 7;
	assert_null(plugin_symbols_find(symbols, 0xff, &offset));
	assert_null(plugin_symbols_find(symbols, 0x110, &offset));
	assert_null(plugin_symbols_find(symbols, 0x190, &offset));
	assert_null(plugin_symbols_find(symbols, 0x210, &offset));
	assert_null(plugin_symbols_find(NULL, 0x100, &offset));
	assert_int_equal(offset, 7);
	plugin_symbols_free(symbols);
}

/* Of several names for one function the last of the table, however it was sorted. */
static void function_with_several_names_has_always_the_same(void **state)
{
	struct elf_maker *maker = calloc(1, sizeof(*maker));
	struct plugin_symbols *symbols;
	uint64_t offset;
	char name[32];

	(void)state;
	assert_non_null(maker);
	maker_init(maker);
	for (unsigned i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "name_%u_%u", i % 3, i);
		add_function(maker, maker_string(maker, name), 0x100 * (1 + i % 3), 0x10);
	}
	symbols = read_made(maker);
	free(maker);
	for (unsigned i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "name_%u_%u", i, 297 + i);
		assert_string_equal(plugin_symbols_find(symbols, 0x100 * (1 + i) + 4, &offset),
				    name);
	}
	plugin_symbols_free(symbols);
}

/* A file of a few KiB can ask for gigabytes of names: one name counts once for each symbol. */
static void names_are_limited_and_the_first_ones_stay(void **state)
{
	const size_t size = 60000, n = PLUGIN_SYMBOLS_TEXT_MAX / size;
	struct elf_maker *maker = calloc(1, sizeof(*maker));
	struct plugin_symbols *symbols;
	uint64_t offset;
	uint32_t text;
	char *name = malloc(size);

	(void)state;
	assert_non_null(maker);
	assert_non_null(name);
	assert_in_range(n, 1, MAKER_ITEMS - 3);
	maker_init(maker);
	memset(name, 'x', size - 1);
	name[size - 1] = '\0';
	text = maker_string(maker, name);
	for (size_t i = 0; i < n + 2; i++)
		add_function(maker, text, 0x100 * (1 + i), 0x10);
	symbols = read_made(maker);
	free(maker);
	assert_string_equal(plugin_symbols_find(symbols, 0x100, &offset), name);
	assert_string_equal(plugin_symbols_find(symbols, 0x100 * n, &offset), name);
	assert_null(plugin_symbols_find(symbols, 0x100 * (n + 1), &offset));
	plugin_symbols_free(symbols);
	free(name);
}

static void file_that_is_no_object_is_refused(void **state)
{
	struct plugin_symbols *symbols = NULL;

	(void)state;
	assert_int_equal(plugin_symbols_read("nothing", 7, &symbols), -ENOEXEC);
	assert_null(symbols);
	plugin_symbols_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_has_a_name_within_a_function_only),
		cmocka_unit_test(function_with_several_names_has_always_the_same),
		cmocka_unit_test(names_are_limited_and_the_first_ones_stay),
		cmocka_unit_test(file_that_is_no_object_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "plugin/plugin_symbols.h"

#include "base/array.h"
#include "base/buffer.h"
#include "base/elf.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct function {
	uint64_t start;
	uint64_t size;
	uint32_t name; /* in text */
};

struct plugin_symbols {
	struct function *functions; /* in the order of their addresses */
	size_t count;
	struct buffer text; /* NUL-terminated names */
};

/* Symbol i when it is a named function of the plug-in. */
static bool find_function(const struct elf *elf, enum elf_table table, size_t i,
			  Elf64_Sym *ret_symbol, const char **ret_name)
{
	return elf_symbol(elf, table, i, ret_symbol, ret_name) == 0 &&
	       ELF64_ST_TYPE(ret_symbol->st_info) == STT_FUNC &&
	       ret_symbol->st_shndx != SHN_UNDEF && ret_symbol->st_size > 0 && **ret_name;
}

static int compare_functions(const void *a, const void *b)
{
	const struct function *one = a, *other = b;

	if (one->start != other->start)
		return one->start < other->start ? -1 : 1;
	return (one->name > other->name) - (one->name < other->name);
}

/* Names are copied: the file is unmapped after loading. */
static int copy_functions(const struct elf *elf, enum elf_table table,
			  struct plugin_symbols *symbols)
{
	const char *name;
	Elf64_Sym symbol;

	for (size_t i = 0; i < elf->symbols[table].count && symbols->count < PLUGIN_SYMBOLS_MAX;
	     i++) {
		uint32_t at = (uint32_t)buffer_size(&symbols->text);
		struct function *added;
		int r;

		if (!find_function(elf, table, i, &symbol, &name))
			continue;
		r = buffer_append(&symbols->text, name, strlen(name) + 1);
		if (r == -ENOBUFS)
			break;
		added = r < 0 ? NULL
			      : array_add(&symbols->functions, &symbols->count, sizeof(*added));
		if (!added)
			return -ENOMEM;
		*added = (struct function){symbol.st_value, symbol.st_size, at};
	}
	if (symbols->count > 0)
		qsort(symbols->functions, symbols->count, sizeof(*symbols->functions),
		      compare_functions);
	return 0;
}

int plugin_symbols_read(const void *file, size_t size, struct plugin_symbols **ret_symbols)
{
	struct elf elf;

	int r = elf_init(file, size, &elf);
	if (r < 0)
		return r;
	struct plugin_symbols *symbols = calloc(1, sizeof(*symbols));
	if (!symbols)
		return -ENOMEM;
	buffer_init(&symbols->text, PLUGIN_SYMBOLS_TEXT_MAX);
	r = copy_functions(
		&elf, elf.symbols[ELF_SYMBOLS].count > 0 ? ELF_SYMBOLS : ELF_DYNAMIC_SYMBOLS,
		symbols);
	if (r < 0) {
		plugin_symbols_free(symbols);
		return r;
	}
	*ret_symbols = symbols;
	return 0;
}

void plugin_symbols_free(struct plugin_symbols *symbols)
{
	if (!symbols)
		return;
	free(symbols->functions);
	buffer_fini(&symbols->text);
	free(symbols);
}

const char *plugin_symbols_find(const struct plugin_symbols *symbols, uint64_t address,
				uint64_t *ret_offset)
{
	size_t low = 0, high = symbols ? symbols->count : 0;

	/* The last function that starts at or before the address. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->functions[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	const struct function *function = &symbols->functions[low - 1];
	if (address - function->start >= function->size)
		return NULL;
	*ret_offset = address - function->start;
	return (const char *)buffer_data(&symbols->text) + function->name;
}

#include "base/elf_memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* "This much behind where the object lies", and "the address of a symbol". */
#if defined(__x86_64__)
#define RELOCATION_RELATIVE R_X86_64_RELATIVE
#define RELOCATION_SYMBOL   R_X86_64_64
#elif defined(__aarch64__)
#define RELOCATION_RELATIVE R_AARCH64_RELATIVE
#define RELOCATION_SYMBOL   R_AARCH64_ABS64
#elif defined(__riscv)
#define RELOCATION_RELATIVE R_RISCV_RELATIVE
#define RELOCATION_SYMBOL   R_RISCV_64
#else
/* elf_init() takes no file on other machines: these never meet one. */
#define RELOCATION_RELATIVE 0xffffffff
#define RELOCATION_SYMBOL   0xffffffff
#endif

/* Newer than the oldest <elf.h> around. */
#ifndef DT_RELR
#define DT_RELRSZ  35
#define DT_RELR    36
#define DT_RELRENT 37
#endif

#define WORD_SIZE sizeof(uint64_t)
/* Words that one word of packed relocations can describe: then its lowest bit is set. */
#define PACKED_WORDS 63

/* One of the tables in the dynamic section. */
struct table {
	uint64_t address, size, entry_size;
	const unsigned char *at;
};

struct tables {
	struct table rela, relr;
};

static uint64_t load_word(const unsigned char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static int find_table(const struct elf *elf, struct table *table, size_t entry_size)
{
	uint64_t rest;

	if (table->size == 0)
		return 0;
	table->at = elf_find_memory(elf, table->address, &rest);
	if (!table->at || table->size > rest || table->entry_size != entry_size ||
	    table->size % entry_size != 0)
		return -EBADMSG;
	return 0;
}

static int find_tables(const struct elf *elf, struct tables *tables)
{
	int r;

	for (size_t i = 0; i < elf->dynamic.count; i++) {
		Elf64_Dyn entry;

		memcpy(&entry, elf->dynamic.at + i * elf->dynamic.stride, sizeof(entry));
		if (entry.d_tag == DT_RELA)
			tables->rela.address = entry.d_un.d_ptr;
		else if (entry.d_tag == DT_RELASZ)
			tables->rela.size = entry.d_un.d_val;
		else if (entry.d_tag == DT_RELAENT)
			tables->rela.entry_size = entry.d_un.d_val;
		else if (entry.d_tag == DT_RELR)
			tables->relr.address = entry.d_un.d_ptr;
		else if (entry.d_tag == DT_RELRSZ)
			tables->relr.size = entry.d_un.d_val;
		else if (entry.d_tag == DT_RELRENT)
			tables->relr.entry_size = entry.d_un.d_val;
		else if (entry.d_tag == DT_REL)
			return -ENOTSUP;
	}
	r = find_table(elf, &tables->rela, sizeof(Elf64_Rela));
	return r < 0 ? r : find_table(elf, &tables->relr, WORD_SIZE);
}

/* The number of relocations in packed words; beyond the limit when there are too many to
 * count on. */
static uint64_t count_packed(const struct table *table)
{
	uint64_t count = 0;

	for (uint64_t at = 0; at < table->size && count <= ELF_RELOCATIONS_MAX;
	     at += WORD_SIZE) {
		uint64_t word = load_word(table->at + at);

		count += word & 1 ? (uint64_t)__builtin_popcountll(word >> 1) : 1;
	}
	return count;
}

static void add(struct elf_memory *memory, uint64_t address, const unsigned char *record)
{
	memory->relocations[memory->n_relocations++] = (struct elf_relocation){address, record};
}

/* An even word is the address of a relocated word; an odd one has a bit for each of the
 * words that follow: whether it is relocated. */
static int unpack(struct elf_memory *memory, const struct table *table)
{
	uint64_t next = 0;

	for (uint64_t at = 0; at < table->size; at += WORD_SIZE) {
		uint64_t word = load_word(table->at + at);

		if (!(word & 1)) {
			add(memory, word, NULL);
			next = word + WORD_SIZE;
			continue;
		}
		if (at == 0)
			return -EBADMSG; /* of the words that follow what? */
		for (unsigned i = 0; i < PACKED_WORDS; i++)
			if (word >> (i + 1) & 1)
				add(memory, next + i * WORD_SIZE, NULL);
		next += PACKED_WORDS * WORD_SIZE;
	}
	return 0;
}

static int compare_addresses(const void *a, const void *b)
{
	uint64_t one = ((const struct elf_relocation *)a)->address;
	uint64_t other = ((const struct elf_relocation *)b)->address;

	return one < other ? -1 : one > other;
}

int elf_memory_init(const struct elf *elf, struct elf_memory *ret_memory)
{
	struct elf_memory memory = {.elf = elf};
	struct tables tables = {0};
	uint64_t count;
	int r;

	r = find_tables(elf, &tables);
	if (r < 0)
		return r;
	count = tables.rela.size / sizeof(Elf64_Rela) + count_packed(&tables.relr);
	if (count > ELF_RELOCATIONS_MAX)
		return -E2BIG;
	memory.relocations = malloc((count + 1) * sizeof(*memory.relocations));
	if (!memory.relocations)
		return -ENOMEM;
	for (uint64_t at = 0; at < tables.rela.size; at += sizeof(Elf64_Rela))
		add(&memory, load_word(tables.rela.at + at + offsetof(Elf64_Rela, r_offset)),
		    tables.rela.at + at);
	r = unpack(&memory, &tables.relr);
	if (r < 0) {
		elf_memory_fini(&memory);
		return r;
	}
	qsort(memory.relocations, memory.n_relocations, sizeof(*memory.relocations),
	      compare_addresses);
	*ret_memory = memory;
	return 0;
}

void elf_memory_fini(struct elf_memory *memory)
{
	free(memory->relocations);
	memory->relocations = NULL;
	memory->n_relocations = 0;
}

/* The relocations of words that lie in `size` bytes at `address`, if only in part. Returns
 * their number, *ret_first is the first. */
static size_t find_relocations(const struct elf_memory *memory, uint64_t address, uint64_t size,
			       const struct elf_relocation **ret_first)
{
	uint64_t from = address < WORD_SIZE ? 0 : address - (WORD_SIZE - 1);
	size_t low = 0, high = memory->n_relocations, end;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memory->relocations[middle].address < from)
			low = middle + 1;
		else
			high = middle;
	}
	/* More than two make no difference. */
	for (end = low; end < memory->n_relocations && end - low < 2; end++)
		if (memory->relocations[end].address >= address &&
		    memory->relocations[end].address - address >= size)
			break;
	*ret_first = memory->relocations + low;
	return end - low;
}

int elf_memory_bytes(const struct elf_memory *memory, uint64_t address, uint64_t size,
		     const void **ret_bytes)
{
	const struct elf_relocation *first;
	uint64_t rest;
	const unsigned char *at = elf_find_memory(memory->elf, address, &rest);

	if (!at || size > rest)
		return -EFAULT;
	if (find_relocations(memory, address, size, &first) > 0)
		return -ENOTSUP;
	*ret_bytes = at;
	return 0;
}

int elf_memory_string(const struct elf_memory *memory, uint64_t address, size_t most,
		      const char **ret_string)
{
	const struct elf_relocation *first;
	uint64_t rest;
	const unsigned char *at = elf_find_memory(memory->elf, address, &rest);

	if (!at)
		return -EFAULT;
	size_t size = strnlen((const char *)at, rest <= most ? (size_t)rest : most + 1);
	if (size > most)
		return -E2BIG;
	if (size == rest)
		return -EFAULT;
	if (find_relocations(memory, address, size + 1, &first) > 0)
		return -ENOTSUP;
	*ret_string = (const char *)at;
	return 0;
}

/* The value of a symbol in this object, plus an addend. */
static int resolve_symbol(const struct elf *elf, const Elf64_Rela *relocation,
			  uint64_t *ret_target)
{
	uint64_t i = ELF64_R_SYM(relocation->r_info);
	const char *name;
	Elf64_Sym symbol;

	if (i == 0 || i >= elf->symbols[ELF_DYNAMIC_SYMBOLS].count ||
	    elf_symbol(elf, ELF_DYNAMIC_SYMBOLS, i, &symbol, &name) < 0)
		return -ENOTSUP;
	/* Of another object, or one whose value is no address here. */
	if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS ||
	    symbol.st_shndx == SHN_COMMON || ELF64_ST_TYPE(symbol.st_info) == STT_TLS ||
	    ELF64_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC)
		return -ENOTSUP;
	*ret_target = symbol.st_value + (uint64_t)relocation->r_addend;
	return 0;
}

int elf_memory_pointer(const struct elf_memory *memory, uint64_t address, uint64_t *ret_target)
{
	const struct elf_relocation *found;
	Elf64_Rela relocation;
	uint64_t rest, target;
	const unsigned char *at = elf_find_memory(memory->elf, address, &rest);

	if (!at || rest < WORD_SIZE)
		return -EFAULT;
	size_t n = find_relocations(memory, address, WORD_SIZE, &found);
	target = load_word(at);
	if (n == 0) {
		if (target != 0)
			return -ENOTSUP;
		*ret_target = 0;
		return 0;
	}
	if (n > 1 || found->address != address)
		return -ENOTSUP;
	if (found->record) {
		memcpy(&relocation, found->record, sizeof(relocation));
		if (ELF64_R_TYPE(relocation.r_info) == RELOCATION_RELATIVE)
			target = (uint64_t)relocation.r_addend;
		else if (ELF64_R_TYPE(relocation.r_info) != RELOCATION_SYMBOL)
			return -ENOTSUP;
		else if (resolve_symbol(memory->elf, &relocation, &target) < 0)
			return -ENOTSUP;
	}
	/* Not NULL once the object is loaded, though it says so here. */
	if (target == 0)
		return -ENOTSUP;
	*ret_target = target;
	return 0;
}

/* Any bytes as a shared object: all that can be asked of it, and whether it may be sealed. */
#include "base/elf.h"
#include "proto/seal.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void touch(const void *bytes, size_t size)
{
	volatile unsigned char sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (unsigned char)(sum + ((const unsigned char *)bytes)[i]);
}

static void walk_symbols(const struct elf *elf, enum elf_table table)
{
	for (size_t i = 0; i < elf->symbols[table].count; i++) {
		const char *name;
		Elf64_Sym symbol;

		if (elf_symbol(elf, table, i, &symbol, &name) == 0)
			touch(name, strlen(name));
	}
}

static void note_offender(void *context, const struct seal_offender *offender)
{
	(void)context;
	touch(offender->section, strlen(offender->section));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_note note = {0};
	struct elf_wishes wishes;
	uint64_t writable, tls;
	struct seal seal;
	struct elf elf;

	if (elf_init(data, size, &elf) < 0)
		return 0;
	while (elf_next_note(&elf, "Troupe", &note) == 1)
		touch(note.content, note.size);
	for (size_t i = 0; i < elf.dynamic.count; i++) {
		const char *name;

		if (elf_needed(&elf, i, &name) == 1)
			touch(name, strlen(name));
	}
	walk_symbols(&elf, ELF_SYMBOLS);
	walk_symbols(&elf, ELF_DYNAMIC_SYMBOLS);
	elf_wishes(&elf, &wishes);
	elf_writable(&elf, &writable, &tls);
	seal_judge(data, size, note_offender, NULL, &seal);
	return 0;
}

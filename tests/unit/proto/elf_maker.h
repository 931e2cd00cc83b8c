/* elf_maker.h - a shared object's file made in memory, just as odd as a test wants it:
 * segments, notes, a dynamic section, symbols and data with pointers in it, and no code. */
#ifndef TESTS_ELF_MAKER_H
#define TESTS_ELF_MAKER_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAKER_ITEMS 1200

#if defined(__aarch64__)
#define MAKER_MACHINE  EM_AARCH64
#define MAKER_RELATIVE R_AARCH64_RELATIVE
#elif defined(__riscv)
#define MAKER_MACHINE  EM_RISCV
#define MAKER_RELATIVE R_RISCV_RELATIVE
#else
#define MAKER_MACHINE  EM_X86_64
#define MAKER_RELATIVE R_X86_64_RELATIVE
#endif

/* A pointer in the data, to other data: offsets in it. */
struct maker_pointer {
	size_t at, to;
};

struct elf_maker {
	Elf64_Dyn dynamic[MAKER_ITEMS];
	size_t n_dynamic;
	Elf64_Sym symbols[MAKER_ITEMS];
	size_t n_symbols;
	char strings[65536];
	size_t strings_size;
	unsigned char *notes;
	size_t notes_size;
	unsigned char *data;
	size_t data_used;
	struct maker_pointer pointers[4 * MAKER_ITEMS];
	size_t n_pointers;
	uint64_t data_size; /* of writable memory, beyond RELRO */
	uint64_t tls_size;
	uint32_t stack_flags;
};

static inline void maker_init(struct elf_maker *maker)
{
	memset(maker, 0, sizeof(*maker));
	maker->n_symbols = 1;
	maker->strings_size = 1;
	maker->stack_flags = PF_R | PF_W;
}

static inline void maker_fini(struct elf_maker *maker)
{
	free(maker->notes);
	free(maker->data);
}

/* Put in data; returns its offset. */
static inline size_t maker_data(struct elf_maker *maker, const void *data, size_t size)
{
	size_t at = (maker->data_used + 7) / 8 * 8;

	maker->data = realloc(maker->data, at + size);
	memset(maker->data + maker->data_used, 0, at - maker->data_used);
	memcpy(maker->data + at, data, size);
	maker->data_used = at + size;
	return at;
}

static inline void maker_pointer(struct elf_maker *maker, size_t at, size_t to)
{
	maker->pointers[maker->n_pointers++] = (struct maker_pointer){at, to};
}

static inline uint32_t maker_string(struct elf_maker *maker, const char *text)
{
	uint32_t at = (uint32_t)maker->strings_size;

	strcpy(maker->strings + at, text);
	maker->strings_size += strlen(text) + 1;
	return at;
}

static inline void maker_dynamic(struct elf_maker *maker, int64_t tag, uint64_t value)
{
	maker->dynamic[maker->n_dynamic++] = (Elf64_Dyn){.d_tag = tag, .d_un.d_val = value};
}

static inline void maker_needed(struct elf_maker *maker, const char *name)
{
	maker_dynamic(maker, DT_NEEDED, maker_string(maker, name));
}

static inline void maker_undefined(struct elf_maker *maker, const char *name,
				   unsigned char bind)
{
	maker->symbols[maker->n_symbols++] = (Elf64_Sym){
		.st_name = maker_string(maker, name),
		.st_info = ELF64_ST_INFO(bind, STT_NOTYPE),
	};
}

/* Export what lies in the data. */
static inline void maker_export(struct elf_maker *maker, const char *name, size_t at)
{
	maker->symbols[maker->n_symbols++] = (Elf64_Sym){
		.st_name = maker_string(maker, name),
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
		.st_shndx = 1,
		.st_value = at,
	};
}

static inline void maker_note(struct elf_maker *maker, const char *owner, uint32_t type,
			      const void *content, size_t size)
{
	Elf64_Nhdr head = {(uint32_t)strlen(owner) + 1, (uint32_t)size, type};
	size_t owner_room = (head.n_namesz + 3) / 4 * 4, room = (size + 3) / 4 * 4;
	size_t total = sizeof(head) + owner_room + room;

	maker->notes = realloc(maker->notes, maker->notes_size + total);
	unsigned char *at = maker->notes + maker->notes_size;
	memset(at, 0, total);
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), owner, head.n_namesz);
	memcpy(at + sizeof(head) + owner_room, content, size);
	maker->notes_size += total;
}

/* Lay it all out. The file is malloc'd. Addresses are offsets in the file. */
static inline unsigned char *maker_make(struct elf_maker *maker, size_t *ret_size)
{
	const uint32_t hash[3] = {0, (uint32_t)maker->n_symbols, 0};
	uint64_t segments = sizeof(Elf64_Ehdr), dynamic = segments + 8 * sizeof(Elf64_Phdr);

	size_t n_dynamic = maker->n_dynamic + 8;
	uint64_t symbols = dynamic + n_dynamic * sizeof(Elf64_Dyn);
	uint64_t hashes = symbols + maker->n_symbols * sizeof(Elf64_Sym);
	uint64_t strings = hashes + 16;
	uint64_t notes = (strings + maker->strings_size + 7) / 8 * 8;
	uint64_t data = (notes + maker->notes_size + 7) / 8 * 8;
	uint64_t relocations = (data + maker->data_used + 7) / 8 * 8;
	size_t size = relocations + maker->n_pointers * sizeof(Elf64_Rela);
	unsigned char *file = calloc(1, size);

	Elf64_Ehdr *head = (Elf64_Ehdr *)file;
	memcpy(head->e_ident, ELFMAG, SELFMAG);
	head->e_ident[EI_CLASS] = ELFCLASS64;
	head->e_ident[EI_DATA] =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	head->e_ident[EI_VERSION] = head->e_version = EV_CURRENT;
	head->e_type = ET_DYN;
	head->e_machine = MAKER_MACHINE;
	head->e_phoff = segments;
	head->e_ehsize = sizeof(Elf64_Ehdr);
	head->e_phentsize = sizeof(Elf64_Phdr);
	head->e_phnum = 6;

	Elf64_Phdr *segment = (Elf64_Phdr *)(file + segments);
	segment[0] = (Elf64_Phdr){PT_LOAD, PF_R, 0, 0, 0, size, size, 4096};
	segment[1] = (Elf64_Phdr){
		PT_LOAD, PF_R | PF_W, 0, 1 << 20, 1 << 20, 0, 4096 + maker->data_size, 4096};
	segment[2] = (Elf64_Phdr){PT_GNU_RELRO, PF_R, 0, 1 << 20, 1 << 20, 0, 4096, 1};
	segment[3] = (Elf64_Phdr){PT_DYNAMIC,
				  PF_R,
				  dynamic,
				  dynamic,
				  dynamic,
				  n_dynamic * sizeof(Elf64_Dyn),
				  n_dynamic * sizeof(Elf64_Dyn),
				  8};
	segment[4] = (Elf64_Phdr){
		PT_NOTE, PF_R, notes, notes, notes, maker->notes_size, maker->notes_size, 4};
	segment[5] = (Elf64_Phdr){PT_GNU_STACK, maker->stack_flags, 0, 0, 0, 0, 0, 16};
	if (maker->tls_size) {
		segment[6] = (Elf64_Phdr){PT_TLS, PF_R, 0, 0, 0, 0, maker->tls_size, 8};
		head->e_phnum = 7;
	}

	Elf64_Dyn *entry = (Elf64_Dyn *)(file + dynamic);
	*entry++ = (Elf64_Dyn){.d_tag = DT_SYMTAB, .d_un.d_ptr = symbols};
	*entry++ = (Elf64_Dyn){.d_tag = DT_STRTAB, .d_un.d_ptr = strings};
	*entry++ = (Elf64_Dyn){.d_tag = DT_STRSZ, .d_un.d_val = maker->strings_size};
	*entry++ = (Elf64_Dyn){.d_tag = DT_HASH, .d_un.d_ptr = hashes};
	if (maker->n_pointers > 0) {
		*entry++ = (Elf64_Dyn){.d_tag = DT_RELA, .d_un.d_ptr = relocations};
		*entry++ = (Elf64_Dyn){.d_tag = DT_RELASZ, .d_un.d_val = size - relocations};
		*entry++ = (Elf64_Dyn){.d_tag = DT_RELAENT, .d_un.d_val = sizeof(Elf64_Rela)};
	}
	memcpy(entry, maker->dynamic, maker->n_dynamic * sizeof(*entry));
	for (size_t i = 0; i < maker->n_pointers; i++)
		((Elf64_Rela *)(file + relocations))[i] =
			(Elf64_Rela){.r_offset = data + maker->pointers[i].at,
				     .r_info = ELF64_R_INFO(0, MAKER_RELATIVE),
				     .r_addend = (int64_t)(data + maker->pointers[i].to)};
	if (maker->data_used)
		memcpy(file + data, maker->data, maker->data_used);
	memcpy(file + symbols, maker->symbols, maker->n_symbols * sizeof(Elf64_Sym));
	for (size_t i = 0; i < maker->n_symbols; i++)
		if (maker->symbols[i].st_shndx == 1)
			((Elf64_Sym *)(file + symbols))[i].st_value += data;
	memcpy(file + hashes, hash, sizeof(hash));
	memcpy(file + strings, maker->strings, maker->strings_size);
	if (maker->notes_size)
		memcpy(file + notes, maker->notes, maker->notes_size);
	*ret_size = size;
	return file;
}

#endif

#include "base/elf_image.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

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

/* One of the tables that the dynamic section names. */
struct relocations {
	uint64_t size;
	const unsigned char *at;
};

struct tables {
	struct relocations rela, relr;
};

static uint64_t load_word(const unsigned char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* Its entries have that size; *_tag: what says where it is, and its size and theirs. */
static int find_table(const struct elf *elf, struct relocations *table, size_t entry_size,
		      int64_t address_tag, int64_t size_tag, int64_t entry_tag)
{
	uint64_t address = 0, said = 0, rest;

	(void)elf_dynamic(elf, address_tag, &address);
	(void)elf_dynamic(elf, entry_tag, &said);
	if (!elf_dynamic(elf, size_tag, &table->size) || table->size == 0)
		return 0;
	table->at = elf_find_memory(elf, address, &rest);
	if (!table->at || table->size > rest || said != entry_size ||
	    table->size % entry_size != 0)
		return -EBADMSG;
	return 0;
}

static int find_tables(const struct elf *elf, struct tables *tables)
{
	uint64_t value;
	int r;

	if (elf_dynamic(elf, DT_REL, &value))
		return -ENOTSUP;
	r = find_table(elf, &tables->rela, sizeof(Elf64_Rela), DT_RELA, DT_RELASZ, DT_RELAENT);
	return r < 0 ? r
		     : find_table(elf, &tables->relr, WORD_SIZE, DT_RELR, DT_RELRSZ,
				  DT_RELRENT);
}

const void *elf_image_at(const struct elf_image *image, uint64_t address)
{
	uint64_t at = address - image->low;

	return image->memory + (at < image->size ? at : image->size);
}

void elf_image_fini(struct elf_image *image)
{
	munmap(image->memory, image->size);
}

/* The pages that hold what the segments have in the file; adjacent ones are as far apart as
 * there. */
static int load_segments(const struct elf *elf, struct elf_image *image)
{
	uint64_t low = UINT64_MAX, high = 0;
	Elf64_Phdr segment;

	for (size_t i = 0; elf_next_segment(elf, PT_LOAD, &i, &segment);) {
		if (segment.p_filesz == 0)
			continue;
		if (segment.p_vaddr > UINT64_MAX - segment.p_filesz)
			return -EBADMSG;
		low = segment.p_vaddr < low ? segment.p_vaddr : low;
		high = segment.p_vaddr + segment.p_filesz > high
			       ? segment.p_vaddr + segment.p_filesz
			       : high;
	}
	low -= low % 4096; /* as mmap(2) aligns: what is aligned there is so here */
	if (low >= high)
		return -EBADMSG;
	if (high - low > ELF_IMAGE_MAX)
		return -E2BIG;
	image->low = low;
	image->size = (size_t)(high - low);
	image->memory = mmap(NULL, image->size, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (image->memory == MAP_FAILED)
		return -ENOMEM;
	for (size_t i = 0; elf_next_segment(elf, PT_LOAD, &i, &segment);)
		if (segment.p_filesz > 0)
			memcpy(image->memory + (segment.p_vaddr - low),
			       elf->file + segment.p_offset, segment.p_filesz);
	return 0;
}

/* Put a pointer to `target` at an address; 0: its target is not known. What is NULL here will
 * not be so once the object is loaded. Who relocates what is not in the image relocates
 * nothing. */
static void put_pointer(struct elf_image *image, uint64_t address, uint64_t target)
{
	uintptr_t pointer =
		target ? (uintptr_t)elf_image_at(image, target) : ELF_POINTER_UNKNOWN;
	uint64_t at = address - image->low;

	if (at < image->size && image->size - at >= WORD_SIZE)
		memcpy(image->memory + at, &pointer, sizeof(pointer));
}

/* A packed relocation adds to what the file has there. */
static void put_packed(const struct elf *elf, struct elf_image *image, uint64_t address)
{
	uint64_t rest;
	const unsigned char *at = elf_find_memory(elf, address, &rest);

	if (at && rest >= WORD_SIZE)
		put_pointer(image, address, load_word(at));
}

/* An even word is the address of a relocated word; an odd one has a bit for each of the
 * words that follow: whether it is relocated. */
static int unpack(const struct elf *elf, struct elf_image *image,
		  const struct relocations *table)
{
	uint64_t next = 0;

	for (uint64_t at = 0; at < table->size; at += WORD_SIZE) {
		uint64_t word = load_word(table->at + at);

		if (!(word & 1)) {
			put_packed(elf, image, word);
			next = word + WORD_SIZE;
			continue;
		}
		if (at == 0)
			return -EBADMSG; /* of the words that follow what? */
		for (unsigned i = 0; i < PACKED_WORDS; i++)
			if (word >> (i + 1) & 1)
				put_packed(elf, image, next + i * WORD_SIZE);
		next += PACKED_WORDS * WORD_SIZE;
	}
	return 0;
}

/* The address that a relocation puts; 0: it is not known. */
static uint64_t resolve(const struct elf *elf, const Elf64_Rela *relocation)
{
	uint64_t i = ELF64_R_SYM(relocation->r_info);
	const char *name;
	Elf64_Sym symbol;

	if (ELF64_R_TYPE(relocation->r_info) == RELOCATION_RELATIVE)
		return (uint64_t)relocation->r_addend;
	if (ELF64_R_TYPE(relocation->r_info) != RELOCATION_SYMBOL || i == 0 ||
	    i >= elf->symbols[ELF_DYNAMIC_SYMBOLS].count ||
	    elf_symbol(elf, ELF_DYNAMIC_SYMBOLS, i, &symbol, &name) < 0)
		return 0;
	/* Of another object, or one whose value is no address here. */
	if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS ||
	    symbol.st_shndx == SHN_COMMON || ELF64_ST_TYPE(symbol.st_info) == STT_TLS ||
	    ELF64_ST_TYPE(symbol.st_info) == STT_GNU_IFUNC)
		return 0;
	return symbol.st_value + (uint64_t)relocation->r_addend;
}

int elf_image_make(const struct elf *elf, struct elf_image *ret_image)
{
	struct tables tables = {0};
	struct elf_image image;
	int r = find_tables(elf, &tables);

	if (r == 0)
		r = load_segments(elf, &image);
	if (r < 0)
		return r;
	for (uint64_t at = 0; at < tables.rela.size; at += sizeof(Elf64_Rela)) {
		Elf64_Rela relocation;

		memcpy(&relocation, tables.rela.at + at, sizeof(relocation));
		put_pointer(&image, relocation.r_offset, resolve(elf, &relocation));
	}
	r = unpack(elf, &image, &tables.relr);
	if (r < 0)
		elf_image_fini(&image);
	else
		*ret_image = image;
	return r;
}

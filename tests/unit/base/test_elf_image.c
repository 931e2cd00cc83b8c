/* Memory told from a file made by hand: each form of relocation, and every odd one. */
#include "base/elf_image.h"

#include "base/cleanup.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if defined(__x86_64__)
#define MACHINE  EM_X86_64
#define RELATIVE R_X86_64_RELATIVE
#define SYMBOL   R_X86_64_64
#define OTHER    R_X86_64_IRELATIVE
#elif defined(__aarch64__)
#define MACHINE  EM_AARCH64
#define RELATIVE R_AARCH64_RELATIVE
#define SYMBOL   R_AARCH64_ABS64
#define OTHER    R_AARCH64_IRELATIVE
#else
#define MACHINE  EM_RISCV
#define RELATIVE R_RISCV_RELATIVE
#define SYMBOL   R_RISCV_64
#define OTHER    R_RISCV_COPY
#endif

enum { LOAD, DYNAMIC, OTHER_LOAD, N_SEGMENTS };
enum {
	D_STRTAB,
	D_STRSZ,
	D_SYMTAB,
	D_HASH,
	D_RELA,
	D_RELASZ,
	D_RELAENT,
	D_RELR,
	D_RELRSZ,
	D_RELRENT,
	D_NULL,
	N_DYNAMIC
};
enum {
	SYMBOL_HERE = 1,
	SYMBOL_ELSEWHERE,
	SYMBOL_ABSOLUTE,
	SYMBOL_TLS,
	SYMBOL_IFUNC,
	N_SYMBOLS
};

/* Lies at BASE in memory. */
#define BASE 0x1000

struct image {
	Elf64_Ehdr head;
	Elf64_Phdr segments[N_SEGMENTS];
	Elf64_Dyn dynamic[N_DYNAMIC];
	Elf64_Sym symbols[N_SYMBOLS];
	uint32_t hash[4];
	char strings[8];
	Elf64_Rela rela[8];
	uint64_t relr[4];
	uint64_t words[130];
	char text[16];
};

#define AT(member) (BASE + offsetof(struct image, member))
#define WORD(i)    (AT(words) + (i) * sizeof(uint64_t))

static void make(struct image *image)
{
	const Elf64_Dyn dynamic[N_DYNAMIC] = {
		[D_STRTAB] = {DT_STRTAB, {AT(strings)}},
		[D_STRSZ] = {DT_STRSZ, {sizeof(image->strings)}},
		[D_SYMTAB] = {DT_SYMTAB, {AT(symbols)}},
		[D_HASH] = {DT_HASH, {AT(hash)}},
		[D_RELA] = {DT_RELA, {AT(rela)}},
		[D_RELASZ] = {DT_RELASZ, {0}},
		[D_RELAENT] = {DT_RELAENT, {sizeof(Elf64_Rela)}},
		[D_RELR] = {36, {AT(relr)}},
		[D_RELRSZ] = {35, {0}},
		[D_RELRENT] = {37, {8}},
	};
	const Elf64_Sym symbols[N_SYMBOLS] = {
		[SYMBOL_HERE] = {.st_shndx = 1, .st_value = AT(text)},
		[SYMBOL_ELSEWHERE] = {.st_shndx = SHN_UNDEF, .st_value = AT(text)},
		[SYMBOL_ABSOLUTE] = {.st_shndx = SHN_ABS, .st_value = AT(text)},
		[SYMBOL_TLS] = {.st_info = STT_TLS, .st_shndx = 1, .st_value = AT(text)},
		[SYMBOL_IFUNC] = {.st_info = STT_GNU_IFUNC,
				  .st_shndx = 1,
				  .st_value = AT(text)},
	};

	*image = (struct image){
		.head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
				     ELFDATA2LSB, EV_CURRENT},
			 .e_type = ET_DYN,
			 .e_machine = MACHINE,
			 .e_phoff = offsetof(struct image, segments),
			 .e_phentsize = sizeof(Elf64_Phdr),
			 .e_phnum = N_SEGMENTS},
		.segments = {[LOAD] = {.p_type = PT_LOAD,
				       .p_vaddr = BASE,
				       .p_filesz = sizeof(*image),
				       .p_memsz = sizeof(*image) + 64},
			     [DYNAMIC] = {.p_type = PT_DYNAMIC,
					  .p_vaddr = AT(dynamic),
					  .p_offset = offsetof(struct image, dynamic),
					  .p_filesz = sizeof(image->dynamic)}},
		.hash = {1, N_SYMBOLS},
		.text = "fifteen letters",
	};
	memcpy(image->dynamic, dynamic, sizeof(dynamic));
	memcpy(image->symbols, symbols, sizeof(symbols));
}

static void relocate(struct image *image, uint64_t address, uint32_t type, uint32_t symbol,
		     int64_t addend)
{
	Elf64_Xword *size = &image->dynamic[D_RELASZ].d_un.d_val;

	image->rela[*size / sizeof(Elf64_Rela)] =
		(Elf64_Rela){address, ELF64_R_INFO((uint64_t)symbol, type), addend};
	*size += sizeof(Elf64_Rela);
}

static int init(const struct image *image, struct elf_image *made)
{
	struct elf elf;

	assert_int_equal(elf_init(image, sizeof(*image), &elf), 0);
	return elf_image_make(&elf, made);
}

static const void *pointer_in(const struct elf_image *made, uint64_t address)
{
	const void *pointer;

	memcpy(&pointer, elf_image_at(made, address), sizeof(pointer));
	return pointer;
}

/* What the pointer in a word comes to; 0: it is not known. */
static void check_pointer(const struct image *image, uint64_t address, uint64_t expected)
{
	struct elf_image made;

	assert_int_equal(init(image, &made), 0);
	if (expected)
		assert_ptr_equal(pointer_in(&made, address), elf_image_at(&made, expected));
	else
		assert_ptr_equal(pointer_in(&made, address), ELF_POINTER_UNKNOWN);
	elf_image_fini(&made);
}

static void pointer_is_what_its_relocation_says(void **state)
{
	struct elf_image made;
	struct image image;

	(void)state;
	make(&image);
	/* Out of order; and the word's own content does not count. */
	image.words[0] = 99;
	relocate(&image, WORD(2), SYMBOL, SYMBOL_HERE, 3);
	relocate(&image, WORD(0), RELATIVE, 0, AT(text));
	check_pointer(&image, WORD(0), AT(text));
	check_pointer(&image, WORD(2), AT(text) + 3);
	/* What nothing relocates is the file's, and so points nowhere. */
	image.words[1] = AT(text);
	assert_int_equal(init(&image, &made), 0);
	assert_ptr_equal(pointer_in(&made, WORD(1)), AT(text));
	assert_null(pointer_in(&made, WORD(3)));
	elf_image_fini(&made);
}

static void pointer_to_what_is_not_in_the_file_is_to_the_end(void **state)
{
	const uint64_t end = BASE + sizeof(struct image);
	const uint64_t targets[] = {end, end + 63, end + 4096, BASE - 4097, UINT64_MAX, 1};
	struct elf_image made;
	struct image image;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
		make(&image);
		relocate(&image, WORD(0), RELATIVE, 0, (int64_t)targets[i]);
		assert_int_equal(init(&image, &made), 0);
		assert_ptr_equal(pointer_in(&made, WORD(0)), made.memory + made.size);
		assert_ptr_equal(elf_image_at(&made, targets[i]), made.memory + made.size);
		elf_image_fini(&made);
	}
}

static void pointer_is_not_guessed_when_only_loading_tells(void **state)
{
	static const struct {
		uint32_t type, symbol;
		int64_t addend;
	} cases[] = {
		{SYMBOL, SYMBOL_ELSEWHERE, 0},
		{SYMBOL, SYMBOL_ABSOLUTE, 0},
		{SYMBOL, SYMBOL_TLS, 0},
		{SYMBOL, SYMBOL_IFUNC, 0},
		{SYMBOL, 0, BASE},
		{SYMBOL, N_SYMBOLS, 0},
		{SYMBOL, UINT32_MAX, 0},
		{OTHER, 0, BASE},
		{OTHER, SYMBOL_HERE, 0},
		{RELATIVE, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct image image;

		make(&image);
		relocate(&image, WORD(0), cases[i].type, cases[i].symbol, cases[i].addend);
		check_pointer(&image, WORD(0), 0);
	}
}

/* It is of no use then, but nothing beside it has changed, nor beyond the image's ends. */
static void relocations_write_no_more_than_their_word(void **state)
{
	const uint64_t end = BASE + sizeof(struct image);
	struct elf_image made;
	struct image image;

	(void)state;
	for (int64_t shift = -7; shift <= 7; shift++) {
		make(&image);
		relocate(&image, WORD(8), RELATIVE, 0, AT(text));
		relocate(&image, (uint64_t)((int64_t)WORD(8) + shift), RELATIVE, 0, AT(text));
		assert_int_equal(init(&image, &made), 0);
		assert_null(pointer_in(&made, WORD(6)));
		assert_null(pointer_in(&made, WORD(10)));
		elf_image_fini(&made);
	}
	make(&image);
	relocate(&image, end - 7, RELATIVE, 0, AT(text));
	relocate(&image, end, RELATIVE, 0, AT(text));
	relocate(&image, UINT64_MAX, RELATIVE, 0, AT(text));
	relocate(&image, BASE - 1 - 8192, RELATIVE, 0, AT(text));
	assert_int_equal(init(&image, &made), 0);
	assert_memory_equal(elf_image_at(&made, AT(text)), image.text, sizeof(image.text));
	elf_image_fini(&made);
}

static void pointer_is_read_from_packed_relocations(void **state)
{
	struct elf_image made;
	struct image image;

	(void)state;
	make(&image);
	for (size_t i = 0; i < ARRAY_LEN(image.words); i++)
		image.words[i] = AT(text) + i;
	/* Word 0; of the 63 after it the first and the last; of those after them the second. */
	image.relr[0] = WORD(0);
	image.relr[1] = 1ull << 63 | 1 << 1 | 1;
	image.relr[2] = 1 << 2 | 1;
	image.relr[3] = WORD(129);
	image.dynamic[D_RELRSZ].d_un.d_val = sizeof(image.relr);
	for (size_t i = 0; i < ARRAY_LEN(image.words); i++) {
		bool is_relocated = i == 0 || i == 1 || i == 63 || i == 65 || i == 129;

		assert_int_equal(init(&image, &made), 0);
		if (is_relocated)
			assert_ptr_equal(pointer_in(&made, WORD(i)),
					 elf_image_at(&made, AT(text) + i));
		else
			assert_ptr_equal(pointer_in(&made, WORD(i)), AT(text) + i);
		elf_image_fini(&made);
	}
}

static void bytes_are_those_of_the_file(void **state)
{
	struct elf_image made;
	struct image image;

	(void)state;
	make(&image);
	relocate(&image, WORD(0), RELATIVE, 0, AT(text));
	assert_int_equal(init(&image, &made), 0);
	assert_memory_equal(elf_image_at(&made, BASE), ELFMAG, 4);
	assert_memory_equal(elf_image_at(&made, AT(words) + 8), &image.words[1],
			    sizeof(image) - offsetof(struct image, words) - 8);
	/* Aligned as in the object. */
	assert_int_equal(((uintptr_t)elf_image_at(&made, WORD(0)) - WORD(0)) % 4096, 0);
	assert_int_equal(made.size, sizeof(image));
	elf_image_fini(&made);
}

static void image_is_refused_when_its_relocations_are_malformed(void **state)
{
	static const struct {
		int entry;
		Elf64_Dyn value;
		int error;
	} cases[] = {
		{D_RELASZ, {DT_RELASZ, {1}}, -EBADMSG},
		{D_RELASZ, {DT_RELASZ, {24 * 1000}}, -EBADMSG},
		{D_RELASZ, {DT_RELASZ, {UINT64_MAX / 24 * 24}}, -EBADMSG},
		{D_RELAENT, {DT_RELAENT, {16}}, -EBADMSG},
		{D_RELA, {DT_RELA, {0}}, -EBADMSG},
		{D_RELA, {DT_REL, {AT(rela)}}, -ENOTSUP},
		{D_RELRSZ, {35, {12}}, -EBADMSG},
		{D_RELRSZ, {35, {1 << 20}}, -EBADMSG},
		{D_RELRENT, {37, {4}}, -EBADMSG},
		{D_RELR, {36, {UINT64_MAX}}, -EBADMSG},
	};
	struct elf_image made;
	struct image image;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make(&image);
		relocate(&image, WORD(0), RELATIVE, 0, AT(text));
		image.relr[0] = WORD(1);
		image.dynamic[D_RELRSZ].d_un.d_val = 8;
		image.dynamic[cases[i].entry] = cases[i].value;
		assert_int_equal(init(&image, &made), cases[i].error);
	}
	make(&image);
	image.relr[0] = 3; /* of the words that follow nothing */
	image.dynamic[D_RELRSZ].d_un.d_val = 8;
	assert_int_equal(init(&image, &made), -EBADMSG);
}

static void image_is_so_large_and_no_more(void **state)
{
	struct elf_image made;
	struct image image;

	(void)state;
	for (int i = 0; i <= 1; i++) {
		make(&image);
		image.segments[OTHER_LOAD] = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_vaddr = BASE + ELF_IMAGE_MAX - 16 + (uint64_t)i,
			.p_offset = offsetof(struct image, text),
			.p_filesz = 16,
		};
		assert_int_equal(init(&image, &made), i == 0 ? 0 : -E2BIG);
		if (i == 0) {
			assert_memory_equal(made.memory + made.size - 16, image.text, 16);
			elf_image_fini(&made);
		}
	}
	make(&image);
	image.segments[OTHER_LOAD] =
		(Elf64_Phdr){.p_type = PT_LOAD, .p_vaddr = UINT64_MAX, .p_filesz = 16};
	assert_int_equal(init(&image, &made), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pointer_is_what_its_relocation_says),
		cmocka_unit_test(pointer_to_what_is_not_in_the_file_is_to_the_end),
		cmocka_unit_test(pointer_is_not_guessed_when_only_loading_tells),
		cmocka_unit_test(relocations_write_no_more_than_their_word),
		cmocka_unit_test(pointer_is_read_from_packed_relocations),
		cmocka_unit_test(bytes_are_those_of_the_file),
		cmocka_unit_test(image_is_refused_when_its_relocations_are_malformed),
		cmocka_unit_test(image_is_so_large_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Memory told from a file made by hand: each form of relocation, and every odd one. */
#include "base/elf_memory.h"

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

enum { LOAD, DYNAMIC, N_SEGMENTS };
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

static int init(const struct image *image, struct elf *elf, struct elf_memory *memory)
{
	assert_int_equal(elf_init(image, sizeof(*image), elf), 0);
	return elf_memory_init(elf, memory);
}

/* What the pointer in a word comes to. */
static void check_pointer(const struct image *image, uint64_t address, int error,
			  uint64_t expected)
{
	struct elf_memory memory;
	uint64_t target = 4711;
	struct elf elf;

	assert_int_equal(init(image, &elf, &memory), 0);
	assert_int_equal(elf_memory_pointer(&memory, address, &target), error);
	assert_int_equal(target, error < 0 ? 4711 : expected);
	elf_memory_fini(&memory);
}

static void pointer_is_what_its_relocation_says(void **state)
{
	struct image image;

	(void)state;
	make(&image);
	/* Out of order; and the word's own content does not count. */
	image.words[0] = 99;
	relocate(&image, WORD(2), SYMBOL, SYMBOL_HERE, 3);
	relocate(&image, WORD(0), RELATIVE, 0, AT(text));
	check_pointer(&image, WORD(0), 0, AT(text));
	check_pointer(&image, WORD(1), 0, 0);
	check_pointer(&image, WORD(2), 0, AT(text) + 3);
	image.words[1] = AT(text);
	check_pointer(&image, WORD(1), -ENOTSUP, 0);
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
		check_pointer(&image, WORD(0), -ENOTSUP, 0);
	}
}

static void pointer_is_refused_when_relocations_overlap(void **state)
{
	struct image image;

	(void)state;
	for (int64_t shift = -7; shift <= 7; shift++) {
		make(&image);
		relocate(&image, WORD(8), RELATIVE, 0, AT(text));
		relocate(&image, (uint64_t)((int64_t)WORD(8) + shift), RELATIVE, 0, AT(text));
		check_pointer(&image, WORD(8), -ENOTSUP, 0);
		make(&image);
		relocate(&image, (uint64_t)((int64_t)WORD(8) + shift), RELATIVE, 0, AT(text));
		check_pointer(&image, WORD(8), shift ? -ENOTSUP : 0, AT(text));
	}
	make(&image);
	relocate(&image, WORD(7), RELATIVE, 0, AT(text));
	relocate(&image, WORD(9), RELATIVE, 0, AT(text));
	check_pointer(&image, WORD(8), 0, 0);
}

static void pointer_is_read_from_packed_relocations(void **state)
{
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

		check_pointer(&image, WORD(i), is_relocated ? 0 : -ENOTSUP, AT(text) + i);
	}
}

static void bytes_and_strings_are_those_of_the_file(void **state)
{
	struct elf_memory memory;
	const char *text = NULL;
	const void *bytes = NULL;
	struct image image;
	struct elf elf;
	const uint64_t end = BASE + sizeof(image);

	(void)state;
	make(&image);
	relocate(&image, WORD(0), RELATIVE, 0, AT(text));
	relocate(&image, AT(text) + 12, RELATIVE, 0, AT(text));
	assert_int_equal(init(&image, &elf, &memory), 0);

	assert_int_equal(elf_memory_bytes(&memory, BASE, 4, &bytes), 0);
	assert_memory_equal(bytes, ELFMAG, 4);
	assert_int_equal(elf_memory_bytes(&memory, WORD(0) - 4, 4, &bytes), 0);
	assert_int_equal(elf_memory_bytes(&memory, WORD(0) - 4, 5, &bytes), -ENOTSUP);
	assert_int_equal(elf_memory_bytes(&memory, WORD(0) + 7, 1, &bytes), -ENOTSUP);
	assert_int_equal(elf_memory_bytes(&memory, WORD(0) + 8, 1, &bytes), 0);
	assert_int_equal(elf_memory_bytes(&memory, BASE - 1, 1, &bytes), -EFAULT);
	/* In memory, but not in the file. */
	assert_int_equal(elf_memory_bytes(&memory, end, 1, &bytes), -EFAULT);
	assert_int_equal(elf_memory_bytes(&memory, BASE, UINT64_MAX, &bytes), -EFAULT);
	assert_int_equal(elf_memory_bytes(&memory, UINT64_MAX, 1, &bytes), -EFAULT);

	assert_int_equal(elf_memory_string(&memory, AT(text), 15, &text), -ENOTSUP);
	elf_memory_fini(&memory);
	image.dynamic[D_RELASZ].d_un.d_val = 0;
	assert_int_equal(init(&image, &elf, &memory), 0);
	assert_int_equal(elf_memory_string(&memory, AT(text), 15, &text), 0);
	assert_string_equal(text, "fifteen letters");
	assert_int_equal(elf_memory_string(&memory, AT(text), 14, &text), -E2BIG);
	assert_int_equal(elf_memory_string(&memory, end - 1, 0, &text), 0);
	assert_int_equal(elf_memory_string(&memory, end, 10, &text), -EFAULT);
	elf_memory_fini(&memory);
	image.text[15] = '!';
	assert_int_equal(init(&image, &elf, &memory), 0);
	assert_int_equal(elf_memory_string(&memory, AT(text), 100, &text), -EFAULT);
	assert_int_equal(elf_memory_string(&memory, AT(text), SIZE_MAX, &text), -EFAULT);
	elf_memory_fini(&memory);
}

static void memory_is_refused_when_its_relocations_are_malformed(void **state)
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
	struct elf_memory memory;
	struct image image;
	struct elf elf;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make(&image);
		relocate(&image, WORD(0), RELATIVE, 0, AT(text));
		image.relr[0] = WORD(1);
		image.dynamic[D_RELRSZ].d_un.d_val = 8;
		image.dynamic[cases[i].entry] = cases[i].value;
		assert_int_equal(init(&image, &elf, &memory), cases[i].error);
	}
	make(&image);
	image.relr[0] = 3; /* of the words that follow nothing */
	image.dynamic[D_RELRSZ].d_un.d_val = 8;
	assert_int_equal(init(&image, &elf, &memory), -EBADMSG);
}

/* The relocations, at the end of a file as long as they need. */
static int init_packed(size_t n_words, size_t n_last)
{
	size_t size = sizeof(struct image) + n_words * 8;
	struct image *image = calloc(1, size);
	struct elf_memory memory;
	uint64_t *relr;
	struct elf elf;

	assert_non_null(image);
	make(image);
	image->segments[LOAD].p_filesz = size;
	image->dynamic[D_RELR].d_un.d_ptr = BASE + sizeof(*image);
	image->dynamic[D_RELRSZ].d_un.d_val = n_words * 8;
	relr = (uint64_t *)(image + 1);
	relr[0] = WORD(0);
	memset(relr + 1, 0xff, (n_words - 1) * 8);
	relr[n_words - 1] = (1ull << (n_last + 1)) - 1;
	assert_int_equal(elf_init(image, size, &elf), 0);
	int r = elf_memory_init(&elf, &memory);
	if (r == 0) {
		assert_int_equal(memory.n_relocations, 1 + (n_words - 2) * 63 + n_last);
		elf_memory_fini(&memory);
	}
	free(image);
	return r;
}

static void memory_has_so_many_relocations_and_no_more(void **state)
{
	const size_t full = (ELF_RELOCATIONS_MAX - 1) / 63,
		     rest = (ELF_RELOCATIONS_MAX - 1) % 63;

	(void)state;
	assert_int_equal(init_packed(full + 2, rest), 0);
	assert_int_equal(init_packed(full + 2, rest + 1), -E2BIG);
	assert_int_equal(init_packed(10 * full, 0), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pointer_is_what_its_relocation_says),
		cmocka_unit_test(pointer_is_not_guessed_when_only_loading_tells),
		cmocka_unit_test(pointer_is_refused_when_relocations_overlap),
		cmocka_unit_test(pointer_is_read_from_packed_relocations),
		cmocka_unit_test(bytes_and_strings_are_those_of_the_file),
		cmocka_unit_test(memory_is_refused_when_its_relocations_are_malformed),
		cmocka_unit_test(memory_has_so_many_relocations_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A shared object made by hand, looked at as it is and with each of its bytes changed. */
#include "base/elf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LOAD_CODE, LOAD_DATA, DYNAMIC, NOTES, RELRO, TLS, STACK, N_SEGMENTS };
enum { D_STRTAB, D_STRSZ, D_SYMTAB, D_HASH, D_NEEDED, D_RUNPATH, D_FLAGS, D_NULL, N_DYNAMIC };
enum { S_NULL, S_STRINGS, S_SYMBOLS, N_SECTIONS };

struct note {
	Elf64_Nhdr head;
	char owner[8];
	char content[8];
};

/* The file is its own memory: every address is its offset. */
struct image {
	Elf64_Ehdr head;
	Elf64_Phdr segments[N_SEGMENTS];
	Elf64_Dyn dynamic[N_DYNAMIC];
	Elf64_Sym symbols[3];
	uint32_t hash[8]; /* DT_HASH: 1 bucket, 3 symbols; or DT_GNU_HASH */
	struct note notes[3];
	char strings[40];
	Elf64_Shdr sections[N_SECTIONS];
};

static const char strings[] = "\0libc.so.6\0first\0second\0.strtab";
enum { STRING_LIBC = 1, STRING_FIRST = 11, STRING_SECOND = 17, STRING_STRTAB = 24 };

#define DATA_SIZE  0x3000
#define RELRO_SIZE 0x1000

static void fill_segments(struct image *image)
{
	static const struct note notes[3] = {
		{{7, 8, 7}, "Foobar", "not ours"},
		{{7, 5, 1}, "Troupe", "one\0"},
		{{7, 8, 2}, "Troupe", "two two"},
	};
	Elf64_Phdr *segments = image->segments;

	segments[LOAD_CODE] = (Elf64_Phdr){.p_type = PT_LOAD,
					   .p_flags = PF_R | PF_X,
					   .p_filesz = sizeof(*image),
					   .p_memsz = sizeof(*image)};
	segments[LOAD_DATA] = (Elf64_Phdr){.p_type = PT_LOAD,
					   .p_flags = PF_R | PF_W,
					   .p_vaddr = 0x10000,
					   .p_memsz = DATA_SIZE};
	segments[DYNAMIC] = (Elf64_Phdr){.p_type = PT_DYNAMIC,
					 .p_offset = offsetof(struct image, dynamic),
					 .p_vaddr = offsetof(struct image, dynamic),
					 .p_filesz = sizeof(image->dynamic)};
	segments[NOTES] = (Elf64_Phdr){.p_type = PT_NOTE,
				       .p_align = 4,
				       .p_offset = offsetof(struct image, notes),
				       .p_filesz = sizeof(image->notes)};
	segments[RELRO] =
		(Elf64_Phdr){.p_type = PT_GNU_RELRO, .p_vaddr = 0x10000, .p_memsz = RELRO_SIZE};
	segments[TLS] = (Elf64_Phdr){.p_type = PT_TLS, .p_memsz = 24};
	segments[STACK] = (Elf64_Phdr){.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W};
	memcpy(image->notes, notes, sizeof(notes));
}

static void fill_dynamic(struct image *image)
{
	const Elf64_Dyn dynamic[N_DYNAMIC] = {
		[D_STRTAB] = {DT_STRTAB, {offsetof(struct image, strings)}},
		[D_STRSZ] = {DT_STRSZ, {sizeof(image->strings)}},
		[D_SYMTAB] = {DT_SYMTAB, {offsetof(struct image, symbols)}},
		[D_HASH] = {DT_HASH, {offsetof(struct image, hash)}},
		[D_NEEDED] = {DT_NEEDED, {STRING_LIBC}},
		[D_RUNPATH] = {DT_DEBUG, {0}},
		[D_FLAGS] = {DT_DEBUG, {0}},
	};

	memcpy(image->dynamic, dynamic, sizeof(dynamic));
	memcpy(image->strings, strings, sizeof(strings));
	image->symbols[1] = (Elf64_Sym){.st_name = STRING_FIRST};
	image->symbols[2] = (Elf64_Sym){.st_name = STRING_SECOND, .st_shndx = 1};
	image->hash[0] = 1;
	image->hash[1] = 3;
}

static void fill_sections(struct image *image)
{
	image->sections[S_STRINGS] = (Elf64_Shdr){.sh_name = STRING_STRTAB,
						  .sh_type = SHT_STRTAB,
						  .sh_offset = offsetof(struct image, strings),
						  .sh_size = sizeof(image->strings)};
	image->sections[S_SYMBOLS] = (Elf64_Shdr){.sh_type = SHT_SYMTAB,
						  .sh_link = S_STRINGS,
						  .sh_offset = offsetof(struct image, symbols),
						  .sh_size = sizeof(image->symbols),
						  .sh_entsize = sizeof(Elf64_Sym)};
}

static void make(struct image *image)
{
	static const Elf64_Half machine =
#if defined(__x86_64__)
		EM_X86_64;
#elif defined(__aarch64__)
		EM_AARCH64;
#else
		EM_RISCV;
#endif

	*image = (struct image){.head = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
						     ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
					 .e_type = ET_DYN,
					 .e_machine = machine,
					 .e_phoff = offsetof(struct image, segments),
					 .e_phentsize = sizeof(Elf64_Phdr),
					 .e_phnum = N_SEGMENTS,
					 .e_shoff = offsetof(struct image, sections),
					 .e_shentsize = sizeof(Elf64_Shdr),
					 .e_shnum = N_SECTIONS,
					 .e_shstrndx = S_STRINGS}};
	fill_segments(image);
	fill_dynamic(image);
	fill_sections(image);
}

static int look(const struct image *image, struct elf *elf)
{
	return elf_init(image, sizeof(*image), elf);
}

static void elf_finds_notes_of_their_owner_only(void **state)
{
	struct elf_note note = {0};
	struct image image;
	struct elf elf;

	(void)state;
	make(&image);
	assert_int_equal(look(&image, &elf), 0);
	assert_int_equal(elf_next_note(&elf, "Troupe", &note), 1);
	assert_int_equal(note.type, 1);
	assert_int_equal(note.size, 5);
	assert_memory_equal(note.content, "one\0", 5);
	assert_int_equal(elf_next_note(&elf, "Troupe", &note), 1);
	assert_int_equal(note.type, 2);
	assert_memory_equal(note.content, "two two", 8);
	assert_int_equal(elf_next_note(&elf, "Troupe", &note), 0);
	assert_int_equal(elf_next_note(&elf, "Troupe", &note), 0);
}

static void elf_takes_a_last_note_without_its_padding(void **state)
{
	struct elf_note note = {0};
	struct image image;
	struct elf elf;

	(void)state;
	make(&image);
	image.notes[2].head.n_descsz = 5;
	image.segments[NOTES].p_filesz -= 3;
	assert_int_equal(look(&image, &elf), 0);
	assert_int_equal(elf_next_note(&elf, "Troupe", &note), 1);
	assert_int_equal(elf_next_note(&elf, "Troupe", &note), 1);
	assert_int_equal(note.size, 5);
	assert_int_equal(elf_next_note(&elf, "Troupe", &note), 0);
}

static void note_beyond_its_segment_is_malformed(void **state)
{
	static const struct {
		uint32_t owner, content;
	} sizes[] = {
		{7, 9}, {7, UINT32_MAX}, {UINT32_MAX, 8}, {UINT32_MAX, UINT32_MAX}, {17, 8}};
	struct image image;
	struct elf elf;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct elf_note note = {0};
		int r;

		make(&image);
		image.notes[2].head.n_namesz = sizes[i].owner;
		image.notes[2].head.n_descsz = sizes[i].content;
		assert_int_equal(look(&image, &elf), 0);
		while ((r = elf_next_note(&elf, "Troupe", &note)) == 1)
			;
		assert_int_equal(r, -EBADMSG);
	}
}

static void elf_counts_what_stays_writable(void **state)
{
	uint64_t writable, tls;
	struct image image;
	struct elf elf;

	(void)state;
	make(&image);
	assert_int_equal(look(&image, &elf), 0);
	elf_writable(&elf, &writable, &tls);
	assert_int_equal(writable, DATA_SIZE - RELRO_SIZE);
	assert_int_equal(tls, 24);
	assert_true(elf_is_relro(&elf, 0x10000, RELRO_SIZE));
	assert_false(elf_is_relro(&elf, 0x10000, RELRO_SIZE + 1));
	assert_false(elf_is_relro(&elf, 0x10008, UINT64_MAX));
	assert_false(elf_is_relro(&elf, 0xffff, 1));

	image.segments[RELRO].p_type = PT_NULL;
	elf_writable(&elf, &writable, &tls);
	assert_int_equal(writable, DATA_SIZE);

	/* Claims whose sums overflow count as much as can be, not as little. */
	image.segments[LOAD_DATA].p_memsz = UINT64_MAX - 4096;
	image.segments[TLS] = image.segments[LOAD_DATA];
	elf_writable(&elf, &writable, &tls);
	assert_true(writable == UINT64_MAX);
	assert_int_equal(tls, 0);
}

static void elf_reads_the_dynamic_section(void **state)
{
	struct elf_wishes wishes;
	struct image image;
	struct elf elf;
	const char *name;

	(void)state;
	make(&image);
	assert_int_equal(look(&image, &elf), 0);
	assert_int_equal(elf.dynamic.count, N_DYNAMIC - 1);
	assert_int_equal(elf_needed(&elf, D_NEEDED, &name), 1);
	assert_string_equal(name, "libc.so.6");
	assert_int_equal(elf_needed(&elf, D_STRTAB, &name), 0);
	elf_wishes(&elf, &wishes);
	assert_false(wishes.rpath || wishes.textrel || wishes.executable_stack);

	image.dynamic[D_RUNPATH].d_tag = DT_RUNPATH;
	image.dynamic[D_FLAGS] = (Elf64_Dyn){DT_FLAGS, {DF_TEXTREL}};
	image.segments[STACK].p_flags |= PF_X;
	image.dynamic[D_NEEDED].d_un.d_val = sizeof(image.strings);
	elf_wishes(&elf, &wishes);
	assert_true(wishes.rpath && wishes.textrel && wishes.executable_stack);
	assert_int_equal(elf_needed(&elf, D_NEEDED, &name), -EBADMSG);

	image.dynamic[D_RUNPATH].d_tag = DT_RPATH;
	image.dynamic[D_FLAGS] = (Elf64_Dyn){DT_TEXTREL, {0}};
	image.segments[STACK].p_type = PT_NULL; /* which the kernel takes for a wish */
	elf_wishes(&elf, &wishes);
	assert_true(wishes.rpath && wishes.textrel && wishes.executable_stack);
}

static void check_symbols(const struct image *image, enum elf_table table)
{
	Elf64_Sym symbol;
	const char *name;
	struct elf elf;

	assert_int_equal(look(image, &elf), 0);
	assert_int_equal(elf.symbols[table].count, 3);
	assert_int_equal(elf_symbol(&elf, table, 1, &symbol, &name), 0);
	assert_string_equal(name, "first");
	assert_int_equal(symbol.st_shndx, SHN_UNDEF);
	assert_int_equal(elf_symbol(&elf, table, 2, &symbol, &name), 0);
	assert_string_equal(name, "second");
}

static void elf_reads_symbols_by_each_kind_of_table(void **state)
{
	/* 1 bucket, symbols hashed from 2 on, no Bloom filter; the chain of bucket 0 begins and
	 * ends at 2. */
	static const uint32_t gnu_hash[8] = {1, 2, 0, 0, 2, 1};
	struct image image;

	(void)state;
	make(&image);
	check_symbols(&image, ELF_SYMBOLS);
	check_symbols(&image, ELF_DYNAMIC_SYMBOLS);
	image.head.e_shoff = 0;
	image.head.e_shnum = 0;
	check_symbols(&image, ELF_DYNAMIC_SYMBOLS);
	image.dynamic[D_HASH].d_tag = DT_GNU_HASH;
	memcpy(image.hash, gnu_hash, sizeof(gnu_hash));
	check_symbols(&image, ELF_DYNAMIC_SYMBOLS);
}

static void elf_without_a_hash_ends_its_symbols_at_the_strings(void **state)
{
	struct image image;
	struct elf elf;

	(void)state;
	make(&image);
	image.dynamic[D_HASH].d_tag = DT_DEBUG;
	assert_int_equal(look(&image, &elf), 0);
	assert_int_equal(elf.symbols[ELF_DYNAMIC_SYMBOLS].count,
			 (offsetof(struct image, strings) - offsetof(struct image, symbols)) /
				 sizeof(Elf64_Sym));
}

static void files_that_are_no_shared_objects_are_refused(void **state)
{
	struct image image;
	struct elf elf;

	(void)state;
	make(&image);
	for (size_t size = 0; size < sizeof(Elf64_Ehdr); size++)
		assert_int_equal(elf_init(&image, size, &elf), -ENOEXEC);
	image.head.e_ident[0] = 'E';
	assert_int_equal(look(&image, &elf), -ENOEXEC);
	make(&image);
	image.head.e_ident[EI_CLASS] = ELFCLASS32;
	assert_int_equal(look(&image, &elf), -ENOEXEC);
	make(&image);
	image.head.e_machine = EM_SPARC;
	assert_int_equal(look(&image, &elf), -ENOEXEC);
	make(&image);
	image.head.e_type = ET_EXEC;
	assert_int_equal(look(&image, &elf), -ENOEXEC);
}

/* Each of these points outside of the file, or claims more than there is. */
static void what_lies_outside_of_the_file_is_malformed(void **state)
{
	static const uint64_t wrong[] = {sizeof(struct image), UINT64_MAX, UINT64_MAX - 8};
	struct image image;
	struct elf elf;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint64_t *places[] = {&image.head.e_phoff,
				      &image.head.e_shoff,
				      &image.segments[NOTES].p_offset,
				      &image.segments[LOAD_CODE].p_filesz,
				      &image.segments[DYNAMIC].p_filesz,
				      &image.segments[DYNAMIC].p_vaddr,
				      &image.dynamic[D_STRTAB].d_un.d_val,
				      &image.dynamic[D_STRSZ].d_un.d_val,
				      &image.dynamic[D_SYMTAB].d_un.d_val,
				      &image.sections[S_STRINGS].sh_offset,
				      &image.sections[S_SYMBOLS].sh_size};

		for (size_t j = 0; j < sizeof(places) / sizeof(places[0]); j++) {
			make(&image);
			*places[j] =
				wrong[i] + (places[j] == &image.segments[LOAD_CODE].p_filesz);
			if (look(&image, &elf) != -EBADMSG)
				fail_msg("place %zu, value %zu", j, i);
		}
	}
	make(&image);
	image.strings[sizeof(image.strings) - 1] = 'x';
	assert_int_equal(look(&image, &elf), -EBADMSG);
	make(&image);
	image.head.e_phnum = ELF_SEGMENTS_MAX + 1;
	assert_int_equal(look(&image, &elf), -EBADMSG);
}

/* Everything that can be asked of an image. */
static void walk(const struct image *image, size_t size)
{
	struct elf_note note = {0};
	struct elf_wishes wishes;
	uint64_t writable, tls;
	const char *name;
	size_t sum = 0;
	struct elf elf;

	if (elf_init(image, size, &elf) < 0)
		return;
	while (elf_next_note(&elf, "Troupe", &note) == 1)
		sum += note.size > 0 ? ((const unsigned char *)note.content)[note.size - 1] : 0;
	elf_wishes(&elf, &wishes);
	elf_writable(&elf, &writable, &tls);
	for (size_t i = 0; i < elf.dynamic.count; i++)
		if (elf_needed(&elf, i, &name) == 1)
			sum += strlen(name);
	for (int table = 0; table < 2; table++) {
		Elf64_Sym symbol;

		for (size_t i = 0; i < elf.symbols[table].count; i++)
			if (elf_symbol(&elf, (enum elf_table)table, i, &symbol, &name) == 0)
				sum += strlen(name);
	}
	assert_true(sum < SIZE_MAX);
}

/* What is read out of bounds, the sanitizers tell: the copy ends where its memory does. */
static void elf_survives_any_byte_changed_and_any_end(void **state)
{
	static const unsigned char values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
	struct image *image = (struct image *)malloc(sizeof(*image));

	(void)state;
	assert_non_null(image);
	for (size_t at = 0; at < sizeof(*image); at++) {
		for (size_t i = 0; i < sizeof(values); i++) {
			make(image);
			((unsigned char *)image)[at] = values[i];
			walk(image, sizeof(*image));
		}
	}
	make(image);
	for (size_t size = 0; size < sizeof(*image); size++) {
		void *cut = malloc(size ? size : 1);

		assert_non_null(cut);
		memcpy(cut, image, size);
		walk((const struct image *)cut, size);
		free(cut);
	}
	free(image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elf_finds_notes_of_their_owner_only),
		cmocka_unit_test(elf_takes_a_last_note_without_its_padding),
		cmocka_unit_test(note_beyond_its_segment_is_malformed),
		cmocka_unit_test(elf_counts_what_stays_writable),
		cmocka_unit_test(elf_reads_the_dynamic_section),
		cmocka_unit_test(elf_reads_symbols_by_each_kind_of_table),
		cmocka_unit_test(elf_without_a_hash_ends_its_symbols_at_the_strings),
		cmocka_unit_test(files_that_are_no_shared_objects_are_refused),
		cmocka_unit_test(what_lies_outside_of_the_file_is_malformed),
		cmocka_unit_test(elf_survives_any_byte_changed_and_any_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "proto/seal.h"

#include "base/cleanup.h"
#include "base/elf.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Bytes between two symbols that alignment can explain, where the section does not ask for
 * more. */
#define PADDING_MIN 16

/* Bytes of the file's memory that a symbol names. */
struct named_bytes {
	uint64_t start, end;
};

struct judge {
	struct elf elf;
	uint64_t tls_start; /* symbols of thread-local data count from here */
	bool instrumented;  /* sanitizers and coverage keep data without symbols */
	seal_offender_fn *on_offender;
	void *context;
	size_t n_offenders;
	struct named_bytes *ranges; /* those of one section */
};

static void offend(struct judge *judge, const char *symbol, const char *section, uint64_t size)
{
	struct seal_offender offender = {symbol, section, size};

	judge->n_offenders++;
	judge->on_offender(judge->context, &offender);
}

/* Sections of the linker's, the compilers' and the instrumentation's own tables. */
static bool is_table(const char *name)
{
	return seal_begins_with(
		name, ".got .dynamic .init_array .fini_array .preinit_array .ctors .dtors .jcr "
		      ".tm_clone_table .data.rel.ro .eh_frame .plt .gcc_except_table "
		      ".relro_padding __llvm_ __sancov_ asan_globals ");
}

/* Thread-local data is a template, which RELRO may cover: each thread's copy is writable all
 * the same. */
static bool is_judged(const struct judge *judge, const Elf64_Shdr *section, const char *name)
{
	if (!(section->sh_flags & SHF_ALLOC) || !(section->sh_flags & SHF_WRITE) ||
	    is_table(name))
		return false;
	return (section->sh_flags & SHF_TLS) ||
	       !elf_is_relro(&judge->elf, section->sh_addr, section->sh_size);
}

static int compare_ranges(const void *a, const void *b)
{
	const struct named_bytes *one = (const struct named_bytes *)a;
	const struct named_bytes *other = (const struct named_bytes *)b;

	return one->start < other->start ? -1 : one->start > other->start;
}

/* Whether a relocation points to a C++ type's description (_ZTI...), of a library or of the
 * plug-in itself. */
static bool is_typeinfo(const struct judge *judge, const Elf64_Rela *relocation)
{
	size_t index = ELF64_R_SYM(relocation->r_info);
	const char *name;
	Elf64_Sym symbol;

	if (index > 0)
		return index < judge->elf.symbols[ELF_DYNAMIC_SYMBOLS].count &&
		       elf_symbol(&judge->elf, ELF_DYNAMIC_SYMBOLS, index, &symbol, &name) ==
			       0 &&
		       strncmp(name, "_ZTI", 4) == 0;
	for (size_t i = 0; i < judge->elf.symbols[ELF_SYMBOLS].count; i++)
		if (elf_symbol(&judge->elf, ELF_SYMBOLS, i, &symbol, &name) == 0 &&
		    symbol.st_shndx != SHN_UNDEF &&
		    symbol.st_value == (uint64_t)relocation->r_addend &&
		    strncmp(name, "_ZTI", 4) == 0)
			return true;
	return false;
}

/* Bytes between two addresses that clang put there for `catch`: a pointer to the type, which it
 * gives no symbol that would last. The dynamic linker fills them in, so each has a
 * relocation. */
static uint64_t count_typeinfo(const struct judge *judge, uint64_t start, uint64_t end)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < judge->elf.sections.count; i++) {
		const char *name;
		Elf64_Shdr section;

		if (elf_section(&judge->elf, i, &section, &name) < 0 ||
		    section.sh_type != SHT_RELA || !(section.sh_flags & SHF_ALLOC))
			continue;
		for (uint64_t at = 0; section.sh_size - at >= sizeof(Elf64_Rela);
		     at += sizeof(Elf64_Rela)) {
			Elf64_Rela relocation;

			memcpy(&relocation, judge->elf.file + section.sh_offset + at,
			       sizeof(relocation));
			if (relocation.r_offset >= start && relocation.r_offset < end &&
			    is_typeinfo(judge, &relocation))
				bytes += sizeof(void *);
		}
	}
	return bytes;
}

static void judge_gap(struct judge *judge, const char *name, uint64_t start, uint64_t end,
		      uint64_t padding)
{
	if (end - start < padding)
		return;
	uint64_t known = count_typeinfo(judge, start, end);
	if (known <= end - start && end - start - known >= padding)
		offend(judge, NULL, name, end - start - known);
}

/* What no symbol names is the plug-in's own as well: someone could look away. */
static void judge_gaps(struct judge *judge, const Elf64_Shdr *section, const char *name,
		       size_t n)
{
	uint64_t padding =
		section->sh_addralign > PADDING_MIN ? section->sh_addralign : PADDING_MIN;
	uint64_t at = section->sh_addr;
	uint64_t end = section->sh_addr + section->sh_size;

	if (judge->instrumented)
		return;
	qsort(judge->ranges, n, sizeof(*judge->ranges), compare_ranges);
	for (size_t i = 0; i < n; i++) {
		if (judge->ranges[i].start > at)
			judge_gap(judge, name, at, judge->ranges[i].start, padding);
		if (judge->ranges[i].end > at)
			at = judge->ranges[i].end;
	}
	if (at < end)
		judge_gap(judge, name, at, end, padding);
}

/* The symbols of section i. Local ones come after the name of the file that they come from. */
static int judge_section(struct judge *judge, size_t i, const Elf64_Shdr *section,
			 const char *section_name)
{
	const char *source = "";
	size_t n = 0;

	for (size_t j = 0; j < judge->elf.symbols[ELF_SYMBOLS].count; j++) {
		const char *name;
		Elf64_Sym symbol;
		uint64_t start;
		int r = elf_symbol(&judge->elf, ELF_SYMBOLS, j, &symbol, &name);

		if (r < 0)
			return r;
		if (ELF64_ST_TYPE(symbol.st_info) == STT_FILE)
			source = name;
		/* The C runtime declares a pointer without its size. */
		if (symbol.st_size == 0 && strcmp(name, "__dso_handle") == 0)
			symbol.st_size = sizeof(void *);
		if (symbol.st_shndx != i || symbol.st_size == 0)
			continue;
		start = symbol.st_value;
		if (ELF64_ST_TYPE(symbol.st_info) == STT_TLS)
			start += judge->tls_start;
		if (start + symbol.st_size < start)
			return -EBADMSG;
		judge->ranges[n++] = (struct named_bytes){start, start + symbol.st_size};
		if (ELF64_ST_BIND(symbol.st_info) != STB_LOCAL)
			source = "";
		if (!seal_is_runtime(name, source) &&
		    !(judge->instrumented && seal_is_instrumentation(name)))
			offend(judge, name, section_name, symbol.st_size);
	}
	judge_gaps(judge, section, section_name, n);
	return 0;
}

static int find_instrumentation(struct judge *judge)
{
	for (size_t i = 0; i < judge->elf.symbols[ELF_SYMBOLS].count; i++) {
		const char *name;
		Elf64_Sym symbol;
		int r = elf_symbol(&judge->elf, ELF_SYMBOLS, i, &symbol, &name);

		if (r < 0)
			return r;
		judge->instrumented |= seal_begins_with(
			name, "__asan_ __hwasan_ __ubsan_ __msan_ __gcov __llvm_profile ");
	}
	return 0;
}

static void find_tls(struct judge *judge)
{
	for (size_t i = 0; i < judge->elf.segments.count; i++) {
		Elf64_Phdr segment;

		elf_segment(&judge->elf, i, &segment);
		if (segment.p_type == PT_TLS)
			judge->tls_start = segment.p_vaddr;
	}
}

static int judge_sections(struct judge *judge)
{
	for (size_t i = 0; i < judge->elf.sections.count; i++) {
		const char *name;
		Elf64_Shdr section;
		int r = elf_section(&judge->elf, i, &section, &name);

		if (r < 0)
			return r;
		if (!is_judged(judge, &section, name))
			continue;
		if (section.sh_addr + section.sh_size < section.sh_addr)
			return -EBADMSG;
		r = judge_section(judge, i, &section, name);
		if (r < 0)
			return r;
	}
	return 0;
}

int seal_judge(const void *file, size_t size, seal_offender_fn *on_offender, void *context,
	       struct seal *ret_seal)
{
	struct judge judge = {.on_offender = on_offender, .context = context};
	cleanup_free struct named_bytes *ranges = NULL;
	uint64_t writable, tls;
	int r;

	r = elf_init(file, size, &judge.elf);
	if (r < 0)
		return r;
	if (judge.elf.symbols[ELF_SYMBOLS].count == 0)
		return -ENODATA;
	ranges = (struct named_bytes *)calloc(judge.elf.symbols[ELF_SYMBOLS].count,
					      sizeof(*ranges));
	if (!ranges)
		return -ENOMEM;
	judge.ranges = ranges;
	find_tls(&judge);
	r = find_instrumentation(&judge);
	if (r < 0)
		return r;
	r = judge_sections(&judge);
	if (r < 0)
		return r;
	if (judge.n_offenders > 0)
		return -EPERM;
	elf_writable(&judge.elf, &writable, &tls);
	if (writable > UINT32_MAX || tls > UINT32_MAX)
		return -EFBIG;
	*ret_seal = (struct seal){(uint32_t)writable, (uint32_t)tls};
	return 0;
}

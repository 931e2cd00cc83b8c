#include "base/elf.h"

#include <errno.h>
#include <string.h>

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#elif defined(__riscv)
#define MACHINE EM_RISCV
#else
#define MACHINE EM_NONE /* name yours above; until then no file is one of this machine */
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define BYTE_ORDER_HERE ELFDATA2LSB
#else
#define BYTE_ORDER_HERE ELFDATA2MSB
#endif

static bool is_inside(const struct elf *elf, uint64_t offset, uint64_t size)
{
	return offset <= elf->size && size <= elf->size - offset;
}

/* The records may be aligned to nothing: always copied. */
static void copy_record(const struct elf_records *records, size_t i, void *record, size_t size)
{
	memcpy(record, records->at + i * records->stride, size);
}

void elf_segment(const struct elf *elf, size_t i, Elf64_Phdr *ret_segment)
{
	copy_record(&elf->segments, i, ret_segment, sizeof(*ret_segment));
}

bool elf_next_segment(const struct elf *elf, uint32_t type, size_t *at, Elf64_Phdr *ret_segment)
{
	while (*at < elf->segments.count) {
		elf_segment(elf, (*at)++, ret_segment);
		if (ret_segment->p_type == type)
			return true;
	}
	return false;
}

bool elf_dynamic(const struct elf *elf, int64_t tag, uint64_t *value)
{
	Elf64_Dyn entry;

	for (size_t i = elf->dynamic.count; i-- > 0;) {
		copy_record(&elf->dynamic, i, &entry, sizeof(entry));
		if (entry.d_tag == tag) {
			*value = entry.d_un.d_val;
			return true;
		}
	}
	return false;
}

const unsigned char *elf_find_memory(const struct elf *elf, uint64_t address,
				     uint64_t *ret_size)
{
	Elf64_Phdr segment;

	for (size_t i = 0; elf_next_segment(elf, PT_LOAD, &i, &segment);) {
		uint64_t offset = address - segment.p_vaddr;

		if (address < segment.p_vaddr || offset > segment.p_filesz)
			continue;
		*ret_size = segment.p_filesz - offset;
		return elf->file + segment.p_offset + offset;
	}
	return NULL;
}

/* `size` bytes of it; NULL: they are not there. */
static const unsigned char *find_memory(const struct elf *elf, uint64_t address, uint64_t size)
{
	uint64_t rest;
	const unsigned char *at = elf_find_memory(elf, address, &rest);

	return at && size <= rest ? at : NULL;
}

static int set_strings(struct elf_strings *strings, const unsigned char *at, uint64_t size)
{
	if (size > 0 && at[size - 1] != '\0')
		return -EBADMSG;
	strings->at = (const char *)at;
	strings->size = (size_t)size;
	return 0;
}

static int get_string(const struct elf_strings *strings, uint64_t offset,
		      const char **ret_string)
{
	if (offset >= strings->size)
		return -EBADMSG;
	*ret_string = strings->at + offset;
	return 0;
}

/* The segments' contents must lie in the file; those of notes together be no longer than it, so
 * that no byte is read for many of them. */
static int check_segments(const struct elf *elf)
{
	uint64_t notes = 0;
	Elf64_Phdr segment;

	for (size_t i = 0; i < elf->segments.count; i++) {
		elf_segment(elf, i, &segment);
		if (!is_inside(elf, segment.p_offset, segment.p_filesz))
			return -EBADMSG;
		notes += segment.p_type == PT_NOTE ? segment.p_filesz : 0;
		if (notes > elf->size)
			return -EBADMSG;
	}
	return 0;
}

static int init_segments(struct elf *elf, const Elf64_Ehdr *head)
{
	if (head->e_phentsize != sizeof(Elf64_Phdr) || head->e_phnum == 0 ||
	    head->e_phnum > ELF_SEGMENTS_MAX ||
	    !is_inside(elf, head->e_phoff, (uint64_t)head->e_phnum * sizeof(Elf64_Phdr)))
		return -EBADMSG;
	elf->segments = (struct elf_records){elf->file + head->e_phoff, head->e_phnum,
					     sizeof(Elf64_Phdr)};
	return check_segments(elf);
}

static int init_section_symbols(struct elf *elf, const Elf64_Shdr *section)
{
	const char *name;
	Elf64_Shdr strings;
	int r;

	if (section->sh_entsize != sizeof(Elf64_Sym) || section->sh_link >= elf->sections.count)
		return -EBADMSG;
	r = elf_section(elf, section->sh_link, &strings, &name);
	if (r < 0)
		return r;
	if (strings.sh_type != SHT_STRTAB)
		return -EBADMSG;
	elf->symbols[ELF_SYMBOLS] =
		(struct elf_records){elf->file + section->sh_offset,
				     section->sh_size / sizeof(Elf64_Sym), sizeof(Elf64_Sym)};
	return set_strings(&elf->names[ELF_SYMBOLS], elf->file + strings.sh_offset,
			   strings.sh_size);
}

static int init_sections(struct elf *elf, const Elf64_Ehdr *head)
{
	Elf64_Shdr section;
	const char *name;
	int r;

	if (head->e_shoff == 0 || head->e_shnum == 0)
		return 0;
	if (head->e_shentsize != sizeof(Elf64_Shdr) || head->e_shstrndx >= head->e_shnum ||
	    !is_inside(elf, head->e_shoff, (uint64_t)head->e_shnum * sizeof(Elf64_Shdr)))
		return -EBADMSG;
	elf->sections = (struct elf_records){elf->file + head->e_shoff, head->e_shnum,
					     sizeof(Elf64_Shdr)};
	copy_record(&elf->sections, head->e_shstrndx, &section, sizeof(section));
	if (section.sh_type != SHT_STRTAB ||
	    !is_inside(elf, section.sh_offset, section.sh_size))
		return -EBADMSG;
	r = set_strings(&elf->section_names, elf->file + section.sh_offset, section.sh_size);
	if (r < 0)
		return r;
	for (size_t i = 0; i < elf->sections.count; i++) {
		r = elf_section(elf, i, &section, &name);
		if (r < 0)
			return r;
		if (section.sh_type == SHT_SYMTAB)
			return init_section_symbols(elf, &section);
	}
	return 0;
}

static uint32_t load_word(const unsigned char *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* How many symbols a DT_GNU_HASH table knows of: the last one of the chain that begins last,
 * plus one. 0: none, or malformed. */
static uint64_t count_gnu_hash(const struct elf *elf, uint64_t address)
{
	uint64_t rest, n_buckets, first, skipped, last = 0;
	const unsigned char *at = elf_find_memory(elf, address, &rest);

	if (!at || rest < 16)
		return 0;
	n_buckets = load_word(at);
	first = load_word(at + 4);
	skipped = 16 + (uint64_t)load_word(at + 8) * 8; /* the head and the Bloom filter */
	if (skipped > rest || n_buckets > (rest - skipped) / 4)
		return 0;
	at += skipped;
	rest -= skipped;
	for (uint64_t i = 0; i < n_buckets; i++)
		if (load_word(at + i * 4) > last)
			last = load_word(at + i * 4);
	at += n_buckets * 4;
	rest -= n_buckets * 4;
	if (last == 0 || last < first)
		return 0;
	for (; last - first < rest / 4; last++)
		if (load_word(at + (last - first) * 4) & 1)
			return last + 1;
	return 0;
}

/* What the dynamic section says about its symbols: addresses, 0 for absent. */
struct dynamic_tables {
	uint64_t symbols, strings, strings_size, hash, gnu_hash;
};

/* The number of dynamic symbols is not in the file: it follows from the hash tables, or,
 * where these are empty, from the habit of linkers to put the strings right after the
 * symbols. */
static uint64_t count_symbols(const struct elf *elf, const struct dynamic_tables *tables)
{
	const unsigned char *hash = find_memory(elf, tables->hash, 8);
	uint64_t count = 0;

	if (tables->hash && hash)
		return load_word(hash + 4);
	if (tables->gnu_hash)
		count = count_gnu_hash(elf, tables->gnu_hash);
	if (count == 0 && tables->strings > tables->symbols)
		count = (tables->strings - tables->symbols) / sizeof(Elf64_Sym);
	return count;
}

static int init_dynamic_symbols(struct elf *elf)
{
	struct dynamic_tables tables = {0};
	const unsigned char *at;
	uint64_t count;
	int r;

	(void)elf_dynamic(elf, DT_SYMTAB, &tables.symbols);
	(void)elf_dynamic(elf, DT_STRTAB, &tables.strings);
	(void)elf_dynamic(elf, DT_STRSZ, &tables.strings_size);
	(void)elf_dynamic(elf, DT_HASH, &tables.hash);
	(void)elf_dynamic(elf, DT_GNU_HASH, &tables.gnu_hash);
	if (!tables.symbols || !tables.strings)
		return 0;
	at = find_memory(elf, tables.strings, tables.strings_size);
	if (!at)
		return -EBADMSG;
	r = set_strings(&elf->names[ELF_DYNAMIC_SYMBOLS], at, tables.strings_size);
	if (r < 0)
		return r;
	count = count_symbols(elf, &tables);
	if (count > elf->size / sizeof(Elf64_Sym))
		return -EBADMSG;
	at = find_memory(elf, tables.symbols, count * sizeof(Elf64_Sym));
	if (!at)
		return -EBADMSG;
	elf->symbols[ELF_DYNAMIC_SYMBOLS] =
		(struct elf_records){at, (size_t)count, sizeof(Elf64_Sym)};
	return 0;
}

static int init_dynamic(struct elf *elf)
{
	Elf64_Phdr segment;
	const unsigned char *at;
	size_t i = 0, count;

	if (!elf_next_segment(elf, PT_DYNAMIC, &i, &segment))
		return -EBADMSG; /* a shared object without one cannot be loaded */
	/* By address, not by offset: that is where the dynamic linker looks. */
	at = find_memory(elf, segment.p_vaddr, segment.p_filesz);
	count = segment.p_filesz / sizeof(Elf64_Dyn);
	if (!at || count > ELF_DYNAMIC_MAX)
		return -EBADMSG;
	elf->dynamic = (struct elf_records){at, 0, sizeof(Elf64_Dyn)};
	for (; elf->dynamic.count < count; elf->dynamic.count++) {
		Elf64_Dyn entry;

		copy_record(&elf->dynamic, elf->dynamic.count, &entry, sizeof(entry));
		if (entry.d_tag == DT_NULL)
			break;
	}
	return init_dynamic_symbols(elf);
}

int elf_init(const void *file, size_t size, struct elf *ret_elf)
{
	struct elf elf = {.file = (const unsigned char *)file, .size = size};
	Elf64_Ehdr head;
	int r;

	if (size < sizeof(head))
		return -ENOEXEC;
	memcpy(&head, file, sizeof(head));
	if (memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
	    head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_ident[EI_DATA] != BYTE_ORDER_HERE ||
	    head.e_machine != MACHINE || head.e_type != ET_DYN)
		return -ENOEXEC;
	r = init_segments(&elf, &head);
	if (r < 0)
		return r;
	r = init_sections(&elf, &head);
	if (r < 0)
		return r;
	r = init_dynamic(&elf);
	if (r < 0)
		return r;
	*ret_elf = elf;
	return 0;
}

int elf_section(const struct elf *elf, size_t i, Elf64_Shdr *ret_section, const char **ret_name)
{
	Elf64_Shdr section;
	int r;

	copy_record(&elf->sections, i, &section, sizeof(section));
	if (section.sh_type != SHT_NOBITS &&
	    !is_inside(elf, section.sh_offset, section.sh_size))
		return -EBADMSG;
	r = get_string(&elf->section_names, section.sh_name, ret_name);
	if (r < 0)
		return r;
	*ret_section = section;
	return 0;
}

int elf_symbol(const struct elf *elf, enum elf_table table, size_t i, Elf64_Sym *ret_symbol,
	       const char **ret_name)
{
	Elf64_Sym symbol;
	int r;

	copy_record(&elf->symbols[table], i, &symbol, sizeof(symbol));
	r = get_string(&elf->names[table], symbol.st_name, ret_name);
	if (r < 0)
		return r;
	*ret_symbol = symbol;
	return 0;
}

static size_t align_up(size_t size, size_t align)
{
	return (size + align - 1) / align * align;
}

/* The note at note->at of a segment; moves note->at past it. Sizes are 32 bits, so the sums
 * cannot overflow. */
static int read_note(const struct elf *elf, const Elf64_Phdr *segment, struct elf_note *note,
		     const char **ret_owner, size_t *ret_owner_size)
{
	const unsigned char *at = elf->file + segment->p_offset + note->at;
	size_t left = (size_t)segment->p_filesz - note->at;
	size_t align = segment->p_align == 8 ? 8 : 4;
	size_t content;
	Elf64_Nhdr head;

	if (left < sizeof(head))
		return -EBADMSG;
	memcpy(&head, at, sizeof(head));
	content = align_up(sizeof(head) + (size_t)head.n_namesz, align);
	if (content > left || head.n_descsz > left - content)
		return -EBADMSG;
	*ret_owner = (const char *)at + sizeof(head);
	*ret_owner_size = head.n_namesz;
	note->type = head.n_type;
	note->content = at + content;
	note->size = head.n_descsz;
	content = align_up(content + head.n_descsz, align);
	note->at += content < left ? content : left; /* the last one's padding may be missing */
	return 0;
}

int elf_next_note(const struct elf *elf, const char *owner, struct elf_note *note)
{
	size_t wanted_size = strlen(owner) + 1;

	for (; note->segment < elf->segments.count; note->segment++, note->at = 0) {
		Elf64_Phdr segment;

		elf_segment(elf, note->segment, &segment);
		if (segment.p_type != PT_NOTE)
			continue;
		while (note->at < segment.p_filesz) {
			const char *found;
			size_t found_size;
			int r = read_note(elf, &segment, note, &found, &found_size);

			if (r < 0)
				return r;
			if (found_size == wanted_size && memcmp(found, owner, wanted_size) == 0)
				return 1;
		}
	}
	return 0;
}

/* The name of an entry that reaches beyond the object itself; NULL: it does not. */
static const char *find_meddling(const Elf64_Dyn *entry)
{
	switch (entry->d_tag) {
	case DT_AUDIT:
		return "DT_AUDIT";
	case DT_DEPAUDIT:
		return "DT_DEPAUDIT";
	case DT_FILTER:
		return "DT_FILTER";
	case DT_AUXILIARY:
		return "DT_AUXILIARY";
	case DT_CONFIG:
		return "DT_CONFIG";
	case DT_FLAGS_1:
		if (entry->d_un.d_val & DF_1_GLOBAL)
			return "DF_1_GLOBAL";
		if (entry->d_un.d_val & DF_1_INTERPOSE)
			return "DF_1_INTERPOSE";
		return entry->d_un.d_val & DF_1_LOADFLTR ? "DF_1_LOADFLTR" : NULL;
	}
	return NULL;
}

void elf_wishes(const struct elf *elf, struct elf_wishes *ret_wishes)
{
	Elf64_Phdr segment;
	const char *meddling;
	uint64_t value;

	*ret_wishes = (struct elf_wishes){
		.executable_stack = true,
		.rpath = elf_dynamic(elf, DT_RPATH, &value) ||
			 elf_dynamic(elf, DT_RUNPATH, &value),
	};
	for (size_t i = 0; i < elf->dynamic.count; i++) {
		Elf64_Dyn entry;

		copy_record(&elf->dynamic, i, &entry, sizeof(entry));
		if (entry.d_tag == DT_TEXTREL ||
		    (entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_TEXTREL)))
			ret_wishes->textrel = true;
		meddling = find_meddling(&entry);
		if (meddling)
			ret_wishes->meddling = meddling;
	}
	for (size_t i = 0; elf_next_segment(elf, PT_GNU_STACK, &i, &segment);)
		ret_wishes->executable_stack = segment.p_flags & PF_X;
}

int elf_needed(const struct elf *elf, size_t i, const char **ret_name)
{
	Elf64_Dyn entry;
	int r;

	copy_record(&elf->dynamic, i, &entry, sizeof(entry));
	if (entry.d_tag != DT_NEEDED)
		return 0;
	r = get_string(&elf->names[ELF_DYNAMIC_SYMBOLS], entry.d_un.d_val, ret_name);
	return r < 0 ? r : 1;
}

static uint64_t add_saturating(uint64_t a, uint64_t b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* The RELRO segment: [*ret_start, *ret_end); empty when there is none. */
static void find_relro(const struct elf *elf, uint64_t *ret_start, uint64_t *ret_end)
{
	Elf64_Phdr segment;
	size_t i = 0;

	if (!elf_next_segment(elf, PT_GNU_RELRO, &i, &segment))
		segment = (Elf64_Phdr){0};
	*ret_start = segment.p_vaddr;
	*ret_end = add_saturating(segment.p_vaddr, segment.p_memsz);
}

void elf_writable(const struct elf *elf, uint64_t *ret_writable, uint64_t *ret_tls)
{
	uint64_t writable = 0, tls = 0, relro_start, relro_end;
	Elf64_Phdr segment;

	find_relro(elf, &relro_start, &relro_end);
	for (size_t i = 0; elf_next_segment(elf, PT_TLS, &i, &segment);)
		tls = add_saturating(tls, segment.p_memsz);
	for (size_t i = 0; elf_next_segment(elf, PT_LOAD, &i, &segment);) {
		uint64_t start, end, shared;

		if (!(segment.p_flags & PF_W))
			continue;
		start = segment.p_vaddr;
		end = add_saturating(start, segment.p_memsz);
		writable = add_saturating(writable, end - start);
		start = start > relro_start ? start : relro_start;
		end = end < relro_end ? end : relro_end;
		shared = start < end ? end - start : 0;
		writable -= shared < writable ? shared : writable;
	}
	*ret_writable = writable;
	*ret_tls = tls;
}

bool elf_is_relro(const struct elf *elf, uint64_t address, uint64_t size)
{
	uint64_t start, end;

	find_relro(elf, &start, &end);
	return address >= start && address <= end && size <= end - address;
}

/* elf.h - an ELF64 file in memory, read as hostile input.
 *
 * An elf borrows the file's bytes, which must not change meanwhile, and owns nothing: there is
 * nothing to free. Every offset, size and index of the file is checked before it is followed.
 * Pure: no log, no memory, any process and thread. The work of each function is linear in the
 * part of the file it reads.
 *
 * What the dynamic linker goes by (segments, notes, the dynamic section) is found through the
 * program headers; the section headers, which need not exist, are used for ELF_SYMBOLS and
 * elf_section() only.
 */
#ifndef BASE_ELF_H
#define BASE_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_SEGMENTS_MAX 64
#define ELF_SECTIONS_MAX 65535
#define ELF_DYNAMIC_MAX  1024 /* entries of the dynamic section */

/* `count` records of the file, each of `stride` bytes. */
struct elf_records {
	const unsigned char *at;
	size_t count;
	size_t stride;
};

/* A table of strings: size 0, or its last byte is NUL, so that each offset within it is a
 * string. */
struct elf_strings {
	const char *at;
	size_t size;
};

enum elf_table { ELF_SYMBOLS, ELF_DYNAMIC_SYMBOLS };

struct elf {
	const unsigned char *file;
	size_t size;
	struct elf_records segments;
	struct elf_records sections;
	struct elf_records dynamic;
	struct elf_records symbols[2]; /* by enum elf_table */
	struct elf_strings names[2];
	struct elf_strings section_names;
};

/* Look at a file: headers and tables. -ENOEXEC: no ELF64 shared object of this machine;
 * -EBADMSG: it is one, but malformed, or over a limit above. */
int elf_init(const void *file, size_t size, struct elf *ret_elf);

/* Segment i, i < elf->segments.count. What lies in the file was checked to do so. */
void elf_segment(const struct elf *elf, size_t i, Elf64_Phdr *ret_segment);

/* The first segment of that type from number *at on, which is moved behind it (start with 0).
 * false: there is none left. */
bool elf_next_segment(const struct elf *elf, uint32_t type, size_t *at,
		      Elf64_Phdr *ret_segment);

/* The value of the last entry of the dynamic section with that tag. false: there is none, and
 * *value is as it was. */
bool elf_dynamic(const struct elf *elf, int64_t tag, uint64_t *value);

/* What the file puts at an address, as far as it comes from one segment; NULL: nothing.
 * Relocations are not applied: elf_image.h does. */
const unsigned char *elf_find_memory(const struct elf *elf, uint64_t address,
				     uint64_t *ret_size);

/* Section i, i < elf->sections.count, and its name. -EBADMSG: its name or content is not in the
 * file. */
int elf_section(const struct elf *elf, size_t i, Elf64_Shdr *ret_section,
		const char **ret_name);

/* Symbol i, i < elf->symbols[table].count, and its name. -EBADMSG: its name is not in the
 * file. */
int elf_symbol(const struct elf *elf, enum elf_table table, size_t i, Elf64_Sym *ret_symbol,
	       const char **ret_name);

/* A note, and the place to go on from; all zero to begin with. */
struct elf_note {
	uint32_t type;
	const void *content; /* aligned to nothing */
	size_t size;
	size_t segment, at;
};

/* Go to the next note of an owner. 1: there is one; 0: no more; -EBADMSG: malformed. */
int elf_next_note(const struct elf *elf, const char *owner, struct elf_note *note);

/* What the dynamic section asks of the dynamic linker. */
struct elf_wishes {
	bool rpath;            /* DT_RPATH or DT_RUNPATH */
	bool textrel;          /* writes to code */
	bool executable_stack; /* or says nothing about it, which means the same */
	/* Its entry that has other objects watch, replace or complete symbols (DT_AUDIT,
	 * DT_FILTER...), or its own be everybody's: "DT_AUDIT"; the last of them. NULL: there
	 * is none. */
	const char *meddling;
};

void elf_wishes(const struct elf *elf, struct elf_wishes *ret_wishes);

/* Entry i of the dynamic section, i < elf->dynamic.count. true: it is DT_NEEDED; -EBADMSG: and
 * its name is not in the file. */
int elf_needed(const struct elf *elf, size_t i, const char **ret_name);

/* Bytes of memory that stay writable when the dynamic linker is done (writable segments but for
 * RELRO), and of memory that each thread gets. Saturating: hostile headers can claim any
 * size. */
void elf_writable(const struct elf *elf, uint64_t *ret_writable, uint64_t *ret_tls);

/* Whether all bytes from `address` on, `size` of them, are made read-only by the dynamic linker
 * (RELRO). */
bool elf_is_relro(const struct elf *elf, uint64_t address, uint64_t size);

#endif

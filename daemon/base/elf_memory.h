/* elf_memory.h - what the memory of a shared object will hold when the dynamic linker is done,
 * read from its file.
 *
 * For constants: bytes as they are in the file, and pointers to other places in the same
 * object, which are in its relocations (DT_RELA, and packed ones, DT_RELR). Addresses are the
 * file's own, as if it were loaded at 0. An elf_memory borrows the elf and its file and owns an
 * index of the relocations: init/fini. The file is hostile input: every address may be asked
 * for. Pure: no log, any process and thread. Init is O(n log n) in the relocations, all else
 * O(log n) plus what is read.
 *
 * Relocations of the PLT (DT_JMPREL) are not looked at: they fill in functions of others, no
 * constants.
 */
#ifndef BASE_ELF_MEMORY_H
#define BASE_ELF_MEMORY_H

#include "base/elf.h"

#define ELF_RELOCATIONS_MAX (1u << 20)

struct elf_relocation {
	uint64_t address;
	const unsigned char *record; /* an Elf64_Rela; NULL: packed */
};

struct elf_memory {
	const struct elf *elf;
	struct elf_relocation *relocations; /* in the order of their addresses */
	size_t n_relocations;
};

/* -EBADMSG: malformed; -ENOTSUP: relocations in a form that this machine does not use
 * (DT_REL); -E2BIG: more than ELF_RELOCATIONS_MAX; -ENOMEM. */
int elf_memory_init(const struct elf *elf, struct elf_memory *ret_memory);
void elf_memory_fini(struct elf_memory *memory);

/* All: -EFAULT: it is not (all of it) in the file; -ENOTSUP: a relocation changes it whose
 * result is not known without loading the object. *ret_x is borrowed from the file, and
 * aligned to nothing. */

/* `size` bytes that no relocation changes. */
int elf_memory_bytes(const struct elf_memory *memory, uint64_t address, uint64_t size,
		     const void **ret_bytes);

/* A string of at most `most` bytes, its NUL not counted. Also -E2BIG: it is longer. */
int elf_memory_string(const struct elf_memory *memory, uint64_t address, size_t most,
		      const char **ret_string);

/* A pointer: 0, or an address in the object. -ENOTSUP as well for a number that nothing
 * relocates. */
int elf_memory_pointer(const struct elf_memory *memory, uint64_t address, uint64_t *ret_target);

#endif

/* elf_image.h - the memory of a shared object as it will be when the dynamic linker is done,
 * made from its file.
 *
 * For constants: bytes as they are in the file, and pointers to other places in the same
 * object, which are in its relocations (DT_RELA, and packed ones, DT_RELR) and point into the
 * image here. The file is hostile input: pointers may have any value, also where their user
 * expects none, and are good only when they lie within the image. An image owns its memory, and
 * borrows nothing. Pure: no log, any process and thread. Making one takes time with the file's
 * size.
 *
 * Relocations of the PLT (DT_JMPREL) are not looked at: they fill in functions of others, no
 * constants.
 */
#ifndef BASE_ELF_IMAGE_H
#define BASE_ELF_IMAGE_H

#include "base/elf.h"

#define ELF_IMAGE_MAX (1ull << 30) /* bytes, with what lies between its segments */

struct elf_image {
	unsigned char *memory;
	size_t size;
	uint64_t low; /* address of the first byte, as if the object were loaded at 0 */
};

/* -EBADMSG: malformed; -ENOTSUP: relocations in a form that this machine does not use (DT_REL);
 * -E2BIG: larger than ELF_IMAGE_MAX; -ENOMEM. Pointers in it: to what lies in the image; to the
 * byte behind its end, for what lies in the object's memory but not in the file, or in neither;
 * NULL; or ELF_POINTER_UNKNOWN: not known without loading the object. */
#define ELF_POINTER_UNKNOWN UINTPTR_MAX
int elf_image_make(const struct elf *elf, struct elf_image *ret_image);
void elf_image_fini(struct elf_image *image);

/* What the object has at an address, for symbols: as pointers are above. */
const void *elf_image_at(const struct elf_image *image, uint64_t address);

#endif

/* note.h - what can be known of a plug-in without running it: ELF notes, written by macros.
 *
 * Plug-in authors meet these only through TROUPE_ACTOR(), generated headers and plugin.mk. The
 * host and troupectl read them from the file before anything of it is loaded, and check them.
 *
 * Each note is in a section of type SHT_NOTE named .note.troupe, hence in a PT_NOTE segment, is
 * not writable and needs no relocation. The layout is ELF's own, numbers in the machine's
 * order, 4-byte aligned:
 *
 *   uint32_t   owner size: 7 ("Troupe" and its NUL)
 *   uint32_t   content size, without the padding after it
 *   uint32_t   TROUPE_NOTE_TYPE_*
 *   char[8]    "Troupe", NUL, one byte of padding
 *   content    as below; then zeroes up to a multiple of 4
 *
 *   ACTOR       uint16_t ABI major, uint16_t ABI minor, name of the actor type, NUL
 *   INTERFACE   name of the interface, NUL, its whole IDL text, NUL
 *   TABLE       what the table of an actor type holds, as troupe-gen --seal read it: strings,
 *               each with its NUL: the name of the actor type; its description, empty for none;
 *               the layout of its configuration (docs/interfaces.md), empty when it takes none;
 *               the interface and the name of the type that declare that configuration, both
 *               empty where none does; the interfaces that it provides, in the order of the
 *               table
 *   SEAL        uint32_t bytes of writable memory beyond RELRO, uint32_t bytes of thread-local
 *               memory that the file may have: what troupe-gen --seal counted when it found
 *               nothing that belongs to the plug-in itself
 *
 * A later minor version may add types of notes, which a host that does not know them passes
 * over, and put more behind the strings of a note (but of TABLE) or the numbers of the seal:
 * each host reads what it knows.
 *
 * A plug-in of several files has an INTERFACE note from each file that includes the generated
 * header: readers drop duplicates. TABLE and SEAL are written when the plug-in has been linked,
 * and it is linked again with them; the worker compares TABLE with the table.
 */
#ifndef TROUPE_NOTE_H
#define TROUPE_NOTE_H

#include <stdint.h>
#include <troupe/type.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TROUPE_NOTE_OWNER          "Troupe"
#define TROUPE_NOTE_TYPE_ACTOR     1
#define TROUPE_NOTE_TYPE_INTERFACE 2
#define TROUPE_NOTE_TYPE_SEAL      4
#define TROUPE_NOTE_TYPE_TABLE     5

struct troupe_note_head {
	uint32_t owner_size;
	uint32_t content_size;
	uint32_t type;
	char owner[8];
};

/* A section named .note.* is an SHT_NOTE to the assembler, which --gc-sections keeps; `used` is
 * for the compilers, also with -flto. Explicit alignment stops them from aligning larger, and
 * clang's address sanitizer from putting red zones between notes; gcc's leaves sections of
 * one's own alone. */
#if defined(__clang__)
#define TROUPE_NOTE_PLACE                                                                      \
	__attribute__((section(".note.troupe"), used, aligned(4), no_sanitize("address")))
#else
#define TROUPE_NOTE_PLACE __attribute__((section(".note.troupe"), used, aligned(4)))
#endif

#define TROUPE_NOTE_PADDED(size) (((size) + 3) / 4 * 4)
#define TROUPE_NOTE_HEAD(type, size)                                                           \
	{                                                                                      \
		sizeof(TROUPE_NOTE_OWNER), (uint32_t)(size), (type), TROUPE_NOTE_OWNER         \
	}

/* An actor type `id`, made for an ABI. */
#define TROUPE_NOTE_ACTOR(id, major, minor)                                                    \
	static const struct troupe_note_actor_##id##_s {                                       \
		struct troupe_note_head head;                                                  \
		uint16_t abi_major;                                                            \
		uint16_t abi_minor;                                                            \
		char name[TROUPE_NOTE_PADDED(sizeof(#id))];                                    \
	} troupe_note_actor_##id TROUPE_NOTE_PLACE = {                                         \
		TROUPE_NOTE_HEAD(TROUPE_NOTE_TYPE_ACTOR, 4 + sizeof(#id)), (major), (minor),   \
		#id};

/* An interface that the plug-in knows; name and text are string literals. */
#define TROUPE_NOTE_INTERFACE(id, interface_name, idl_text)                                    \
	static const struct troupe_note_interface_##id##_s {                                   \
		struct troupe_note_head head;                                                  \
		char name[sizeof(interface_name)];                                             \
		char text[TROUPE_NOTE_PADDED(sizeof(interface_name) + sizeof(idl_text)) -      \
			  sizeof(interface_name)];                                             \
	} troupe_note_interface_##id TROUPE_NOTE_PLACE = {                                     \
		TROUPE_NOTE_HEAD(TROUPE_NOTE_TYPE_INTERFACE,                                   \
				 sizeof(interface_name) + sizeof(idl_text)),                   \
		interface_name, idl_text};

/* What the table of actor type `id` holds; strings is one literal of all of them. */
#define TROUPE_NOTE_TABLE(id, strings)                                                         \
	static const struct troupe_note_table_##id##_s {                                       \
		struct troupe_note_head head;                                                  \
		char text[TROUPE_NOTE_PADDED(sizeof(strings))];                                \
	} troupe_note_table_##id TROUPE_NOTE_PLACE = {                                         \
		TROUPE_NOTE_HEAD(TROUPE_NOTE_TYPE_TABLE, sizeof(strings)), strings};

/* The writable memory that the plug-in's file may have; once in a plug-in. */
#define TROUPE_NOTE_SEAL(writable_bytes, tls_bytes)                                            \
	static const struct troupe_note_seal_s {                                               \
		struct troupe_note_head head;                                                  \
		uint32_t writable;                                                             \
		uint32_t tls;                                                                  \
	} troupe_note_seal TROUPE_NOTE_PLACE = {TROUPE_NOTE_HEAD(TROUPE_NOTE_TYPE_SEAL, 8),    \
						(writable_bytes), (tls_bytes)};

#ifdef __cplusplus
}
#endif

#endif

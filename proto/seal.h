/* seal.h - whether a plug-in has writable static data of its own, judged by symbol, at link
 * time.
 *
 * Actors keep their state in their state struct: what lies outside of it is shared by all
 * actors of the worker, is lost with it unnoticed, and cannot be upgraded. Yet no shared object
 * is without writable data: the C runtime has 16 bytes in each, the C++ and Rust runtimes and
 * the sanitizers more. These are recognised by symbol and, since names can be chosen, by the
 * source file that the symbol table gives for local ones. It guards against mistakes, not
 * malice. Pure; used by troupe-gen --seal.
 */
#ifndef PROTO_SEAL_H
#define PROTO_SEAL_H

#include <stddef.h>
#include <stdint.h>

/* What the plug-in's note says that it may have: see TROUPE_NOTE_SEAL() in <troupe/note.h>. */
struct seal {
	uint32_t writable;
	uint32_t tls;
};

/* A piece of writable static data that is the plug-in's own. All borrowed. */
struct seal_offender {
	const char *symbol; /* as in the symbol table; NULL: bytes that no symbol names */
	const char *section;
	uint64_t size;
};

typedef void seal_offender_fn(void *context, const struct seal_offender *offender);

/* Judge the plug-in whose file is `file`. on_offender is called for each piece of its own.
 * -EPERM: there were some; -ENOEXEC, -EBADMSG: as elf_init(); -ENODATA: no symbol table
 * (stripped); -EFBIG: sizes beyond 32 bits; -ENOMEM. */
int seal_judge(const void *file, size_t size, seal_offender_fn *on_offender, void *context,
	       struct seal *ret_seal);

/* Whether a symbol is a runtime's and not the plug-in's; source: the file that a local symbol
 * comes from, or "" where none is known. */
int seal_is_runtime(const char *symbol, const char *source);

/* Whether, in a plug-in that is instrumented by sanitizers or for coverage, a symbol is of
 * that. These names are not reserved ones. */
int seal_is_instrumentation(const char *symbol);

/* Whether a text begins with one of the texts of a list, each with a blank behind it. */
int seal_begins_with(const char *text, const char *list);

#endif

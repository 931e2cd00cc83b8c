/* plugin_symbols.h - the functions of one plug-in's file, in the order of their addresses,
 * so that a crash handler can name what it finds on a stack; static functions too.
 *
 * Built once, before the plug-in runs, in the thread that loads; constant from then on.
 * plugin_symbols_find() may be called from any thread and from a signal handler.
 */
#ifndef PLUGIN_PLUGIN_SYMBOLS_H
#define PLUGIN_PLUGIN_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#define PLUGIN_SYMBOLS_MAX      (1u << 20)  /* functions of one plug-in */
#define PLUGIN_SYMBOLS_TEXT_MAX (64u << 20) /* bytes of their names */

struct plugin_symbols;

/* Read the symbol table of the ELF file `file`, hostile; or that of dynamic symbols where
 * the file was stripped. What is malformed or beyond a limit is left out: a crash without
 * names is better than no plug-in. *ret_symbols is given and owns copies. -ENOEXEC,
 * -EBADMSG: as elf_init(); -ENOMEM. */
int plugin_symbols_read(const void *file, size_t size, struct plugin_symbols **ret_symbols);

/* NULL is fine. */
void plugin_symbols_free(struct plugin_symbols *symbols);

/* The name of the function that holds `address`, an address of the file, borrowed, and how
 * far into it; NULL: none known. Async-signal-safe. symbols: NULL is fine. */
const char *plugin_symbols_find(const struct plugin_symbols *symbols, uint64_t address,
				uint64_t *ret_offset);

#endif

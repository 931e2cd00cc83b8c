/* code_names.h - names for places in the code: functions of plug-ins, of this program, of
 * libraries.
 *
 * Memory of the caller, who keeps the loader. Made in the thread that runs plug-in code; from
 * then on constant, so that a signal handler of that thread may use it.
 */
#ifndef WORKER_CODE_NAMES_H
#define WORKER_CODE_NAMES_H

#include "base/page.h"
#include "plugin/loader.h"

struct code_names {
	struct loader *loader;      /* NULL: no plug-in is known */
	struct plugin_symbols *own; /* this program's functions; NULL: not known */
	uintptr_t own_base;         /* where it lies; 0: not known */
};

/* Read what this program's file says; without that, its places have no names. */
void code_names_init(struct code_names *names);
void code_names_fini(struct code_names *names);

/* Whether that is in a plug-in, and where. */
bool code_names_find_in_plugin(const struct code_names *names, uintptr_t address,
			       struct loader_symbol *ret_symbol);

/* Whether that is code of this program. Async-signal-safe. */
bool code_names_is_own(const struct code_names *names, uintptr_t address);

/* "hello.so(on_greet+0x1c)". A return address may be that of the next function: `back` is how
 * far before it the call is looked for, 0 or 1. As good as async-signal-safe: dladdr() takes no
 * memory once it was called, and the linker's lock that it takes is recursive. */
void code_names_print(const struct code_names *names, uintptr_t address, uintptr_t back,
		      char *buffer, size_t size);

/* The same for a page, with the address in its plug-in's file. */
void code_names_fill(const struct code_names *names, uintptr_t address, uintptr_t back,
		     struct page_frame *ret_frame);

#endif

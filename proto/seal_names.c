#include "proto/seal.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

int seal_begins_with(const char *text, const char *list)
{
	for (size_t size = strcspn(list, " "); *list;
	     list += size + 1, size = strcspn(list, " "))
		if (strncmp(text, list, size) == 0)
			return true;
	return false;
}

/* Whether a word of `size` bytes is one of a list. */
static bool is_in(const char *word, size_t size, const char *list)
{
	for (size_t n = strcspn(list, " "); *list; list += n + 1, n = strcspn(list, " "))
		if (n == size && memcmp(word, list, n) == 0)
			return true;
	return false;
}

/* Names of the linker, the C runtime, and of what instrumentation adds: reserved ones all,
 * which a plug-in cannot use by mistake. */
static bool is_reserved(const char *symbol)
{
	/* DW.ref.: a pointer to the exception handler of C++ and Rust */
	return is_in(symbol, strlen(symbol),
		     "__dso_handle __TMC_END__ __bss_start __data_start _edata _end _DYNAMIC "
		     "_GLOBAL_OFFSET_TABLE_ __JCR_END__ __JCR_LIST__ ") ||
	       seal_begins_with(
		       symbol, "DW.ref. __asan_ ___asan_ __odr_asan __hwasan_ __tsan_ __ubsan_ "
			       "__msan_ __lsan_ __sanitizer_ __sancov_ __gcov __llvm_ __profc_ "
			       "__profd_ __profvp_ __profn_ __rust_ __rustc_ lprof "
			       "_rust_extern_with_linkage_ ");
}

/* `completed.0` is the C runtime's when it comes from crtstuff.c, and a plug-in's `static bool
 * completed` when not. */
static bool is_runtime_source(const char *source)
{
	return strcmp(source, "crtstuff.c") == 0 || strcmp(source, "crtbegin.c") == 0 ||
	       seal_begins_with(source, "libgcov _gcov InstrProf GCDAProfiling ");
}

/* Entities of the C++ library, and the guards and function-local statics of such: what
 * <iostream> puts into each file, and what its templates hold. A guard belongs to whom the
 * guarded variable belongs to, hence never to the runtime by itself. */
static bool is_cxx_library(const char *symbol)
{
	if (!begins_with(symbol, "_Z"))
		return false;
	symbol += 2;
	if (begins_with(symbol, "GV"))
		symbol += 2;
	if (*symbol == 'Z')
		symbol++;
	return seal_begins_with(symbol, "St NSt NKSt N9__gnu_cxx N10__cxxabiv1 ");
}

/* "3std...": a length and a name of the crates that the Rust library is made of. */
static bool is_rust_path(const char *path)
{
	char *name;
	unsigned long size = strtoul(path, &name, 10);

	return name != path && size <= strlen(name) &&
	       is_in(name, size,
		     "std core alloc hashbrown panic_unwind panic_abort gimli addr2line object "
		     "rustc_demangle std_detect memchr miniz_oxide rustc_std_workspace_core ");
}

/* _ZN3std...17h0123456789abcdefE, the older mangling; the hash distinguishes it from C++. */
static bool is_rust_library_legacy(const char *symbol)
{
	size_t size = strlen(symbol);

	return size > 24 && begins_with(symbol, "_ZN") &&
	       memcmp(symbol + size - 20, "17h", 3) == 0 && symbol[size - 1] == 'E' &&
	       is_rust_path(symbol + 3);
}

/* "s", digits and letters, "_": what distinguishes two entities of one name. May be absent. */
static const char *skip_disambiguator(const char *symbol)
{
	const char *end = *symbol == 's' ? strchr(symbol, '_') : NULL;

	return end ? end + 1 : symbol;
}

/* _RNvNtCs1234_3std..., the newer one. What is nested is written from the outside in, so that
 * the crate is the first name: N and a letter open a path, M and X an implementation, I one
 * with types. */
static bool is_rust_library(const char *symbol)
{
	if (!begins_with(symbol, "_R"))
		return is_rust_library_legacy(symbol);
	symbol += 2;
	for (;;) {
		if (symbol[0] == 'N' && symbol[1] != '\0')
			symbol += 2;
		else if (symbol[0] == 'M' || symbol[0] == 'X')
			symbol = skip_disambiguator(symbol + 1);
		else if (symbol[0] == 'I')
			symbol++;
		else
			break;
	}
	return symbol[0] == 'C' && is_rust_path(skip_disambiguator(symbol + 1));
}

int seal_is_runtime(const char *symbol, const char *source)
{
	return is_runtime_source(source) || is_reserved(symbol) || is_cxx_library(symbol) ||
	       is_rust_library(symbol);
}

int seal_is_instrumentation(const char *symbol)
{
	return is_in(symbol, strlen(symbol),
		     "writeout_fn_list reset_fn_list EndVNode VPMaxNumValsPerSite CurrentVNode "
		     "DynamicBufferIOBuffer VPMergeHook VPBufferSize FreeHook ") ||
	       begins_with(symbol, "__unnamed_");
}

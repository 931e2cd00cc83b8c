/* sdk_symbols.h - the functions that a worker exports to its plug-ins, by name.
 *
 * Made of daemon/plugin/sdk.symbols, which is the linker's. Constant data, any process and
 * thread. troupe-gen refuses to seal, and the host to load, a plug-in that asks for another
 * troupe_ symbol.
 */
#ifndef PROTO_SDK_SYMBOLS_H
#define PROTO_SDK_SYMBOLS_H

#include <stdbool.h>

#define SDK_SYMBOL_PREFIX "troupe_"

/* Whether the SDK has a function of that name. */
bool sdk_has_symbol(const char *name);

/* The i-th name, in the order of the alphabet; NULL: there are not so many. */
const char *sdk_symbol(unsigned i);

#endif

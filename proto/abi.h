/* abi.h - how much of a plug-in's tables a host reads: the rules of docs/abi.md, for all that
 * read such tables.
 *
 * A table that is pointed to says its own size. One that an older minor version made is smaller
 * than this host's, and what it lacks reads as zero; one that is larger than this host's, or
 * smaller than ABI 2.0 had it, is refused. Owns nothing. Pure functions, any process and
 * thread: for tables in memory, and for those in a file that nobody has loaded.
 */
#ifndef PROTO_ABI_H
#define PROTO_ABI_H

#include "proto/bounds.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum abi_table {
	ABI_ACTOR,
	ABI_LIFE,
	ABI_ENTRY,
	ABI_HANDLERS,
	ABI_INTERFACE,
	ABI_METHOD,
	ABI_ERROR,
	ABI_TYPE,
	ABI_TABLES
};

/* Whether this host takes plug-ins of an ABI. */
bool abi_takes(uint16_t major, uint16_t minor);

/* Bytes of a table as ABI 2.0 had it. */
uint32_t abi_least(enum abi_table which);

/* Why a table that says this size is not taken, a constant text to follow its name: "is
 * larger ...". NULL: it is taken. */
const char *abi_size_wrong(enum abi_table which, uint32_t size);

/* Copy a table into this host's struct of it, of which what it lacks becomes zero.
 * *ret_wrong, on failure: why not, a constant text to follow its name. -EFAULT: it does not
 * lie within `bounds` as a whole (NULL: it is trusted to), or not aligned; -EINVAL:
 * abi_size_wrong(). */
int abi_copy(enum abi_table which, const struct bounds *bounds, const void *table,
	     void *ret_table, const char **ret_wrong);

/* The same without the copy: for tables that are read where they are. */
int abi_check(enum abi_table which, const struct bounds *bounds, const void *table,
	      const char **ret_wrong);

#endif

/* providers.h - which units provide an interface: found by a look at all units, and remembered
 * until one of them changes.
 *
 * Belongs to the master; one thread. Each direct call of a client asks it, and so does each
 * call that waits for a unit whenever that one changes; there may be thousands of both.
 */
#ifndef UNITS_PROVIDERS_H
#define UNITS_PROVIDERS_H

#include <stddef.h>

struct master;
struct unit;
struct provider;

struct providers {
	struct provider *by_interface; /* uthash */
};

/* Until the next change. */
struct provision {
	unsigned n;        /* units that provide it, and run or are coming */
	struct unit *unit; /* the only one, or that with Default=yes; NULL: none */
	struct unit
		*down; /* n is 0: one that would provide it if it ran; NULL: there is none */
};

/* interface: `size` bytes, borrowed. */
struct provision providers_find(struct master *master, const char *interface, size_t size);

void providers_fini(struct providers *providers);

#endif

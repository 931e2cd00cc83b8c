/* layouts.h - layouts by their hashes: those that a peer has sent us, or that we have sent
 * a peer.
 *
 * Memory of the caller, init/fini; a link holds two, both as old as its peer's incarnation.
 * Bounded in number and in bytes. One thread at a time.
 */
#ifndef BRIDGE_LAYOUTS_H
#define BRIDGE_LAYOUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/type.h>

#define LAYOUTS_MAX   65536u      /* hashes in one table */
#define LAYOUTS_BYTES (16u << 20) /* of names and texts in one table */

struct layouts_entry;

struct layouts {
	struct layouts_entry *entries; /* open addressing */
	size_t room;                   /* a power of two, or 0 */
	size_t count;
	size_t bytes;
	uint64_t last; /* the hash asked for last, when it was there */
};

/* Zeroed, it holds nothing. */
void layouts_fini(struct layouts *layouts);

/* Whether the hash is in it. */
bool layouts_has(struct layouts *layouts, uint64_t hash);

/* Note a hash that needs no text. -ENOMEM; -ENOSPC: a limit. Twice is fine. */
int layouts_add(struct layouts *layouts, uint64_t hash);

/* Note the layout that a peer has sent for a hash: hostile texts, copied, parsed when they are
 * asked for. A hash that is sent twice keeps its first layout. -EINVAL: the hash is not that of
 * this name and text; -ENOMEM; -ENOSPC. */
int layouts_learn(struct layouts *layouts, uint64_t hash, const char *name, const char *text);

/* The type and the qualified name behind a hash; borrowed, valid until layouts_fini(). false:
 * unknown, or its text is no layout. */
bool layouts_find(struct layouts *layouts, uint64_t hash, const struct troupe_type **ret_type,
		  const char **ret_name);

#endif

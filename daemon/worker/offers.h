/* offers.h - which units' actors provide an interface, for troupe_find_provider(): the index by
 * interfaces of what worker/registry.h holds by names.
 *
 * Memory of the caller, init by zeroes; part of a registry. One thread.
 */
#ifndef WORKER_OFFERS_H
#define WORKER_OFFERS_H

#include "base/list.h"
#include <stdbool.h>
#include <stddef.h>
#include <troupe/actor.h>

struct offered;
struct registry_entry;

struct offers {
	struct offered *by_interface; /* uthash; NULL: nothing is provided */
};

/* That an entry's actors provide an interface. */
struct offer {
	struct list link; /* in offered->entries */
	struct offered *interface;
	struct registry_entry *entry;
};

/* All that an entry's actors provide. */
struct offering {
	struct offer items[TROUPE_INTERFACES_MAX];
	size_t n;
	bool is_default;
};

/* Enter an offering; it must stay where it is. interfaces: copied. -ENOMEM; -EINVAL: more than
 * TROUPE_INTERFACES_MAX. On failure it is empty. */
int offers_add(struct offers *offers, struct offering *offering, struct registry_entry *entry,
	       bool is_default, const char *const *interfaces, size_t n);
void offers_remove(struct offers *offers, struct offering *offering);

/* The only entry that provides the interface, or the one of the default. -ENOENT: none does;
 * -ENOTUNIQ: several do, and not just one of them is a default. */
int offers_find(const struct offers *offers, const char *interface,
		struct registry_entry **ret_entry);

#endif

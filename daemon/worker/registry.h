/* registry.h - which actors run under a unit's name, as the master has sent them; for
 * troupe_find() and troupe_find_provider().
 *
 * Memory of the caller, init/fini. One thread.
 */
#ifndef WORKER_REGISTRY_H
#define WORKER_REGISTRY_H

#include "proto/process.h"
#include "worker/offers.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/address.h>

struct registry_entry;

struct registry {
	struct process process;         /* this one: a pool's turn begins with its own actors */
	struct registry_entry *entries; /* uthash; any one of them, or NULL */
	struct offers offers;           /* the same by their interfaces */
};

void registry_init(struct registry *registry, struct process process);
void registry_fini(struct registry *registry);

/* What a name stands for; borrowed. */
struct registry_name {
	const char *name;
	const struct troupe_address *actors;
	size_t n_actors;
	bool comes_back; /* when none runs, one will */
	bool is_default; /* Default=yes */
	const char *const *interfaces;
	size_t n_interfaces;
};

/* What a name stands for from now on, copied, replacing what was said before; without actors
 * it is forgotten, unless it comes back. -ENOMEM; -ENOSPC: over LIMIT_UNITS names or
 * LIMIT_INSTANCES actors; -EINVAL: the name is empty or over LIMIT_NAME bytes, or more than
 * TROUPE_INTERFACES_MAX interfaces. On failure the name keeps what it had. */
int registry_set(struct registry *registry, const struct registry_name *given);

/* The actor whose turn it is; the next one of the pool has the next. -EINPROGRESS: none
 * runs, but one will; -ENOENT. */
int registry_find(struct registry *registry, const char *name,
		  struct troupe_address *ret_address);

/* The same of the one name that provides an interface, or of the default among several.
 * -ENOTUNIQ: there is none such. */
int registry_find_provider(struct registry *registry, const char *interface,
			   struct troupe_address *ret_address);

#endif

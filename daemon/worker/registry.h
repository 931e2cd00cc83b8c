/* registry.h - which actors run under a unit's name, as the master has sent them; for
 * troupe_find().
 *
 * Memory of the caller, init/fini. One thread.
 */
#ifndef WORKER_REGISTRY_H
#define WORKER_REGISTRY_H

#include "proto/process.h"
#include <stddef.h>
#include <stdint.h>
#include <troupe/address.h>

struct registry_entry;

struct registry {
	struct process process;         /* this one: a pool's turn begins with its own actors */
	struct registry_entry *entries; /* uthash; any one of them, or NULL */
};

void registry_init(struct registry *registry, struct process process);
void registry_fini(struct registry *registry);

/* The actors of `name` from now on, copied, replacing what was said before; none: the name is
 * forgotten, unless it comes back. -ENOMEM; -ENOSPC: over LIMIT_UNITS names or LIMIT_INSTANCES
 * actors; -EINVAL: the name is empty or over LIMIT_NAME bytes. On failure the name keeps its
 * actors. */
int registry_set(struct registry *registry, const char *name, bool comes_back,
		 const struct troupe_address *actors, size_t n_actors);

/* The actor whose turn it is; the next one of the pool has the next. -EINPROGRESS: none
 * runs, but one will; -ENOENT. */
int registry_find(struct registry *registry, const char *name,
		  struct troupe_address *ret_address);

#endif

/* names.h - which actors run under a unit's name, as the master has sent them; for
 * troupe_find().
 *
 * Memory of the caller, init/fini. One thread.
 */
#ifndef WORKER_NAMES_H
#define WORKER_NAMES_H

#include "proto/process.h"
#include <stddef.h>
#include <stdint.h>
#include <troupe/address.h>

#define NAMES_BUCKETS 1024

struct names_entry;

struct names {
	struct process process; /* this one: a pool's turn begins with its own actors */
	size_t count;
	struct names_entry *buckets[NAMES_BUCKETS];
};

void names_init(struct names *names, struct process process);
void names_fini(struct names *names);

/* The actors of `name` from now on, copied, replacing what was said before; none: the name is
 * forgotten, unless it comes back. -ENOMEM; -ENOSPC: over LIMIT_UNITS names or LIMIT_INSTANCES
 * actors; -EINVAL: the name is empty or over LIMIT_NAME bytes. On failure the name keeps its
 * actors. */
int names_set(struct names *names, const char *name, bool comes_back,
	      const struct troupe_address *actors, size_t n_actors);

/* The actor whose turn it is; the next one of the pool has the next. -EINPROGRESS: none
 * runs, but one will; -ENOENT. */
int names_find(struct names *names, const char *name, struct troupe_address *ret_address);

#endif

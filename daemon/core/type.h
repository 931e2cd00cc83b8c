/* type.h - an actor type ready to run.
 *
 * Made from a plug-in's const table, whose pointers it reads but never owns. The tables that an
 * older SDK may have made smaller are copied (proto/abi.h), so that all else finds them as this
 * host knows them. Belongs to a runtime and lives as long; its thread only.
 */
#ifndef CORE_TYPE_H
#define CORE_TYPE_H

#include "base/check.h"
#include "core/index.h"
#include "core/runtime.h"
#include <stdbool.h>
#include <stdint.h>
#include <troupe/task.h>

struct type_handler {
	/* in_hash when there is a handler; else one that belongs to another place, so that no
	 * message which is looked for here has it */
	uint64_t hash;
	troupe_handler_fn *handler;         /* NULL: it does not implement the method */
	const struct troupe_method *method; /* NULL: an empty place */
	uint64_t in_hash;                   /* of the method */
};

_Static_assert((sizeof(struct type_handler) & (sizeof(struct type_handler) - 1)) == 0,
	       "a power of two");

/* How a handler of a type is run that has any which are tasks. */
struct type_way {
	troupe_handler_fn *handler; /* the plug-in's */
	bool is_alone;
	struct troupe_task_entry entry; /* when it is a task */
};

/* What such a type has in place of the plug-in's handlers: core/serve.h. */
struct type_serving {
	troupe_handler_fn *plain, *task;
	int (*run)(struct troupe_self *self, void *state, void *arg, void *shared);
};

struct runtime_type {
	const struct troupe_actor *given; /* the plug-in's own table, by which it is known */
	const void *plugin;
	struct runtime_type *next;
	uint32_t n_entries;
	/* Of the handlers, open addressing: by which bits of a hash one is found. Shifted and
	 * masked it is an offset in bytes. The shift is chosen so that as few as possible
	 * collide. */
	uint32_t mask;
	uint8_t shift;
	/* This host's copies; `table` still points to the plug-in's entries, which its code
	 * names. */
	struct troupe_actor table;
	struct troupe_life life;
	struct troupe_entry entries[TROUPE_ENTRIES_MAX]; /* n_entries */
	struct type_way *ways; /* of the place of each handler; NULL: none is a task */
	struct type_handler handlers[];
};

/* Where the handler of a hash is unless others took the place first. */
static inline const struct type_handler *type_bucket(const struct runtime_type *type,
						     uint64_t hash)
{
	return (const struct type_handler *)(const void *)((const char *)type->handlers +
							   (hash >> type->shift & type->mask));
}

static inline const struct type_way *type_way(const struct runtime_type *type,
					      const struct type_handler *handler)
{
	return &type->ways[handler - type->handlers];
}

/* What the type has for a message by the hash of its layout. NULL: nothing, find out by
 * name. */
const struct type_handler *type_find(const struct runtime_type *type, uint64_t hash);

/* The same by name; *ret_interface says whether at least the interface is there. Slow. */
const struct type_handler *type_find_name(const struct runtime_type *type,
					  const char *interface, size_t interface_size,
					  const char *method, size_t method_size,
					  bool *ret_interface);

/* The place of an entry in the type's table, or -1 when it is not there or of another kind. */
static inline int type_entry_index(const struct runtime_type *type,
				   const struct troupe_entry *entry, uint32_t kind)
{
	for (uint32_t i = 0; i < type->n_entries; i++)
		if (type->table.entries[i] == entry)
			return entry->kind == kind ? (int)i : -1;
	return -1;
}

/* Its units are gone. */
void types_free(struct runtime *runtime);

#endif

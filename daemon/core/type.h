/* type.h - an actor type ready to run, and the units that its actors belong to.
 *
 * Made from a plug-in's const table, whose pointers it reads but never owns. Belongs to a
 * runtime and lives as long; its thread only.
 */
#ifndef CORE_TYPE_H
#define CORE_TYPE_H

#include "base/check.h"
#include "core/index.h"
#include "core/runtime.h"
#include <stdbool.h>
#include <stdint.h>
#include <troupe/actor.h>

struct type_handler {
	uint64_t hash;              /* in_hash of the method; 0: an empty place */
	troupe_handler_fn *handler; /* never NULL */
	const struct troupe_method *method;
	uint64_t pad; /* a place is found with a mask alone */
};

_Static_assert((sizeof(struct type_handler) & (sizeof(struct type_handler) - 1)) == 0,
	       "a power of two");

/* What the actors of a unit have in common. Actors spawned by actors belong to a unit without
 * name and number, one per type and unit of the spawner. */
struct unit {
	const struct runtime_type *type;
	uint32_t mailbox; /* messages */
	uint32_t
		mailbox_units; /* of 16 bytes, see message_charge(): at the moment, see core/budget.h */
	uint32_t mailbox_most; /* the same as configured */
	uint32_t batch;
	uint32_t number; /* 0: of actors spawned by actors */
	uint32_t origin; /* the number of the unit that is to blame for a crash */
	uint32_t n_actors;
	struct share *share; /* with all units of this origin */
	bool stop_on_error;
	bool is_forgotten; /* freed when its last actor ends; in no index */
	char name[TROUPE_NAME_MAX + 1];
	struct index_link link; /* by number; without number: by type and origin */
	struct unit *next;      /* in the runtime, to free it; without number: in the type */
};

struct runtime_type {
	const struct troupe_actor *table;
	const void *plugin;
	struct runtime_type *next;
	struct unit *spawned; /* the units without name */
	uint32_t n_entries;
	/* Of the handlers, open addressing: by which bits of a hash one is found. Shifted and masked
	 * it is an offset in bytes. The shift is chosen so that as few as possible collide. */
	uint32_t mask;
	uint8_t shift;
	struct type_handler handlers[];
};

/* Where the handler of a hash stands unless others were there first. */
static inline const struct type_handler *type_place(const struct runtime_type *type,
						    uint64_t hash)
{
	return (const struct type_handler *)(const void *)((const char *)type->handlers +
							   (hash >> type->shift & type->mask));
}

/* The handler of a message by the hash of its layout. NULL: none, find out by name. */
const struct type_handler *type_find(const struct runtime_type *type, uint64_t hash);

/* The same by name; *ret_interface tells whether at least the interface is there. Slow. */
const struct type_handler *type_find_name(const struct runtime_type *type,
					  const char *interface, size_t interface_size,
					  const char *method, bool *ret_interface);

/* The place of an entry in the type's table, or -1 when it is not there or of another kind. */
static inline int type_entry_index(const struct runtime_type *type,
				   const struct troupe_entry *entry, uint32_t kind)
{
	for (uint32_t i = 0; i < type->n_entries; i++)
		if (type->table->entries[i] == entry)
			return entry->kind == kind ? (int)i : -1;
	return -1;
}

/* The unit of the actors that an actor of the unit `spawner` makes by a table of its plug-in.
 * -EINVAL: the plug-in has no such table; -ENOMEM. */
int unit_of_spawned(struct runtime *runtime, const struct troupe_actor *table,
		    const struct unit *spawner, struct unit **ret_unit);
struct unit *unit_find(const struct runtime *runtime, uint32_t number);

/* Forgotten, and no actor is left. */
static inline bool unit_is_unused(const struct unit *unit)
{
	return unlikely(unit->is_forgotten) && unit->n_actors == 0;
}

/* End a unit that is unused. */
void unit_free(struct runtime *runtime, struct unit *unit);

/* An actor of the unit begins. */
static inline void unit_enter(struct unit *unit)
{
	unit->n_actors++;
}

/* One ends, which may be the end of the unit. */
static inline void unit_leave(struct runtime *runtime, struct unit *unit)
{
	unit->n_actors--;
	if (unit_is_unused(unit))
		unit_free(runtime, unit);
}

void types_free(struct runtime *runtime);

#endif

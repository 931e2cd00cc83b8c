/* definition.h - what the actors of a unit have in common, and what all units of one origin
 * share.
 *
 * A unit is defined by the master, or belongs to the actors that its actors have spawned. A
 * definition belongs to a runtime and lives as long as it has actors; its thread only.
 */
#ifndef CORE_DEFINITION_H
#define CORE_DEFINITION_H

#include "base/crew.h"
#include "base/histogram.h"
#include "core/type.h"

enum share_kind {
	SHARE_ACTORS,
	SHARE_CALLS,
	SHARE_KEPT_CALLS,
	SHARE_KEPT_MESSAGES,
	SHARE_TIMERS,
	SHARE_WAITS,
	SHARE_WATCHES,
	SHARE_INLETS,
	SHARE_TASKS,
	SHARE_BELONGINGS,
	SHARE_CHILDREN,
	SHARE_ITEMS,
	SHARE_KINDS
};

#define SHARE_UNBOUNDED UINT32_MAX

/* Of a unit and of those of the actors that its actors have spawned. */
struct unit_share {
	uint32_t held[SHARE_KINDS]; /* records in upper halves */
	uint32_t n_units;
	bool is_hog;               /* it has too much of the worker's memory: core/budget.h */
	uint32_t bound;            /* of each mailbox then, in units of 16 bytes */
	uint32_t n_actors;         /* by the count of memory under way, or the last one */
	uint64_t bytes;            /* the same */
	char *state_directory;     /* NULL: none */
	struct crew_line blocking; /* jobs of their tasks */
	struct crew_line files;    /* what they do with files */
};

/* What the actors of a unit have in common. Actors spawned by actors belong to a unit without
 * name and number, one per type and unit of the spawner. */
struct definition {
	const struct runtime_type *type;
	uint32_t mailbox; /* messages */
	/* of 16 bytes, see message_charge(): at the moment, see core/budget.h */
	uint32_t mailbox_units;
	uint32_t mailbox_most; /* the same as configured */
	uint32_t batch;
	uint32_t tasks; /* of an actor */
	uint32_t task_stack;
	uint32_t blocking; /* jobs at a time, of all its actors */
	uint64_t task_grace_ns;
	uint32_t number; /* 0: of actors spawned by actors */
	uint32_t origin; /* the number of the unit that is to blame for a crash */
	uint32_t n_actors;
	struct unit_share *share; /* with all units of this origin */
	bool stop_on_error;
	bool is_forgotten; /* freed when its last actor ends; in no index */
	char name[TROUPE_NAME_MAX + 1];
	struct index_link link;  /* by number; without number: by type and origin */
	struct definition *next; /* in the runtime */
	struct histogram times;  /* of its handlers, see core/slice.h */
};

/* Its name; of the actors that actors have spawned, that of their type. */
static inline const char *definition_kind(const struct definition *unit)
{
	return unit->name[0] ? unit->name : unit->type->table.name;
}

/* The unit of the actors that an actor of the unit `spawner` makes by a table of its plug-in.
 * -EINVAL: the plug-in has no such table; -ENOMEM. */
int definition_of_spawned(struct runtime *runtime, const struct troupe_actor *table,
			  const struct definition *spawner, struct definition **ret_unit);
struct definition *definition_find(const struct runtime *runtime, uint32_t number);

/* Forgotten, and no actor is left. */
static inline bool definition_is_unused(const struct definition *unit)
{
	return unlikely(unit->is_forgotten) && unit->n_actors == 0;
}

/* End a unit that is unused. */
void definition_free(struct runtime *runtime, struct definition *unit);

/* An actor of the unit begins. */
static inline void definition_enter(struct definition *unit)
{
	unit->n_actors++;
}

/* One ends, which may be the end of the unit. */
static inline void definition_leave(struct runtime *runtime, struct definition *unit)
{
	unit->n_actors--;
	if (definition_is_unused(unit))
		definition_free(runtime, unit);
}

/* Bound the mailboxes of a unit as configured, or lower when it has too much memory. */
static inline void definition_bound(struct definition *unit)
{
	uint32_t bound = unit->share->bound;

	unit->mailbox_units = bound < unit->mailbox_most ? bound : unit->mailbox_most;
}

/* All of them; no actor is left. */
void units_free(struct runtime *runtime);

#endif

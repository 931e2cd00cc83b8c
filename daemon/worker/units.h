/* units.h - the plug-ins that the master had loaded here, and the units it has defined of them.
 *
 * Memory of the caller, zeroed, and fini; knows numbers, owns the units' configuration. One
 * thread.
 */
#ifndef WORKER_UNITS_H
#define WORKER_UNITS_H

#include "base/clock.h"
#include "base/hash.h"
#include "base/rate_limit.h"
#include "core/runtime.h"
#include "plugin/loader.h"
#include <stddef.h>
#include <stdint.h>

#define UNITS_SHORTAGES_NS                                                                     \
	(30 * CLOCK_SECOND_NS) /* between two lines that a unit has too much memory */

struct units_plugin {
	int64_t number;
	const struct plugin *plugin;       /* borrowed from the loader */
	const struct runtime_type **types; /* in the order of plugin->tables; owned */
	UT_hash_handle by_number;
};

struct units_unit {
	int64_t number;
	struct rate_limit lines;     /* that its actors and their children log; at first none */
	struct rate_limit shortages; /* the same, that it has too much memory */
	char name[TROUPE_NAME_MAX + 1];
	void *config; /* a value of its actor type's config, owned; NULL: it takes none */
	UT_hash_handle by_number;
};

struct units {
	struct units_plugin *plugins; /* uthash; any one of them, or NULL */
	struct units_unit *units;     /* likewise; to go through them: by_number.next */
};

void units_fini(struct units *units);

/* Note a plug-in. `types`: taken (also on failure). -EEXIST: the number is in use; -ENOMEM. */
int units_add_plugin(struct units *units, int64_t number, const struct plugin *plugin,
		     const struct runtime_type **types);
/* NULL: no plug-in has that number. */
const struct units_plugin *units_find_plugin(const struct units *units, int64_t number);

/* Note a unit. name: copied. `config`: taken (also on failure). -EEXIST, -ENOMEM. */
int units_add_unit(struct units *units, int64_t number, const char *name, void *config);
/* NULL: no unit has that number. */
struct units_unit *units_find_unit(const struct units *units, int64_t number);
/* It may be absent. */
void units_remove_unit(struct units *units, int64_t number);

#endif

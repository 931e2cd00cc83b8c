#include "core/definition.h"
#include "base/cleanup.h"
#include "core/inside.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void set_limits(struct definition *unit, const struct runtime_unit *config)
{
	unit->mailbox = config->mailbox ? config->mailbox : LIMIT_MAILBOX_DEFAULT;
	unit->mailbox_most =
		(config->mailbox_bytes ? config->mailbox_bytes : LIMIT_MAILBOX_BYTES_DEFAULT) /
		16;
	definition_bound(unit);
	unit->batch = config->batch ? config->batch : LIMIT_BATCH_DEFAULT;
	unit->tasks = config->tasks ? config->tasks : LIMIT_TASKS_DEFAULT;
	unit->task_stack = config->task_stack ? config->task_stack : LIMIT_TASK_STACK_MIN;
	unit->blocking = config->blocking ? config->blocking : LIMIT_BLOCKING_DEFAULT;
	unit->task_grace_ns =
		config->task_grace_ns ? config->task_grace_ns : LIMIT_TASK_GRACE_DEFAULT_NS;
	unit->stop_on_error = config->stop_on_error;
}

int runtime_unit_change(struct runtime *runtime, const struct runtime_unit *config)
{
	if (!definition_find(runtime, config->number))
		return -ENOENT;
	for (struct definition *at = runtime->units; at; at = at->next)
		if (at->origin == config->number)
			set_limits(at, config);
	return 0;
}

int runtime_unit_define(struct runtime *runtime, const struct runtime_unit *config)
{
	struct unit_share *share;
	struct definition *unit;

	if (!config->number || !config->type || !config->name ||
	    strlen(config->name) > TROUPE_NAME_MAX)
		return -EINVAL;
	if (definition_find(runtime, config->number))
		return -EEXIST;
	unit = calloc(1, sizeof(*unit));
	share = calloc(1, sizeof(*share));
	if (share && config->state_directory)
		share->state_directory = strdup(config->state_directory);
	if (!unit || !share || !share->state_directory != !config->state_directory) {
		free(unit);
		if (share)
			free(share->state_directory);
		free(share);
		return -ENOMEM;
	}
	share->n_units = 1;
	share->bound = SHARE_UNBOUNDED;
	*unit = (struct definition){
		.type = config->type,
		.share = share,
		.number = config->number,
		.origin = config->number,
		.next = runtime->units,
	};
	set_limits(unit, config);
	memcpy(unit->name, config->name, strlen(config->name));
	runtime->units = unit;
	index_put(&runtime->units_by_number, &unit->link,
		  index_hash(runtime->secret, config->number, 0));
	return 0;
}

struct definition *definition_find(const struct runtime *runtime, uint32_t number)
{
	struct definition *unit;

	index_foreach (unit, &runtime->units_by_number, index_hash(runtime->secret, number, 0),
		       link)
		if (unit->number == number)
			return unit;
	return NULL;
}

static uint64_t hash_spawned(const struct runtime *runtime, const struct troupe_actor *table,
			     uint32_t origin)
{
	return index_hash(runtime->secret, (uintptr_t)table, origin);
}

COLD static int make_spawned(struct runtime *runtime, const struct troupe_actor *table,
			     const struct definition *spawner, struct definition **ret_unit)
{
	struct runtime_type *type = runtime->types;
	struct definition *unit;

	while (type && (type->given != table || type->plugin != spawner->type->plugin))
		type = type->next;
	if (!type)
		return -EINVAL;
	unit = malloc(sizeof(*unit));
	if (!unit)
		return -ENOMEM;
	*unit = *spawner; /* its limits, its share, its origin */
	unit->type = type;
	unit->number = unit->n_actors = 0;
	unit->name[0] = '\0';
	unit->next = runtime->units;
	unit->share->n_units++;
	runtime->units = unit;
	index_put(&runtime->units_spawned, &unit->link,
		  hash_spawned(runtime, table, spawner->origin));
	*ret_unit = unit;
	return 0;
}

int definition_of_spawned(struct runtime *runtime, const struct troupe_actor *table,
			  const struct definition *spawner, struct definition **ret_unit)
{
	struct definition *unit;

	index_foreach (unit, &runtime->units_spawned,
		       hash_spawned(runtime, table, spawner->origin), link)
		if (unit->origin == spawner->origin && unit->type->given == table &&
		    unit->type->plugin == spawner->type->plugin) {
			*ret_unit = unit;
			return 0;
		}
	return make_spawned(runtime, table, spawner, ret_unit);
}

COLD void definition_free(struct runtime *runtime, struct definition *unit)
{
	struct definition **at = &runtime->units;

	while (*at != unit)
		at = &(*at)->next;
	*at = unit->next;
	if (!unit->number)
		index_remove(&runtime->units_spawned, &unit->link);
	if (--unit->share->n_units == 0) {
		free(unit->share->state_directory);
		free(unit->share);
	}
	free(unit);
}

int runtime_unit_forget(struct runtime *runtime, uint32_t number)
{
	struct definition *unit = definition_find(runtime, number), *next;

	if (!unit)
		return -ENOENT;
	index_remove(&runtime->units_by_number, &unit->link);
	for (unit = runtime->units; unit; unit = next) {
		next = unit->next;
		if (unit->origin != number)
			continue;
		unit->is_forgotten = true;
		if (definition_is_unused(unit))
			definition_free(runtime, unit);
	}
	return 0;
}

void units_free(struct runtime *runtime)
{
	while (runtime->units)
		definition_free(runtime, runtime->units);
}

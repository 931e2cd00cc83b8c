/* tree_json.c - the tree as one object. */
#include "base/cleanup.h"
#include "ctl/tree.h"
#include "proto/json.h"
#include <jansson.h>

/* A value as the interface defines it. NULL: no memory; jansson's functions take that, and fail. */
static json_t *make_value(const struct troupe_type *type, const void *value)
{
	cleanup_free char *text = NULL;
	size_t size;

	return json_encode(type, value, &text, &size) == 0 ? json_loadb(text, size, 0, NULL)
							   : NULL;
}

/* A unit with its instances in one worker, or (0) in none; NULL: it has none there. */
static json_t *make_unit(const struct api_unit *unit, int64_t worker)
{
	json_t *instances = json_array();

	for (size_t i = 0; i < unit->instances.count; i++) {
		const struct api_instance *instance = &unit->instances.items[i];

		if (tree_lives_in(instance) == worker)
			json_array_append_new(instances,
					      make_value(&api_instance_type, instance));
	}
	if (worker > 0 && json_array_size(instances) == 0) {
		json_decref(instances);
		return NULL;
	}
	return json_pack("{s:s,s:s,s:s*,s:s,s:o}", "name", unit->name, "state",
			 api_state_type.names[unit->state], "reason", unit->reason, "actorType",
			 unit->actorType, "instances", instances);
}

/* Actors that other actors spawned. */
static json_t *make_others(const struct census *census, int64_t worker)
{
	json_t *others = json_array();

	for (size_t i = 0; i < census->count; i++) {
		const struct census_kind *kind = &census->kinds[i];

		if (kind->worker == worker && kind->is_spawned)
			json_array_append_new(others,
					      json_pack("{s:s*,s:s,s:I}", "unit", kind->unit,
							"actorType", kind->type, "actors",
							(json_int_t)kind->count));
	}
	return others;
}

static json_t *make_worker(const struct tree *tree, const struct api_worker *worker)
{
	json_t *object = make_value(&api_worker_type, worker), *units = json_array();

	for (size_t i = 0; i < tree->units->count; i++) {
		json_t *unit = make_unit(&tree->units->items[i], worker->worker);

		if (unit)
			json_array_append_new(units, unit);
	}
	json_object_set_new(object, "units", units);
	json_object_set_new(object, "others", make_others(&tree->census, worker->worker));
	return object;
}

int tree_print_json(struct ctl *ctl, const struct tree *tree)
{
	json_t *workers = json_array(), *missing = json_array();

	for (size_t i = 0; i < tree->workers->count; i++)
		json_array_append_new(workers, make_worker(tree, &tree->workers->items[i]));
	for (size_t i = 0; i < tree->units->count; i++)
		if (tree_is_missing(&tree->units->items[i]))
			json_array_append_new(missing, make_unit(&tree->units->items[i], 0));
	return ctl_print_value(ctl, json_pack("{s:o,s:o,s:o,s:I}", "status",
					      make_value(&api_status_out_type, tree->status),
					      "workers", workers, "missing", missing,
					      "uncounted", (json_int_t)tree->census.more));
}

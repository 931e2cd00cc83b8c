/* tree_json.c - the tree as one object. */
#include "base/cleanup.h"
#include "ctl/tree.h"
#include "proto/json.h"

/* A value as the interface defines it. NULL: no memory. */
static struct json_tree *make_value(const struct troupe_type *type, const void *value)
{
	cleanup_free char *text = NULL;
	struct json_tree *tree;
	size_t size;

	return json_encode(type, value, &text, &size) == 0 &&
			       json_tree_parse(text, size, &tree, NULL) == 0
		       ? tree
		       : NULL;
}

static struct json_tree *make_unit(const struct api_unit *unit, struct json_tree *instances)
{
	struct json_tree *object = json_tree_object();

	json_tree_set_text(object, "name", unit->name);
	json_tree_set_text(object, "state", api_state_type.names[unit->state]);
	json_tree_set_text(object, "reason", unit->reason);
	json_tree_set_text(object, "actorType", unit->actorType);
	json_tree_set(object, "instances", instances);
	return object;
}

/* The instances of a unit in one worker, or (0) in none. */
static struct json_tree *make_instances(const struct api_unit *unit, int64_t worker)
{
	struct json_tree *instances = json_tree_array();

	for (size_t i = 0; i < unit->instances.count; i++) {
		const struct api_instance *instance = &unit->instances.items[i];

		if (tree_lives_in(instance) == worker)
			json_tree_append(instances, make_value(&api_instance_type, instance));
	}
	return instances;
}

/* The units with instances in a worker. */
static struct json_tree *make_units(const struct api_unit_array *units, int64_t worker)
{
	struct json_tree *array = json_tree_array();

	for (size_t i = 0; i < units->count; i++) {
		struct json_tree *instances = make_instances(&units->items[i], worker);

		if (json_tree_first(instances))
			json_tree_append(array, make_unit(&units->items[i], instances));
		else
			json_tree_free(instances);
	}
	return array;
}

/* Actors that other actors spawned. */
static struct json_tree *make_others(const struct census *census, int64_t worker)
{
	struct json_tree *others = json_tree_array();

	for (size_t i = 0; i < census->count; i++) {
		const struct census_kind *kind = &census->kinds[i];
		struct json_tree *object;

		if (kind->worker != worker || !kind->is_spawned)
			continue;
		object = json_tree_object();
		json_tree_set_text(object, "unit", kind->unit);
		json_tree_set_text(object, "actorType", kind->type);
		json_tree_set(object, "actors", json_tree_int((int64_t)kind->count));
		json_tree_append(others, object);
	}
	return others;
}

static struct json_tree *make_worker(const struct tree *tree, const struct api_worker *worker)
{
	struct json_tree *object = make_value(&api_worker_type, worker);

	json_tree_set(object, "units", make_units(tree->units, worker->worker));
	json_tree_set(object, "others", make_others(&tree->census, worker->worker));
	return object;
}

int tree_print_json(struct ctl *ctl, const struct tree *tree)
{
	struct json_tree *root = json_tree_object();
	struct json_tree *workers = json_tree_array(), *missing = json_tree_array();

	for (size_t i = 0; i < tree->workers->count; i++)
		json_tree_append(workers, make_worker(tree, &tree->workers->items[i]));
	for (size_t i = 0; i < tree->units->count; i++) {
		const struct api_unit *unit = &tree->units->items[i];

		if (tree_is_missing(unit))
			json_tree_append(missing, make_unit(unit, make_instances(unit, 0)));
	}
	json_tree_set(root, "status", make_value(&api_status_out_type, tree->status));
	json_tree_set(root, "workers", workers);
	json_tree_set(root, "missing", missing);
	json_tree_set(root, "uncounted", json_tree_int((int64_t)tree->census.more));
	return ctl_print_value(ctl, root);
}

/* unit_define.c - from what a file or an operator asks for to a unit that can run: plug-in, type, configuration. */
#include "master/unit.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "master/config_json.h"
#include "master/deploy.h"
#include "master/master.h"
#include "master/route.h"
#include "master/waiter.h"
#include "master/worker.h"
#include <string.h>

static int make_config(struct unit *unit)
{
	const struct idl_type *type = deploy_config_type(unit->deployment, unit->type);
	struct problems problems;
	int r;

	problems_init(&problems);
	r = config_json(&unit->file, type, &unit->config, &problems);
	if (r == -EINVAL) {
		char first[1024];

		for (size_t i = 0; i < problems.n; i++) {
			problem_print(&problems.items[i], first, sizeof(first));
			log_error(&unit->master->log, "%s", first);
		}
		if (problems.n > 0) {
			problem_print(&problems.items[0], first, sizeof(first));
			unit_break(unit, "%s", first);
		} else {
			unit_break(unit, "its [Config] is wrong");
		}
	} else if (r < 0) {
		unit_break(unit, "cannot read its [Config]: %s", strerror(-r));
	}
	problems_fini(&problems);
	return r;
}

static int make_instances(struct unit *unit)
{
	unit->instances = calloc(unit->file.instances, sizeof(*unit->instances));
	if (!unit->instances)
		return -ENOMEM;
	unit->n_instances = unit->file.instances;
	unit->n_in[INSTANCE_STOPPED] = unit->n_instances;
	for (unsigned i = 0; i < unit->n_instances; i++) {
		struct instance *instance = &unit->instances[i];

		instance->unit = unit;
		instance->number = i;
		instance->state = INSTANCE_STOPPED;
		list_init(&instance->on_worker);
	}
	return 0;
}

/* Make what the file says possible, or break the unit with a reason. config: given by an operator, or NULL. */
static void define(struct unit *unit, const char *config)
{
	struct master *master = unit->master;
	char why[DEPLOY_WHY_MAX] = "";
	const char *type;

	unit->is_broken = false;
	if (deploy_get(&master->deployments, &master->last_deployment, unit->file.plugin,
		       unit->file.allow_globals, &unit->deployment, why) < 0) {
		unit_break(unit, "%s", why);
		return;
	}
	type = deploy_choose_type(unit->deployment, unit->file.type, why);
	if (!type) {
		unit_break(unit, "%s", why);
		return;
	}
	unit->type = strdup(type);
	if (!unit->type) {
		unit_break(unit, "no memory");
		return;
	}
	if (config) {
		unit->config = strdup(config);
		if (!unit->config) {
			unit_break(unit, "no memory");
			return;
		}
	} else if (make_config(unit) < 0) {
		return;
	}
	if (unit->file.placement.worker == UNIT_WORKER_NUMBER &&
	    unit->file.placement.number > master->n_shared) {
		unit_break(unit, "Worker=%u: there are %u workers", unit->file.placement.number,
			   master->n_shared);
		return;
	}
	if (make_instances(unit) < 0)
		unit_break(unit, "no memory for %u instances", unit->file.instances);
}

static void undefine(struct unit *unit)
{
	for (unsigned i = 0; i < unit->n_instances; i++)
		instance_fini(&unit->instances[i]);
	free(unit->instances);
	unit->instances = NULL;
	unit->n_instances = 0;
	memset(unit->n_in, 0, sizeof(unit->n_in));
	free(take_pointer(&unit->config));
	free(take_pointer(&unit->type));
	deploy_put(unit->deployment);
	unit->deployment = NULL;
	unit->next = 0;
}

/* Its number will not be used again. */
static void forget_number(struct unit *unit)
{
	struct master *master = unit->master;

	HASH_DELETE(by_number, master->units_by_number, unit);
	for (unsigned i = 1; i <= LIMIT_WORKERS; i++)
		if (master->workers[i])
			worker_undefine(master->workers[i], unit->number);
}

static bool put_in_tables(struct unit *unit)
{
	struct master *master = unit->master;

	HASH_ADD_KEYPTR(by_name, master->units_by_name, unit->name, strlen(unit->name), unit);
	if (!unit->by_name.tbl)
		return false;
	HASH_ADD(by_number, master->units_by_number, number, sizeof(unit->number), unit);
	if (unit->by_number.tbl)
		return true;
	HASH_DELETE(by_name, master->units_by_name, unit);
	return false;
}

static int add_unit(struct master *master, const struct unit_file *file, bool is_configured,
		    struct unit **ret_unit)
{
	struct unit *unit;

	if (HASH_CNT(by_name, master->units_by_name) >= LIMIT_UNITS)
		return -ENOSPC;
	unit = calloc(1, sizeof(*unit));
	if (!unit)
		return -ENOMEM;
	unit->master = master;
	unit->file = *file;
	unit->is_configured = is_configured;
	unit->number = ++master->last_unit;
	unit->told = UNIT_STOPPED;
	list_init(&unit->changed);
	list_init(&unit->waiters);
	list_init(&unit->calls);
	unit->name = strdup(file->name);
	if (!unit->name || !put_in_tables(unit)) {
		free(unit->name);
		free(unit);
		return -ENOMEM;
	}
	*ret_unit = unit;
	return 0;
}

int unit_new(struct master *master, struct unit_file *file, const char *config,
	     bool is_configured, struct unit **ret_unit)
{
	int r = add_unit(master, file, is_configured, ret_unit);

	if (r < 0)
		return r;
	*file = (struct unit_file){0};
	define(*ret_unit, config);
	return 0;
}

int unit_new_broken(struct master *master, const char *name, const char *file,
		    const char *reason, struct unit **ret_unit)
{
	struct unit_file empty = {
		.name = strdup(name), .file = strdup(file), .plugin = strdup("")};
	int r = empty.name && empty.file && empty.plugin
			? add_unit(master, &empty, true, ret_unit)
			: -ENOMEM;

	if (r < 0) {
		unit_file_fini(&empty);
		return r;
	}
	(*ret_unit)->has_bad_file = true;
	unit_break(*ret_unit, "%s", reason);
	return 0;
}

void unit_free(struct unit *unit)
{
	struct master *master;

	if (!unit)
		return;
	master = unit->master;
	waiters_fail(unit);
	unit_release_own(unit);
	undefine(unit);
	list_remove(&unit->changed);
	forget_number(unit);
	HASH_DELETE(by_name, master->units_by_name, unit);
	route_again(unit);
	if (unit->next_file)
		unit_file_fini(unit->next_file);
	free(unit->next_file);
	unit_file_fini(&unit->file);
	free(unit->reason);
	free(unit->name);
	free(unit);
}

void unit_redefine(struct unit *unit, const char *config)
{
	undefine(unit);
	define(unit, config);
}

/* A new number: what workers still say of the old definition is for nobody. */
void unit_renew(struct unit *unit)
{
	struct master *master = unit->master;
	cleanup_free char *config = NULL;

	unit_release_own(unit);
	if (!unit->next_file && !unit->is_configured)
		config = take_pointer(&unit->config);
	undefine(unit);
	forget_number(unit);
	unit->number = ++master->last_unit;
	HASH_ADD(by_number, master->units_by_number, number, sizeof(unit->number), unit);
	check(unit->by_number.tbl);
	if (unit->next_file) {
		unit_file_fini(&unit->file);
		unit->file = *unit->next_file;
		free(take_pointer(&unit->next_file));
		unit->is_configured = true;
		unit->has_bad_file = false;
	}
	free(take_pointer(&unit->reason));
	define(unit, config);
}

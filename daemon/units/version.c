/* version.c - from a definition to what can be started. */
#include "units/version.h"

#include "base/text.h"
#include "config/config_json.h"
#include "config/unit_file.h"
#include "master/master.h"
#include "master/worker.h"
#include "process/place.h"
#include "units/unit.h"
#include "units/version_sockets.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct version *version_find(struct master *master, uint64_t number)
{
	uint32_t key = (uint32_t)number;
	struct version *version;

	if (number == 0 || number > UINT32_MAX)
		return NULL;
	HASH_FIND(by_number, master->versions, &key, sizeof(key), version);
	return version;
}

struct version *version_ref(struct version *version)
{
	version->users++;
	return version;
}

void version_unref(struct version *version)
{
	struct master *master;

	if (!version || --version->users > 0)
		return;
	master = version->unit->master;
	HASH_DELETE(by_number, master->versions, version);
	workers_foreach (worker, master)
		worker_undefine(worker, version->number);
	deploy_put(version->deployment);
	free(version->state_directory);
	version_close_sockets(version);
	free(version->config);
	free(version);
}

static struct version *new_empty(struct unit *unit)
{
	struct master *master = unit->master;
	struct version *version = calloc(1, sizeof(*version));

	if (!version)
		return NULL;
	version->unit = unit;
	version->number = ++master->last_version;
	version->users = 1;
	HASH_ADD(by_number, master->versions, number, sizeof(version->number), version);
	if (version->by_number.tbl)
		return version;
	free(version);
	return NULL;
}

static int make_config(struct version *version, const struct unit_file *file, char *why,
		       struct problems *problems)
{
	size_t before = problems->n;
	int r = config_json(file, version->type->config, &version->config, problems);

	if (r == -EINVAL && problems->n > before)
		problem_print(&problems->items[before], why, VERSION_WHY_MAX);
	else if (r == -EINVAL)
		(void)snprintf(why, VERSION_WHY_MAX, "its [Config] is wrong");
	return r;
}

static int note_plugin(const struct unit_file *file, const char *why, struct problems *problems)
{
	return problems_add(problems, file->plugin_file ? file->plugin_file : file->file,
			    file->plugin_line, "%s", why);
}

int version_make_state(const struct version *version, char *why)
{
	int r = version->state_directory ? place_make_state(version->state_directory) : 0;

	if (r == -ENOTDIR)
		(void)snprintf(
			why, VERSION_WHY_MAX,
			"StateDirectory=yes: %.300s, or a part of it, is no directory, or a "
			"symbolic link",
			version->state_directory);
	else if (r < 0)
		(void)snprintf(why, VERSION_WHY_MAX,
			       "StateDirectory=yes: cannot make %.300s: %s",
			       version->state_directory, strerror(-r));
	return r;
}

static int make_state(struct version *version, const struct unit_file *file, char *why,
		      struct problems *problems)
{
	if (!file->has_state)
		return 0;
	version->state_directory = text_printf(
		"%s/%s", version->unit->master->settings.state_directory, file->name);
	if (!version->state_directory)
		return -ENOMEM;
	if (version_make_state(version, why) < 0)
		return problems_add(problems, file->file, 0, "%s", why);
	return 0;
}

static int copy_text(const char *text, char **ret_copy)
{
	*ret_copy = text ? strdup(text) : NULL;
	return text && !*ret_copy ? -ENOMEM : 0;
}

static int make(struct version *version, const struct unit_file *file, const char *config,
		char *why, struct problems *problems)
{
	struct master *master = version->unit->master;
	int r;

	if (deploy_get(&master->deployments, &master->last_deployment, file->plugin,
		       file->allow_globals, &version->deployment, why) < 0)
		return note_plugin(file, why, problems);
	version->type = deploy_choose_type(version->deployment, file->type, why);
	if (!version->type)
		return note_plugin(file, why, problems);
	r = make_state(version, file, why, problems);
	if (r == 0 && !config)
		r = make_config(version, file, why, problems);
	else if (r == 0)
		r = copy_text(config, &version->config);
	/* Last: nobody is to connect to what cannot run. */
	return r < 0 ? r : version_open_sockets(version, file, why, problems);
}

int version_new(struct unit *unit, const struct unit_file *file, const char *config,
		struct version **ret_version, char *why, struct problems *problems)
{
	struct version *version = new_empty(unit);
	int r;

	if (!version)
		return -ENOMEM;
	why[0] = '\0';
	r = file ? make(version, file, config, why, problems) : 0;
	if (r < 0 && r != -EINVAL) {
		version_unref(version);
		return r;
	}
	*ret_version = version;
	return r;
}

int version_again(const struct version *version, struct version **ret_version)
{
	struct version *again = new_empty(version->unit);

	if (!again)
		return -ENOMEM;
	if (copy_text(version->config, &again->config) < 0 ||
	    copy_text(version->state_directory, &again->state_directory) < 0 ||
	    version_share_sockets(version, again) < 0) {
		version_unref(again);
		return -ENOMEM;
	}
	again->deployment = deploy_ref(version->deployment);
	again->type = version->type;
	*ret_version = again;
	return 0;
}

bool version_is_of(const struct version *version, uint32_t deployment)
{
	return version->deployment && version->deployment->number == deployment;
}

int version_is_up_to_date(const struct version *version, char *why)
{
	struct master *master = version->unit->master;
	const struct unit_file *file = &version->unit->file;
	struct deployment *now;
	int r = deploy_get(&master->deployments, &master->last_deployment, file->plugin,
			   file->allow_globals, &now, why);

	if (r < 0)
		return r;
	r = now == version->deployment;
	deploy_put(now);
	return r;
}

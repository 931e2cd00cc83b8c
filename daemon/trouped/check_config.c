/* check_config.c - --check: the configuration and its plug-ins, read as at start, with nothing
 * started. */
#include "trouped/trouped.h"

#include "base/cleanup.h"
#include "config/config_json.h"
#include "config/defaults.h"
#include "config/unit_file.h"
#include "process/deploy.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What its actors provide; NULL: it was refused. */
static const struct plugin_actor *check_unit(const struct unit_file *file,
					     struct list *deployments, uint32_t *last,
					     struct problems *problems)
{
	const struct plugin_actor *type = NULL;
	struct deployment *deployment;
	char why[DEPLOY_WHY_MAX];
	cleanup_free char *config = NULL;

	if (deploy_get(deployments, last, file->plugin, file->allow_globals, &deployment,
		       why) == 0)
		type = deploy_choose_type(deployment, file->type, why);
	if (type)
		(void)config_json(file, type->config, &config, problems);
	else
		(void)problems_add(problems, file->plugin_file, file->plugin_line, "%s", why);
	return type;
}

static int check_units(const struct unit_file *files, size_t n, struct problems *problems)
{
	struct default_claims claims = {0};
	struct list deployments;
	uint32_t last = 0;
	int r = 0;

	list_init(&deployments);
	for (size_t i = 0; i < n; i++) {
		const struct plugin_actor *type =
			check_unit(&files[i], &deployments, &last, problems);

		if (files[i].is_default && type && r == 0)
			r = defaults_add(&claims, type->interfaces, type->n_interfaces,
					 files[i].name, files[i].file);
	}
	defaults_check(&claims, problems);
	defaults_fini(&claims);
	deploy_free_all(&deployments);
	return r;
}

static int check_all(const struct conf_path *path, size_t *ret_n, struct problems *problems)
{
	struct settings settings;
	struct unit_file *files;
	int r = settings_load(&settings, path, NULL, problems);

	/* PluginPath= and the units' defaults come from there. */
	if (r == -EINVAL) {
		(void)problems_add(problems, "trouped.conf", 0,
				   "units are checked when this file is right");
		return 0;
	}
	if (r < 0)
		return r;
	r = unit_files_load(path, &settings, &files, ret_n, problems);
	if (r == 0) {
		r = check_units(files, *ret_n, problems);
		unit_files_free(files, *ret_n);
	}
	settings_fini(&settings);
	return r;
}

/* Silence could mean that the wrong directory was read. */
static void print_summary(const struct conf_path *path, size_t n)
{
	(void)printf("no problems in %zu unit%s of ", n, n == 1 ? "" : "s");
	for (size_t i = 0; i < path->n; i++)
		(void)printf("%s%s", i > 0 ? ", " : "", path->directories[i]);
	(void)puts("");
}

static void print(const struct problem *items, size_t n, const char *mark)
{
	char text[2048];

	for (size_t i = 0; i < n; i++) {
		problem_print(&items[i], text, sizeof(text));
		(void)printf("%s%s\n", mark, text);
	}
}

int master_check(const struct master_options *options)
{
	struct conf_scope scope = {
		.user = geteuid() != 0,
		.instance = options->instance,
		.config = options->config,
	};
	struct problems problems = {0};
	struct conf_path path;
	size_t n, n_units = 0;
	int r = conf_path_init(&path, &scope);

	if (r < 0)
		return r;
	r = check_all(&path, &n_units, &problems);
	print(problems.items, problems.n, "");
	print(problems.warnings, problems.n_warnings, "warning: ");
	n = problems.n + problems.n_lost;
	if (r == 0 && n == 0)
		print_summary(&path, n_units);
	if (problems.n_lost > 0)
		(void)printf("and %zu more\n", problems.n_lost);
	problems_fini(&problems);
	conf_path_fini(&path);
	return r < 0 ? r : n > 0 ? (int)(n < 1000000 ? n : 1000000) : 0;
}

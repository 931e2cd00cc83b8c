/* check_config.c - --check: the configuration and its plug-ins, read as at start, with nothing started. */
#include "master/master.h"

#include "base/cleanup.h"
#include "master/config_json.h"
#include "master/deploy.h"
#include "master/unit_file.h"
#include <stdio.h>

static void check_unit(const struct unit_file *file, struct list *deployments, uint32_t *last,
		       struct problems *problems)
{
	struct deployment *deployment;
	char why[DEPLOY_WHY_MAX];
	cleanup_free char *config = NULL;
	const char *type;

	if (deploy_get(deployments, last, file->plugin, file->allow_globals, &deployment, why) <
	    0) {
		(void)problems_add(problems, file->plugin_file, file->plugin_line, "%s", why);
		return;
	}
	type = deploy_choose_type(deployment, file->type, why);
	if (!type)
		(void)problems_add(problems, file->plugin_file, file->plugin_line, "%s", why);
	else
		(void)config_json(file, deploy_config_type(deployment, type), &config,
				  problems);
	deploy_put(deployment);
}

static int check_all(const struct conf_path *path, struct problems *problems)
{
	struct settings settings;
	struct unit_file *files;
	struct list deployments;
	uint32_t last = 0;
	size_t n;
	int r = settings_load(&settings, path, problems);

	if (r < 0)
		return r == -EINVAL ? 0 : r;
	r = unit_files_load(path, &settings, &files, &n, problems);
	if (r == 0) {
		list_init(&deployments);
		for (size_t i = 0; i < n; i++)
			check_unit(&files[i], &deployments, &last, problems);
		deploy_free_all(&deployments);
		unit_files_free(files, n);
	}
	settings_fini(&settings);
	return r;
}

int master_check(const struct master_options *options)
{
	struct conf_scope scope = {
		.user = geteuid() != 0,
		.instance = options->instance,
		.config = options->config,
	};
	struct problems problems;
	struct conf_path path;
	char text[2048];
	size_t n;
	int r = conf_path_init(&path, &scope);

	if (r < 0)
		return r;
	problems_init(&problems);
	r = check_all(&path, &problems);
	for (size_t i = 0; i < problems.n; i++) {
		problem_print(&problems.items[i], text, sizeof(text));
		(void)puts(text);
	}
	for (size_t i = 0; i < problems.n_warnings; i++) {
		problem_print(&problems.warnings[i], text, sizeof(text));
		(void)printf("warning: %s\n", text);
	}
	n = problems.n + problems.n_lost;
	if (problems.n_lost > 0)
		(void)printf("and %zu more\n", problems.n_lost);
	problems_fini(&problems);
	conf_path_fini(&path);
	return r < 0 ? r : n > 0 ? (int)(n < 1000000 ? n : 1000000) : 0;
}

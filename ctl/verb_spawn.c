/* verb_spawn.c - units made by hand. */
#include "base/cleanup.h"
#include "config.h"
#include "ctl/parameters.h"
#include "ctl/show.h"
#include "ctl/verbs.h"
#include "proto/json.h"
#include "proto/plugin_info.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

static const int64_t *optional(const struct options *options, enum option_bit bit,
			       const uint64_t *value, int64_t *place)
{
	*place = (int64_t)*value;
	return option_is_given(options, bit) ? place : NULL;
}

/* A plug-in as it was typed, "./hello.so:greeter". */
struct typed_plugin {
	char *name;       /* for the daemon: a path from the root, or a name that it looks up */
	const char *type; /* of the actors; NULL: not given */
	char path[PATH_MAX]; /* of the file, where that is known here */
	bool is_untyped;     /* key=value was given, and no file to say of which type */
};

static void plugin_fini(struct typed_plugin *plugin)
{
	free(plugin->name);
}

static int find_plugin(struct ctl *ctl, const char *typed, struct typed_plugin *plugin)
{
	const char *colon = strrchr(typed, ':');
	cleanup_free char *file = NULL;
	char *absolute;

	if (!colon || strchr(colon, '/'))
		colon = typed + strlen(typed);
	plugin->type = ctl->options.type ? ctl->options.type : *colon ? colon + 1 : NULL;
	file = strndup(typed, (size_t)(colon - typed));
	if (!file)
		return ctl_fail(ctl, STATUS_FAILED, "out of memory");
	if (!strchr(file, '/')) {
		snprintf(plugin->path, sizeof(plugin->path), "%s/%s%s", TROUPE_PLUGINDIR, file,
			 strstr(file, ".so") ? "" : ".so");
		plugin->name = strdup(typed);
	} else {
		/* The daemon works in another directory. */
		absolute = realpath(file, plugin->path);
		if (!absolute && file[0] != '/')
			return ctl_fail(ctl, STATUS_FAILED, "%s: %s", file, strerror(errno));
		if (!absolute)
			snprintf(plugin->path, sizeof(plugin->path), "%s", file);
		if (asprintf(&plugin->name, "%s%s", plugin->path, colon) < 0)
			plugin->name = NULL;
	}
	return plugin->name ? STATUS_OK : ctl_fail(ctl, STATUS_FAILED, "out of memory");
}

/* The actor type that the unit will have; NULL: only the daemon knows. */
static const struct plugin_actor *find_actor(const struct plugin_info *info, const char *type)
{
	if (!type)
		return info->n_actors == 1 ? &info->actors[0] : NULL;
	for (size_t i = 0; i < info->n_actors; i++)
		if (strcmp(info->actors[i].name, type) == 0)
			return &info->actors[i];
	return NULL;
}

/* key=value, typed by what the plug-in's file says, if it can be read from here. What is wrong
 * with the plug-in itself is left to the daemon to say. */
static int read_config(struct ctl *ctl, struct typed_plugin *plugin, char **arguments, int n,
		       char **ret_config)
{
	cleanup(plugin_info_cleanup) struct plugin_info *info = NULL;
	cleanup_close int fd = open(plugin->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const struct plugin_actor *actor = NULL;
	char why[PLUGIN_WHY_MAX];

	if (fd >= 0 && plugin_info_read_fd(fd, PLUGIN_ALLOW_GLOBALS, &info, why) == 0)
		actor = find_actor(info, plugin->type);
	if (actor && !actor->config)
		return ctl_fail(ctl, STATUS_USAGE,
				"%s: actors of type %s take no configuration; `troupectl "
				"inspect %s` shows what they are",
				arguments[0], actor->name, plugin->path);
	plugin->is_untyped = !actor && parameters_need_type(arguments, n);
	return parameters_read(ctl, arguments, n, actor ? actor->config : NULL, ret_config);
}

static int make_config(struct ctl *ctl, struct typed_plugin *plugin, char **arguments, int n,
		       char **ret_config)
{
	struct codec_error error = {0};
	const char *given = ctl->options.config;

	if (!given)
		return n > 0 ? read_config(ctl, plugin, arguments, n, ret_config) : STATUS_OK;
	if (n > 0)
		return ctl_fail(ctl, STATUS_USAGE,
				"the configuration is either --config or key=value, not both");
	if (json_pick(given, strlen(given), NULL, 0, NULL, &error) < 0)
		return ctl_fail(ctl, STATUS_USAGE, "--config is not a JSON object: %s",
				error.message);
	*ret_config = strdup(given);
	return *ret_config ? STATUS_OK : ctl_fail(ctl, STATUS_FAILED, "out of memory");
}

int verb_spawn(struct ctl *ctl, char **arguments, int n)
{
	const struct options *options = &ctl->options;
	int64_t instances, mailbox, mailbox_bytes, batch;
	enum api_spawn_on_error on_error = API_SPAWN_ON_ERROR_CONTINUE;
	cleanup(plugin_fini) struct typed_plugin plugin = {0};
	cleanup_free char *config = NULL;
	cleanup_free void *reply = NULL;
	struct api_spawn in = {
		.name = arguments[0],
		.actorType = options->type,
		.worker = options->worker,
		.instances =
			optional(options, OPTION_INSTANCES, &options->instances, &instances),
		.mailbox = optional(options, OPTION_MAILBOX, &options->mailbox, &mailbox),
		.mailboxBytes = optional(options, OPTION_MAILBOX_BYTES, &options->mailbox_bytes,
					 &mailbox_bytes),
		.batch = optional(options, OPTION_BATCH, &options->batch, &batch),
	};
	int r = find_plugin(ctl, arguments[1], &plugin);

	if (r == STATUS_OK)
		r = make_config(ctl, &plugin, arguments + 2, n - 2, &config);
	if (r != STATUS_OK)
		return r;
	in.plugin = plugin.name;
	in.config = config;
	if (options->on_error) {
		if (strcmp(options->on_error, "stop") == 0)
			on_error = API_SPAWN_ON_ERROR_STOP;
		else if (strcmp(options->on_error, "continue") != 0)
			return ctl_fail(ctl, STATUS_USAGE,
					"--on-error is continue or stop, not %s",
					options->on_error);
		in.onError = &on_error;
	}
	r = ctl_ask_typed(ctl, &api_spawn_method, &in, &reply);
	if (r != STATUS_OK && plugin.is_untyped)
		ctl_fail(
			ctl, 0,
			"%s cannot be read from here, so that each key=value went as a string; "
			"write key:=JSON for anything else, like number:=7",
			plugin.path);
	if (r == STATUS_OK && reply)
		show_unit(ctl, &((const struct api_spawn_out *)reply)->unit);
	return r;
}

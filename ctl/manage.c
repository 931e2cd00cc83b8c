/* manage.c - verbs that change what runs. */
#include "base/cleanup.h"
#include "ctl/parameters.h"
#include "ctl/show.h"
#include "ctl/verbs.h"
#include "proto/json.h"
#include <errno.h>
#include <string.h>

static const int64_t *optional(const struct options *options, enum option_bit bit,
			       const uint64_t *value, int64_t *place)
{
	*place = (int64_t)*value;
	return option_is_given(options, bit) ? place : NULL;
}

static int spawn_config(struct ctl *ctl, char **arguments, int n, char **ret_config)
{
	struct codec_error error = {0};
	const char *given = ctl->options.config;

	if (given && n > 0)
		return ctl_fail(ctl, STATUS_USAGE,
				"the configuration is either --config or key=value, not both");
	if (given && json_pick(given, strlen(given), NULL, 0, NULL, &error) < 0)
		return ctl_fail(ctl, STATUS_USAGE, "--config is not a JSON object: %s",
				error.message);
	if (given)
		*ret_config = strdup(given);
	/* The daemon knows the type of the configuration, not we: values are strings, or
	 * key:=JSON. */
	return given || n == 0 ? STATUS_OK
			       : parameters_read(ctl, arguments, n, NULL, ret_config);
}

int verb_spawn(struct ctl *ctl, char **arguments, int n)
{
	const struct options *options = &ctl->options;
	int64_t instances, mailbox, mailbox_bytes, batch;
	enum api_spawn_on_error on_error = API_SPAWN_ON_ERROR_CONTINUE;
	cleanup_free char *config = NULL;
	cleanup_free void *reply = NULL;
	struct api_spawn in = {
		.name = arguments[0],
		.plugin = arguments[1],
		.actorType = options->type,
		.worker = options->worker,
		.instances =
			optional(options, OPTION_INSTANCES, &options->instances, &instances),
		.mailbox = optional(options, OPTION_MAILBOX, &options->mailbox, &mailbox),
		.mailboxBytes = optional(options, OPTION_MAILBOX_BYTES, &options->mailbox_bytes,
					 &mailbox_bytes),
		.batch = optional(options, OPTION_BATCH, &options->batch, &batch),
	};
	int r = spawn_config(ctl, arguments + 2, n - 2, &config);

	if (r != STATUS_OK)
		return r;
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
	if (r == STATUS_OK && reply)
		show_unit(ctl, &((const struct api_spawn_out *)reply)->unit);
	return r;
}

int verb_stop(struct ctl *ctl, char **arguments, int n)
{
	int status = STATUS_OK;

	for (int i = 0; i < n; i++) {
		cleanup_free void *reply = NULL;
		int r = ctl_ask_typed(ctl, &api_stop_method,
				      &(struct api_stop){.name = arguments[i]}, &reply);

		status = r != STATUS_OK ? r : status;
	}
	return status;
}

int verb_start(struct ctl *ctl, char **arguments, int n)
{
	int status = STATUS_OK;

	for (int i = 0; i < n; i++) {
		cleanup_free void *reply = NULL;
		int r = ctl_ask_typed(ctl, &api_start_method,
				      &(struct api_start){.name = arguments[i]}, &reply);

		status = r != STATUS_OK ? r : status;
	}
	return status;
}

static void show_names(struct ctl *ctl, const char *what, const struct api_string_array *names)
{
	for (size_t i = 0; i < names->count; i++)
		show_print(ctl, "%s%s", i == 0 ? what : " ", names->items[i]);
	if (names->count > 0)
		show_print(ctl, "\n");
}

int verb_reload(struct ctl *ctl, char **arguments, int n)
{
	cleanup_free void *reply = NULL;
	const struct api_reload_out *out;
	int r;

	(void)arguments;
	(void)n;
	r = ctl_ask_typed(ctl, &api_reload_method, &(struct api_reload){0}, &reply);
	if (r != STATUS_OK || !reply)
		return r;
	out = reply;
	show_names(ctl, "  started: ", &out->started);
	show_names(ctl, "restarted: ", &out->restarted);
	show_names(ctl, "  stopped: ", &out->stopped);
	if (out->started.count + out->restarted.count + out->stopped.count == 0 &&
	    out->problems.count == 0)
		show_print(ctl, "nothing has changed\n");
	show_problems(ctl, &out->problems);
	return out->problems.count > 0 ? STATUS_FAILED : STATUS_OK;
}

int verb_shutdown(struct ctl *ctl, char **arguments, int n)
{
	cleanup_free void *reply = NULL;

	(void)arguments;
	(void)n;
	return ctl_ask_typed(ctl, &api_shutdown_method, &(struct api_shutdown){0}, &reply);
}

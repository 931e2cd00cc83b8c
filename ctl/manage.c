/* manage.c - verbs that change what runs: units stopped and started, the configuration, the daemon. */
#include "base/cleanup.h"
#include "ctl/show.h"
#include "ctl/verbs.h"

static int stop_one(struct ctl *ctl, const char *name)
{
	cleanup_free void *reply = NULL;

	return ctl_ask_typed(ctl, &api_stop_method, &(struct api_stop){.name = name}, &reply);
}

static int start_one(struct ctl *ctl, const char *name)
{
	cleanup_free void *reply = NULL;
	const struct api_unit *unit;
	int r = ctl_ask_typed(ctl, &api_start_method, &(struct api_start){.name = name},
			      &reply);

	if (r != STATUS_OK || !reply)
		return r;
	unit = &((const struct api_start_out *)reply)->unit;
	if (unit->state != API_STATE_FAILED && unit->state != API_STATE_BACKOFF)
		return STATUS_OK;
	return ctl_fail(ctl, STATUS_FAILED, "%s did not start: %s", unit->name,
			unit->reason ? unit->reason : "see the daemon's log");
}

/* One that fails does not keep the others from it. */
static int for_each_name(struct ctl *ctl, char **names, int n,
			 int (*one)(struct ctl *ctl, const char *name))
{
	int status = STATUS_OK;

	for (int i = 0; i < n; i++) {
		int r = one(ctl, names[i]);

		status = r != STATUS_OK ? r : status;
	}
	return status;
}

int verb_stop(struct ctl *ctl, char **arguments, int n)
{
	return for_each_name(ctl, arguments, n, stop_one);
}

int verb_start(struct ctl *ctl, char **arguments, int n)
{
	return for_each_name(ctl, arguments, n, start_one);
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
	show_names(ctl, "  changed: ", &out->changed);
	show_names(ctl, "need the daemon's next start: ", &out->pending);
	if (out->started.count + out->restarted.count + out->stopped.count +
			    out->changed.count + out->pending.count ==
		    0 &&
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

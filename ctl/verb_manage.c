/* verb_manage.c - verbs that change what runs: units stopped and started, the configuration,
 * the daemon. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/show.h"
#include "ctl/verbs.h"
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>

static int explain_start(struct ctl *ctl, const struct api_unit *unit)
{
	if (unit->state != API_STATE_FAILED && unit->state != API_STATE_BACKOFF)
		return STATUS_OK;
	return ctl_fail(ctl, STATUS_FAILED, "%s did not start: %s", unit->name,
			unit->reason ? unit->reason : "see the daemon's log");
}

static int show_start(struct ctl *ctl, const void *out)
{
	return explain_start(ctl, &((const struct api_start_out *)out)->unit);
}

static int show_restart(struct ctl *ctl, const void *out)
{
	return explain_start(ctl, &((const struct api_restart_out *)out)->unit);
}

static void show_list(struct ctl *ctl, const char *what, const struct api_string_array *names)
{
	for (size_t i = 0; i < names->count; i++)
		show_print(ctl, "%s%s", i == 0 ? what : " ", names->items[i]);
	if (names->count > 0)
		show_print(ctl, "\n");
}

static int show_killed(struct ctl *ctl, const void *reply)
{
	const struct api_kill_out *out = reply;

	for (size_t i = 0; i < out->workers.count; i++)
		show_print(ctl, "killed worker %lld\n", (long long)out->workers.items[i]);
	show_list(ctl, "           killed: ", &out->actors);
	show_list(ctl, "  ended with them: ", &out->collateral);
	if (out->count > (int64_t)(out->actors.count + out->collateral.count))
		show_print(ctl, "and %lld more actors there\n",
			   (long long)(out->count -
				       (int64_t)(out->actors.count + out->collateral.count)));
	return STATUS_OK;
}

int verb_stop(struct ctl *ctl, char **arguments, int n)
{
	return ctl_show_each(ctl, &api_stop_method, arguments, n, NULL);
}

int verb_start(struct ctl *ctl, char **arguments, int n)
{
	return ctl_show_each(ctl, &api_start_method, arguments, n, show_start);
}

int verb_restart(struct ctl *ctl, char **arguments, int n)
{
	return ctl_show_each(ctl, &api_restart_method, arguments, n, show_restart);
}

int verb_kill(struct ctl *ctl, char **arguments, int n)
{
	return ctl_show_each(ctl, &api_kill_method, arguments, n, show_killed);
}

static int show_changes(struct ctl *ctl, const void *reply)
{
	const struct api_reload_out *out = reply;

	show_list(ctl, "  started: ", &out->started);
	show_list(ctl, "restarted: ", &out->restarted);
	show_list(ctl, "  stopped: ", &out->stopped);
	show_list(ctl, "  changed: ", &out->changed);
	show_list(ctl, "in force now: ", &out->applied);
	show_list(ctl, "need the daemon's next start: ", &out->pending);
	if (out->started.count + out->restarted.count + out->stopped.count +
			    out->changed.count + out->applied.count + out->pending.count ==
		    0 &&
	    out->problems.count == 0)
		show_print(ctl, "nothing has changed\n");
	show_problems(ctl, &out->problems, "");
	show_problems(ctl, &out->warnings, "warning: ");
	return out->problems.count > 0 ? STATUS_FAILED : STATUS_OK;
}

int verb_reload(struct ctl *ctl, char **arguments, int n)
{
	return ctl_show_each(ctl, &api_reload_method, arguments, n, show_changes);
}

/* Hold on to the daemon's process. -1: it cannot be seen from here, as from another
 * container. */
static int hold_daemon(struct ctl *ctl, pid_t *ret_pid)
{
	cleanup_free void *reply = NULL;
	char path[64], name[64] = "";
	cleanup_fclose FILE *comm = NULL;
	cleanup_close int pidfd = -1;

	if (ctl_ask_value(ctl, &api_status_method, &(struct api_status){0}, &reply) !=
	    STATUS_OK)
		return -1;
	*ret_pid = (pid_t)((const struct api_status_out *)reply)->pid;
	pidfd = *ret_pid > 0 ? pidfd_open(*ret_pid, 0) : -1;
	/* Its own number, which may be another's here. */
	snprintf(path, sizeof(path), "/proc/%d/comm", (int)*ret_pid);
	comm = pidfd < 0 ? NULL : fopen(path, "re");
	if (!comm || !fgets(name, sizeof(name), comm) || strcmp(name, "trouped\n") != 0)
		return -1;
	return take_fd(&pidfd);
}

static int wait_for_end(struct ctl *ctl, int pidfd, pid_t pid)
{
	struct pollfd end = {.fd = pidfd, .events = POLLIN};
	uint64_t timeout_ns = ctl_timeout_ns(ctl, "io.troupe.Control.Shutdown");
	uint64_t ms = timeout_ns / CLOCK_MS_NS;
	int n = poll(&end, 1, timeout_ns == 0 || ms > INT_MAX ? -1 : (int)ms);

	if (n > 0)
		return STATUS_OK;
	return ctl_fail(ctl, STATUS_FAILED,
			"trouped (pid %d) has not ended yet; it goes on stopping", (int)pid);
}

int verb_shutdown(struct ctl *ctl, char **arguments, int n)
{
	cleanup_free void *reply = NULL;
	cleanup_close int pidfd = -1;
	pid_t pid = 0;
	int r;

	(void)arguments;
	(void)n;
	pidfd = hold_daemon(ctl, &pid);
	r = ctl_ask_typed(ctl, &api_shutdown_method, &(struct api_shutdown){0}, &reply);
	if (r != STATUS_OK)
		return r;
	if (pidfd < 0)
		return ctl_fail(
			ctl, STATUS_OK,
			"the daemon is stopping; its process cannot be seen from here, so its "
			"end is not waited for");
	return wait_for_end(ctl, pidfd, pid);
}

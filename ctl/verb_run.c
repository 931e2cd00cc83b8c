/* verb_run.c - plug-ins in a daemon of their own, for one call or as long as it is let. */
#include "base/limits.h"
#include "ctl/host.h"
#include "ctl/verbs.h"

/* The call of a method of the first unit. */
static int call(struct ctl *ctl, const char *unit, char **arguments, int n)
{
	char name[LIMIT_NAME + 1];

	host_unit_name(unit, name, sizeof(name));
	/* The unit's name takes the place of the unit's argument. */
	char *kept = arguments[-1];
	arguments[-1] = name;
	/* Nobody else waits for its end: it is over when it is over. */
	if (!option_is_given(&ctl->options, OPTION_TIMEOUT)) {
		ctl->options.given |= OPTION(TIMEOUT);
		ctl->options.timeout_ns = LIMIT_CALL_TIMEOUT_NS;
	}
	int r = verb_call(ctl, arguments - 1, n + 1);
	arguments[-1] = kept;
	return r;
}

int verb_run(struct ctl *ctl, char **arguments, int n)
{
	struct host *host;
	int units = 0;

	while (units < n && host_is_unit(arguments[units]))
		units++;
	if (units == 0)
		return ctl_fail(
			ctl, STATUS_USAGE,
			"%s is neither a plug-in (FILE.so) nor a unit file (NAME.actor)",
			arguments[0]);
	if (units == n && option_is_given(&ctl->options, OPTION_MORE))
		return ctl_fail(ctl, STATUS_USAGE, "--more goes with a method");
	/* A service that runs says what it does, a call only what is wrong. */
	int r = host_start(ctl, arguments, units, units == n ? "info" : "warning", &host);
	if (r != STATUS_OK)
		return r;
	if (units == n) {
		/* For other commands. */
		fprintf(ctl->err, "troupectl: export TROUPE_SOCKET=%s\n", ctl->socket);
		host_wait(host);
	} else if (host_runs(host)) {
		r = call(ctl, arguments[0], arguments + units, n - units);
	}
	return host_end(host, r);
}

/* fail.c - the last words of a command. */
#include "ctl/fail.h"

#include "base/cleanup.h"
#include "ctl/terminal.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>

int ctl_fail(struct ctl *ctl, int status, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = terminal_vprint(format, arguments, 1);
	va_end(arguments);
	fprintf(ctl->err, "troupectl: %s\n", text ? text : "out of memory");
	return status;
}

int fail_no_connection(struct ctl *ctl, int error)
{
	const char *path = ctl->socket;

	switch (-error) {
	case ENOENT:
	case ECONNREFUSED:
		return ctl_fail(
			ctl, STATUS_UNREACHABLE,
			"no daemon listens at %s\n"
			"Start it with `systemctl start trouped` (or `trouped --config DIR "
			"--socket PATH`), or name its socket with --socket PATH or "
			"TROUPE_SOCKET.",
			path);
	case EACCES:
	case EPERM:
		return ctl_fail(
			ctl, STATUS_UNREACHABLE,
			"may not connect to %s\n"
			"You need permission for that socket and the directories above it; "
			"try as root.",
			path);
	case ENAMETOOLONG:
		return ctl_fail(ctl, STATUS_UNREACHABLE,
				"the path of the socket is too long (107 bytes at most): %s",
				path);
	case EAGAIN:
		return ctl_fail(
			ctl, STATUS_UNREACHABLE,
			"the daemon at %s does not accept connections: it is overloaded or "
			"stopped",
			path);
	default:
		return ctl_fail(ctl, STATUS_UNREACHABLE, "cannot connect to %s: %s", path,
				strerror(-error));
	}
}

int fail_lost(struct ctl *ctl, int error)
{
	if (error == -ETIMEDOUT)
		return ctl_fail(
			ctl, STATUS_UNREACHABLE,
			"no reply in time from the daemon at %s; --timeout TIME waits longer",
			ctl->socket);
	if (error == -EBADMSG || error == -ENOBUFS)
		return ctl_fail(ctl, STATUS_UNREACHABLE,
				"what listens at %s does not speak Varlink as it should",
				ctl->socket);
	return ctl_fail(
		ctl, STATUS_UNREACHABLE,
		"the daemon at %s closed the connection: it ended, does not serve this user, "
		"or has too many connections; its log says which",
		ctl->socket);
}

int fail_foreign(struct ctl *ctl, const char *method, const struct codec_error *error)
{
	return ctl_fail(ctl, STATUS_FAILED,
			"the daemon's answer to %s is not what this troupectl knows (%s: %s); "
			"are both of one version? --json shows it as it is",
			method, error->path, error->message);
}

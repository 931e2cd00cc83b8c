/* host.c - a daemon of this command's own, which ends with it. */
#include "ctl/host.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/io.h"
#include "base/limits.h"
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#define DIRECTORY_SIZE 64
#define PATH_SIZE      512

struct watched_signal {
	struct loop_signal watcher;
	struct host *host;
};

struct host {
	struct ctl *ctl;
	char directory[DIRECTORY_SIZE];
	pid_t pid;           /* 0: there is none */
	int notify;          /* socket; the daemon tells it when it is ready */
	struct loop_io told; /* of `notify` */
	struct loop_io ended;
	struct watched_signal signals[3];
	bool is_ready, has_ended;
	int wait_status; /* when it has ended */
	int signal;      /* the first that came; 0: none */
};

bool host_is_unit(const char *argument)
{
	const char *dot = strrchr(argument, '.');

	return dot && (strcmp(dot, ".so") == 0 || strcmp(dot, ".actor") == 0);
}

void host_unit_name(const char *argument, char *name, size_t size)
{
	const char *slash = strrchr(argument, '/'), *file = slash ? slash + 1 : argument;

	(void)snprintf(name, size, "%.*s", (int)(strrchr(file, '.') - file), file);
}

/* ---- its directory */

static void path_in(const struct host *host, const char *name, char path[PATH_SIZE])
{
	(void)snprintf(path, PATH_SIZE, "%s/%s", host->directory, name);
}

static int make_directory(struct host *host)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR"), *temporary = getenv("TMPDIR");
	const char *parents[] = {runtime, temporary, "/tmp"};
	char etc[PATH_SIZE];

	for (size_t i = 0; i < ARRAY_LEN(parents); i++) {
		/* Where a socket's path is not too long. */
		if (!parents[i] || parents[i][0] != '/' || strlen(parents[i]) > 40)
			continue;
		(void)snprintf(host->directory, sizeof(host->directory), "%s/troupe-run-XXXXXX",
			       parents[i]);
		if (mkdtemp(host->directory))
			break;
		host->directory[0] = '\0';
	}
	if (!host->directory[0])
		return -errno;
	path_in(host, "etc", etc);
	return mkdir(etc, 0700) < 0 ? -errno : 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	(void)remove(path);
	return 0;
}

static void remove_directory(const struct host *host)
{
	if (host->directory[0])
		(void)nftw(host->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static int write_text(const char *path, const char *text)
{
	cleanup_close int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t size = strlen(text);

	if (fd < 0)
		return -errno;
	ssize_t n = write(fd, text, size);
	return n < 0 ? -errno : (size_t)n < size ? -ENOSPC : 0;
}

static int write_conf(const struct host *host, const char *log_level)
{
	cleanup_free char *text = NULL;
	char path[PATH_SIZE];

	if (asprintf(
		    &text,
		    "[Daemon]\nRuntimeDirectory=%s/run\nStateDirectory=%s/state\nLogLevel=%s\n",
		    host->directory, host->directory, log_level) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	path_in(host, "etc/trouped.conf", path);
	return write_text(path, text);
}

/* A plug-in becomes a unit of its name; a unit file is linked to. */
static int write_unit(struct host *host, const char *argument)
{
	cleanup_free char *real = realpath(argument, NULL), *text = NULL;
	char name[NAME_MAX + 1], file[NAME_MAX + 16], path[PATH_SIZE];
	bool is_plugin = strcmp(strrchr(argument, '.'), ".so") == 0;

	if (!real)
		return ctl_fail(host->ctl, STATUS_FAILED, "%s: %s", argument, strerror(errno));
	host_unit_name(argument, name, sizeof(name));
	(void)snprintf(file, sizeof(file), "etc/%s.actor", name);
	path_in(host, file, path);
	if (is_plugin && asprintf(&text, "[Actor]\nPlugin=%s\n", real) < 0)
		text = NULL;
	int r = is_plugin ? text ? write_text(path, text) : -ENOMEM
			  : (symlink(real, path) < 0 ? -errno : 0);
	if (r == -EEXIST)
		return ctl_fail(host->ctl, STATUS_USAGE, "two units are called %s", name);
	return r < 0 ? ctl_fail(host->ctl, STATUS_FAILED, "%s: %s", path, strerror(-r))
		     : STATUS_OK;
}

/* ---- its process */

static int open_notify(struct host *host)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char path[PATH_SIZE];

	path_in(host, "notify", path);
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	host->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (host->notify < 0 ||
	    bind(host->notify, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return 0;
}

/* In the child. Of what a service manager may have given to this command, nothing is for it. */
static void execute(const struct host *host, pid_t parent)
{
	static const char *const others[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
					     "WATCHDOG_PID", "WATCHDOG_USEC"};
	char program[PATH_SIZE], etc[PATH_SIZE], notify[PATH_SIZE];
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 16);
	sigset_t none;

	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(STATUS_FAILED);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		(void)unsetenv(others[i]);
	path_in(host, "etc", etc);
	path_in(host, "notify", notify);
	if (setenv("NOTIFY_SOCKET", notify, 1) < 0)
		_exit(STATUS_FAILED);
	program[n < 0 ? 0 : n] = '\0';
	char *slash = strrchr(program, '/');
	strcpy(slash ? slash + 1 : program, "trouped");
	(void)execlp(program, "trouped", "--config", etc, "--socket", host->ctl->socket, NULL);
	fprintf(stderr, "troupectl: cannot execute %s: %s\n", program, strerror(errno));
	_exit(STATUS_FAILED);
}

static void on_told(struct loop_io *io, unsigned events)
{
	struct host *host = container_of(io, struct host, told);
	char text[1024];
	ssize_t n;

	(void)events;
	while ((n = read(host->notify, text, sizeof(text) - 1)) >= 0) {
		text[n] = '\0';
		host->is_ready |= strstr(text, "READY=1") != NULL;
	}
}

static void on_ended(struct loop_io *io, unsigned events)
{
	struct host *host = container_of(io, struct host, ended);

	(void)events;
	if (waitpid(host->pid, &host->wait_status, WNOHANG) != host->pid)
		return;
	host->has_ended = true;
	loop_io_stop(io);
}

static void on_signal(struct loop_signal *watcher)
{
	struct host *host = container_of(watcher, struct watched_signal, watcher)->host;

	/* In order; who is impatient sends another. */
	if (host->pid > 0 && !host->has_ended)
		(void)kill(host->pid, host->signal ? SIGKILL : SIGTERM);
	host->signal = host->signal ? host->signal : watcher->number;
}

static int start_process(struct host *host)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	pid_t parent = getpid();
	int r = open_notify(host);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct watched_signal *signal = &host->signals[i];

		signal->host = host;
		loop_signal_init(&signal->watcher, host->ctl->loop, numbers[i], on_signal);
		r = loop_signal_start(&signal->watcher);
		if (r < 0)
			return r;
	}
	host->pid = fork();
	if (host->pid == 0)
		execute(host, parent);
	if (host->pid < 0)
		return -errno;
	int pidfd = pidfd_open(host->pid, 0);
	if (pidfd < 0) {
		r = -errno;
		(void)kill(host->pid, SIGKILL);
		(void)waitpid(host->pid, NULL, 0);
		return r;
	}
	loop_io_init(&host->told, host->ctl->loop, host->notify, on_told);
	loop_io_init(&host->ended, host->ctl->loop, pidfd, on_ended);
	r = loop_io_set(&host->told, LOOP_READ);
	return r < 0 ? r : loop_io_set(&host->ended, LOOP_READ);
}

void host_wait(struct host *host)
{
	while (!host->has_ended)
		loop_step(host->ctl->loop, true);
}

/* ---- its life */

bool host_runs(const struct host *host)
{
	return !host->has_ended;
}

static void host_free(struct host *host)
{
	for (size_t i = 0; i < ARRAY_LEN(host->signals); i++)
		if (host->signals[i].watcher.started)
			loop_signal_stop(&host->signals[i].watcher);
	if (host->told.started)
		loop_io_stop(&host->told);
	if (host->ended.started)
		loop_io_stop(&host->ended);
	if (host->ended.loop)
		close(host->ended.fd);
	if (host->notify >= 0)
		close(host->notify);
	remove_directory(host);
	free(host);
}

/* An exit status, explained. */
static int begin(struct host *host, char *const *units, int n, const char *log_level)
{
	int r = make_directory(host);

	if (r == 0)
		r = write_conf(host, log_level);
	if (r < 0)
		return ctl_fail(host->ctl, STATUS_FAILED,
				"cannot make a directory to run in: %s", strerror(-r));
	for (int i = 0; i < n; i++) {
		r = write_unit(host, units[i]);
		if (r != STATUS_OK)
			return r;
	}
	(void)snprintf(host->ctl->socket, sizeof(host->ctl->socket), "%s/control.sock",
		       host->directory);
	r = start_process(host);
	if (r < 0)
		return ctl_fail(host->ctl, STATUS_FAILED, "cannot start a daemon: %s",
				strerror(-r));
	while (!host->is_ready && !host->has_ended)
		loop_step(host->ctl->loop, true);
	if (host->has_ended && !host->signal)
		return ctl_fail(host->ctl, STATUS_FAILED,
				"the daemon could not start; its log is above");
	return STATUS_OK;
}

int host_start(struct ctl *ctl, char *const *units, int n, const char *log_level,
	       struct host **ret_host)
{
	struct host *host = calloc(1, sizeof(*host));

	if (!host)
		return ctl_fail(ctl, STATUS_FAILED, "out of memory");
	host->ctl = ctl;
	host->notify = -1;
	int r = begin(host, units, n, log_level);
	if (r != STATUS_OK)
		host_free(host);
	else
		*ret_host = host;
	return r;
}

int host_end(struct host *host, int status)
{
	struct ctl *ctl = host->ctl;

	if (!host->has_ended && !host->signal)
		(void)kill(host->pid, SIGTERM);
	host_wait(host);
	if (status == STATUS_OK && host->wait_status != 0)
		status = ctl_fail(ctl, STATUS_FAILED, "the daemon ended with %s %d",
				  WIFSIGNALED(host->wait_status) ? "signal" : "status",
				  WIFSIGNALED(host->wait_status)
					  ? WTERMSIG(host->wait_status)
					  : WEXITSTATUS(host->wait_status));
	if (host->signal)
		status = STATUS_SIGNAL + host->signal;
	host_free(host);
	return status;
}

/* main.c - troupe-worker: one process full of actors, started by trouped. */
#include "base/cleanup.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/text.h"
#include "config.h"
#include "worker/agent.h"
#include "worker/recorder.h"
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHANNEL (STDERR_FILENO + 1) /* wherever it was inherited as */

struct program {
	struct loop *loop;
	enum agent_end end;
};

static _Noreturn void leave(int status)
{
	for (;;)
		syscall(SYS_exit_group, status);
}

/* In place of libc's, for plug-ins: which of its threads ended the process would not be known.
 * (exit() says so itself.) */
_Noreturn void _exit(int status)
{
	recorder_note_exit(status);
	leave(status);
}

_Noreturn void _Exit(int status)
{
	recorder_note_exit(status);
	leave(status);
}

static void on_end(void *context, enum agent_end end)
{
	struct program *program = context;

	program->end = end;
	loop_stop(program->loop);
}

/* The descriptor that an argument names, if there is a channel; else -1. */
static int find_channel(const char *argument)
{
	static const char option[] = "--channel=";
	int domain = 0, type = 0, fd;
	socklen_t size = sizeof(int);
	uint64_t number;

	if (strncmp(argument, option, strlen(option)) != 0 ||
	    text_parse_uint(argument + strlen(option), 0, INT_MAX, &number) < 0)
		return -1;
	fd = (int)number;
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 || domain != AF_UNIX ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) < 0 || type != SOCK_SEQPACKET)
		return -1;
	return fd;
}

/* The master decides when we end; a plug-in that writes to a closed socket gets EPIPE, and a
 * log that may not grow is no reason to die. */
static void ignore_signals(void)
{
	static const int ignored[] = {SIGHUP,  SIGPIPE, SIGINT, SIGTERM,
				      SIGXFSZ, SIGUSR1, SIGUSR2};

	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
}

/* Nothing is inherited but the channel and where to complain to. */
static int let_go_of_inheritance(int channel)
{
	cleanup_close int null = -1;
	sigset_t none;

	if (dup2(channel, CHANNEL) < 0)
		return -errno;
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		return -errno;
	if (close_range(CHANNEL + 1, ~0u, 0) < 0 || fcntl(CHANNEL, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	(void)take_fd(&null); /* closed with the others, unless it was descriptor 0 to 2 */
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return -errno;
	return 0;
}

static int run(struct log *log)
{
	struct program program = {.end = AGENT_FAILED};
	struct agent_config config = {
		.channel = CHANNEL, .log = log, .on_end = on_end, .context = &program};
	struct recorder *crash = NULL;
	struct agent *agent = NULL;
	int r = recorder_new(&crash), status;

	if (r == 0)
		r = loop_new(&program.loop);
	config.loop = program.loop;
	config.crash = crash;
	if (r == 0)
		r = agent_new(&config, &agent);
	if (r < 0) {
		log_error(log, "cannot start: %s", strerror(-r));
	} else {
		loop_run(program.loop);
		/* Without a master nothing may hold us up, no actor's fini either. */
		if (program.end == AGENT_ORPHANED)
			leave(EXIT_FAILURE);
	}
	status = r == 0 && program.end == AGENT_DONE ? EXIT_SUCCESS : EXIT_FAILURE;
	/* Jobs that do not return must not hold us up either, nor find freed what they use. */
	if (agent_is_held(agent))
		leave(status);
	agent_free(agent);
	loop_free(program.loop);
	recorder_free(crash);
	return status;
}

static void print_help(void)
{
	puts("Usage: troupe-worker --channel=FD\n"
	     "\n"
	     "Runs actors for trouped, which starts it and talks to it over descriptor FD.\n"
	     "There is no use in starting it by hand: see trouped(8) and troupectl(1).\n"
	     "\n"
	     "  --help     this text\n"
	     "  --version  the version");
}

int main(int argc, char **argv)
{
	struct log log;
	int channel = argc == 2 ? find_channel(argv[1]) : -1, r, status;

	ignore_signals();
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		print_help();
		return EXIT_SUCCESS;
	}
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("troupe-worker " TROUPE_VERSION);
		return EXIT_SUCCESS;
	}
	if (channel < 0) {
		(void)fputs("troupe-worker: not started by trouped, with a channel; start "
			    "trouped instead, and see --help\n",
			    stderr);
		return 2;
	}
	r = let_go_of_inheritance(channel);
	if (r < 0) {
		(void)fprintf(stderr, "troupe-worker: cannot start: %s\n", strerror(-r));
		return EXIT_FAILURE;
	}
	/* It has descriptors of its own, which are not inheritance. */
	log_init(&log, STDERR_FILENO, "troupe-worker", LOG_P_INFO);
	status = run(&log);
	log_fini(&log);
	return status;
}

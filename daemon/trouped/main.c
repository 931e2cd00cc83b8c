/* main.c - trouped: options, and exit statuses.
 *
 *   0  stopped in order; nothing wrong found (--check)
 *   1  could not start; something wrong found (--check)
 *   2  wrong usage
 */
#include "base/cleanup.h"
#include "config.h"
#include "config/conf_path.h"
#include "trouped/trouped.h"
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static const char usage[] =
	"Usage: trouped [OPTION]...\n"
	"Host actors in crash-isolated worker processes.\n"
	"\n"
	"  --config DIR     read trouped.conf and the .actor files from DIR, and from nowhere "
	"else\n"
	"  --instance NAME  be a daemon of its own, with directories called troupe-NAME\n"
	"  --socket PATH    listen for control there\n"
	"  --check          read the configuration, print what is wrong with it, and exit\n"
	"  --version        print the version, and exit\n"
	"  --help           print this, and exit\n"
	"\n"
	"SIGTERM stops everything in order, SIGHUP reads the configuration again.\n";

enum { EXIT_USAGE = 2 };

struct command_line {
	struct master_options options;
	int check, version, help; /* bool */
};

/* 0, or the exit status. */
static int parse_arguments(int argc, char **argv, struct command_line *arguments)
{
	const struct option options[] = {
		{"config", required_argument, NULL, 'c'},
		{"instance", required_argument, NULL, 'i'},
		{"socket", required_argument, NULL, 's'},
		{"check", no_argument, &arguments->check, true},
		{"version", no_argument, &arguments->version, true},
		{"help", no_argument, &arguments->help, true},
		{0},
	};
	int option;

	*arguments = (struct command_line){0};
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			arguments->options.config = optarg;
			break;
		case 'i':
			arguments->options.instance = optarg;
			break;
		case 's':
			arguments->options.socket = optarg;
			break;
		case 0:
			break;
		default:
			(void)fputs("Try 'trouped --help'.\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind < argc) {
		(void)fprintf(stderr,
			      "trouped: unexpected argument '%s'\nTry 'trouped --help'.\n",
			      argv[optind]);
		return EXIT_USAGE;
	}
	if (arguments->options.instance &&
	    !conf_is_instance_name(arguments->options.instance)) {
		(void)fprintf(
			stderr,
			"trouped: --instance %s: a name has letters, digits and _ . - only, "
			"the first one no - or ., and at most 63 bytes\n",
			arguments->options.instance);
		return EXIT_USAGE;
	}
	return 0;
}

/* Block a signal that may come at any time, so that its default action does not end us before
 * the loop handles it: it stays pending until the loop runs. */
static void hold_signal(int number)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, number);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

static void prepare_signals(void)
{
	/* Where a client goes away while we write to it, the write returns EPIPE; where the
	 * log's file may not grow any more, EFBIG; the others have no meaning here. */
	static const int ignored[] = {SIGPIPE, SIGXFSZ, SIGUSR1, SIGUSR2};

	hold_signal(SIGHUP);
	for (size_t i = 0; i < ARRAY_LEN(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
}

/* Descriptors 0, 1 and 2 must be in use, or a socket of ours would get such a number and what
 * is printed. */
static int hold_standard_descriptors(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR); /* to be inherited, as they are */
		if (fd < 0)
			return -errno;
	} while (fd <= STDERR_FILENO);
	close(fd);
	return 0;
}

static int check_config(const struct master_options *options)
{
	int n = master_check(options);

	if (n < 0)
		(void)fprintf(stderr, "trouped: cannot read the configuration: %s\n",
			      strerror(-n));
	return n == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct command_line arguments;
	struct master *master;
	struct log log;
	int status;

	prepare_signals();
	status = hold_standard_descriptors();
	if (status < 0) {
		(void)fprintf(stderr, "trouped: /dev/null: %s\n", strerror(-status));
		return EXIT_FAILURE;
	}
	status = parse_arguments(argc, argv, &arguments);
	if (status != 0)
		return status;
	if (arguments.help)
		return fputs(usage, stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (arguments.version)
		return puts("trouped " TROUPE_VERSION) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (arguments.check)
		return check_config(&arguments.options);
	hold_signal(SIGTERM);
	hold_signal(SIGINT);
	log_init(&log, STDERR_FILENO, "trouped", LOG_P_INFO);
	if (master_new(&arguments.options, &log, &master) < 0)
		return EXIT_FAILURE;
	master_run(master);
	master_free(master);
	return EXIT_SUCCESS;
}

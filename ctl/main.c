/* main.c - troupectl: the table of verbs. */
#include "base/cleanup.h"
#include "config.h"
#include "ctl/ctl.h"
#include "ctl/explain.h"
#include "ctl/suggestions.h"
#include "ctl/verbs.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Among a verb's options: none that says where a daemon is, or how long its answer may take. */
#define ASKS_NO_DAEMON (1ull << 63)
_Static_assert(OPTION_COUNT < 63, "a bit of its own");

static const struct verb {
	const char *name, *synopsis, *help;
	int min, max; /* arguments; max -1: any number */
	uint64_t options;
	int (*run)(struct ctl *ctl, char **arguments, int n);
} verbs[] = {
	{"status", "", "the daemon in a few lines", 0, 0, 0, verb_status},
	{"list", "", "all units", 0, 0, 0, verb_list},
	{"show", "NAME...", "units, or the units of actors, in detail", 1, -1, 0, verb_show},
	{"tree", "", "workers, and the actors in them", 0, 0, 0, verb_tree},
	{"workers", "", "worker processes, and how they died last", 0, 0, 0, verb_workers},
	{"actors", "[WORKER]", "every actor alive", 0, 1, 0, verb_actors},
	{"tasks", "NAME", "the tasks of actors: what each waits for, and where", 1, 1, 0,
	 verb_tasks},
	{"blocked", "", "handlers that take long, or did, and where they were", 0, 0, 0,
	 verb_blocked},
	{"call", "NAME METHOD|INTERFACE.METHOD [JSON|-|KEY=VALUE|KEY:=JSON...]",
	 "call a method, print the reply", 1, -1, OPTION(MORE), verb_call},
	{"run",
	 "FILE.so|NAME.actor... [METHOD|INTERFACE.METHOD [JSON|-|KEY=VALUE|KEY:=JSON...]]",
	 "a daemon of its own for these units, for one call or until it is ended", 1, -1,
	 OPTION(MORE) | OPTION(TIMEOUT) | ASKS_NO_DAEMON, verb_run},
	{"send", "NAME METHOD|INTERFACE.METHOD [JSON|-|KEY=VALUE|KEY:=JSON...]",
	 "send a message, wait for no reply", 1, -1, 0, verb_send},
	{"map", "NAME METHOD|INTERFACE.METHOD",
	 "call a method once for each line of JSON, print the replies as lines", 1, 2,
	 OPTION(INPUT) | OPTION(CONNECTIONS) | OPTION(WINDOW) | OPTION(UNORDERED) |
		 OPTION(RETRY) | OPTION(NO_PROGRESS),
	 verb_map},
	{"spawn", "NAME PLUGIN [KEY=VALUE|KEY:=JSON...]",
	 "make a unit that exists until it is stopped", 2, -1,
	 OPTION(TYPE) | OPTION(INSTANCES) | OPTION(WORKER) | OPTION(CONFIG) | OPTION(MAILBOX) |
		 OPTION(MAILBOX_BYTES) | OPTION(BATCH) | OPTION(ON_ERROR),
	 verb_spawn},
	{"stop", "NAME...", "stop units or single actors", 1, -1, 0, verb_stop},
	{"start", "NAME...", "start units that were stopped, have ended or failed", 1, -1, 0,
	 verb_start},
	{"restart", "NAME...", "stop and start again units or single actors", 1, -1, 0,
	 verb_restart},
	{"kill", "NAME...", "kill the worker processes of actors", 1, -1, 0, verb_kill},
	{"reload", "", "read the configuration again and apply what changed", 0, 0, 0,
	 verb_reload},
	{"watch", "", "what happens, as it happens", 0, 0, 0, verb_watch},
	{"introspect", "[INTERFACE]", "the interfaces that can be called, or one of them", 0, 1,
	 0, verb_introspect},
	{"inspect", "FILE...", "what plug-ins contain, without running them", 1, -1,
	 ASKS_NO_DAEMON, verb_inspect},
	{"shutdown", "", "stop everything and the daemon, and wait for its end", 0, 0, 0,
	 verb_shutdown},
};

#define N_VERBS ARRAY_LEN(verbs)

static uint64_t options_of(const struct verb *verb)
{
	uint64_t options = verb->options | OPTIONS_GLOBAL;

	if (options & ASKS_NO_DAEMON)
		options &=
			~(ASKS_NO_DAEMON | OPTION(SOCKET) | OPTION(INSTANCE) | OPTION(TIMEOUT));
	return options | (verb->options & OPTION(TIMEOUT));
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < N_VERBS; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int no_verb(struct ctl *ctl, const char *name)
{
	cleanup(suggestions_fini) struct suggestions names = {0};

	for (size_t i = 0; i < N_VERBS; i++)
		suggestions_add(&names, verbs[i].name);
	return suggestions_fail(ctl, STATUS_USAGE, &names, name,
				"`troupectl --help` explains the verbs", "there is no verb %s",
				name);
}

static void print_help(FILE *out)
{
	fprintf(out, "troupectl [OPTIONS] VERB ...: look into and control a Troupe daemon\n\n");
	for (size_t i = 0; i < N_VERBS; i++)
		fprintf(out, "  %-11s %s\n", verbs[i].name, verbs[i].help);
	fprintf(out, "\nOptions of all verbs (troupectl VERB --help lists the others):\n");
	options_print(out, OPTIONS_GLOBAL | OPTION(VERSION));
	fprintf(out, "\nNAME is a unit (hello), one actor of a pool (pool/2) or an address "
		     "(0.1.1.17.3).\nExit status: 0 done, 1 refused or failed, 2 wrong usage, "
		     "3 no daemon. See troupectl(1).\n");
}

static void print_verb_help(FILE *out, const struct verb *verb)
{
	fprintf(out, "troupectl %s%s%s\n  %s\n\n", verb->name, verb->synopsis[0] ? " " : "",
		verb->synopsis, verb->help);
	options_print(out, options_of(verb));
}

/* Options that the verb does not take. 0, or an exit status. */
static int check_options(struct ctl *ctl, const struct verb *verb)
{
	uint64_t wrong = ctl->options.given & ~options_of(verb);

	for (unsigned i = 0; i < OPTION_COUNT; i++)
		if (wrong >> i & 1)
			return ctl_fail(ctl, STATUS_USAGE,
					"--%s does not go with %s; see troupectl %s --help",
					option_name(i), verb->name, verb->name);
	return STATUS_OK;
}

static int run_verb(struct ctl *ctl, const struct verb *verb, char **arguments, int n)
{
	int r = check_options(ctl, verb);

	if (r != STATUS_OK)
		return r;
	if (n < verb->min || (verb->max >= 0 && n > verb->max))
		return ctl_fail(ctl, STATUS_USAGE,
				"usage: troupectl %s%s%s; see troupectl %s --help", verb->name,
				verb->synopsis[0] ? " " : "", verb->synopsis, verb->name);
	ctl_find_socket(ctl);
	r = loop_new(&ctl->loop);
	if (r < 0)
		return ctl_fail(ctl, STATUS_FAILED, "cannot make an event loop: %s",
				strerror(-r));
	r = verb->run(ctl, arguments, n);
	varlink_free(ctl->client);
	loop_free(ctl->loop);
	return r;
}

int main(int argc, char **argv)
{
	struct ctl ctl = {.out = stdout, .err = stderr, .explain = explain_error};
	const char *no_colour = getenv("NO_COLOR");
	const struct verb *verb;
	int first, r;

	/* A reader that has gone shows as an error of the write. */
	signal(SIGPIPE, SIG_IGN);
	if (options_parse(argc, argv, stderr, &ctl.options, &first) < 0)
		return STATUS_USAGE;
	ctl.colours = isatty(STDOUT_FILENO) && !(no_colour && no_colour[0]);
	if (option_is_given(&ctl.options, OPTION_VERSION)) {
		printf("troupectl %s\n", TROUPE_VERSION);
		return STATUS_OK;
	}
	verb = first < argc ? find_verb(argv[first]) : NULL;
	if (option_is_given(&ctl.options, OPTION_HELP) && (verb || first == argc)) {
		if (verb)
			print_verb_help(stdout, verb);
		else
			print_help(stdout);
		return STATUS_OK;
	}
	if (first == argc) {
		print_help(stderr);
		return STATUS_USAGE;
	}
	if (!verb)
		return no_verb(&ctl, argv[first]);
	r = run_verb(&ctl, verb, argv + first + 1, argc - first - 1);
	/* What was printed must be whole, and have arrived. */
	if (ctl.incomplete && r == STATUS_OK)
		r = ctl_fail(&ctl, STATUS_FAILED,
			     "out of memory: some of the output is missing");
	if ((fflush(stdout) != 0 || ferror(stdout)) && r == STATUS_OK)
		r = errno == EPIPE ? STATUS_FAILED
				   : ctl_fail(&ctl, STATUS_FAILED,
					      "cannot write the output: %s", strerror(errno));
	return r;
}

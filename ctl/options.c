/* options.c - the table of options, and reading them. */
#include "ctl/options.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "ctl/connections.h"
#include <errno.h>
#include <getopt.h>
#include <string.h>

enum option_kind { KIND_FLAG, KIND_TEXT, KIND_NUMBER, KIND_SIZE, KIND_SPAN };

static const struct option_spec {
	const char *name, *value, *help;
	enum option_kind kind;
	size_t place; /* in struct options */
	uint64_t min, max;
} specs[OPTION_COUNT] = {
#define PLACE(kind_of, field) .kind = KIND_##kind_of, .place = offsetof(struct options, field)
	[OPTION_SOCKET] = {"socket", "PATH", "the daemon's control socket",
			   PLACE(TEXT, socket)},
	[OPTION_INSTANCE] = {"instance", "NAME", "the daemon instance of that name",
			     PLACE(TEXT, instance)},
	[OPTION_JSON] = {"json", .help = "print JSON, a reply on a line"},
	[OPTION_TIMEOUT] = {"timeout", "TIME",
			    "how long to wait for a reply (45s; run: a week)",
			    PLACE(SPAN, timeout_ns)},
	[OPTION_HELP] = {"help", .help = "print what a verb does"},
	[OPTION_VERSION] = {"version", .help = "print the version"},
	[OPTION_MORE] = {"more", .help = "take a stream of replies, each on a line"},
	[OPTION_INPUT] = {"input", "FILE", "read lines from FILE, not from standard input",
			  PLACE(TEXT, input)},
	[OPTION_CONNECTIONS] = {"connections", "N", "connections to the daemon (4)",
				PLACE(NUMBER, connections), 1, CONNECTIONS_MAX},
	[OPTION_WINDOW] = {"window", "N", "calls in flight on each connection (32)",
			   PLACE(NUMBER, window), 1, LIMIT_PIPELINED},
	[OPTION_UNORDERED] = {"unordered", .help = "print replies as they come, not in order"},
	[OPTION_RETRY] = {"retry", "N",
			  "repeat a call up to N times when its actor died, was too busy or "
			  "too slow (0)",
			  PLACE(NUMBER, retry), 0, 1000},
	[OPTION_NO_PROGRESS] = {"no-progress", .help = "no progress bar on a terminal"},
	[OPTION_TYPE] = {"type", "NAME", "the actor type, if the plug-in has several",
			 PLACE(TEXT, type)},
	[OPTION_INSTANCES] = {"instances", "N", "how many actors (1)", PLACE(NUMBER, instances),
			      1, LIMIT_INSTANCES},
	[OPTION_WORKER] = {"worker", "any|own|N", "which worker they run in (any)",
			   PLACE(TEXT, worker)},
	[OPTION_CONFIG] = {"config", "JSON", "the actors' configuration, an object",
			   PLACE(TEXT, config)},
	[OPTION_MAILBOX] = {"mailbox", "N", "messages that a mailbox holds",
			    PLACE(NUMBER, mailbox), 1, LIMIT_MAILBOX_MAX},
	[OPTION_MAILBOX_BYTES] = {"mailbox-bytes", "SIZE", "bytes that a mailbox holds",
				  PLACE(SIZE, mailbox_bytes), LIMIT_MAILBOX_BYTES_MIN,
				  LIMIT_MAILBOX_BYTES_MAX},
	[OPTION_BATCH] = {"batch", "N", "messages in one turn", PLACE(NUMBER, batch), 1,
			  LIMIT_MAILBOX_MAX},
	[OPTION_ON_ERROR] = {"on-error", "continue|stop", "what an error of a handler does",
			     PLACE(TEXT, on_error)},
};

const char *option_name(unsigned bit)
{
	return specs[bit].name;
}

void options_print(FILE *out, uint64_t set)
{
	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		char left[64];

		if (!(set >> i & 1))
			continue;
		snprintf(left, sizeof(left), "--%s%s%s", specs[i].name,
			 specs[i].value ? " " : "", specs[i].value ? specs[i].value : "");
		fprintf(out, "  %-26s %s\n", left, specs[i].help);
	}
}

static int store(const struct option_spec *spec, const char *text, struct options *options)
{
	void *place = (char *)options + spec->place;

	switch (spec->kind) {
	case KIND_TEXT:
		*(const char **)place = text;
		return 0;
	case KIND_NUMBER:
		return text_parse_uint(text, spec->min, spec->max, place);
	case KIND_SIZE:
		return text_parse_size(text, spec->min, spec->max, place);
	case KIND_SPAN:
		return text_parse_span_ns(text, place);
	case KIND_FLAG:
		return 0;
	}
	return -EINVAL;
}

static int read_option(int code, const char *value, FILE *err, struct options *options)
{
	const struct option_spec *spec = &specs[code];
	int r = store(spec, value, options);

	if (r == -ERANGE && (spec->kind == KIND_NUMBER || spec->kind == KIND_SIZE))
		fprintf(err, "troupectl: --%s takes %s from %llu to %llu, not %s\n", spec->name,
			spec->value, (unsigned long long)spec->min,
			(unsigned long long)spec->max, value);
	else if (r < 0)
		fprintf(err, "troupectl: --%s %s: not a %s\n", spec->name, value,
			spec->kind == KIND_SPAN   ? "span of time (5s, 500ms, 1min 30s)"
			: spec->kind == KIND_SIZE ? "size (512, 64K, 1G)"
						  : "number");
	options->given |= 1ull << code;
	return r < 0 ? -EINVAL : 0;
}

/* getopt_long() has refused an option; `at` is the argument. */
static void explain_refusal(const char *at, FILE *err)
{
	size_t size = strcspn(at, "="), alike = 0;
	const char *names[OPTION_COUNT], *nearest;
	char name[64];

	if (strncmp(at, "--", 2) != 0 || size - 2 >= sizeof(name)) {
		fprintf(err, "troupectl: %s is an unknown option; see troupectl --help\n", at);
		return;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(size - 2), at + 2);
	for (int i = 0; i < OPTION_COUNT; i++) {
		names[i] = specs[i].name;
		if (strcmp(names[i], name) == 0) {
			fprintf(err, "troupectl: --%s takes no value; see troupectl --help\n",
				name);
			return;
		}
		alike += strncmp(names[i], name, strlen(name)) == 0;
	}
	nearest = text_nearest(name, names, OPTION_COUNT);
	fprintf(err, "troupectl: --%s is %s%s%s%s; see troupectl --help\n", name,
		alike > 1 ? "short for several options" : "an unknown option",
		alike <= 1 && nearest ? " (did you mean --" : "",
		alike <= 1 && nearest ? nearest : "", alike <= 1 && nearest ? "?)" : "");
}

int options_parse(int argc, char **argv, FILE *err, struct options *ret_options, int *ret_first)
{
	struct options options = {.connections = 4, .window = 32};
	struct option table[OPTION_COUNT + 1] = {0};
	int code;

	for (int i = 0; i < OPTION_COUNT; i++)
		table[i] = (struct option){specs[i].name,
					   specs[i].value ? required_argument : no_argument,
					   NULL, i};
	optind = 0; /* begin anew, also with GNU's permutation */
	opterr = 0;
	while ((code = getopt_long(argc, argv, ":h", table, NULL)) != -1) {
		if (code == 'h')
			code = OPTION_HELP;
		if (code == ':' || code == '?') {
			char letter[] = {'-', (char)optopt, '\0'};

			/* In a cluster of letters, that one. */
			if (code == ':')
				fprintf(err,
					"troupectl: %s takes a value; see troupectl --help\n",
					argv[optind - 1]);
			else
				explain_refusal(optopt > ' ' ? letter : argv[optind - 1], err);
			return -EINVAL;
		}
		if (read_option(code, optarg, err, &options) < 0)
			return -EINVAL;
	}
	*ret_options = options;
	*ret_first = optind;
	return 0;
}

/* options.h - the command line: global options and those of single verbs.
 *
 * Values borrow from argv.
 */
#ifndef CTL_OPTIONS_H
#define CTL_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Each option, as a bit of `given`. */
enum option_bit {
	OPTION_SOCKET,
	OPTION_INSTANCE,
	OPTION_JSON,
	OPTION_TIMEOUT,
	OPTION_HELP,
	OPTION_VERSION,
	OPTION_MORE,
	OPTION_INPUT,
	OPTION_CONNECTIONS,
	OPTION_WINDOW,
	OPTION_UNORDERED,
	OPTION_RETRY,
	OPTION_NO_PROGRESS,
	OPTION_TYPE,
	OPTION_INSTANCES,
	OPTION_WORKER,
	OPTION_CONFIG,
	OPTION_MAILBOX,
	OPTION_MAILBOX_BYTES,
	OPTION_BATCH,
	OPTION_ON_ERROR,
	OPTION_COUNT
};

#define OPTION(bit) (1ull << (OPTION_##bit))
#define OPTIONS_GLOBAL                                                                         \
	(OPTION(SOCKET) | OPTION(INSTANCE) | OPTION(JSON) | OPTION(TIMEOUT) | OPTION(HELP))

struct options {
	uint64_t given; /* bits */
	const char *socket, *instance, *input, *type, *worker, *config, *on_error;
	uint64_t timeout_ns; /* of a call; 0: the daemon's */
	uint64_t connections, window, retry;
	uint64_t instances, mailbox, mailbox_bytes, batch;
};

/* Read the options out of argv, which is permuted: *ret_first is the first other argument. 0,
 * or -EINVAL after the reason was printed to `err`. */
int options_parse(int argc, char **argv, FILE *err, struct options *ret_options,
		  int *ret_first);

/* The name of an option, "--window". */
const char *option_name(unsigned bit);

/* Print a line on each option of `set`. */
void options_print(FILE *out, uint64_t set);

static inline bool option_is_given(const struct options *options, enum option_bit bit)
{
	return options->given >> bit & 1;
}

#endif

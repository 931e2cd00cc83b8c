/* program.h - the programs that may be run, as the configuration has them.
 *
 * Belongs to the runner; its actor's thread.
 */
#ifndef EXEC_RUNNER_PROGRAM_H
#define EXEC_RUNNER_PROGRAM_H

#include "exec-runner.varlink.h"
#include <stdbool.h>

struct program {
	struct program *next;
	char *name;
	char **command; /* NULL-terminated */
	size_t n_command;
	char **environment; /* the same */
	char *directory;
	int64_t arguments; /* that a caller may add */
	bool takes_input;
	int64_t timeout_ms;
	size_t output_max;
};

/* *ret_programs is given. -EINVAL: the log says what is wrong; -ENOMEM. */
int programs_new(struct troupe_self *self, const struct exec_runner_config *config,
		 struct program **ret_programs);
void programs_free(struct program *programs);
/* NULL: there is none. */
const struct program *programs_find(const struct program *programs, const char *name);

/* Its arguments with those of a caller behind them: one block, to be freed; the strings are
 * borrowed from both. NULL: no memory. */
const char **program_argv(const struct program *program, const char *const *arguments,
			  size_t count);

#endif

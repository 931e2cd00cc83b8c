/* program.c - see program.h. */
#include "program.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MAX_MS     86400000
#define TIMEOUT_DEFAULT_MS 60000
#define OUTPUT_MAX         (4 << 20)
#define OUTPUT_DEFAULT     (64 << 10)
#define ARGUMENTS_MAX      1000

static int complain(struct troupe_self *self, const char *name, const char *what)
{
	troupe_log(self, 3, "programs.%s.%s", name, what);
	return -EINVAL;
}

static void free_texts(char **texts)
{
	for (char **at = texts; at && *at; at++)
		free(*at);
	free(texts);
}

static void free_program(struct program *program)
{
	free(program->name);
	free_texts(program->command);
	free_texts(program->environment);
	free(program->directory);
	free(program);
}

void programs_free(struct program *programs)
{
	while (programs) {
		struct program *next = programs->next;

		free_program(programs);
		programs = next;
	}
}

static int take_command(struct troupe_self *self, struct program *program,
			const struct exec_runner_string_array *words)
{
	if (words->count == 0 || !*words->items[0])
		return complain(self, program->name, "command is empty");
	program->command = calloc(words->count + 1, sizeof(char *));
	if (!program->command)
		return -ENOMEM;
	for (size_t i = 0; i < words->count; i++) {
		program->command[i] = strdup(words->items[i]);
		if (!program->command[i])
			return -ENOMEM;
	}
	program->n_command = words->count;
	return 0;
}

/* Those of the configuration come last: of two with one name getenv() finds the first, so one
 * that is overridden is left out. */
static int take_environment(struct troupe_self *self, struct program *program,
			    const struct exec_runner_string_map *own)
{
	static const char *const standard[][2] = {
		{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
		{"LANG", "C.UTF-8"},
	};
	const size_t n_own = own ? own->count : 0;
	size_t n = 0;

	program->environment = calloc(n_own + 3, sizeof(char *));
	if (!program->environment)
		return -ENOMEM;
	for (size_t i = 0; i < 2; i++) {
		bool is_own = false;

		for (size_t k = 0; k < n_own; k++)
			is_own |= strcmp(own->items[k].key, standard[i][0]) == 0;
		if (!is_own && asprintf(&program->environment[n++], "%s=%s", standard[i][0],
					standard[i][1]) < 0)
			return -ENOMEM;
	}
	for (size_t i = 0; i < n_own; i++) {
		const char *name = own->items[i].key;

		if (!*name || strchr(name, '='))
			return complain(self, program->name, "environment has an odd name");
		if (asprintf(&program->environment[n++], "%s=%s", name, own->items[i].value) <
		    0)
			return -ENOMEM;
	}
	return 0;
}

static int take_numbers(struct troupe_self *self, struct program *program,
			const struct exec_runner_program *in)
{
	program->arguments = in->arguments ? *in->arguments : 0;
	program->timeout_ms = in->timeoutMs ? *in->timeoutMs : TIMEOUT_DEFAULT_MS;
	if (program->arguments < 0 || program->arguments > ARGUMENTS_MAX)
		return complain(self, program->name, "arguments must be from 0 to 1000");
	if (program->timeout_ms < 1 || program->timeout_ms > TIMEOUT_MAX_MS)
		return complain(self, program->name, "timeoutMs must be from 1 to 86400000");
	if (in->outputMax && (*in->outputMax < 0 || *in->outputMax > OUTPUT_MAX))
		return complain(self, program->name, "outputMax must be from 0 to 4M");
	program->output_max = in->outputMax ? (size_t)*in->outputMax : OUTPUT_DEFAULT;
	program->takes_input = in->input && *in->input;
	return 0;
}

static int take(struct troupe_self *self, struct program *program, const char *name,
		const struct exec_runner_program *in)
{
	int r;

	program->name = strdup(name);
	program->directory = strdup(in->directory ? in->directory : "/");
	if (!program->name || !program->directory)
		return -ENOMEM;
	r = take_numbers(self, program, in);
	if (r == 0)
		r = take_command(self, program, &in->command);
	return r < 0 ? r : take_environment(self, program, in->environment);
}

int programs_new(struct troupe_self *self, const struct exec_runner_config *config,
		 struct program **ret_programs)
{
	struct program *programs = NULL;

	for (size_t i = 0; i < config->programs.count; i++) {
		struct program *program = calloc(1, sizeof(*program));
		int r = -ENOMEM;

		if (program) {
			program->next = programs;
			programs = program;
			r = take(self, program, config->programs.items[i].key,
				 &config->programs.items[i].value);
		}
		if (r < 0) {
			programs_free(programs);
			return r;
		}
	}
	*ret_programs = programs;
	return 0;
}

const struct program *programs_find(const struct program *programs, const char *name)
{
	while (programs && strcmp(programs->name, name) != 0)
		programs = programs->next;
	return programs;
}

const char **program_argv(const struct program *program, const char *const *arguments,
			  size_t count)
{
	const char **argv = calloc(program->n_command + count + 1, sizeof(*argv));

	if (!argv)
		return NULL;
	for (size_t i = 0; i < program->n_command; i++)
		argv[i] = program->command[i];
	for (size_t i = 0; i < count; i++)
		argv[program->n_command + i] = arguments[i];
	return argv;
}

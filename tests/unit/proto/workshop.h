/* workshop.h - a directory of a test's own, interfaces made to headers in it, and compilers run
 * in it.
 *
 * Tests run in the root of the source tree.
 */
#ifndef TESTS_WORKSHOP_H
#define TESTS_WORKSHOP_H

#include "proto/gen.h"
#include "proto/idl.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define DATA "tests/unit/proto/data/"

struct workshop {
	char directory[32];
};

static inline int workshop_setup(void **state)
{
	struct workshop *workshop = (struct workshop *)malloc(sizeof(*workshop));

	if (!workshop)
		return -1;
	strcpy(workshop->directory, "/tmp/troupe-test-XXXXXX");
	*state = workshop;
	return mkdtemp(workshop->directory) ? 0 : -1;
}

static inline pid_t workshop_start_list(const struct workshop *workshop, const char *format,
					va_list arguments)
{
	char command[4096];
	int used = snprintf(command, sizeof(command), "DIR=%s; ", workshop->directory);
	pid_t pid;

	vsnprintf(command + used, sizeof(command) - (size_t)used, format, arguments);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* Begin a shell command, DIR standing in it for the directory; several may run at a time. */
__attribute__((format(printf, 2, 3))) static inline pid_t
workshop_start(const struct workshop *workshop, const char *format, ...)
{
	va_list arguments;
	pid_t pid;

	va_start(arguments, format);
	pid = workshop_start_list(workshop, format, arguments);
	va_end(arguments);
	return pid;
}

/* Wait for its end. Returns its wait status. */
static inline int workshop_wait(pid_t pid)
{
	int status = -1;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* Both. */
__attribute__((format(printf, 2, 3))) static inline int
workshop_run(const struct workshop *workshop, const char *format, ...)
{
	va_list arguments;
	pid_t pid;

	va_start(arguments, format);
	pid = workshop_start_list(workshop, format, arguments);
	va_end(arguments);
	return workshop_wait(pid);
}

static inline int workshop_teardown(void **state)
{
	struct workshop *workshop = (struct workshop *)*state;
	int r = workshop_run(workshop, "rm -r \"$DIR\"");

	free(workshop);
	return r;
}

/* A file's content and size; given. */
static inline char *workshop_read(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size;

	if (!file)
		fail_msg("%s is missing", path);
	fseek(file, 0, SEEK_END);
	size = (size_t)ftell(file);
	rewind(file);
	text = (char *)malloc(size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, size, file), size);
	fclose(file);
	text[size] = '\0';
	if (ret_size)
		*ret_size = size;
	return text;
}

static inline struct idl *workshop_parse(const char *name)
{
	struct idl_error error;
	struct idl *idl;
	size_t size;
	char path[256];
	char *text;

	snprintf(path, sizeof(path), DATA "%s.varlink", name);
	text = workshop_read(path, &size);
	if (idl_parse(text, size, &idl, &error) < 0)
		fail_msg("%s:%u:%u: %s", path, error.line, error.column, error.message);
	free(text);
	return idl;
}

/* Make NAME.varlink.h from NAME.varlink of the data. */
static inline void workshop_generate(const struct workshop *workshop, const char *name,
				     bool host)
{
	struct gen_options options = {.host = host};
	struct idl *idl = workshop_parse(name);
	struct idl_error error;
	char path[256];
	size_t size;
	char *text;
	FILE *file;

	if (gen_header(idl, &options, &text, &size, &error) < 0)
		fail_msg("%s: %s", name, error.message);
	snprintf(path, sizeof(path), "%s/%s.varlink.h", workshop->directory, name);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	free(text);
	idl_free(idl);
}

#endif

/* problems.c - a growing list of mistakes. */
#include "config/problems.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/text.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_items(struct problem *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(items[i].file);
		free(items[i].message);
	}
	free(items);
}

void problems_fini(struct problems *problems)
{
	free_items(problems->items, problems->n);
	free_items(problems->warnings, problems->n_warnings);
	*problems = (struct problems){0};
}

static bool add(struct problem **items, size_t *n, const char *file, unsigned line,
		const char *format, va_list arguments)
{
	cleanup_free char *message = NULL, *name = NULL;
	struct problem *problem = NULL;

	if (vasprintf(&message, format, arguments) < 0)
		message = NULL; /* undefined otherwise */
	name = strdup(file);
	if (message && name && *n < LIMIT_PROBLEMS)
		problem = array_add(items, n, sizeof(*problem));
	if (!message || !name || !problem)
		return false;
	/* Names of files may be anything, and a value may have been cut within a character;
	 * what is reported is sent as JSON. */
	text_make_utf8(name);
	text_make_utf8(message);
	*problem = (struct problem){
		.file = take_pointer(&name),
		.line = line,
		.message = take_pointer(&message),
	};
	return true;
}

int problems_add(struct problems *problems, const char *file, unsigned line, const char *format,
		 ...)
{
	va_list arguments;

	if (!problems)
		return -EINVAL;
	va_start(arguments, format);
	if (!add(&problems->items, &problems->n, file, line, format, arguments))
		problems->n_lost++;
	va_end(arguments);
	return -EINVAL;
}

void problems_warn(struct problems *problems, const char *file, unsigned line,
		   const char *format, ...)
{
	va_list arguments;

	if (!problems)
		return;
	va_start(arguments, format);
	(void)add(&problems->warnings, &problems->n_warnings, file, line, format, arguments);
	va_end(arguments);
}

void problems_append(struct problems *problems, const struct problems *more)
{
	for (size_t i = 0; i < more->n; i++)
		(void)problems_add(problems, more->items[i].file, more->items[i].line, "%s",
				   more->items[i].message);
	for (size_t i = 0; i < more->n_warnings; i++)
		problems_warn(problems, more->warnings[i].file, more->warnings[i].line, "%s",
			      more->warnings[i].message);
	problems->n_lost += more->n_lost;
}

void problems_log(const struct problems *problems, struct log *log)
{
	char text[2048];

	for (size_t i = 0; i < problems->n; i++) {
		problem_print(&problems->items[i], text, sizeof(text));
		log_error(log, "%s", text);
	}
	for (size_t i = 0; i < problems->n_warnings; i++) {
		problem_print(&problems->warnings[i], text, sizeof(text));
		log_warning(log, "%s", text);
	}
	if (problems->n_lost > 0)
		log_error(log, "and %zu more problems", problems->n_lost);
}

void problem_print(const struct problem *problem, char *text, size_t size)
{
	if (problem->line > 0)
		snprintf(text, size, "%s:%u: %s", problem->file, problem->line,
			 problem->message);
	else
		snprintf(text, size, "%s: %s", problem->file, problem->message);
}

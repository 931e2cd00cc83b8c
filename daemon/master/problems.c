/* problems.c - a growing list of mistakes. */
#include "master/problems.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void problems_init(struct problems *problems)
{
	*problems = (struct problems){0};
}

void problems_fini(struct problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		free(problems->items[i].file);
		free(problems->items[i].message);
	}
	free(problems->items);
	problems_init(problems);
}

static bool has_room(struct problems *problems)
{
	/* Doubles whenever the number is a power of two. */
	if (problems->n >= LIMIT_PROBLEMS)
		return false;
	if ((problems->n & (problems->n - 1)) == 0) {
		size_t room = problems->n ? 2 * problems->n : 1;
		struct problem *items = reallocarray(problems->items, room, sizeof(*items));

		if (!items)
			return false;
		problems->items = items;
	}
	return true;
}

/* Names of files may be anything, and a value may have been cut within a character; what is
 * told goes out as JSON. */
static void make_utf8(char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t n = text_utf8_size(text, left);

		if (n == 0)
			*text = '?';
		text += n ? n : 1;
		left -= n ? n : 1;
	}
}

int problems_add(struct problems *problems, const char *file, unsigned line, const char *format,
		 ...)
{
	cleanup_free char *message = NULL, *name = NULL;
	va_list arguments;
	int size;

	if (!problems)
		return -EINVAL;
	va_start(arguments, format);
	size = vasprintf(&message, format, arguments);
	va_end(arguments);
	if (size < 0)
		message = NULL; /* undefined otherwise */
	name = strdup(file);
	if (!message || !name || !has_room(problems)) {
		problems->n_lost++;
		return -EINVAL;
	}
	make_utf8(name);
	make_utf8(message);
	problems->items[problems->n++] = (struct problem){
		.file = take_pointer(&name),
		.line = line,
		.message = take_pointer(&message),
	};
	return -EINVAL;
}

void problem_print(const struct problem *problem, char *text, size_t size)
{
	if (problem->line > 0)
		snprintf(text, size, "%s:%u: %s", problem->file, problem->line,
			 problem->message);
	else
		snprintf(text, size, "%s: %s", problem->file, problem->message);
}

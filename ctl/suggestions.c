/* suggestions.c - near and other names. */
#include "ctl/suggestions.h"

#include "base/array.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "ctl/terminal.h"
#include <stdarg.h>
#include <string.h>

#define SHOWN_MAX 24
#define TEXT_MAX  (64u << 10)

void suggestions_fini(struct suggestions *names)
{
	texts_free(names->items, names->count);
}

void suggestions_add(struct suggestions *names, const char *name)
{
	if (name && names->count < SUGGESTIONS_MAX)
		(void)texts_add(&names->items, &names->count, name);
}

const char *suggestions_nearest(const struct suggestions *names, const char *wrong)
{
	return text_nearest(wrong, (const char *const *)names->items, names->count);
}

static void put_list(struct buffer *text, const struct suggestions *names)
{
	for (size_t i = 0; i < names->count && i < SHOWN_MAX; i++)
		buffer_printf(text, "%s%s", i ? ", " : "", names->items[i]);
	if (names->count > SHOWN_MAX)
		buffer_printf(text, " and %zu more", names->count - SHOWN_MAX);
	if (names->count == 0)
		buffer_printf(text, "none");
}

int suggestions_fail(struct ctl *ctl, int status, const struct suggestions *names,
		     const char *wrong, const char *lead, const char *format, ...)
{
	const char *nearest = suggestions_nearest(names, wrong);
	bool is_itself = nearest && strcmp(nearest, wrong) == 0;
	cleanup_free char *what = NULL;
	struct buffer list;
	va_list arguments;

	va_start(arguments, format);
	what = terminal_vprint(format, arguments, 1);
	va_end(arguments);
	/* What does not fit is left out. */
	buffer_init(&list, TEXT_MAX);
	put_list(&list, names);
	ctl_fail(ctl, status, "%s%s%s%s; %s: %.*s", what ? what : "out of memory",
		 nearest && !is_itself ? " (did you mean " : "",
		 nearest && !is_itself ? nearest : "", nearest && !is_itself ? "?)" : "", lead,
		 (int)buffer_size(&list),
		 buffer_size(&list) ? (const char *)buffer_data(&list) : "");
	buffer_fini(&list);
	return status;
}

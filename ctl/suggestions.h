/* suggestions.h - the names that there are, for whoever typed one that there is not.
 *
 * Memory of the caller; names are copied. When there is no memory or more than SUGGESTIONS_MAX
 * of them, some are missing: they are a help, not a truth.
 */
#ifndef CTL_SUGGESTIONS_H
#define CTL_SUGGESTIONS_H

#include "ctl/ctl.h"

#define SUGGESTIONS_MAX 4096

struct suggestions {
	char **items;
	size_t count;
};

void suggestions_fini(struct suggestions *names);

/* One more; NULL is passed over. */
void suggestions_add(struct suggestions *names, const char *name);

/* The one that `wrong` was probably meant to be, borrowed; NULL: none is like it. */
const char *suggestions_nearest(const struct suggestions *names, const char *wrong);

/* Say the text of `format` as ctl_fail() does; then the nearest name and, after `lead`, which
 * they are: "hello has no method Gret (did you mean Greet?); it has: Forget, Greet". Returns
 * status. */
int suggestions_fail(struct ctl *ctl, int status, const struct suggestions *names,
		     const char *wrong, const char *lead, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

#endif

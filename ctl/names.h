/* names.h - the names that there are, for whoever typed one that there is not.
 *
 * Memory of the caller; names are copied. When there is no memory or more than NAMES_MAX of
 * them, some are missing: they are a help, not a truth.
 */
#ifndef CTL_NAMES_H
#define CTL_NAMES_H

#include "ctl/ctl.h"

#define NAMES_MAX 4096

struct names {
	char **items;
	size_t count;
};

void names_fini(struct names *names);

/* One more; NULL is passed over. */
void names_add(struct names *names, const char *name);

/* The one that `wrong` was probably meant to be, borrowed; NULL: none is like it. */
const char *names_nearest(const struct names *names, const char *wrong);

/* Say the text of `format` as ctl_fail() does; then the nearest name and, after `lead`, which
 * they are: "hello has no method Gret (did you mean Greet?); it has: Forget, Greet". Returns
 * status. */
int names_fail(struct ctl *ctl, int status, const struct names *names, const char *wrong,
	       const char *lead, const char *format, ...) __attribute__((format(printf, 6, 7)));

#endif

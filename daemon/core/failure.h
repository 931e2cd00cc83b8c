/* failure.h - handlers that fail: counted, reported to the host, and what broke a type.
 *
 * A value that does not fit its type is refused with -EINVAL, which says nothing of where. A
 * handler mostly returns that -EINVAL itself, so the field is remembered until it does: the
 * failed call and the host's log then name it. Only a failure costs time. One runtime, one
 * thread.
 */
#ifndef CORE_FAILURE_H
#define CORE_FAILURE_H

#include "core/activation.h"
#include "core/page.h"
#include <errno.h>

/* A value of `type` was refused with `rc` in this handler: remember why, if it breaks the type.
 * Returns rc, so that a caller can return the call. */
int failure_of_value(struct troupe_self *self, const struct troupe_type *type,
		     const void *value, int rc);

/* What broke its type when the handler returned `rc` (negative): "items[3].name: a string,
 * found NULL". NULL: nothing did. */
#define FAILURE_DETAIL_MAX 448 /* bytes, with the NUL; a path may be 255, a message 127 */
const char *failure_print(const struct troupe_self *self, int rc,
			  char text[static FAILURE_DETAIL_MAX]);

/* The handler says only what its caller has done, who knows it: it has asked a method that
 * answers in a stream for one answer. */
static inline bool failure_is_callers(const struct troupe_self *self, int rc)
{
	return rc == -EPROTOTYPE && self->activation.outcome.reply == SELF_REPLY_EXPLAINED;
}

/* A handler has returned `rc` (negative): unless that is its caller's, count and report it, and
 * end the actor where its unit says so. */
void failure_take(struct troupe_self *self, int rc);

#endif

/* dead_letter.h - messages that were not delivered: counted, and reported to the host.
 *
 * One runtime, one thread.
 */
#ifndef CORE_DEAD_LETTER_H
#define CORE_DEAD_LETTER_H

#include "core/inside.h"

/* method may be NULL. reason: a constant word, "mailbox-full", "no-such-actor"... */
void dead_letter(struct runtime *runtime, struct troupe_address from, struct troupe_address to,
		 const struct troupe_method *method, const char *reason);
/* The same by the qualified name of the method, "" when it is not known. */
void dead_letter_named(struct runtime *runtime, struct troupe_address from,
		       struct troupe_address to, const char *name, const char *reason);

#endif

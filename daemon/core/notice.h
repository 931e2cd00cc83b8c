/* notice.h - what a mailbox holds beside sends and calls: replies, and the notices that records
 * carry inside them. One row for each kind, with all that can become of it.
 *
 * One runtime, one thread.
 */
#ifndef CORE_NOTICE_H
#define CORE_NOTICE_H

#include "core/activation.h"

struct notice_kind {
	/* In a turn of the actor: run what the actor has for it. The mail is freed, or goes
	 * back to its record, which may be freed with it. */
	void (*handle)(struct troupe_self *self, struct mail *mail);
	/* The actor is gone: the same, but nobody is there. */
	void (*drop)(struct runtime *runtime, struct actor *actor, struct mail *mail);
};

/* By enum mail_kind; SEND and CALL have none, nor has what lies in no mailbox. RESUME has no
 * `handle`: core/step.h. */
extern const struct notice_kind notice_kinds[MAIL_KINDS];

#endif

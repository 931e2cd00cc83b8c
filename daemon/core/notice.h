/* notice.h - what a mailbox holds beside messages: the news that records carry inside them.
 *
 * In a turn of the actor only. One runtime, one thread.
 */
#ifndef CORE_NOTICE_H
#define CORE_NOTICE_H

#include "core/activation.h"

/* Tell the actor of the end of a call, a tick, room, or that a caller is gone; the record may be
 * freed. */
void notice_handle(struct troupe_self *self, struct mail *mail);

#endif

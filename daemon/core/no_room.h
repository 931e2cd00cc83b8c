/* no_room.h - what a sender gets that finds no room: an error, and a place among those who wait
 * for it.
 *
 * One runtime, one thread.
 */
#ifndef CORE_NO_ROOM_H
#define CORE_NO_ROOM_H

#include "core/inside.h"

/* The mailbox of `receiver`, at the address `to`, has no room for that charge. -EAGAIN: the
 * sender gets on_room; -EMSGSIZE: never; -ENOMEM: it cannot wait. */
int no_room_in_mailbox(struct runtime *runtime, struct actor *sender, struct actor *receiver,
		       struct troupe_address to, uint32_t charge);

/* The link to the process of `to` has returned `rc`; the same for the sender. */
int no_room_in_link(struct runtime *runtime, struct actor *sender, struct troupe_address to,
		    int rc);

#endif

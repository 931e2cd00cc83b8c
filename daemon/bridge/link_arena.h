/* link_arena.h - how two processes come to read each other's arenas: the envelopes about them.
 *
 * Above the link, which sends; the books are in lending.h. For the bridge's files; one thread.
 */
#ifndef BRIDGE_LINK_ARENA_H
#define BRIDGE_LINK_ARENA_H

#include "bridge/link.h"

/* OFFER: the peer has an arena. The host is asked for it, or, when it is mapped, ACCEPT is sent
 * once more. */
void link_on_offer(struct link *link);
/* RETURN. false: some were not lent to that peer. */
bool link_on_return(struct link *link, const struct envelope *envelope);
/* The peer's arena is here: map it, and send the peer ACCEPT. fd: borrowed. Errors as of
 * borrower_map(). */
int link_map(struct link *link, int fd);

#endif

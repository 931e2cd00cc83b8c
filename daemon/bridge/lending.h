/* lending.h - large payloads: written into our arena for a peer to read, read from a peer's.
 *
 * Part of the links, for link.c and the bridge's files. A link begins without arenas, and large
 * payloads travel in its frames. The first of them makes us ask the host for our own arena, the
 * next makes us OFFER it, upon which the peer asks its host for it; from its ACCEPT on references
 * travel in the place of payloads, in the same frames, so that the order stays. Where something
 * is missing, or all is lent, the payload travels in the frame as before. One thread.
 */
#ifndef BRIDGE_LENDING_H
#define BRIDGE_LENDING_H

#include "bridge/bridge.h"
#include "bridge/lender.h"

struct link;

/* What all links of a bridge share. */
struct lending {
	const struct bridge_config *config;
	struct lender *lender; /* NULL: not there, so far */
	uint64_t asked_ns;     /* when we asked the host for it last; 0: never */
	struct loop_timer
		timer; /* while there is memory that may be given back to the kernel */
};

/* config: borrowed. */
void lending_init(struct lending *lending, const struct bridge_config *config);
void lending_fini(struct lending *lending);

/* A payload of reference->size bytes is to go to that peer by reference: where it is to be
 * written, and the reference's piece. NULL: it is to go in the frame. */
void *link_lend(struct link *link, struct envelope_reference *reference);
/* It does not go after all. */
void link_unlend(struct link *link, const struct envelope_reference *reference);
/* Likewise for all that a frame, which will not be sent, refers to. */
void link_unlend_frame(struct link *link, const void *frame, size_t size);
/* The peer is gone, or cut off: all that it has is ours. */
void link_take_all_back(struct link *link);

/* RETURN: true; false: some were not lent to that peer. */
bool link_on_return(struct link *link, const struct envelope *envelope);
/* OFFER */
void link_on_offer(struct link *link);
/* The peer's arena is here: mapped, and the peer told. Errors as of borrower_map(). */
int link_map(struct link *link, int fd);

/* Turn an envelope that refers to the peer's arena into one with a payload. false: it refers to
 * nothing. *ret_piece: for link_give_back(), when the payload has been copied. */
bool link_borrow(struct link *link, struct envelope *envelope, uint32_t *ret_piece);
void link_give_back(struct link *link, uint32_t piece);
/* Put a RETURN for what is to be given back into the batch. */
void link_send_returns(struct link *link);

#endif

/* lending.h - large payloads: written into our arena for a peer to read, read from a peer's.
 *
 * The books of it; it sends nothing. A link begins without arenas, and large payloads travel in
 * its frames. The first of them makes us ask the host for our own arena, the next makes us
 * OFFER it, upon which the peer asks its host for it; from its ACCEPT on references travel in
 * the place of payloads, in the same frames, so that the order stays. Where something is
 * missing, or all is lent, the payload travels in the frame as before. One thread.
 */
#ifndef BRIDGE_LENDING_H
#define BRIDGE_LENDING_H

#include "bridge/borrower.h"
#include "bridge/bridge.h"
#include "bridge/lender.h"

/* What all links of a bridge share. */
struct lending {
	const struct bridge_config *config;
	struct lender *lender; /* NULL: not there, so far */
	uint64_t asked_ns;     /* when we asked the host for it last; 0: never */
	struct loop_timer
		timer; /* while there is memory that may be given back to the kernel */
};

/* What one peer has of us, and we of it: part of its link, which sets the first two of a zeroed
 * one, and ends the borrower. */
struct loans {
	struct lending *lending; /* of the bridge; borrowed */
	struct process peer;
	size_t lent;         /* bytes of our arena that the peer has */
	bool is_accepted;    /* the peer can read our arena */
	uint64_t offered_ns; /* when we sent OFFER last; 0: never */
	struct borrower borrower;
	uint64_t wanted_ns; /* when we asked for the peer's arena last; 0: never */
};

/* config: borrowed. */
void lending_init(struct lending *lending, const struct bridge_config *config);
void lending_fini(struct lending *lending);

/* ---- what the peer has of us */

/* A payload of reference->size bytes is to go to that peer by reference: where it is to be
 * written, and the reference's piece. NULL: it is to go in the frame; *ret_offer: after an
 * OFFER, which the caller sends. */
void *loans_lend(struct loans *loans, struct envelope_reference *reference, bool *ret_offer);
/* It does not go after all, or the peer returns it. false: it was not lent to that peer. */
bool loans_take_back(struct loans *loans, uint32_t piece);
/* Likewise for all that a frame, which will not be sent, refers to. */
void loans_take_back_frame(struct loans *loans, const void *frame, size_t size);
/* The peer is gone, or cut off: all that it has is ours. */
void loans_take_all_back(struct loans *loans);

/* ---- what we have of the peer */

/* The peer offers its arena. True: it is mapped already, and the caller sends ACCEPT once more;
 * false: the host is asked for it, unless that was a moment ago. */
bool loans_on_offer(struct loans *loans);

/* Turn an envelope that refers to the peer's arena into one with a payload. false: it refers to
 * nothing. *ret_piece: for borrower_use(), when the payload has been copied. */
bool loans_borrow(struct loans *loans, struct envelope *envelope, uint32_t *ret_piece);

#endif

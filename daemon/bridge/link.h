/* link.h - one peer, as long as one of its incarnations lasts: what waits for it, what is
 * known of it.
 *
 * Owned by the bridge. The way out is here; what comes in arrives at the bridge's one inbox.
 * One thread.
 */
#ifndef BRIDGE_LINK_H
#define BRIDGE_LINK_H

#include "base/list.h"
#include "base/loop.h"
#include "bridge/bridge.h"
#include "bridge/layouts.h"
#include "bridge/lending.h"

/* What a bridge has done so far, for those who debug it. */
struct bridge_stats {
	uint64_t envelopes_in, frames_out, bytes_out;
	uint64_t lent_out; /* payloads that went by reference */
};

struct link {
	struct list link; /* in the bridge's list of those that leave */
	const struct transport *transport;
	struct process peer;

	/* Out */
	struct outbox *outbox;
	struct loop_io io; /* on the outbox's descriptor, only while blocked */
	struct envelope_batch batch;
	struct list frames;  /* struct link_frame: sealed batches that wait */
	size_t waiting;      /* bytes of them */
	bool has_refused;    /* with -EAGAIN, since there was room last */
	struct layouts sent; /* hashes whose layouts we have sent to the peer */
	struct loans loans;  /* what is not in frames, both ways */
	struct bridge_stats *stats;

	/* In */
	uint64_t expected;      /* sequence number */
	struct layouts learned; /* layouts that the peer has sent */

	/* Its end */
	bool has_sent_end; /* we have sent END */
	bool has_ended;    /* the peer has sent END */
	bool is_complete;  /* the peer has sent ENDED */
	bool has_crashed;  /* down: as the host said */
	/* Leaving: gone at the first time if the inbox is empty then, at the second anyhow. */
	uint64_t quiet_ns, latest_ns;
};

/* Open the way out to the process `peer`, whose inbox is at `path`. The bridge's on_room is
 * called from the loop only. lending: borrowed, with the bridge's configuration. *ret_link is
 * given. -ENOMEM, or the transport's. */
int link_new(struct lending *lending, struct process peer, const char *path,
	     struct bridge_stats *stats, struct link **ret_link);
/* NULL is fine. */
void link_free(struct link *link);

/* As bridge_send(). */
int link_send(struct link *link, const struct envelope *envelope,
	      const struct troupe_type *type, const void *data,
	      const struct envelope_meaning *meaning);

/* Send an envelope that is nothing but its kind. Short of memory it is lost. */
void link_send_mark(struct link *link, enum envelope_kind kind);

/* Put in what is to be given back, seal the batch and send what can be sent. false: short of
 * memory, some of it is left for another time. */
bool link_flush(struct link *link);

/* Some of what was under way has arrived, or come back: call on_room for those refused, if that
 * makes room. True: it was called. From the loop only. */
bool link_check_room(struct link *link);

/* Nothing waits, neither in the batch nor sealed. */
bool link_is_flushed(const struct link *link);

/* Close the way out; what waits is lost. What has been learned stays. */
void link_cut(struct link *link);

#endif

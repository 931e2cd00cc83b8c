/* bridge_inside.h - the bridge, for the files it is made of. */
#ifndef BRIDGE_BRIDGE_INSIDE_H
#define BRIDGE_BRIDGE_INSIDE_H

#include "base/limits.h"
#include "bridge/bridge.h"
#include "bridge/lending.h"
#include "bridge/link.h"
#include "bridge/routes.h"

/* After a peer's death its last frames may still be on their way through the transport: this
 * long it is waited for the next of them, and then until the inbox is empty, but no longer than
 * the second figure in all, since others fill it too. */
#define BRIDGE_LEAVE_NS      3000000ull
#define BRIDGE_LEAVE_MOST_NS 1000000000ull
/* Until it is tried again to send what there was no memory for. */
#define BRIDGE_RETRY_NS 10000000ull

struct bridge {
	struct bridge_config config;
	char *directory;
	struct bridge_stats stats;
	struct loop_work work;

	struct routes routes;
	struct list leaving; /* struct link: down, their last frames may be in the inbox */
	struct loop_timer leave_timer;
	struct loop_timer retry_timer;
	struct lending lending;

	struct inbox *inbox;
	struct loop_io inbox_io;
	bool has_received; /* in this pass */
	/* The frame that is being delivered, when a budget ran out in its middle. */
	void *frame;
	struct envelope_reader reader;
	struct link *sender; /* of it */
	bool is_for_us;      /* the receiver that it names is this process, in this life */

	/* While closing */
	bool is_closing;
	bool is_lingering; /* all is done; what we sent last is on its way */
	struct loop_timer close_timer;
	void (*on_closed)(void *context);
};

/* bridge_receive.c: deliver a bounded amount of what the inbox holds. */
void bridge_receive(struct bridge *bridge);
/* Let go of the frame at hand. */
void bridge_drop_frame(struct bridge *bridge);

/* Likewise, in its middle: what is left of it is lost, and reported by on_gap. */
void bridge_cut_frame(struct bridge *bridge);

/* bridge_peers.c */
/* The link that a frame of this sender belongs to, made when there was none yet. NULL: none,
 * the frame is to be dropped. */
struct link *bridge_admit(struct bridge *bridge, struct process peer);
/* The inbox is empty: links that leave, and whose wait is over, are gone. */
void bridge_finish_leaving(struct bridge *bridge);
/* A link that leaves is gone: free it, and call on_down. It must not be the sender of the
 * frame at hand. */
void bridge_finish_link(struct bridge *bridge, struct link *link);
/* Where the inbox of a process is: *ret_path is given. -ENOMEM. */
int bridge_print_path(const struct bridge *bridge, struct process process, char **ret_path);

/* bridge_close.c */
/* A peer has sent END or ENDED. */
void bridge_on_end(struct bridge *bridge, struct link *link, enum envelope_kind kind);
/* Whether, while closing, nothing is left to wait for: then it ends soon. */
void bridge_check_closed(struct bridge *bridge);
/* It ends now, by the deadline or because all is done. */
void bridge_on_close_timer(struct loop_timer *timer);

#endif

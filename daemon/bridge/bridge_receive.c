/* bridge_receive.c - frames in, envelopes out: a bounded amount in each pass. */
#include "bridge/bridge_inside.h"

#include "base/check.h"
#include "bridge/link_arena.h"
#include <errno.h>

/* What one pass delivers before actors have their turns: as many bytes as stay in a processor's
 * cache, and of small ones half of what a mailbox of the default size takes. When a turn is cut
 * short, for the processor was away, there is room for as many again. An envelope counts as
 * many bytes at least as divide the one by the other. */
#define BUDGET   (256u << 10)
#define COST_MIN (BUDGET / (LIMIT_MAILBOX_DEFAULT / 2))

void bridge_drop_frame(struct bridge *bridge)
{
	if (!bridge->frame)
		return;
	bridge->config.transport.ops->frame_free(bridge->frame);
	bridge->frame = NULL;
	bridge->sender = NULL;
}

static void report_dropped(struct bridge *bridge, const struct envelope *envelope,
			   const char *reason)
{
	bridge->config.ops->on_dropped(bridge->config.context, envelope, reason);
}

static void report_gap(struct bridge *bridge, struct link *link, uint64_t lost)
{
	bridge->config.ops->on_gap(bridge->config.context, link->peer, lost);
}

void bridge_cut_frame(struct bridge *bridge)
{
	if (bridge->reader.left > 0)
		report_gap(bridge, bridge->sender, bridge->reader.left);
	bridge_drop_frame(bridge);
}

/* The frame's first number against the one that is due. */
static bool check_sequence(struct bridge *bridge, struct link *link)
{
	uint64_t sequence = bridge->reader.sequence;

	if (sequence < link->expected)
		return false;
	if (sequence > link->expected)
		report_gap(bridge, link, sequence - link->expected);
	/* The frame's end: if its middle turns out to be malformed, what it lost is reported
	 * there. */
	link->expected = sequence + bridge->reader.left;
	return link->expected >= sequence;
}

/* Take the next frame from the inbox, drop those that are not to be read. false: there is
 * none. */
static bool next_frame(struct bridge *bridge, size_t *budget)
{
	const struct transport_ops *ops = bridge->config.transport.ops;
	size_t size;

	while (*budget > 0) {
		if (ops->inbox_receive(bridge->inbox, &bridge->frame, &size) < 0) {
			bridge->frame = NULL;
			return false;
		}
		*budget -= *budget < COST_MIN ? *budget : COST_MIN;
		if (envelope_reader_init(&bridge->reader, bridge->frame, size) < 0) {
			report_dropped(bridge, NULL, "malformed-frame");
		} else {
			bridge->sender = bridge_admit(bridge, bridge->reader.from);
			bridge->is_for_us =
				process_equal(bridge->reader.to, bridge->config.process);
			if (bridge->sender && check_sequence(bridge, bridge->sender))
				return true;
			report_dropped(bridge, NULL,
				       bridge->sender ? "stale-sequence" : "stale-peer");
		}
		bridge_drop_frame(bridge);
	}
	return false;
}

/* Something for another process, or for a former life of this one. */
static void refuse_envelope(struct bridge *bridge, const struct envelope *envelope)
{
	/* The peer takes envelopes only from who we are now. */
	if (envelope->kind == ENVELOPE_CALL)
		(void)bridge_send(
			bridge,
			&(struct envelope){.kind = ENVELOPE_FAILURE,
					   .status = TROUPE_NO_SUCH_ACTOR,
					   .call = envelope->call,
					   .from = process_address(bridge->config.process),
					   .to = envelope->from},
			NULL, NULL, NULL);
	report_dropped(bridge, envelope, "no-such-actor");
}

static void learn_layout(struct bridge *bridge, const struct envelope *envelope)
{
	struct envelope_layout layout;

	envelope_get_layout(envelope, &layout);
	/* Without it, messages of that layout that differ from ours are answered with
	 * InvalidParameter. */
	if (layouts_learn(&bridge->sender->learned, envelope->hash, layout.name, layout.text) <
	    0)
		report_dropped(bridge, envelope, "bad-layout");
}

static void handle_envelope(struct bridge *bridge, const struct envelope *envelope)
{
	switch (envelope->kind) {
	case ENVELOPE_LAYOUT:
		learn_layout(bridge, envelope);
		break;
	case ENVELOPE_END:
	case ENVELOPE_ENDED:
		bridge_on_end(bridge, bridge->sender, envelope->kind);
		break;
	case ENVELOPE_OFFER:
		link_on_offer(bridge->sender);
		break;
	case ENVELOPE_ACCEPT:
		bridge->sender->loans.is_accepted = bridge->sender->outbox != NULL;
		break;
	case ENVELOPE_RETURN:
		if (!link_on_return(bridge->sender, envelope))
			report_dropped(bridge, envelope, "bad-return");
		link_check_room(bridge->sender);
		break;
	case ENVELOPE_ROOM:
		/* Room is the transport's event here: no peer sends this. */
		report_dropped(bridge, envelope, "unexpected");
		break;
	default:
		if (likely(bridge->is_for_us))
			bridge->config.ops->on_envelope(bridge->config.context,
							bridge->reader.from, envelope);
		else
			refuse_envelope(bridge, envelope);
		break;
	}
}

/* Deliver from the frame at hand, until it or the budget ends. */
static void read_frame(struct bridge *bridge, size_t *budget)
{
	struct envelope envelope;
	int r = 1;

	while (*budget > 0) {
		bool is_lent = false;
		uint32_t piece;
		size_t cost;

		r = envelope_reader_next(&bridge->reader, &envelope);
		if (r <= 0)
			break;
		bridge->stats.envelopes_in++;
		if (unlikely(envelope.flags & ENVELOPE_LENT)) {
			is_lent = loans_borrow(&bridge->sender->loans, &envelope, &piece);
			if (!is_lent)
				report_dropped(bridge, &envelope, "bad-reference");
		}
		cost = envelope.size < COST_MIN ? COST_MIN : envelope.size;
		*budget -= *budget < cost ? *budget : cost;
		if (!(envelope.flags & ENVELOPE_LENT))
			handle_envelope(bridge, &envelope);
		if (is_lent)
			borrower_use(&bridge->sender->loans.borrower, piece);
	}
	if (r > 0)
		return;
	if (r < 0)
		report_dropped(bridge, NULL, "malformed-frame");
	bridge_cut_frame(bridge);
}

void bridge_receive(struct bridge *bridge)
{
	size_t budget = BUDGET;

	while (budget > 0) {
		if (!bridge->frame && !next_frame(bridge, &budget)) {
			if (budget > 0)
				bridge_finish_leaving(bridge);
			break;
		}
		read_frame(bridge, &budget);
	}
}

#include "core/callee.h"
#include "core/kept.h"
#include "core/peer.h"

/* An envelope of that kind to whoever has the call in another process. */
static void send_envelope(struct runtime *runtime, const struct call *call,
			  enum envelope_kind kind, const void *payload, size_t size)
{
	struct envelope envelope = {.kind = kind,
				    .from = call_caller(runtime, call),
				    .to = call->target,
				    .call = call_alias(runtime, call),
				    .payload = payload,
				    .size = size};

	if (envelope.from.worker == 0) /* a client has no address but its process's */
		envelope.from = process_address(runtime->self);
	peer_send(runtime, &envelope);
}

void callee_cancel(struct runtime *runtime, struct call *call)
{
	if (call->kept) {
		struct kept_call *kept = slots_at(&runtime->kept_calls, call->kept - 1);

		kept->call = 0;
		call->kept = 0;
		kept_gone(runtime, kept);
	} else if (call->remote) {
		send_envelope(runtime, call, ENVELOPE_CANCEL, NULL, 0);
	}
	/* else it waits in a mailbox here, where its dead alias will be noticed */
}

void callee_report_taken(struct runtime *runtime, struct call *call, uint32_t replies,
			 uint32_t bytes)
{
	struct envelope_taken taken = {replies, bytes};

	/* A window has no more; it would be made up. */
	if (replies > LIMIT_STREAM_UNREAD)
		taken.replies = LIMIT_STREAM_UNREAD;
	if (replies == 0)
		return;
	call->reported = (uint16_t)(call->reported + taken.replies);
	send_envelope(runtime, call, ENVELOPE_TAKEN, &taken, sizeof(taken));
}

void callee_taken(struct runtime *runtime, struct call *call, uint32_t count, uint32_t left)
{
	const struct window *own;
	uint64_t bytes = call->unread_bytes, most_bytes;
	uint32_t limit;

	if (!call->remote || count == 0)
		return;
	own = call_own_window(runtime, call);
	limit = own ? own->limit : LIMIT_STREAM_UNREAD;
	most_bytes = own ? window_most_bytes(own) : LIMIT_STREAM_UNREAD_BYTES;
	count += call->taken;
	/* What each of them weighed on its way here is not known any more; all of them
	 * together, it is. */
	if (left > 0)
		bytes = bytes * count / (count + left);
	if (count < limit / 2 && bytes < most_bytes / 2) {
		call->taken = (uint16_t)count;
		return;
	}
	call->taken = 0;
	call->unread_bytes -= (uint32_t)bytes;
	callee_report_taken(runtime, call, count, (uint32_t)bytes);
}

#include "core/callee.h"
#include "core/kept.h"
#include "core/peer.h"

/* An envelope of that kind to whoever has the call in another process. */
static void send_envelope(struct runtime *runtime, const struct call *call,
			  enum envelope_kind kind)
{
	struct envelope envelope = {.kind = kind,
				    .from = call_caller(runtime, call),
				    .to = call->target,
				    .call = call_alias(runtime, call)};

	if (envelope.from.worker == 0) /* a client has no address but its process's */
		envelope.from = runtime->self;
	peer_tell(runtime, &envelope);
}

void callee_cancel(struct runtime *runtime, struct call *call)
{
	if (call->kept) {
		struct kept_call *kept = slots_at(&runtime->kept_calls, call->kept - 1);

		kept->call = 0;
		call->kept = 0;
		kept_gone(runtime, kept);
	} else if (call->remote) {
		send_envelope(runtime, call, ENVELOPE_CANCEL);
	}
	/* else it waits in a mailbox here, where its dead alias will be noticed */
}

void callee_tell_taken(struct runtime *runtime, struct call *call, uint32_t times)
{
	/* A window has two halves; more would be made up. */
	for (uint32_t i = 0; i < times && i < 2; i++) {
		call->told++;
		send_envelope(runtime, call, ENVELOPE_TAKEN);
	}
}

void callee_taken(struct runtime *runtime, struct call *call)
{
	if (!call->remote || ++call->taken < LIMIT_STREAM_UNREAD / 2)
		return;
	call->taken = 0;
	callee_tell_taken(runtime, call, 1);
}

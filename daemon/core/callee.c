#include "core/callee.h"
#include "core/kept.h"
#include "core/peer.h"

static struct troupe_address address_of_caller(const struct runtime *runtime,
					       const struct call *call)
{
	return call->flags & CALL_OF_CLIENT
		       ? runtime->self
		       : actor_address(runtime, actor_at(runtime, call->caller));
}

void callee_cancel(struct runtime *runtime, struct call *call)
{
	if (call->kept) {
		struct kept_call *kept = slots_at(&runtime->kept_calls, call->kept - 1);

		kept->call = 0;
		call->kept = 0;
		kept_gone(runtime, kept);
	} else if (call->remote) {
		peer_tell(runtime, &(struct envelope){.kind = ENVELOPE_CANCEL,
						      .from = address_of_caller(runtime, call),
						      .to = call->target,
						      .call = call_alias(runtime, call)});
	}
	/* else it waits in a mailbox here, where its dead alias will be noticed */
}

void callee_taken(struct runtime *runtime, struct call *call)
{
	if (call->queued)
		call->queued--;
	if (!call->remote || ++call->taken < LIMIT_STREAM_UNREAD / 2)
		return;
	call->taken = 0;
	peer_tell(runtime, &(struct envelope){.kind = ENVELOPE_TAKEN,
					      .from = address_of_caller(runtime, call),
					      .to = call->target,
					      .call = call_alias(runtime, call)});
}

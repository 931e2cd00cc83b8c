#include "core/kept.h"
#include "core/call.h"
#include "core/chain.h"
#include "core/client.h"
#include "core/cold.h"
#include "core/mailbox.h"
#include "core/peer.h"
#include "core/task.h"
#include "core/task_end.h"
#include "core/wait.h"
#include <errno.h>

static uint64_t hash_inbound(const struct runtime *runtime, struct troupe_address caller,
			     uint64_t call)
{
	return index_hash(runtime->secret, process_word(process_of(caller)), call);
}

struct kept_call *kept_find_inbound(const struct runtime *runtime, struct troupe_address caller,
				    uint64_t call)
{
	struct kept_call *kept;

	index_foreach (kept, &runtime->inbound, hash_inbound(runtime, caller, call), link)
		if (kept->call == call &&
		    process_equal(process_of(kept->caller), process_of(caller)))
			return kept;
	return NULL;
}

/* A record for an actor. NULL: the limit, or its unit's share. */
static struct kept_call *take_kept(struct runtime *runtime, struct actor *owner)
{
	struct kept_call *kept =
		share_take(&runtime->kept_calls, owner->unit, SHARE_KEPT_CALLS);

	if (kept) {
		kept->owner = actor_slot(runtime, owner);
		kept->window.limit = LIMIT_STREAM_UNREAD;
	}
	return kept;
}

int kept_new_inbound(struct runtime *runtime, struct actor *receiver, struct peer *peer,
		     struct troupe_address caller, uint64_t call, uint64_t deadline_ns,
		     struct kept_call **ret_kept)
{
	struct kept_call *kept;

	if (kept_find_inbound(runtime, caller, call))
		return -EEXIST;
	kept = take_kept(runtime, receiver);
	if (!kept)
		return -ENOMEM;
	kept->state = KEPT_INBOUND;
	kept->peer = peer;
	kept->caller = caller;
	kept->call = call;
	kept->deadline_ns = deadline_ns;
	chain_append(&peer->inbound, &kept->of_peer);
	index_put(&runtime->inbound, &kept->link, hash_inbound(runtime, caller, call));
	*ret_kept = kept;
	return 0;
}

void kept_move(struct runtime *runtime, struct kept_call *kept, struct actor *receiver)
{
	share_move(&runtime->kept_calls, kept, actor_at(runtime, kept->owner)->unit,
		   receiver->unit, SHARE_KEPT_CALLS);
	kept->owner = actor_slot(runtime, receiver);
}

void kept_hold(struct runtime *runtime, struct actor *owner, struct kept_call *kept)
{
	kept->state = KEPT_HELD;
	kept->owned = true;
	chain_append(&cold_get(runtime, owner)->kept, &kept->of_owner);
}

void kept_unhold(struct runtime *runtime, struct kept_call *kept)
{
	if (kept->state != KEPT_GONE)
		kept->state = KEPT_INBOUND;
	kept->task = 0;
	kept->owned = false;
	chain_remove(&cold_find(runtime, actor_at(runtime, kept->owner))->kept,
		     &kept->of_owner);
}

struct kept_call *kept_new(struct runtime *runtime, struct actor *owner, struct call *call)
{
	struct kept_call *kept = take_kept(runtime, owner);

	if (!kept)
		return NULL;
	if (call) {
		kept->call = slots_id(call);
		kept->flags = call->flags & CALL_MORE ? MAIL_MORE : 0;
		call->kept = slots_index(&runtime->kept_calls, kept) + 1;
	}
	kept_hold(runtime, owner, kept);
	return kept;
}

int kept_new_oneway(struct runtime *runtime, struct actor *owner, struct troupe_address from,
		    const struct troupe_method *method, struct kept_call **ret_kept)
{
	uint64_t number = client_number(from);
	struct client *client = number ? client_find(runtime, number) : NULL;
	bool has_left = number && !client; /* before its message was read */
	struct call *call = NULL;
	struct kept_call *kept;

	if (client && client->n_kept >= LIMIT_CLIENT_KEPT)
		return -ENOBUFS;
	if (!has_left) {
		call = call_new_oneway(runtime, owner, client, method);
		if (!call)
			return -ENOMEM;
	}
	kept = kept_new(runtime, owner, call);
	if (!kept) {
		if (call)
			call_close(runtime, call);
		return -ENOMEM;
	}
	kept->is_oneway = true;
	*ret_kept = kept;
	return 0;
}

static void leave_peer(struct runtime *runtime, struct kept_call *kept)
{
	if (kept->peer) {
		chain_remove(&kept->peer->inbound, &kept->of_peer);
		index_remove(&runtime->inbound, &kept->link);
		kept->peer = NULL;
	}
}

void kept_gone(struct runtime *runtime, struct kept_call *kept)
{
	enum kept_state was = kept->state;
	struct task *task = kept->task ? task_at(runtime, kept->task - 1) : NULL;

	leave_peer(runtime, kept);
	kept->state = KEPT_GONE;
	kept->call = 0;
	/* who waits for the stream's window learns it by on_cancel, but is owed its on_room */
	wait_wake_all(runtime, &kept->window.waiters);
	if (task)
		scope_cut(runtime, &task->root,
			  task->deadline_ns <= runtime->now_ns ? -ETIMEDOUT : -ECANCELED,
			  false);
	else if (was == KEPT_HELD)
		mailbox_notify(runtime, actor_at(runtime, kept->owner), &kept->mail,
			       MAIL_CANCEL);
}

void kept_free(struct runtime *runtime, struct kept_call *kept)
{
	struct call *call;

	leave_peer(runtime, kept);
	wait_wake_all(runtime, &kept->window.waiters);
	if (kept->is_oneway && (call = call_find(runtime, kept->call)))
		call_close(runtime, call);
	if (kept->owned)
		chain_remove(&cold_find(runtime, actor_at(runtime, kept->owner))->kept,
			     &kept->of_owner);
	slots_close(&kept->slot);
	if (!(kept->mail.flags & MAIL_QUEUED))
		kept_give(runtime, kept);
}

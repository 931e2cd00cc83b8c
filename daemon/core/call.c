#include "core/call.h"
#include "base/siphash.h"
#include "core/chain.h"
#include "core/client.h"
#include "core/cold.h"
#include "core/peer.h"
#include "core/wait.h"
#include "proto/envelope.h"

#define ALIAS_INDEX_BITS 22

_Static_assert(LIMIT_CALLS <= 1u << ALIAS_INDEX_BITS, "an alias has room for each index");

uint64_t call_alias(const struct runtime *runtime, const struct call *call)
{
	uint64_t mark = siphash_word(runtime->alias_key, slots_id(call));

	return 1ull << 63 | mark << ALIAS_INDEX_BITS | slots_index(&runtime->calls, call);
}

struct call *call_find_alias(const struct runtime *runtime, uint64_t alias)
{
	uint32_t index = alias & ((1u << ALIAS_INDEX_BITS) - 1);
	struct call *call;

	if (index >= runtime->calls.used)
		return NULL;
	call = slots_at(&runtime->calls, index);
	return !slots_is_closed(&call->slot) && call_alias(runtime, call) == alias ? call
										   : NULL;
}

static void leave_peer(struct runtime *runtime, struct call *call)
{
	if (call->remote) {
		struct peer *peer = peer_find(runtime, process_of(call->target));

		chain_remove(&peer->calls, &call->of_peer);
		call->remote = false;
	}
}

void call_move(struct runtime *runtime, struct call *call, struct troupe_address target,
	       struct peer *peer)
{
	leave_peer(runtime, call);
	call->target = target;
	call->reported = 0;
	if (peer) {
		chain_append(&peer->calls, &call->of_peer);
		call->remote = true;
	}
}

_Static_assert(TROUPE_WINDOW_MAX == LIMIT_STREAM_UNREAD &&
		       TROUPE_WINDOW_MAX == ENVELOPE_WINDOW_MAX,
	       "what a call may ask for, a replier heeds and an envelope says");

void call_begin_window(struct runtime *runtime, struct call *call, uint16_t replies,
		       uint16_t halvings)
{
	/* The table is as long as that of the calls. In parentheses it is no failpoint. */
	struct call_window *window = (slots_take)(&runtime->call_windows);

	check(window);
	window->window.limit = replies;
	window->window.halvings = halvings;
	call->window = window->slot.index;
	call->flags |= CALL_WINDOW;
}

/* Who waits for it is owed an on_room. */
static void end_window(struct runtime *runtime, struct call *call)
{
	struct call_window *window = call_window_of(runtime, call);

	wait_wake_all(runtime, &window->window.waiters);
	call->flags &= (uint8_t)~CALL_WINDOW;
	slots_give(&runtime->call_windows, window);
}

struct window *call_own_window(struct runtime *runtime, const struct call *call)
{
	if (call->flags & CALL_OF_CLIENT)
		return &call->client_call->window;
	return call->flags & CALL_WINDOW ? &call_window_of(runtime, call)->window : NULL;
}

#define CALL_NO_CALLER (CALL_OF_CLIENT | CALL_ONEWAY)

/* The chain of a call that no actor has made. */
static struct list **outer_chain_of(struct runtime *runtime, struct call *call)
{
	if (call->flags & CALL_OF_CLIENT)
		return &runtime->client_calls;
	return call->client ? &call->client->kept : &runtime->oneways;
}

static void leave_caller(struct runtime *runtime, struct call *call)
{
	chain_remove(&cold_find(runtime, actor_at(runtime, call->caller))->calls,
		     &call->of_caller);
}

COLD static void leave_chain_slow(struct runtime *runtime, struct call *call)
{
	if (call->flags & CALL_WINDOW)
		end_window(runtime, call);
	if (!(call->flags & CALL_NO_CALLER)) {
		leave_caller(runtime, call);
		return;
	}
	chain_remove(outer_chain_of(runtime, call), &call->of_caller);
	if (call->flags & CALL_ONEWAY && call->client)
		call->client->n_kept--;
}

static void leave_chain(struct runtime *runtime, struct call *call)
{
	if (unlikely(call->flags & (CALL_NO_CALLER | CALL_WINDOW)))
		leave_chain_slow(runtime, call);
	else
		leave_caller(runtime, call);
}

struct call *call_new_of_client(struct runtime *runtime, const struct troupe_method *method)
{
	struct call *call = slots_take_raw(&runtime->calls);

	if (!call)
		return NULL;
	call_begin(call, method, CALL_OF_CLIENT);
	chain_append(&runtime->client_calls, &call->of_caller);
	wheel_add(&runtime->wheel, wheel_name(RUNTIME_CALL_NODE, call->slot.index), UINT64_MAX);
	return call;
}

struct call *call_new_oneway(struct runtime *runtime, struct actor *keeper,
			     struct client *client, const struct troupe_method *method)
{
	struct call *call = share_take(&runtime->calls, keeper->unit, SHARE_CALLS);

	if (!call)
		return NULL;
	call_begin(call, method, CALL_ONEWAY);
	call->caller = keeper->slot.index;
	call->client = client;
	if (client)
		client->n_kept++;
	chain_append(outer_chain_of(runtime, call), &call->of_caller);
	wheel_add(&runtime->wheel, wheel_name(RUNTIME_CALL_NODE, call->slot.index),
		  runtime->now_ns + LIMIT_CALL_TIMEOUT_DEFAULT_NS);
	return call;
}

void call_close(struct runtime *runtime, struct call *call)
{
	wheel_remove(&runtime->wheel, &call->deadline);
	leave_peer(runtime, call);
	leave_chain(runtime, call);
	slots_close(&call->slot);
	if (!(call->mail.flags & MAIL_QUEUED))
		call_give(runtime, call);
}

/* What comes in from other processes, and what their links and ends do. */
#include "core/arrival.h"
#include "core/call.h"
#include "core/call_text.h"
#include "core/caller.h"
#include "core/chain.h"
#include "core/dead_letter.h"
#include "core/deliver_answer.h"
#include "core/kept.h"
#include "core/mailbox.h"
#include "core/peer.h"
#include "core/wait.h"
#include <errno.h>
#include <string.h>

/* ------------------------------------------------------------------ sends and calls */

/* The call of this process that a forwarded envelope claims to bring home; only whoever has
 * it can do that. */
static struct call *find_home_call(struct arrival *arrival)
{
	struct call *call = call_find_alias(arrival->runtime, arrival->envelope->call);

	return call && call->remote && process_equal(process_of(call->target), arrival->peer)
		       ? call
		       : NULL;
}

/* A send is a dead letter. Its method's name came with its layout. */
static void drop_send(struct arrival *arrival, const char *reason)
{
	const struct envelope *envelope = arrival->envelope;
	const struct troupe_type *type;
	const char *name;

	if (!arrival_find_layout(arrival, &type, &name))
		name = "";
	dead_letter_named(arrival->runtime, envelope->from, envelope->to, name, reason);
}

/* Answer a call, or drop a send. */
static void reject_as(struct arrival *arrival, struct call_end end, const char *reason)
{
	struct runtime *runtime = arrival->runtime;
	const struct envelope *envelope = arrival->envelope;
	struct call *call;

	if (envelope->kind == ENVELOPE_SEND) {
		drop_send(arrival, reason);
	} else if (is_own(runtime, envelope->from)) {
		call = find_home_call(arrival);
		if (call)
			caller_fail(runtime, call, end);
	} else {
		peer_fail(runtime, envelope->to, envelope->from, envelope->call, end);
	}
}

static void reject(struct arrival *arrival, enum troupe_status status, const char *detail,
		   const char *reason)
{
	reject_as(arrival, (struct call_end){status, 0, detail}, reason);
}

/* The handler that the receiver's type has for what came in, and the payload as a message of
 * its type. */
static struct message *read_input(struct arrival *arrival, const struct runtime_type *type)
{
	const struct type_handler *handler = type_find(type, arrival->envelope->hash);
	const struct troupe_type *theirs;
	const char *name, *method;
	struct message *message;
	enum troupe_status status;
	bool has_interface;

	if (handler) {
		message = arrival_decode(arrival, handler->method->in, &status);
	} else {
		if (!arrival_find_layout(arrival, &theirs, &name)) {
			reject(arrival, TROUPE_METHOD_NOT_FOUND, NULL, "unknown-type");
			return NULL;
		}
		method = strrchr(name, '.');
		handler =
			method ? type_find_name(type, name, (size_t)(method - name), method + 1,
						strlen(method + 1), &has_interface)
			       : NULL;
		if (!handler) {
			reject(arrival, TROUPE_METHOD_NOT_FOUND, method ? method + 1 : name,
			       "no-such-method");
			return NULL;
		}
		message = arrival_convert(arrival, theirs, handler->method->in, 0, &status);
	}
	if (!message) {
		reject(arrival, status,
		       status == TROUPE_INVALID_PARAMETER ? arrival->problem.path : NULL,
		       "invalid");
		return NULL;
	}
	message->hash = handler->hash;
	message->descriptor = handler->method;
	return message;
}

/* Make the message a call: of a caller elsewhere, or of one here whose call was forwarded
 * back. */
static bool enter_call(struct arrival *arrival, struct actor *receiver, struct message *message)
{
	struct runtime *runtime = arrival->runtime;
	const struct envelope *envelope = arrival->envelope;
	struct kept_call *kept;
	struct peer *peer;
	struct call *call;

	message->mail.flags = envelope->flags & ENVELOPE_MORE ? MAIL_MORE : 0;
	message->extra = envelope->deadline_ns;
	if (is_own(runtime, envelope->from)) {
		call = find_home_call(arrival);
		if (!call)
			return false;
		call_move(runtime, call, envelope->to, NULL);
		message->mail.flags = call->flags & CALL_MORE ? MAIL_MORE : 0;
		message->call = slots_id(call);
		message->from = call_caller(runtime, call);
		return true;
	}
	peer = peer_get(runtime, process_of(envelope->from));
	if (!peer || peer_is_dead(peer, process_of(envelope->from)))
		return false;
	if (kept_new_inbound(runtime, receiver, peer, envelope->from, envelope->call,
			     envelope->deadline_ns, &kept) < 0)
		return false;
	kept->flags = message->mail.flags;
	kept->window.used = envelope->unread;
	kept->window.bytes = envelope->unread_bytes;
	if (envelope->window) {
		kept->window.limit = (uint16_t)envelope->window;
		kept->window.halvings = envelope->halvings;
	}
	message->mail.flags |= MAIL_INBOUND;
	message->call = slots_id(kept);
	return true;
}

/* The same for a call by name. */
static struct message *read_text(struct arrival *arrival, const struct runtime_type *type)
{
	enum troupe_status status;
	struct message *raw = arrival_decode(arrival, &text_call_type, &status), *message;
	struct text_refusal refusal;

	if (!raw) {
		reject(arrival, status, NULL, "invalid");
		return NULL;
	}
	message = call_text_read(arrival->runtime, type, message_block(raw), &refusal);
	message_free(&arrival->runtime->messages, raw);
	if (!message)
		reject_as(arrival, refusal.end, "invalid");
	return message;
}

static void refuse(struct arrival *arrival, struct actor *receiver, uint32_t charge)
{
	if (mailbox_refuse(arrival->runtime, receiver, charge) == -ESRCH)
		reject(arrival, TROUPE_NO_SUCH_ACTOR, NULL, "no-such-actor");
	else
		reject(arrival, TROUPE_OVERLOADED, NULL,
		       receiver->unit->share->is_hog ? "unit-memory" : "mailbox-full");
}

static void deliver_input(struct arrival *arrival)
{
	struct runtime *runtime = arrival->runtime;
	const struct envelope *envelope = arrival->envelope;
	struct actor *receiver = actor_find(runtime, envelope->to);
	struct message *message;

	if (!receiver) {
		reject(arrival, TROUPE_NO_SUCH_ACTOR, NULL, "no-such-actor");
		return;
	}
	message = envelope->flags & ENVELOPE_TEXT ? read_text(arrival, receiver->unit->type)
						  : read_input(arrival, receiver->unit->type);
	if (!message)
		return;
	if (!mailbox_has_room(receiver, message_charge(message))) {
		refuse(arrival, receiver, message_charge(message));
		goto free_message;
	}
	/* it may be made up, but must not name a client of this process */
	message->from = envelope->from.worker ? envelope->from : (struct troupe_address){0};
	if (envelope->kind == ENVELOPE_CALL && !enter_call(arrival, receiver, message)) {
		reject(arrival, TROUPE_OVERLOADED, NULL, "call-limit");
		goto free_message;
	}
	mailbox_add(runtime, receiver, message);
	return;
free_message:
	message_free(&runtime->messages, message);
}

static void deliver_taken(struct runtime *runtime, struct kept_call *kept,
			  const struct envelope *envelope)
{
	struct envelope_taken taken;

	memcpy(&taken, envelope->payload, sizeof(taken));
	kept->taken = (uint16_t)(kept->taken + taken.replies);
	wait_give(runtime, &kept->window, taken.replies, taken.bytes);
}

void runtime_deliver(struct runtime *runtime, struct process process,
		     const struct envelope *envelope)
{
	struct arrival arrival;
	const struct peer *peer = peer_find(runtime, process);
	bool is_forwarded = envelope->flags & ENVELOPE_FORWARDED;
	struct kept_call *kept;

	arrival.runtime = runtime;
	arrival.envelope = envelope;
	arrival.peer = process;
	arrival.problem.path[0] = '\0'; /* the rest of it is written with the problem */
	runtime_touch(runtime);
	if (unlikely(!peer)) /* the first that comes from there */
		peer = peer_get(runtime, process);
	if ((peer && peer_is_dead(peer, process)) ||
	    (!is_forwarded && !process_equal(process_of(envelope->from), process))) {
		drop_send(&arrival, "stale");
		return;
	}
	switch (envelope->kind) {
	case ENVELOPE_SEND:
	case ENVELOPE_CALL:
		deliver_input(&arrival);
		break;
	case ENVELOPE_REPLY:
	case ENVELOPE_ERROR:
	case ENVELOPE_FAILURE:
	case ENVELOPE_MOVED:
	case ENVELOPE_KEPT:
		/* calls of an earlier incarnation had the same numbers */
		if (is_own(runtime, envelope->to))
			deliver_answer(&arrival);
		break;
	case ENVELOPE_CANCEL:
	case ENVELOPE_TAKEN:
		kept = kept_find_inbound(runtime, envelope->from, envelope->call);
		if (kept && envelope->kind == ENVELOPE_CANCEL)
			kept_gone(runtime, kept);
		else if (kept)
			deliver_taken(runtime, kept, envelope);
		break;
	default: /* LAYOUT and ROOM are of the link */
		break;
	}
}

/* ------------------------------------------------------------------ links */

void runtime_link_room(struct runtime *runtime, struct process process)
{
	struct peer *peer = peer_find(runtime, process);

	if (peer)
		wait_wake_all(runtime, &peer->waiters);
}

void runtime_peer_down(struct runtime *runtime, struct process process,
		       enum troupe_status status)
{
	struct peer *peer = peer_get(runtime, process);

	if (!peer)
		return;
	if (!peer_is_dead(peer, process)) {
		peer->dead = process;
		peer->death = status;
	}
	/* A later incarnation may have calls already; they stay, and the chains are gone
	 * through once. */
	chain_foreach (at, peer->calls) {
		struct call *call = container_of(at, struct call, of_peer);

		if (call->target.incarnation <= process.incarnation)
			caller_fail(runtime, call, (struct call_end){.status = status});
	}
	chain_foreach (at, peer->inbound) {
		struct kept_call *kept = container_of(at, struct kept_call, of_peer);

		if (kept->caller.incarnation <= process.incarnation)
			kept_gone(runtime, kept);
	}
	wait_wake_all(runtime, &peer->waiters);
}

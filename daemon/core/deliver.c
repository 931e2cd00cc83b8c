/* What comes in from other processes. Nothing in it is believed: any slot, generation, call
 * or hash may be made up. */
#include "core/call.h"
#include "core/callee.h"
#include "core/caller.h"
#include "core/client_call.h"
#include "core/dead_letter.h"
#include "core/kept.h"
#include "core/mailbox.h"
#include "core/peer.h"
#include "core/wait.h"
#include "proto/codec.h"
#include "proto/status.h"
#include <stdlib.h>
#include <string.h>

/* One envelope on its way in. */
struct arrival {
	struct runtime *runtime;
	const struct envelope *envelope;
	struct troupe_address peer;
	struct codec_error problem;
};

static bool same_process(struct troupe_address a, struct troupe_address b)
{
	return process_of(a) == process_of(b);
}

/* ------------------------------------------------------------------ blocks */

/* What comes of an envelope that carries a value. */
static enum mail_kind kind_of(const struct envelope *envelope)
{
	switch (envelope->kind) {
	case ENVELOPE_SEND:
		return MAIL_SEND;
	case ENVELOPE_CALL:
		return MAIL_CALL;
	case ENVELOPE_REPLY:
		return MAIL_REPLY;
	default:
		return MAIL_ERROR;
	}
}

/* A message whose block is the payload, checked. NULL with *ret_status. */
static struct message *decode_payload(struct arrival *arrival, const struct troupe_type *type,
				      enum troupe_status *ret_status)
{
	const struct envelope *envelope = arrival->envelope;
	bool is_plain = type->flags & TROUPE_TYPE_PLAIN && envelope->size == type->size;
	struct message *message;

	*ret_status = TROUPE_OVERLOADED;
	if (envelope->size > LIMIT_MESSAGE_BYTES)
		return NULL;
	message = message_new(&arrival->runtime->messages, kind_of(envelope), envelope->size);
	if (!message)
		return NULL;
	if (envelope->size)
		memcpy(message_block(message), envelope->payload, envelope->size);
	/* Any bytes are a plain value; only their number could be wrong. */
	if (is_plain ||
	    codec_decode(type, message_block(message), envelope->size, &arrival->problem) == 0)
		return message;
	message_free(&arrival->runtime->messages, message);
	*ret_status = TROUPE_INVALID_PARAMETER;
	return NULL;
}

/* The same for a type of theirs that is to become one of ours. */
static struct message *convert_payload(struct arrival *arrival,
				       const struct troupe_type *theirs,
				       const struct troupe_type *ours, unsigned flags,
				       enum troupe_status *ret_status)
{
	struct slab *slab = &arrival->runtime->messages;
	struct message *raw = decode_payload(arrival, theirs, ret_status), *message = NULL;
	void *block;
	size_t size;
	int rc;

	if (!raw)
		return NULL;
	rc = codec_convert(theirs, message_block(raw), ours, flags, &block, &size,
			   &arrival->problem);
	message_free(slab, raw);
	*ret_status = TROUPE_INVALID_PARAMETER;
	if (rc < 0)
		return NULL;
	message = message_new(slab, kind_of(arrival->envelope), size);
	*ret_status = TROUPE_OVERLOADED;
	if (message)
		codec_copy(ours, block, message_block(message), size);
	free(block);
	return message;
}

static bool find_layout(struct arrival *arrival, const struct troupe_type **ret_type,
			const char **ret_name)
{
	struct runtime *runtime = arrival->runtime;

	return runtime->ops->find_layout(runtime->context, arrival->peer,
					 arrival->envelope->hash, ret_type, ret_name);
}

/* ------------------------------------------------------------------ sends and calls */

/* The call of this process that a forwarded envelope claims to bring home; only whoever has
 * it can do that. */
static struct call *find_home_call(struct arrival *arrival)
{
	struct call *call = call_find_alias(arrival->runtime, arrival->envelope->call);

	return call && call->remote && same_process(call->target, arrival->peer) ? call : NULL;
}

/* Bury a send. What its method is called, whoever sent it has said with its layout. */
static void bury(struct arrival *arrival, const char *reason)
{
	const struct envelope *envelope = arrival->envelope;
	const struct troupe_type *type;
	const char *name;

	if (!find_layout(arrival, &type, &name))
		name = "";
	dead_letter_named(arrival->runtime, envelope->from, envelope->to, name, reason);
}

/* Answer a call, or bury a send. */
static void reject(struct arrival *arrival, enum troupe_status status, const char *detail,
		   const char *reason)
{
	struct runtime *runtime = arrival->runtime;
	const struct envelope *envelope = arrival->envelope;
	struct call *call;

	if (envelope->kind == ENVELOPE_SEND) {
		bury(arrival, reason);
	} else if (same_process(envelope->from, runtime->self)) {
		call = find_home_call(arrival);
		if (call)
			caller_fail(runtime, call, status, detail);
	} else {
		peer_fail(runtime, envelope->to, envelope->from, envelope->call, status,
			  detail);
	}
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
		message = decode_payload(arrival, handler->method->in, &status);
	} else {
		if (!find_layout(arrival, &theirs, &name)) {
			reject(arrival, TROUPE_METHOD_NOT_FOUND, NULL, "unknown-type");
			return NULL;
		}
		method = strrchr(name, '.');
		handler = method ? type_find_name(type, name, (size_t)(method - name),
						  method + 1, &has_interface)
				 : NULL;
		if (!handler) {
			reject(arrival, TROUPE_METHOD_NOT_FOUND, method ? method + 1 : name,
			       "no-such-method");
			return NULL;
		}
		message = convert_payload(arrival, theirs, handler->method->in, 0, &status);
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
	if (same_process(envelope->from, runtime->self)) {
		call = find_home_call(arrival);
		if (!call)
			return false;
		call_move(runtime, call, envelope->to, NULL);
		message->mail.flags = call->flags & CALL_MORE ? MAIL_MORE : 0;
		message->call = slots_id(call);
		message->from = call_caller(runtime, call);
		return true;
	}
	peer = peer_get(runtime, envelope->from.node, envelope->from.worker);
	if (!peer || peer_is_dead(peer, envelope->from.incarnation))
		return false;
	if (kept_new_inbound(runtime, receiver, peer, envelope->from, envelope->call,
			     envelope->deadline_ns, &kept) < 0)
		return false;
	kept->flags = message->mail.flags;
	kept->window.used = envelope->unread;
	message->mail.flags |= MAIL_INBOUND;
	message->call = slots_id(kept);
	return true;
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
	message = read_input(arrival, receiver->unit->type);
	if (!message)
		return;
	if (!mailbox_has_room(receiver, message_charge(message))) {
		mailbox_refuse(runtime, receiver, message_charge(message));
		reject(arrival, TROUPE_OVERLOADED, NULL,
		       receiver->unit->share->is_hog ? "unit-memory" : "mailbox-full");
		goto free_message;
	}
	/* it may be made up, but stands for no client of this process */
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

/* ------------------------------------------------------------------ answers */

static const struct troupe_interface *interface_of(const struct runtime *runtime,
						   const struct call *call)
{
	if (call->flags & CALL_OF_CLIENT)
		return NULL;
	return actor_at(runtime, call->caller)->unit->type->entries[call->entry].interface;
}

/* Hand a reply or error to the caller. */
static void take_answer(struct arrival *arrival, struct call *call, struct message *message)
{
	struct runtime *runtime = arrival->runtime;

	message->mail.entry = call->entry;
	message->from = arrival->envelope->from;
	message->call = slots_id(call);
	message->extra = call->context;
	if (message->mail.flags & MAIL_CONTINUES && !(call->flags & CALL_OF_CLIENT))
		call->queued++;
	caller_reply(runtime, call, message);
}

static void deliver_reply(struct arrival *arrival, struct call *call)
{
	struct runtime *runtime = arrival->runtime;
	const struct envelope *envelope = arrival->envelope;
	const struct troupe_method *method = call->method;
	bool continues = envelope->flags & ENVELOPE_CONTINUES;
	const struct troupe_type *theirs;
	struct message *message;
	enum troupe_status status;
	const char *name;

	if (continues && (!(call->flags & CALL_MORE) || call->queued >= LIMIT_STREAM_UNREAD ||
			  ((call->flags & CALL_OF_CLIENT) &&
			   call->client_call->window.used >= LIMIT_STREAM_UNREAD))) {
		/* more than was asked for, or than the window allows */
		callee_cancel(runtime, call);
		caller_fail(runtime, call, TROUPE_OVERLOADED, NULL);
		return;
	}
	if (envelope->hash == method->out_hash) {
		message = decode_payload(arrival, method->out, &status);
	} else if (find_layout(arrival, &theirs, &name)) {
		message = convert_payload(arrival, theirs, method->out, CODEC_DROP, &status);
	} else {
		message = NULL;
		status = TROUPE_INVALID_PARAMETER;
	}
	if (!message) {
		if (continues)
			callee_cancel(runtime, call);
		caller_fail(runtime, call, status, arrival->problem.path);
		return;
	}
	message->mail.flags = continues ? MAIL_CONTINUES : 0;
	message->hash = method->out_hash;
	message->descriptor = method;
	if (continues)
		wheel_remove(&runtime->wheel, &call->deadline);
	take_answer(arrival, call, message);
}

/* An error that the caller's interface does not know: only its name arrives. */
static struct message *make_name(struct runtime *runtime, const char *name)
{
	struct message *message = message_new(&runtime->messages, MAIL_ERROR, strlen(name) + 1);

	if (message) {
		message->descriptor = NULL;
		strcpy((char *)message_block(message), name);
	}
	return message;
}

/* A client is handed the value itself, since its side knows every type that it can print. */
static void deliver_client_error(struct arrival *arrival, const struct troupe_type *type,
				 const char *name)
{
	struct runtime *runtime = arrival->runtime;
	enum troupe_status status;
	struct message *message = decode_payload(arrival, type, &status);
	struct call *call;

	call = call_find_alias(runtime, arrival->envelope->call);
	if (call && call->queued > 0) { /* what came before; it may end the call */
		client_calls_drain(runtime);
		call = call_find_alias(runtime, arrival->envelope->call);
	}
	if (call && message) {
		const struct troupe_error error = {
			.name = name, .type = type, .hash = arrival->envelope->hash};

		client_call_end(runtime, call,
				&(struct troupe_reply){.status = TROUPE_ERROR,
						       .data = message_block(message),
						       .error = &error,
						       .error_name = name},
				type);
	} else if (call) {
		caller_fail(runtime, call, status, arrival->problem.path);
	}
	if (message)
		message_free(&runtime->messages, message);
}

static void deliver_error(struct arrival *arrival, struct call *call)
{
	struct runtime *runtime = arrival->runtime;
	const struct troupe_interface *interface = interface_of(runtime, call);
	uint32_t n_errors = interface ? interface->n_errors : 0;
	const struct troupe_error *ours = NULL;
	const struct troupe_type *theirs = NULL;
	enum troupe_status status = TROUPE_INVALID_PARAMETER;
	struct message *message = NULL;
	const char *name;

	for (uint32_t i = 0; i < n_errors && !ours; i++)
		if (interface->errors[i]->hash == arrival->envelope->hash)
			ours = interface->errors[i];
	if (ours) {
		message = decode_payload(arrival, ours->type, &status);
	} else if (find_layout(arrival, &theirs, &name)) {
		if (call->flags & CALL_OF_CLIENT) {
			deliver_client_error(arrival, theirs, name);
			return;
		}
		for (uint32_t i = 0; i < n_errors && !ours; i++)
			if (strcmp(interface->errors[i]->name, name) == 0)
				ours = interface->errors[i];
		message =
			ours ? convert_payload(arrival, theirs, ours->type, CODEC_DROP, &status)
			     : make_name(runtime, name);
	}
	if (!message) {
		caller_fail(runtime, call, status, arrival->problem.path);
		return;
	}
	message->descriptor = ours;
	message->hash = ours ? ours->hash : 0;
	take_answer(arrival, call, message);
}

static void deliver_failure(struct arrival *arrival, struct call *call)
{
	const struct envelope *envelope = arrival->envelope;
	char detail[ENVELOPE_DETAIL_MAX + 1];
	enum troupe_status status = envelope->status;

	if (status < TROUPE_NO_SUCH_ACTOR || status >= TROUPE_STATUS_COUNT ||
	    envelope->size > ENVELOPE_DETAIL_MAX)
		return;
	if (envelope->size)
		memcpy(detail, envelope->payload, envelope->size);
	detail[envelope->size] = '\0';
	caller_fail(arrival->runtime, call, status, envelope->size ? detail : NULL);
}

/* Where a call was forwarded to from the process that had it. False: not to another one. */
static bool read_moved(const struct arrival *arrival, struct envelope_move *ret_move)
{
	if (arrival->envelope->size != sizeof(*ret_move))
		return false;
	memcpy(ret_move, arrival->envelope->payload, sizeof(*ret_move));
	return !is_own_worker(arrival->runtime, ret_move->target);
}

/* A call that has ended was forwarded, or has been kept: its CANCEL went where it had been before,
 * or was faster than the call itself. */
static void cancel_ended(const struct arrival *arrival)
{
	struct envelope_move move = {.target = arrival->envelope->from};

	if (arrival->envelope->kind == ENVELOPE_MOVED && !read_moved(arrival, &move))
		return;
	peer_tell(arrival->runtime, &(struct envelope){.kind = ENVELOPE_CANCEL,
						       .from = arrival->runtime->self,
						       .to = move.target,
						       .call = arrival->envelope->call});
}

static void deliver_moved(struct arrival *arrival, struct call *call)
{
	struct runtime *runtime = arrival->runtime;
	struct envelope_move move;
	struct peer *peer;
	uint16_t lost;

	if (!same_process(call->target, arrival->peer) || !read_moved(arrival, &move))
		return;
	peer = peer_get(runtime, move.target.node, move.target.worker);
	if (!peer)
		return;
	/* its death was reported before MOVED arrived */
	if (peer_is_dead(peer, move.target.incarnation)) {
		caller_fail(runtime, call, peer->death, NULL);
		return;
	}
	lost = (uint16_t)(call->told - move.taken);
	call_move(runtime, call, move.target, peer);
	callee_tell_taken(runtime, call, lost);
}

static void deliver_kept(struct arrival *arrival, struct call *call)
{
	if (call->flags & CALL_OF_CLIENT)
		client_call_report_kept(call);
	else
		(void)caller_kept(arrival->runtime, call);
}

static void deliver_answer(struct arrival *arrival)
{
	struct runtime *runtime = arrival->runtime;
	struct call *call = call_find_alias(runtime, arrival->envelope->call);

	/* Late, made up, or of a call that no other process has. An answer may come from
	 * another process than was called: the call may have been forwarded, and MOVED not
	 * have arrived yet. That it knows the alias shows that it was. */
	if (!call || !call->remote) {
		if (!call && (arrival->envelope->kind == ENVELOPE_MOVED ||
			      arrival->envelope->kind == ENVELOPE_KEPT))
			cancel_ended(arrival);
		return;
	}
	if (call_is_late(call, runtime->now_ns) && arrival->envelope->kind != ENVELOPE_MOVED) {
		if (arrival->envelope->kind == ENVELOPE_KEPT ||
		    arrival->envelope->flags & ENVELOPE_CONTINUES)
			callee_cancel(runtime, call);
		caller_fail(runtime, call, TROUPE_TIMEOUT, NULL);
		return;
	}
	switch (arrival->envelope->kind) {
	case ENVELOPE_REPLY:
		deliver_reply(arrival, call);
		break;
	case ENVELOPE_ERROR:
		deliver_error(arrival, call);
		break;
	case ENVELOPE_FAILURE:
		deliver_failure(arrival, call);
		break;
	case ENVELOPE_KEPT:
		deliver_kept(arrival, call);
		break;
	default:
		deliver_moved(arrival, call);
	}
}

static void deliver_taken(struct runtime *runtime, struct kept_call *kept)
{
	kept->taken++;
	wait_give(runtime, &kept->window, LIMIT_STREAM_UNREAD / 2, 0);
}

void runtime_deliver(struct runtime *runtime, struct troupe_address peer_address,
		     const struct envelope *envelope)
{
	struct arrival arrival;
	const struct peer *peer = peer_find(runtime, peer_address.node, peer_address.worker);
	bool is_forwarded = envelope->flags & ENVELOPE_FORWARDED;
	struct kept_call *kept;

	arrival.runtime = runtime;
	arrival.envelope = envelope;
	arrival.peer = peer_address;
	arrival.problem.path[0] = '\0'; /* the rest of it is written with the problem */
	runtime_touch(runtime);
	if (unlikely(!peer)) /* the first that comes from there */
		peer = peer_get(runtime, peer_address.node, peer_address.worker);
	if ((peer && peer_is_dead(peer, peer_address.incarnation)) ||
	    (!is_forwarded && !same_process(envelope->from, peer_address))) {
		bury(&arrival, "stale");
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
			deliver_taken(runtime, kept);
		break;
	default: /* LAYOUT and ROOM are of the link */
		break;
	}
}

/* ------------------------------------------------------------------ links */

void runtime_link_room(struct runtime *runtime, uint16_t node, uint16_t worker)
{
	struct peer *peer = peer_find(runtime, node, worker);

	if (peer)
		wait_wake_all(runtime, &peer->waiters);
}

void runtime_peer_down(struct runtime *runtime, uint16_t node, uint16_t worker,
		       uint32_t incarnation, enum troupe_status status)
{
	struct peer *peer = peer_get(runtime, node, worker);
	struct list *next;

	if (!peer)
		return;
	if (incarnation > peer->dead) {
		peer->dead = incarnation;
		peer->death = status;
	}
	/* A later incarnation may have calls already; they stay, and the chains are gone
	 * through once. */
	for (struct list *last = peer->calls ? peer->calls->previous : NULL, *at = peer->calls;
	     at; at = next) {
		struct call *call = container_of(at, struct call, of_peer);

		next = at == last ? NULL : at->next;
		if (call->target.incarnation <= incarnation)
			caller_fail(runtime, call, status, NULL);
	}
	for (struct list *last = peer->inbound ? peer->inbound->previous : NULL,
			 *at = peer->inbound;
	     at; at = next) {
		struct kept_call *kept = container_of(at, struct kept_call, of_peer);

		next = at == last ? NULL : at->next;
		if (kept->caller.incarnation <= incarnation)
			kept_gone(runtime, kept);
	}
	wait_wake_all(runtime, &peer->waiters);
}

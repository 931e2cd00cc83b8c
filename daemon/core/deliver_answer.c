#include "core/deliver_answer.h"
#include "core/awaited.h"
#include "core/call.h"
#include "core/call_text.h"
#include "core/callee.h"
#include "core/caller.h"
#include "core/client_call.h"
#include "core/items.h"
#include "core/peer.h"
#include "proto/codec.h"
#include <errno.h>
#include <string.h>

static const struct troupe_interface *interface_of(const struct runtime *runtime,
						   const struct call *call)
{
	if (call->flags & CALL_OF_CLIENT)
		return NULL;
	if (call->flags & CALL_ITEMS)
		return items_of(runtime, call)->interface;
	if (call->flags & CALL_TASK)
		return awaited_of(runtime, call)->interface;
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
	if (message->mail.flags & MAIL_CONTINUES &&
	    !(call->flags & (CALL_OF_CLIENT | CALL_WINDOW)))
		call->queued++;
	caller_reply(runtime, call, message);
}

/* Whether one more reply of a stream may come, as far as whoever sends them can know. The bytes
 * of two windows: of one that was handed on it may not be known what has been read. */
static bool may_continue(struct runtime *runtime, const struct call *call)
{
	const struct window *own = call_own_window(runtime, call);
	const uint32_t limit = own ? own->limit : LIMIT_STREAM_UNREAD;

	return call->flags & CALL_MORE && (own ? own->used : call->queued) < limit &&
	       call->unread_bytes < 2 * (LIMIT_STREAM_UNREAD_BYTES + LIMIT_MESSAGE_BYTES);
}

/* What has come in, for a caller that wants text; of an error, is_error. NULL with *ret_end.
 * The process that sent it has sent its layout before. */
static struct message *read_text(struct arrival *arrival, const struct call *call,
				 bool is_error, struct call_end *ret_end)
{
	struct runtime *runtime = arrival->runtime;
	const struct troupe_type *theirs;
	struct message *raw, *message;
	const char *name;
	int rc;

	*ret_end = (struct call_end){TROUPE_INVALID_PARAMETER, 0, arrival->problem.path};
	if (!arrival_find_layout(arrival, &theirs, &name))
		return NULL;
	raw = arrival_decode(arrival, theirs, &ret_end->status);
	if (!raw)
		return NULL;
	rc = call_text_print(runtime, call, is_error ? name : NULL, theirs, message_block(raw),
			     &message);
	message_free(&runtime->messages, raw);
	if (rc == 0)
		return message;
	*ret_end = rc == -ENOBUFS ? call_text_too_long
				  : (struct call_end){.status = TROUPE_OVERLOADED};
	return NULL;
}

/* The same for one that knows the method. */
static struct message *read_value(struct arrival *arrival, const struct troupe_method *method,
				  struct call_end *ret_end)
{
	const struct troupe_type *theirs;
	struct message *message = NULL;
	const char *name;

	*ret_end = (struct call_end){TROUPE_INVALID_PARAMETER, 0, arrival->problem.path};
	if (arrival->envelope->hash == method->out_hash)
		message = arrival_decode(arrival, method->out, &ret_end->status);
	else if (arrival_find_layout(arrival, &theirs, &name))
		message = arrival_convert(arrival, theirs, method->out, CODEC_DROP,
					  &ret_end->status);
	if (message) {
		message->hash = method->out_hash;
		message->descriptor = method;
	}
	return message;
}

static void deliver_reply(struct arrival *arrival, struct call *call)
{
	struct runtime *runtime = arrival->runtime;
	const struct envelope *envelope = arrival->envelope;
	bool continues = envelope->flags & ENVELOPE_CONTINUES;
	struct message *message;
	struct call_end end;

	if (continues && !may_continue(runtime, call)) {
		/* more than was asked for, or than the window allows */
		callee_cancel(runtime, call);
		caller_fail(runtime, call, (struct call_end){.status = TROUPE_OVERLOADED});
		return;
	}
	message = call->flags & CALL_TEXT ? read_text(arrival, call, false, &end)
					  : read_value(arrival, call->method, &end);
	if (!message) {
		if (continues)
			callee_cancel(runtime, call);
		caller_fail(runtime, call, end);
		return;
	}
	message->mail.flags = continues ? MAIL_CONTINUES : 0;
	if (continues) {
		wheel_remove(&runtime->wheel, &call->deadline);
		call->unread_bytes += (uint32_t)envelope->size;
	}
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
	struct message *message = arrival_decode(arrival, type, &status);
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
		caller_fail(runtime, call, (struct call_end){status, 0, arrival->problem.path});
	}
	if (message)
		message_free(&runtime->messages, message);
}

static void deliver_text_error(struct arrival *arrival, struct call *call)
{
	struct call_end end;
	struct message *message = read_text(arrival, call, true, &end);

	if (message)
		take_answer(arrival, call, message);
	else
		caller_fail(arrival->runtime, call, end);
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
		message = arrival_decode(arrival, ours->type, &status);
	} else if (arrival_find_layout(arrival, &theirs, &name)) {
		if (call->flags & CALL_OF_CLIENT) {
			deliver_client_error(arrival, theirs, name);
			return;
		}
		for (uint32_t i = 0; i < n_errors && !ours; i++)
			if (strcmp(interface->errors[i]->name, name) == 0)
				ours = interface->errors[i];
		message =
			ours ? arrival_convert(arrival, theirs, ours->type, CODEC_DROP, &status)
			     : make_name(runtime, name);
	}
	if (!message) {
		caller_fail(runtime, call, (struct call_end){status, 0, arrival->problem.path});
		return;
	}
	message->descriptor = ours;
	message->hash = ours ? ours->hash : 0;
	take_answer(arrival, call, message);
}

static void deliver_failure(struct arrival *arrival, struct call *call)
{
	const struct envelope *envelope = arrival->envelope;
	struct envelope_failure failure = {0};
	struct call_end end = {.status = envelope->status};

	if (end.status < TROUPE_NO_SUCH_ACTOR || end.status >= TROUPE_STATUS_COUNT ||
	    envelope->size > ENVELOPE_FAILURE_MIN + ENVELOPE_DETAIL_MAX)
		return;
	if (envelope->size > 0)
		memcpy(&failure, envelope->payload, envelope->size);
	end.code = failure.code;
	end.detail = failure.detail[0] ? failure.detail : NULL;
	if ((call->flags & (CALL_TASK | CALL_ITEMS)) == CALL_TASK)
		awaited_of(arrival->runtime, call)->was_refused =
			end.status == TROUPE_OVERLOADED;
	caller_fail(arrival->runtime, call, end);
}

/* Where a call was forwarded to from the process that had it. False: not to another one. */
static bool read_moved(const struct arrival *arrival, struct envelope_move *ret_move)
{
	if (arrival->envelope->size != sizeof(*ret_move))
		return false;
	memcpy(ret_move, arrival->envelope->payload, sizeof(*ret_move));
	return !is_own_worker(arrival->runtime, ret_move->target);
}

/* A call that has ended was forwarded, or has been kept: its CANCEL went where it had been
 * before, or was faster than the call itself. */
static void cancel_ended(const struct arrival *arrival)
{
	struct envelope_move move = {.target = arrival->envelope->from};

	if (arrival->envelope->kind == ENVELOPE_MOVED && !read_moved(arrival, &move))
		return;
	peer_send(arrival->runtime,
		  &(struct envelope){.kind = ENVELOPE_CANCEL,
				     .from = process_address(arrival->runtime->self),
				     .to = move.target,
				     .call = arrival->envelope->call});
}

static void deliver_moved(struct arrival *arrival, struct call *call)
{
	struct runtime *runtime = arrival->runtime;
	struct envelope_move move;
	struct peer *peer;
	uint16_t lost;

	if (!process_equal(process_of(call->target), arrival->peer) ||
	    !read_moved(arrival, &move))
		return;
	peer = peer_get(runtime, process_of(move.target));
	if (!peer)
		return;
	/* its death was reported before MOVED arrived */
	if (peer_is_dead(peer, process_of(move.target))) {
		caller_fail(runtime, call, (struct call_end){.status = peer->death});
		return;
	}
	lost = (uint16_t)(call->reported - move.taken);
	call_move(runtime, call, move.target, peer);
	/* What it weighed is not known any more: rather too much than a window that stays
	 * shut. */
	callee_report_taken(runtime, call, lost, UINT32_MAX);
}

static void deliver_kept(struct arrival *arrival, struct call *call)
{
	if (call->flags & CALL_OF_CLIENT)
		client_call_report_kept(call);
	else
		(void)caller_kept(arrival->runtime, call);
}

void deliver_answer(struct arrival *arrival)
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
		caller_fail(runtime, call, (struct call_end){.status = TROUPE_TIMEOUT});
		return;
	}
	switch (arrival->envelope->kind) {
	case ENVELOPE_REPLY:
		deliver_reply(arrival, call);
		break;
	case ENVELOPE_ERROR:
		if (call->flags & CALL_TEXT)
			deliver_text_error(arrival, call);
		else
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

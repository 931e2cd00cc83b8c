/* Handing the message at hand on to another actor, with its sender and its call, as
 * <troupe/actor.h> says. */
#include "core/activation.h"
#include "core/answer.h"
#include "core/call.h"
#include "core/dead_letter.h"
#include "core/kept.h"
#include "core/kept_message.h"
#include "core/mailbox.h"
#include "core/no_room.h"
#include "core/peer.h"
#include <errno.h>

static int forward_near(struct troupe_self *self, struct actor *receiver,
			struct troupe_address to)
{
	struct runtime *runtime = self->runtime;
	struct message *message = self->activation.message;
	uint32_t charge = message_charge(message);

	if (!mailbox_has_room(receiver, charge))
		return no_room_in_mailbox(runtime, self->actor, receiver, to, charge);
	if (self->activation.outcome.kept || self->task) {
		/* the original has been kept by this actor, or its task still reads it */
		message = kept_message_copy(runtime, self->activation.handler->method->in,
					    message);
		if (!message)
			return -ENOMEM;
	} else {
		load_subtract(&self->actor->load, (struct load){0, charge});
		self->activation.outcome.moved = true;
	}
	if (message->mail.flags & MAIL_INBOUND) {
		struct kept_call *kept = kept_find(runtime, message->call);

		if (kept)
			kept_move(runtime, kept, receiver);
	} else if (message->mail.kind == MAIL_CALL) {
		struct call *call = call_find(runtime, message->call);

		if (call)
			call_move(runtime, call, to, NULL);
	}
	mailbox_add(runtime, receiver, message);
	return 0;
}

static void set_window(struct envelope *envelope, const struct window *window)
{
	envelope->window = window->limit;
	envelope->halvings = (uint8_t)window->halvings;
}

/* The envelope of the message being handled, for another process; *ret_call or *ret_kept says
 * whose call it is. */
static struct envelope make_envelope(struct troupe_self *self, struct troupe_address to,
				     struct call **ret_call, struct kept_call **ret_kept)
{
	struct runtime *runtime = self->runtime;
	const struct message *message = self->activation.message;
	const struct window *own;
	struct envelope envelope = {
		.kind = ENVELOPE_SEND, .from = message->from, .to = to, .hash = message->hash};

	*ret_call = NULL;
	*ret_kept = NULL;
	if (message->mail.kind == MAIL_CALL) {
		envelope.kind = ENVELOPE_CALL;
		envelope.deadline_ns = message->extra;
		if (message->mail.flags & MAIL_MORE)
			envelope.flags |= ENVELOPE_MORE;
		if (message->mail.flags & MAIL_INBOUND) {
			*ret_kept = kept_find(runtime, message->call);
			envelope.from = (*ret_kept)->caller;
			envelope.call = (*ret_kept)->call;
			envelope.unread = (*ret_kept)->window.used;
			envelope.unread_bytes = (uint32_t)(*ret_kept)->window.bytes;
			if (envelope.flags & ENVELOPE_MORE)
				set_window(&envelope, &(*ret_kept)->window);
		} else {
			*ret_call = call_find(runtime, message->call);
			envelope.call = call_alias(runtime, *ret_call);
			own = call_own_window(runtime, *ret_call);
			if (own && envelope.flags & ENVELOPE_MORE) {
				envelope.unread = own->used;
				set_window(&envelope, own);
			}
		}
	}
	if (envelope.from.worker == 0) /* a client has no address but its process's */
		envelope.from = process_address(runtime->self);
	if (!is_own(runtime, envelope.from) || envelope.unread)
		envelope.flags |= ENVELOPE_FORWARDED;
	return envelope;
}

COLD static int forward_far(struct troupe_self *self, struct troupe_address to)
{
	struct runtime *runtime = self->runtime;
	struct kept_call *kept;
	struct call *call;
	struct envelope envelope;
	struct peer *peer;
	int rc;

	if (troupe_address_is_null(to) || is_own_worker(runtime, to))
		return -ESRCH;
	peer = peer_get(runtime, process_of(to));
	if (!peer)
		return -ENOMEM;
	if (peer_is_dead(peer, process_of(to)))
		return -ESRCH;
	envelope = make_envelope(self, to, &call, &kept);
	rc = runtime->ops->forward(
		runtime->context, &envelope, self->activation.handler->method->in,
		message_block(self->activation.message),
		&(struct envelope_meaning){self->activation.handler->method->interface,
					   self->activation.handler->method->name});
	if (rc < 0)
		return no_room_in_link(runtime, self->actor, to, rc);
	if (call)
		call_move(runtime, call, to, peer);
	if (kept) {
		/* the caller's process must know whose death ends the call from now on */
		const struct envelope_move move = {.target = to, .taken = kept->taken};

		peer_send(runtime, &(struct envelope){
					   .kind = ENVELOPE_MOVED,
					   .from = actor_address(runtime, self->actor),
					   .to = kept->caller,
					   .call = kept->call,
					   .payload = &move,
					   .size = sizeof(move),
				   });
		kept_free(runtime, kept);
	}
	return 0;
}

/* Whether the message being handled is a call that ended in this very handler. If so it goes no
 * further. */
static bool drop_ended(struct troupe_self *self)
{
	struct runtime *runtime = self->runtime;
	const struct message *message = self->activation.message;
	struct kept_call *kept;

	if (message->mail.kind != MAIL_CALL)
		return false;
	if (message->mail.flags & MAIL_INBOUND) {
		kept = kept_find(runtime, message->call);
		if (kept->state != KEPT_GONE)
			return false;
		kept_free(runtime, kept);
	} else if (call_find(runtime, message->call)) {
		return false;
	}
	dead_letter(runtime, message->from, actor_address(runtime, self->actor),
		    message->descriptor, "caller-gone");
	return true;
}

int troupe_forward(struct troupe_self *self, struct troupe_address to)
{
	const bool is_held = self->activation.outcome.call == SELF_HELD;
	struct actor *receiver;
	int rc = 0;

	if (self->activation.outcome.call == SELF_NO_MESSAGE || self_is_away(self))
		return -EINVAL;
	if (is_held)
		answer_unhold(self);
	if (self->activation.outcome.call != SELF_OPEN)
		return -EALREADY;
	if (!drop_ended(self)) {
		receiver = actor_find(self->runtime, to);
		rc = receiver ? forward_near(self, receiver, to) : forward_far(self, to);
	}
	if (rc == 0)
		self->activation.outcome.call = SELF_FORWARDED;
	else if (is_held)
		answer_hold(self->task);
	return rc;
}

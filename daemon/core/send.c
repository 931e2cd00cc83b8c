/* Sending, calling, cancelling and forwarding. */
#include "core/call.h"
#include "core/kept.h"
#include "core/mailbox.h"
#include "core/more.h"
#include "core/peer.h"
#include "core/self.h"
#include "core/wait.h"
#include "proto/codec.h"
#include <errno.h>
#include <string.h>

static __attribute__((noinline)) int64_t measure_slow(const struct troupe_type *type,
						      const void *value)
{
	size_t size;
	int rc;

	if (!value && type->size)
		return -EINVAL;
	rc = codec_size(type, value, &size, NULL);
	return rc < 0 ? rc : (int64_t)size;
}

/* Bytes of a value's block, or an error. A plain type has no way to be wrong, and its size is known. */
static inline int64_t measure(const struct troupe_type *type, const void *value)
{
	if (likely(type->flags & TROUPE_TYPE_PLAIN) && likely(value || !type->size))
		return type->size;
	return measure_slow(type, value);
}

static inline void fill_block(const struct troupe_type *type, const void *value, void *block,
			      size_t size)
{
	if (likely(type->flags & TROUPE_TYPE_PLAIN)) {
		if (likely(size >= 8 && size <= 16)) { /* most are: two moves, no call */
			uint64_t first, last;

			memcpy(&first, value, 8);
			memcpy(&last, (const char *)value + size - 8, 8);
			memcpy(block, &first, 8);
			memcpy((char *)block + size - 8, &last, 8);
		} else if (size) {
			memcpy(block, value, size);
		}
	} else {
		codec_copy(type, value, block, size);
	}
}

/* What is rare stays out of the way, with its buffers. */
#define RARE __attribute__((noinline, cold))
/* What is not rare, but no part of the way within a worker. */
#define APART __attribute__((noinline))

RARE static int refuse(struct runtime *runtime, struct actor *sender, struct actor *receiver,
		       struct troupe_address to, uint32_t charge)
{
	int rc = mailbox_refuse(runtime, receiver, charge), waiting;

	if (rc != -EAGAIN)
		return rc;
	waiting = wait_add(runtime, sender, to, &more_get(runtime, receiver)->waiters, false);
	return waiting < 0 ? waiting : -EAGAIN;
}

/* The link took it, or what the sender gets instead. */
static int link_result(struct runtime *runtime, struct actor *sender, struct troupe_address to,
		       int rc)
{
	struct peer *peer;
	int waiting;

	if (rc == -EHOSTUNREACH)
		return -ESRCH;
	if (rc != -EAGAIN)
		return rc;
	peer = peer_get(runtime, to.node, to.worker);
	waiting = peer ? wait_add(runtime, sender, to, &peer->waiters, false) : -ENOMEM;
	return waiting < 0 ? waiting : -EAGAIN;
}

APART static int send_far(struct troupe_self *self, struct troupe_address to,
			  const struct troupe_method *method, const void *in)
{
	struct runtime *runtime = self->runtime;
	const struct envelope envelope = {.kind = ENVELOPE_SEND,
					  .from = actor_address(runtime, self->actor),
					  .to = to,
					  .hash = method->in_hash};
	int64_t size;
	int rc;

	if (troupe_address_is_null(to) || is_own_worker(runtime, to)) {
		runtime_dead_letter(runtime, envelope.from, to, method, "no-such-actor");
		return -ESRCH;
	}
	size = measure(method->in, in);
	if (unlikely(size < 0))
		return (int)size;
	rc = runtime->ops->forward(runtime->context, &envelope, method->in, in,
				   &(struct envelope_meaning){method->interface, method->name});
	if (rc == -EHOSTUNREACH)
		runtime_dead_letter(runtime, envelope.from, to, method, "no-such-peer");
	return link_result(runtime, self->actor, to, rc);
}

int self_send(struct troupe_self *self, struct troupe_address to,
	      const struct troupe_method *method, const void *in)
{
	struct runtime *runtime = self->runtime;
	struct actor *receiver = actor_find(runtime, to);
	struct message *message;
	uint32_t charge;
	int64_t size;

	if (unlikely(!method))
		return -EINVAL;
	if (unlikely(!receiver))
		return send_far(self, to, method, in);
	size = measure(method->in, in);
	if (unlikely(size < 0))
		return (int)size;
	charge = (uint32_t)((sizeof(*message) + (size_t)size + 15) / 16);
	if (unlikely(!mailbox_has_room(receiver, charge)))
		return refuse(runtime, self->actor, receiver, to, charge);
	message = slab_take(&runtime->messages, sizeof(*message) + (size_t)size);
	if (unlikely(!message))
		return -ENOMEM;
	message->mail.kind = MAIL_SEND;
	message->mail.flags = 0;
	message->mail.size = (uint32_t)size;
	message->hash = method->in_hash;
	message->from = actor_address(runtime, self->actor);
	message->descriptor = method;
	message->call = 0;
	fill_block(method->in, in, message->block, (size_t)size);
	receiver->queued++;
	receiver->charged += charge;
	mailbox_push(runtime, receiver, &message->mail);
	return 0;
}

APART static int call_far(struct troupe_self *self, struct call *call, struct troupe_address to,
			  const void *in, uint64_t deadline_ns)
{
	struct runtime *runtime = self->runtime;
	const struct troupe_method *method = call->method;
	const struct envelope envelope = {
		.kind = ENVELOPE_CALL,
		.flags = call->flags & CALL_MORE ? ENVELOPE_MORE : 0,
		.from = actor_address(runtime, self->actor),
		.to = to,
		.hash = method->in_hash,
		.call = call_alias(runtime, call),
		.deadline_ns = deadline_ns,
	};
	struct peer *peer;
	int64_t size;
	int rc;

	if (troupe_address_is_null(to) || is_own_worker(runtime, to))
		return -ESRCH;
	size = measure(method->in, in);
	if (unlikely(size < 0))
		return (int)size;
	peer = peer_get(runtime, to.node, to.worker);
	if (!peer)
		return -ENOMEM;
	if (peer_is_dead(peer, to.incarnation))
		return -ESRCH;
	rc = runtime->ops->forward(runtime->context, &envelope, method->in, in,
				   &(struct envelope_meaning){method->interface, method->name});
	if (rc < 0)
		return link_result(runtime, self->actor, to, rc);
	call_move(runtime, call, to, peer);
	return 0;
}

static int call_near(struct troupe_self *self, struct call *call, struct actor *receiver,
		     struct troupe_address to, const void *in, uint64_t deadline_ns)
{
	struct runtime *runtime = self->runtime;
	const struct troupe_method *method = call->method;
	struct message *message;
	uint32_t charge;
	int64_t size;

	size = measure(method->in, in);
	if (unlikely(size < 0))
		return (int)size;
	charge = (uint32_t)((sizeof(*message) + (size_t)size + 15) / 16);
	if (unlikely(!mailbox_has_room(receiver, charge)))
		return refuse(runtime, self->actor, receiver, to, charge);
	message = slab_take(&runtime->messages, sizeof(*message) + (size_t)size);
	if (unlikely(!message))
		return -ENOMEM;
	message->mail.kind = MAIL_CALL;
	message->mail.flags = call->flags & CALL_MORE ? MAIL_MORE : 0;
	message->mail.size = (uint32_t)size;
	message->hash = method->in_hash;
	message->from = actor_address(runtime, self->actor);
	message->descriptor = method;
	message->call = slots_id(call);
	message->extra = deadline_ns;
	fill_block(method->in, in, message->block, (size_t)size);
	call->target = to;
	mailbox_add(runtime, receiver, message);
	return 0;
}

int self_call(struct troupe_self *self, struct troupe_address to,
	      const struct troupe_method *method, const void *in,
	      const struct troupe_entry *entry, uint64_t context, uint64_t timeout_ns,
	      uint32_t flags, struct troupe_request *ret_request)
{
	struct runtime *runtime = self->runtime;
	struct actor *receiver;
	struct call *call;
	uint64_t deadline_ns;
	int index, rc;

	if (!method || (flags & ~TROUPE_MORE) || !self->may_wait)
		return -EINVAL;
	index = type_entry_index(self->actor->unit->type, entry, TROUPE_ENTRY_REPLY);
	if (index < 0 ||
	    (entry->method != method && (entry->method->in_hash != method->in_hash ||
					 entry->method->out_hash != method->out_hash)))
		return -EINVAL;
	if (timeout_ns == 0)
		timeout_ns = LIMIT_CALL_TIMEOUT_DEFAULT_NS;
	if (timeout_ns > LIMIT_CALL_TIMEOUT_NS)
		timeout_ns = LIMIT_CALL_TIMEOUT_NS;
	deadline_ns = runtime->now_ns + timeout_ns;
	call = call_new(runtime, self->actor, method, deadline_ns);
	if (!call)
		return -ENOMEM;
	call->context = context;
	call->entry = (uint8_t)index;
	if (flags & TROUPE_MORE)
		call->flags |= CALL_MORE;
	receiver = actor_find(runtime, to);
	rc = likely(receiver != NULL) ? call_near(self, call, receiver, to, in, deadline_ns)
				      : call_far(self, call, to, in, deadline_ns);
	if (unlikely(rc < 0)) {
		call_close(runtime, call);
		return rc;
	}
	if (ret_request)
		ret_request->id = slots_id(call);
	return 0;
}

int self_cancel(struct troupe_self *self, struct troupe_request request)
{
	struct runtime *runtime = self->runtime;
	struct call *call = call_find(runtime, request.id);

	if (!call || (call->flags & CALL_OUTSIDE) ||
	    call->caller != actor_slot(runtime, self->actor))
		return -ESRCH;
	call_abandon(runtime, call);
	call_fail(runtime, call, TROUPE_CANCELLED, NULL);
	return 0;
}

/* A copy for another mailbox, because the original has been kept by this actor. */
static struct message *copy_message(struct runtime *runtime, const struct troupe_type *type,
				    const struct message *message)
{
	struct message *copy = message_new(&runtime->messages, message->mail.size);

	if (!copy)
		return NULL;
	*copy = *message;
	codec_copy(type, message->block, copy->block, message->mail.size);
	return copy;
}

static int forward_near(struct troupe_self *self, struct actor *receiver,
			struct troupe_address to)
{
	struct runtime *runtime = self->runtime;
	struct message *message = self->message;
	uint32_t charge = message_charge(message);

	if (!mailbox_has_room(receiver, charge))
		return refuse(runtime, self->actor, receiver, to, charge);
	if (self->fate.kept) {
		message = copy_message(runtime, self->handler->method->in, message);
		if (!message)
			return -ENOMEM;
	} else {
		self->actor->charged -= charge;
		self->fate.moved = true;
	}
	if (message->mail.kind == MAIL_CALL && !(message->mail.flags & MAIL_INBOUND)) {
		struct call *call = call_find(runtime, message->call);

		if (call)
			call_move(runtime, call, to, NULL);
	}
	mailbox_add(runtime, receiver, message);
	return 0;
}

/* The envelope of the message being handled, for another process; *ret_call or *ret_kept says
 * whose call it is. */
static struct envelope make_envelope(struct troupe_self *self, struct troupe_address to,
				     struct call **ret_call, struct kept_call **ret_kept)
{
	struct runtime *runtime = self->runtime;
	const struct message *message = self->message;
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
		} else {
			*ret_call = call_find(runtime, message->call);
			/* the caller may have cancelled it in this very handler */
			envelope.call =
				*ret_call ? call_alias(runtime, *ret_call) : message->call;
		}
	}
	if (envelope.from.worker == 0) /* the outside has no address but its process's */
		envelope.from = runtime->self;
	if (!is_own(runtime, envelope.from))
		envelope.flags |= ENVELOPE_FORWARDED;
	return envelope;
}

RARE static int forward_far(struct troupe_self *self, struct troupe_address to)
{
	struct runtime *runtime = self->runtime;
	struct kept_call *kept;
	struct call *call;
	struct envelope envelope;
	struct peer *peer;
	int rc;

	if (troupe_address_is_null(to) || is_own_worker(runtime, to))
		return -ESRCH;
	peer = peer_get(runtime, to.node, to.worker);
	if (!peer)
		return -ENOMEM;
	if (peer_is_dead(peer, to.incarnation))
		return -ESRCH;
	envelope = make_envelope(self, to, &call, &kept);
	rc = runtime->ops->forward(runtime->context, &envelope, self->handler->method->in,
				   self->message->block,
				   &(struct envelope_meaning){self->handler->method->interface,
							      self->handler->method->name});
	if (rc < 0)
		return link_result(runtime, self->actor, to, rc);
	if (call)
		call_move(runtime, call, to, peer);
	if (kept) {
		/* the caller's process must know whose death ends the call from now on */
		peer_tell(runtime, &(struct envelope){
					   .kind = ENVELOPE_MOVED,
					   .from = actor_address(runtime, self->actor),
					   .to = kept->caller,
					   .call = kept->call,
					   .payload = &to,
					   .size = sizeof(to),
				   });
		kept_free(runtime, kept);
	}
	return 0;
}

int self_forward(struct troupe_self *self, struct troupe_address to)
{
	struct actor *receiver;
	int rc;

	if (self->fate.call == SELF_NO_MESSAGE)
		return -EINVAL;
	if (self->fate.call != SELF_OPEN)
		return -EALREADY;
	receiver = actor_find(self->runtime, to);
	rc = receiver ? forward_near(self, receiver, to) : forward_far(self, to);
	if (rc == 0)
		self->fate.call = SELF_FORWARDED;
	return rc;
}

/* How messages leave an actor: sending, calling and cancelling, as <troupe/actor.h> says. */
#include "core/send.h"
#include "core/activation.h"
#include "core/call.h"
#include "core/callee.h"
#include "core/caller.h"
#include "core/dead_letter.h"
#include "core/failure.h"
#include "core/mailbox.h"
#include "core/no_room.h"
#include "core/peer.h"
#include "core/slice.h"
#include "core/task.h"
#include "proto/codec_quick.h"
#include <errno.h>
#include <string.h>

#define POST_BYTES 128 /* of a plain value that is copied word by word */

/* Whether a value may go out, before anything is done about it. */
static int check_value(struct troupe_self *self, const struct troupe_type *type,
		       const void *value)
{
	size_t size;
	int rc = -EINVAL;

	if (value || !type->size)
		rc = type->flags & TROUPE_TYPE_PLAIN ? 0 : codec_size(type, value, &size, NULL);
	return unlikely(rc < 0) ? failure_of_value(self, type, value, rc) : 0;
}

NOINLINE static int send_far(struct troupe_self *self, struct troupe_address to,
			     const struct troupe_method *method, const void *in)
{
	struct runtime *runtime = self->runtime;
	const struct envelope envelope = {.kind = ENVELOPE_SEND,
					  .from = actor_address(runtime, self->actor),
					  .to = to,
					  .hash = method->in_hash};
	int rc;

	if (self_is_away(self))
		return -EINVAL;
	if (troupe_address_is_null(to) || is_own_worker(runtime, to)) {
		dead_letter(runtime, envelope.from, to, method, "no-such-actor");
		return -ESRCH;
	}
	rc = check_value(self, method->in, in);
	if (unlikely(rc < 0))
		return rc;
	rc = runtime->ops->forward(runtime->context, &envelope, method->in, in,
				   &(struct envelope_meaning){method->interface, method->name});
	if (rc == -EHOSTUNREACH)
		dead_letter(runtime, envelope.from, to, method, "no-such-peer");
	return no_room_in_link(runtime, self->actor, to, rc);
}

/* A plain value, word by word as it was most likely written, the last word perhaps with a part
 * of the one before. */
static inline void copy_words(char *to, const char *from, size_t size)
{
	uint64_t word;

	if (unlikely(size < 8)) {
		for (size_t at = 0; at < size; at++)
			to[at] = from[at];
		return;
	}
	for (size_t at = 0; at < size - 8; at += 8) {
		memcpy(&word, from + at, 8);
		memcpy(to + at, &word, 8);
	}
	memcpy(&word, from + size - 8, 8);
	memcpy(to + size - 8, &word, 8);
}

/* Fill in the head of a message to an actor here. */
static inline void address_message(struct runtime *runtime, const struct actor *sender,
				   struct message *message, enum mail_kind kind,
				   const struct troupe_method *method, uint32_t size)
{
	mail_mark(&message->mail, kind, 0);
	message->mail.size = size;
	message->hash = method->in_hash;
	message->from = actor_address(runtime, sender);
	message->descriptor = method;
}

/* A message with `in` for an actor of this process, not in its mailbox yet. */
static inline __attribute__((always_inline)) int
make_message(struct troupe_self *self, struct actor *receiver, struct troupe_address to,
	     enum mail_kind kind, const struct troupe_method *method, const void *in,
	     struct message **ret_message)
{
	struct runtime *runtime = self->runtime;
	struct codec_measure measure;
	struct message *message;
	int rc;

	if (unlikely(!in && method->in->size))
		return failure_of_value(self, method->in, in, -EINVAL);
	rc = codec_measure(method->in, in, &measure);
	if (unlikely(rc < 0))
		return failure_of_value(self, method->in, in, rc);
	if (unlikely(!mailbox_has_room(receiver, block_charge(kind, measure.size)))) {
		rc = check_value(self, method->in, in);
		return rc < 0 ? rc
			      : no_room_in_mailbox(runtime, self->actor, receiver, to,
						   block_charge(kind, measure.size));
	}
	message = slab_take(&runtime->messages, message_head(kind) + measure.size);
	if (unlikely(!message))
		return -ENOMEM;
	address_message(runtime, self->actor, message, kind, method, (uint32_t)measure.size);
	rc = codec_fill(method->in, in, &measure, message_block(message));
	if (unlikely(rc < 0)) {
		message_free(&runtime->messages, message);
		return failure_of_value(self, method->in, in, rc);
	}
	*ret_message = message;
	return 0;
}

NOINLINE static int send_typed(struct troupe_self *self, struct troupe_address to,
			       const struct troupe_method *method, const void *in)
{
	struct actor *receiver;
	struct message *message = NULL;
	int rc;

	if (unlikely(!method))
		return -EINVAL;
	receiver = actor_find(self->runtime, to);
	if (unlikely(!receiver))
		return send_far(self, to, method, in);
	rc = make_message(self, receiver, to, MAIL_SEND, method, in, &message);
	if (unlikely(rc < 0)) {
		if (rc == -ESRCH) /* its end has begun */
			dead_letter(self->runtime, actor_address(self->runtime, self->actor),
				    to, method, "no-such-actor");
		return rc;
	}
	mailbox_add(self->runtime, receiver, message);
	return 0;
}

/* What most sends are, a few plain words to an actor here that has room, is done without a
 * call, so that no register has to be saved; all else is left to send_typed(). */
int troupe_send(struct troupe_self *self, struct troupe_address to,
		const struct troupe_method *method, const void *in)
{
	struct runtime *runtime = self->runtime;
	struct actor *receiver = actor_find(runtime, to);
	const struct troupe_type *type;
	struct message *message;
	uint32_t size;

	__builtin_prefetch(state_near(runtime, to.slot)); /* its turn will need it */
	if (unlikely(!receiver || !method))
		return send_typed(self, to, method, in);
	type = method->in;
	size = type->size;
	if (unlikely(!(type->flags & TROUPE_TYPE_PLAIN) || !in || size > POST_BYTES ||
		     !mailbox_has_room(receiver, block_charge(MAIL_SEND, size))))
		return send_typed(self, to, method, in);
	message = slab_take_warm(&runtime->messages, message_head(MAIL_SEND) + size);
	if (unlikely(!message))
		return send_typed(self, to, method, in);
	address_message(runtime, self->actor, message, MAIL_SEND, method, size);
	copy_words((char *)message_block(message), in, size);
	load_add(&receiver->load, (struct load){1, block_charge(MAIL_SEND, size)});
	mailbox_push(runtime, receiver, &message->mail);
	return 0;
}

int send_call(struct troupe_self *self, struct call *call, struct troupe_address to,
	      const struct call_value *value, uint64_t deadline_ns)
{
	struct runtime *runtime = self->runtime;
	const struct envelope envelope = {
		.kind = ENVELOPE_CALL,
		.flags = (call->flags & CALL_MORE ? ENVELOPE_MORE : 0) |
			 (call->flags & CALL_TEXT ? ENVELOPE_TEXT : 0),
		.from = actor_address(runtime, self->actor),
		.to = to,
		.hash = value->hash,
		.call = call_alias(runtime, call),
		.deadline_ns = deadline_ns,
		.window = call->flags & CALL_WINDOW
				  ? call_window_of(runtime, call)->window.limit
				  : 0,
		.halvings = call->flags & CALL_WINDOW
				    ? (uint8_t)call_window_of(runtime, call)->window.halvings
				    : 0,
	};
	struct peer *peer;
	int rc;

	if (troupe_address_is_null(to) || is_own_worker(runtime, to))
		return -ESRCH;
	rc = check_value(self, value->type, value->in);
	if (unlikely(rc < 0))
		return rc;
	peer = peer_get(runtime, process_of(to));
	if (!peer)
		return -ENOMEM;
	if (peer_is_dead(peer, process_of(to)))
		return -ESRCH;
	rc = runtime->ops->forward(runtime->context, &envelope, value->type, value->in,
				   value->meaning);
	if (rc < 0)
		return no_room_in_link(runtime, self->actor, to, rc);
	call_move(runtime, call, to, peer);
	return 0;
}

/* What troupe_call() has found out. */
struct calling {
	const struct troupe_method *method;
	const void *in;
	uint64_t deadline_ns, context;
	uint16_t window; /* 0: it has none of its own */
	uint8_t halvings;
	uint8_t flags; /* CALL_MORE, CALL_UNTIL_KEPT, CALL_TASK, CALL_ITEMS */
	uint8_t entry;
};

static inline __attribute__((always_inline)) struct call *
begin_call(struct troupe_self *self, const struct calling *calling)
{
	struct call *call = call_new(self->runtime, self->actor, calling->method,
				     calling->deadline_ns, calling->flags);

	if (likely(call != NULL)) {
		call->context = calling->context;
		call->entry = calling->entry;
		if (unlikely(calling->window))
			call_begin_window(self->runtime, call, calling->window,
					  calling->halvings);
	}
	return call;
}

NOINLINE static int call_out(struct troupe_self *self, struct troupe_address to,
			     const struct calling *calling, struct call **ret_call)
{
	const struct troupe_method *method = calling->method;
	const struct envelope_meaning meaning = {method->interface, method->name};
	struct call *call = begin_call(self, calling);
	int rc;

	if (!call)
		return -ENOMEM;
	rc = send_call(self, call, to,
		       &(struct call_value){method->in, calling->in, method->in_hash, &meaning},
		       calling->deadline_ns);
	if (rc < 0) {
		call_close(self->runtime, call);
		return rc;
	}
	*ret_call = call;
	return 0;
}

static inline __attribute__((always_inline)) int
call_near(struct troupe_self *self, struct actor *receiver, struct troupe_address to,
	  const struct calling *calling, struct call **ret_call)
{
	struct runtime *runtime = self->runtime;
	struct message *message = NULL;
	struct call *call;
	int rc;

	rc = make_message(self, receiver, to, MAIL_CALL, calling->method, calling->in,
			  &message);
	if (unlikely(rc < 0))
		return rc;
	call = begin_call(self, calling);
	if (unlikely(!call)) {
		message_free(&runtime->messages, message);
		return -ENOMEM;
	}
	if (unlikely(calling->flags & CALL_MORE))
		message->mail.flags = MAIL_MORE;
	message->call = slots_id(call);
	message->extra = calling->deadline_ns;
	call->target = to;
	mailbox_add(runtime, receiver, message);
	*ret_call = call;
	return 0;
}

/* One body with all that it calls, so that registers are saved once. */
int troupe_call(struct troupe_self *self, struct troupe_address to,
		const struct troupe_method *method, const void *in,
		const struct troupe_entry *entry, uint64_t context, uint64_t timeout_ns,
		uint32_t flags, struct troupe_request *ret_request)
{
	struct runtime *runtime = self->runtime;
	struct actor *receiver = actor_find(runtime, to);
	struct calling calling = {.method = method, .in = in, .context = context};
	struct call *call;
	int index, rc;

	if (unlikely(!method || !call_window_is_valid(flags) || !self_can_receive(self)))
		return -EINVAL;
	index = type_entry_index(self->actor->unit->type, entry, TROUPE_ENTRY_REPLY);
	if (unlikely(index < 0 || (entry->method != method &&
				   (entry->method->in_hash != method->in_hash ||
				    entry->method->out_hash != method->out_hash))))
		return -EINVAL;
	calling.entry = (uint8_t)index;
	if (unlikely(flags)) {
		calling.flags = call_flags_of_stream(timeout_ns);
		calling.window = call_window_size(flags);
	}
	calling.deadline_ns = call_deadline_ns(runtime, timeout_ns);
	rc = likely(receiver != NULL) ? call_near(self, receiver, to, &calling, &call)
				      : call_out(self, to, &calling, &call);
	if (unlikely(rc < 0))
		return rc;
	if (ret_request)
		ret_request->id = slots_id(call);
	return 0;
}

static int call_of_task(struct task *task, struct troupe_address to,
			const struct calling *calling, uint64_t *ret_call)
{
	struct troupe_self *self = &task->self;
	struct actor *receiver = actor_find(self->runtime, to);
	struct call *call;
	int rc = receiver ? call_near(self, receiver, to, calling, &call)
			  : call_out(self, to, calling, &call);

	if (rc == 0)
		*ret_call = slots_id(call);
	return rc;
}

int send_call_of_task(struct task *task, struct troupe_address to,
		      const struct troupe_method *method, const void *in, uint64_t deadline_ns,
		      uint64_t *ret_call)
{
	const struct calling calling = {
		.method = method,
		.in = in,
		.deadline_ns = deadline_ns,
		.context = slots_index(&task->self.runtime->tasks, task),
		.flags = CALL_TASK,
	};

	return call_of_task(task, to, &calling, ret_call);
}

int send_call_of_items(struct task *task, struct troupe_address to,
		       const struct items_call *items_call, uint64_t *ret_call)
{
	const struct calling calling = {
		.method = items_call->method,
		.in = items_call->in,
		.deadline_ns = items_call->deadline_ns,
		.context = items_call->items,
		.window = (uint16_t)items_call->window,
		.halvings = items_call->halvings,
		.flags = CALL_TASK | CALL_ITEMS | CALL_MORE |
			 (items_call->until_kept ? CALL_UNTIL_KEPT : 0),
	};

	return call_of_task(task, to, &calling, ret_call);
}

int troupe_cancel(struct troupe_self *self, struct troupe_request request)
{
	struct runtime *runtime = self->runtime;
	struct call *call = call_find(runtime, request.id);

	if (!call || (call->flags & (CALL_OF_CLIENT | CALL_ONEWAY | CALL_TASK)) ||
	    call->caller != actor_slot(runtime, self->actor))
		return -ESRCH;
	callee_cancel(runtime, call);
	caller_fail(runtime, call, (struct call_end){.status = TROUPE_CANCELLED});
	return 0;
}

/* call.h - a call under way, as its caller sees it: where the one reply has to come in.
 *
 * Its id (slots_id) is an alias for that one reply: when the call has ended, the alias is
 * dead, and what comes late finds nothing. Belongs to the actor that called, or to a
 * client. One runtime, one thread.
 */
#ifndef CORE_CALL_H
#define CORE_CALL_H

#include "core/call_window.h"
#include "core/chain.h"
#include "core/cold.h"
#include "core/inside.h"
#include "core/share.h"
#include "core/slice.h"

#define CALL_MORE       1u /* a stream was asked for */
#define CALL_OF_CLIENT  2u /* of a client: no caller, no entry, no deadline */
#define CALL_UNTIL_KEPT 4u /* the deadline holds only until the call is kept */
#define CALL_ONEWAY     8u /* a message that was only sent, and is kept: no answer, no caller */
#define CALL_TEXT       16u  /* of an actor that gets text: without a method */
#define CALL_TASK       32u  /* a task waits for it, context: its slot; no entry */
#define CALL_WINDOW     64u  /* of an actor, a stream with a window of its own: `window` */
#define CALL_ITEMS      128u /* with TASK: read item by item; context: its struct items */

struct call {
	struct slot slot;
	struct mail mail; /* MAIL_END */
	struct wheel_node deadline;
	struct list of_caller; /* actor->calls, runtime->client_calls, client->kept or
				* runtime->oneways */
	struct list of_peer;   /* of the peer that `target` is of, when it is another process */
	struct troupe_address target; /* the current callee, to our knowledge */
	union {
		uint64_t context;
		struct runtime_client_call *client_call;
		struct client *client; /* ONEWAY; NULL: it was an actor, or nobody knows */
	};
	const struct troupe_method *method; /* the caller's; TEXT: NULL */
	uint32_t caller;                    /* slot; ONEWAY: who keeps it */
	uint32_t kept; /* index of the struct kept_call that has it in this process, plus 1 */
	union {
		/* replies in the outbox; an actor's: remote ones in its mailbox */
		uint32_t queued;
		uint32_t window; /* WINDOW: index of its struct call_window */
	};
	union {
		/* Bytes of stream replies from another process: unread, and read since the
		 * last ENVELOPE_TAKEN */
		uint32_t unread_bytes;
		int32_t code; /* when it has ended, for MAIL_END */
	};
	uint16_t taken;    /* stream replies read since the last ENVELOPE_TAKEN */
	uint16_t reported; /* replies reported by ENVELOPE_TAKEN, modulo 2^16 */
	uint8_t flags;     /* CALL_* */
	uint8_t entry;
	bool remote; /* of_peer is in a chain */
};

struct peer;
struct client;

static inline struct call *call_find(const struct runtime *runtime, uint64_t id)
{
	return slots_find_id(&runtime->calls, id);
}

/* What a call is called in envelopes; never 0. Answers may come from a process that was not
 * called, since calls are forwarded, so this is what they are believed by: only processes that
 * have had the call know it, and no other can guess it. */
uint64_t call_alias(const struct runtime *runtime, const struct call *call);
/* The call under way of that alias, which may be made up. NULL: none. */
struct call *call_find_alias(const struct runtime *runtime, uint64_t alias);

/* The address of the actor that called; null: it was a client. */
static inline struct troupe_address call_caller(const struct runtime *runtime,
						const struct call *call)
{
	if (call->flags & CALL_OF_CLIENT)
		return (struct troupe_address){0};
	return actor_address(runtime, actor_at(runtime, call->caller));
}

/* Its record is free again: it is closed, and lies in no mailbox. */
static inline void call_give(struct runtime *runtime, struct call *call)
{
	if (unlikely(share_is_scarce(&runtime->calls, call)) && !(call->flags & CALL_OF_CLIENT))
		share_give(&runtime->calls, call, actor_at(runtime, call->caller)->unit,
			   SHARE_CALLS);
	slots_give(&runtime->calls, call);
}

/* Of a record just taken all but what is set before it is read: by the chains, by the wheel, by
 * whom it is moved to. */
static inline void call_begin(struct call *call, const struct troupe_method *method,
			      uint8_t flags)
{
	mail_mark(&call->mail, MAIL_END, 0);
	call->method = method;
	call->kept = call->queued = call->unread_bytes = call->taken = call->reported = 0;
	call->flags = flags;
	call->entry = 0;
	call->remote = false;
}

/* A new call of `caller` with CALL_* `flags`, not yet sent. NULL: the limit, or the share of
 * its unit. */
static inline __attribute__((always_inline)) struct call *
call_new(struct runtime *runtime, struct actor *caller, const struct troupe_method *method,
	 uint64_t deadline_ns, uint8_t flags)
{
	struct call *call = share_take_raw(&runtime->calls, caller->unit, SHARE_CALLS);

	if (unlikely(!call))
		return NULL;
	call_begin(call, method, flags);
	call->caller = caller->slot.index;
	chain_append(&cold_get(runtime, caller)->calls, &call->of_caller);
	wheel_add(&runtime->wheel, wheel_name(RUNTIME_CALL_NODE, call->slot.index),
		  deadline_ns);
	return call;
}

/* A new call of a client, without a deadline. NULL: the limit is reached. */
struct call *call_new_of_client(struct runtime *runtime, const struct troupe_method *method);

/* When a call that is made now ends; timeout_ns 0: the default. The handler may have been
 * running for long: its call has the whole of its time from now on. */
static inline uint64_t call_deadline_ns(struct runtime *runtime, uint64_t timeout_ns)
{
	if (timeout_ns == 0)
		timeout_ns = LIMIT_CALL_TIMEOUT_DEFAULT_NS;
	if (unlikely(timeout_ns > LIMIT_CALL_TIMEOUT_NS))
		timeout_ns = LIMIT_CALL_TIMEOUT_NS;
	return slice_now_ns(runtime) + timeout_ns;
}

static inline uint8_t call_flags_of_stream(uint64_t timeout_ns)
{
	return timeout_ns ? CALL_MORE : CALL_MORE | CALL_UNTIL_KEPT;
}

/* Whether its deadline has passed: it ends with Timeout then, whatever answer is given. A
 * stream has none after its first reply. The wheel may not have come to it yet. */
static inline bool call_is_late(const struct call *call, uint64_t now_ns)
{
	return call->deadline.at_ns <= now_ns && wheel_has(&call->deadline);
}

/* A message that was only sent is to be kept by `keeper`. NULL: the limit. */
struct call *call_new_oneway(struct runtime *runtime, struct actor *keeper,
			     struct client *client, const struct troupe_method *method);

/* Give a new call that asks for a stream a window of so many replies, with so many halvings.
 * There is a place for each call, so that it cannot fail. */
void call_begin_window(struct runtime *runtime, struct call *call, uint16_t replies,
		       uint16_t halvings);

/* The record of a call with CALL_WINDOW. */
static inline struct call_window *call_window_of(const struct runtime *runtime,
						 const struct call *call)
{
	return slots_at(&runtime->call_windows, call->window);
}

/* The window that replies of the stream count in beside that of all streams of its caller: of a
 * client, or one that was asked for. NULL: there is none. */
struct window *call_own_window(struct runtime *runtime, const struct call *call);

/* It is now with `target`, in the process of `peer` (NULL: in this one). */
void call_move(struct runtime *runtime, struct call *call, struct troupe_address target,
	       struct peer *peer);

/* Invalidates the alias, and frees the record unless that lies in a mailbox as a notice. Sends
 * no notice. */
void call_close(struct runtime *runtime, struct call *call);

#endif

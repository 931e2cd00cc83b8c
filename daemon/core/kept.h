/* kept.h - a call handle beyond one activation: kept by an actor, or of a caller in another
 * process.
 *
 * A call from this process is a struct call, and gets a struct kept_call only when the callee
 * keeps the handle. A call from another process has one from its arrival to its answer, so
 * that a CANCEL or the death of the peer finds it. One runtime, one thread.
 */
#ifndef CORE_KEPT_H
#define CORE_KEPT_H

#include "core/inside.h"
#include "core/share.h"
#include "core/window.h"

enum kept_state {
	KEPT_INBOUND = 1, /* its message waits in a mailbox or is being handled */
	KEPT_HELD,        /* an actor has the handle */
	KEPT_GONE,        /* nobody waits for the answer any more */
};

struct call;
struct peer;

struct kept_call {
	struct slot slot;
	struct mail mail;       /* MAIL_CANCEL */
	struct list of_owner;   /* actor->kept, when `owned` */
	struct list of_peer;    /* peer->inbound, when `peer` is set */
	struct index_link link; /* runtime->inbound, likewise */
	struct peer *peer;
	struct troupe_address caller;
	uint64_t call;        /* the caller's id for it; 0: nobody waits any more */
	uint64_t deadline_ns; /* when `peer` is set: UINT64_MAX once a stream has begun */
	const struct troupe_method *method; /* the callee's */
	uint32_t owner; /* slot: whose message it is, or who has the handle */
	uint32_t task;  /* the index, plus 1, of the task handler that has it; 0: none */
	uint16_t taken; /* TAKEN that came from the caller elsewhere, modulo 2^16 */
	uint8_t state;  /* enum kept_state */
	uint8_t flags;  /* MAIL_MORE */
	bool owned;
	bool is_oneway; /* `call` waits for no answer, and ends with this */
	struct window
		window; /* of the stream, for a caller elsewhere; its owner may wait there */
};

static inline struct kept_call *kept_find(const struct runtime *runtime, uint64_t id)
{
	return slots_find_id(&runtime->kept_calls, id);
}

/* A call has come from another process for `receiver`. -ENOMEM: the limit; -EEXIST: the caller
 * uses this id already. */
int kept_new_inbound(struct runtime *runtime, struct actor *receiver, struct peer *peer,
		     struct troupe_address caller, uint64_t call, uint64_t deadline_ns,
		     struct kept_call **ret_kept);
/* Its message goes on to another actor of this process. */
void kept_move(struct runtime *runtime, struct kept_call *kept, struct actor *receiver);
/* The inbound call of that caller and id. NULL: none. */
struct kept_call *kept_find_inbound(const struct runtime *runtime, struct troupe_address caller,
				    uint64_t call);

/* Give a handle to an actor: of a call of this process (NULL: nobody waits for it, which
 * kept_gone() is to report). NULL: the limit. */
struct kept_call *kept_new(struct runtime *runtime, struct actor *owner, struct call *call);
/* The same of a message that was only sent; without a `call` when its client has left already.
 * -ENOMEM: the limit; -ENOBUFS: that of one client. */
int kept_new_oneway(struct runtime *runtime, struct actor *owner, struct troupe_address from,
		    const struct troupe_method *method, struct kept_call **ret_kept);
/* The same for an inbound call. */
void kept_hold(struct runtime *runtime, struct actor *owner, struct kept_call *kept);

/* Its owner, a task, has it no more: it is of a message again. */
void kept_unhold(struct runtime *runtime, struct kept_call *kept);

/* Nobody waits any more: the owner gets on_cancel, or its task is cancelled. */
void kept_gone(struct runtime *runtime, struct kept_call *kept);

/* Its record is free again: it is closed, and lies in no mailbox. */
static inline void kept_give(struct runtime *runtime, struct kept_call *kept)
{
	share_give(&runtime->kept_calls, kept, actor_at(runtime, kept->owner)->unit,
		   SHARE_KEPT_CALLS);
	slots_give(&runtime->kept_calls, kept);
}

/* Answered, dropped or moved on. Its id is dead. */
void kept_free(struct runtime *runtime, struct kept_call *kept);

#endif

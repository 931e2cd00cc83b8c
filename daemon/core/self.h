/* self.h - one activation of an actor, and what it may do: the bodies behind the SDK.
 *
 * plugin/sdk.c binds each troupe_X() of <troupe/actor.h> to the self_X() here, which does
 * what is said there: the effects, errors and ownership are not repeated. A self lives on the
 * stack of whoever runs the handler. One thread.
 */
#ifndef CORE_SELF_H
#define CORE_SELF_H

#include "core/inside.h"

/* In place of a generation's bits in call handles: the handle is of an activation, not a kept
 * one. */
#define SELF_ACTIVATION (1ull << 63)

enum self_call {
	SELF_NO_MESSAGE, /* nothing to answer: init, fini, replies, notices */
	SELF_OPEN,
	SELF_ANSWERED,  /* or dropped, or kept under another handle */
	SELF_FORWARDED, /* the message too is no longer ours */
};

/* What has become of the message being handled. Two words, each written and read as a whole where
 * it matters: a load that is wider than the store before it has to wait for the cache. */
struct self_fate {
	uint32_t call; /* enum self_call */
	struct {
		bool kept;  /* the message has been detached */
		bool moved; /* the message lies in another mailbox now */
		bool exiting;
		bool pad;
	};
};

/* The message is as it was, and the actor goes on. */
static inline bool fate_is_usual(const struct self_fate *fate)
{
	uint32_t flags;

	memcpy(&flags, &fate->kept, sizeof(flags));
	return flags == 0;
}

struct troupe_self {
	struct runtime *runtime;
	struct actor *actor;
	struct message *message;            /* being handled, or a reply; when there is one */
	const struct type_handler *handler; /* of it, the actor's own version */
	uint64_t call_id;
	struct self_fate fate;
	int exit_error;
	struct troupe_address sender; /* when there is no message */
	bool may_wait; /* not in init (refused) or fini: something may still arrive */
};

uint64_t self_now_ns(struct troupe_self *self);
uint64_t self_random(struct troupe_self *self);
struct troupe_address self_sender(const struct troupe_self *self);
const char *self_name(const struct troupe_self *self);
/* The name of its unit; of an actor that was spawned by another one, of its type. */
const char *self_kind(const struct troupe_self *self);
uint32_t self_instance(const struct troupe_self *self);
int self_find(struct troupe_self *self, const char *name, struct troupe_address *ret_address);

int self_send(struct troupe_self *self, struct troupe_address to,
	      const struct troupe_method *method, const void *in);
int self_call(struct troupe_self *self, struct troupe_address to,
	      const struct troupe_method *method, const void *in,
	      const struct troupe_entry *entry, uint64_t context, uint64_t timeout_ns,
	      uint32_t flags, struct troupe_request *ret_request);
int self_cancel(struct troupe_self *self, struct troupe_request request);
int self_forward(struct troupe_self *self, struct troupe_address to);

int self_return(struct troupe_self *self, struct troupe_call call,
		const struct troupe_method *method, const void *out);
int self_reply(struct troupe_self *self, struct troupe_call call,
	       const struct troupe_method *method, const void *out);
int self_fail(struct troupe_self *self, struct troupe_call call,
	      const struct troupe_error *error, const void *data);
int self_fail_parameter(struct troupe_self *self, struct troupe_call call, const char *field,
			const char *reason);
int self_fail_status(struct troupe_self *self, struct troupe_call call,
		     enum troupe_status status);
bool self_call_wants_more(struct troupe_self *self, struct troupe_call call);
bool self_call_wants_reply(struct troupe_self *self, struct troupe_call call);
int self_call_keep(struct troupe_self *self, struct troupe_call *call);
int self_call_drop(struct troupe_self *self, struct troupe_call call);

int self_keep(struct troupe_self *self, struct troupe_kept **ret_kept);
const void *self_kept_in(const struct troupe_kept *kept);
void self_release(struct troupe_self *self, struct troupe_kept *kept);

int self_timer_start(struct troupe_self *self, const struct troupe_entry *entry,
		     uint64_t delay_ns, uint64_t period_ns, uint64_t context,
		     struct troupe_timer *ret_timer);
int self_timer_stop(struct troupe_self *self, struct troupe_timer timer);

int self_spawn(struct troupe_self *self, const struct troupe_actor *actor, const void *config,
	       uint32_t flags, struct troupe_address *ret_address);
int self_stop(struct troupe_self *self, struct troupe_address child);
void self_exit(struct troupe_self *self, int error);
/* The line, formatted and cut already. */
void self_log(struct troupe_self *self, int priority, const char *text);

/* ---- for turn.c and actor.c */

/* Answer the message being handled, without a value, if it still has to be answered. */
void self_settle(struct troupe_self *self, enum troupe_status status, const char *detail);

#endif

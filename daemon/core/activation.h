/* activation.h - one handler of an actor at work: the message, its handler, what becomes of
 * both.
 *
 * It is part of what the SDK hands to a plug-in as struct troupe_self, which lies on the stack
 * of whoever runs the handler. One runtime, one thread.
 */
#ifndef CORE_ACTIVATION_H
#define CORE_ACTIVATION_H

#include "core/inside.h"
#include "core/page.h"

/* In place of a generation's bits in call handles: the handle is of an activation, not a kept
 * one. */
#define SELF_ACTIVATION (1ull << 63)

enum self_call {
	SELF_NO_MESSAGE, /* nothing to answer: init, fini, replies, notices */
	SELF_OPEN,
	SELF_ANSWERED,  /* or dropped */
	SELF_KEPT,      /* under another handle */
	SELF_HELD,      /* by a task that waits: as OPEN, but kept_id names its record */
	SELF_FORWARDED, /* the message too is no longer ours */
};

/* What becomes of a reply of a stream: one that came, whose call has a window, or one that the
 * handler makes. */
enum self_reply {
	SELF_REPLY_NONE, /* there is none */
	SELF_REPLY_TAKEN,
	SELF_REPLY_HELD,
	SELF_REPLY_REFUSED,   /* the caller of the message wants one answer only, */
	SELF_REPLY_EXPLAINED, /* and has been told that there are more */
};

/* What has become of the message being handled. Two words, each written and read as a whole
 * where it matters: a load that is wider than the store before it has to wait for the cache. */
struct self_outcome {
	uint32_t call; /* enum self_call */
	struct {
		bool kept;  /* the message has been detached */
		bool moved; /* the message lies in another mailbox now */
		bool exiting;
		uint8_t reply; /* enum self_reply */
	};
};

/* The message is as it was, and the actor goes on. */
static inline bool outcome_is_usual(const struct self_outcome *outcome)
{
	uint32_t flags;

	memcpy(&flags, &outcome->kept, sizeof(flags));
	return flags == 0;
}

static inline void outcome_make_usual(struct self_outcome *outcome)
{
	memset(&outcome->kept, 0, sizeof(uint32_t));
}

/* It holds no register of the turn that it began in, so it may lie elsewhere while others run,
 * and go on in another turn. */
struct activation {
	struct message *message;            /* being handled, or a reply; when there is one */
	const struct type_handler *handler; /* of it, the actor's own version */
	uint64_t call_id;
	uint64_t kept_id; /* SELF_KEPT: the other handle; SELF_HELD */
	struct self_outcome outcome;
	int exit_error;
	struct troupe_address sender; /* when there is no message */
	const char *task;             /* that has returned what is judged; NULL: none */
	struct {
		uint64_t doing, sequence;
	} page; /* what the status page said of it, while it is suspended */
};

/* What a turn has at hand, beside what runs in it. */
struct troupe_self {
	struct runtime *runtime;
	struct actor *actor;
	struct activation activation;
	struct task *task; /* NULL: a handler's */
	bool is_last;      /* it is in fini: what arrives is not handled any more */
};

/* Whether what it begins now, such as a call, can still reach it. */
static inline bool self_can_receive(const struct troupe_self *self)
{
	return !self->is_last && !(self->actor->marks & ACTOR_ENDING);
}

/* What a task's `self` is of while another thread has it, see pause_lend(): one in which
 * nothing is found. It is never written. */
extern const struct runtime runtime_of_nobody;

/* Whether that is so: then nothing may be done for it. To be asked by functions of the SDK that
 * would do something, but where no message passes by: what looks for something first finds
 * nothing, and it cannot receive. */
static inline bool self_is_away(const struct troupe_self *self)
{
	return unlikely(self->runtime == &runtime_of_nobody);
}

/* The actor ends after this handler, which is what troupe_exit() asks for. */
static inline void activation_exit(struct troupe_self *self, int error)
{
	self->activation.outcome.exiting = true;
	self->activation.exit_error = error;
}

/* What is handled from now on is no message. */
static inline void activation_begin_notice(struct troupe_self *self)
{
	self->activation.message = NULL;
	self->activation.outcome.call = SELF_NO_MESSAGE;
	self->activation.sender = (struct troupe_address){0};
}

/* Others come to run before it goes on: note what the status page says of it. */
static inline void activation_suspend(struct troupe_self *self)
{
	const struct page_thread *thread = &self->runtime->page->thread;

	self->activation.page.doing = page_load(&thread->type_hash);
	self->activation.page.sequence = page_load(&thread->sequence);
}

/* It goes on, and the page says so; what it was refused is still known (core/failure.h). */
static inline void activation_resume(struct troupe_self *self)
{
	struct runtime *runtime = self->runtime;
	struct breach *breach = &runtime->breach;

	page_enter(runtime, self->actor, self->activation.page.doing);
	if (unlikely(breach->sequence == self->activation.page.sequence))
		breach->sequence = page_load(&runtime->page->thread.sequence);
}

#endif

/* runtime.h - the actors of one worker: their mailboxes, turns, calls, timers, names and
 * lives.
 *
 * A runtime belongs to the worker process that made it and is used in one thread only, the
 * one that runs its loop. It is all that other folders see of core/: worker/ (the agent) acts
 * through it. What actors do is declared in <troupe/actor.h>: send.c, forward.c, answer.c,
 * kept_message.c and self.c are the bodies of the SDK. It knows no process, file or socket:
 * what must leave goes through runtime_ops. Two actors of one runtime talk without a lock, an
 * atomic or a malloc per message.
 */
#ifndef CORE_RUNTIME_H
#define CORE_RUNTIME_H

#include "base/loop.h"
#include "base/page.h"
#include "core/window.h"
#include "proto/codec.h"
#include "proto/envelope.h"
#include "proto/process.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/actor.h>

struct runtime;
/* An actor type, ready to run: a dispatch table over a plug-in's const table. */
struct runtime_type;

/* How actors of one unit are made; copied by runtime_unit_define(). */
struct runtime_unit {
	uint32_t number;  /* the master's; 1.. */
	const char *name; /* borrowed for the call */
	const struct runtime_type *type;
	uint32_t mailbox; /* messages */
	uint32_t mailbox_bytes;
	uint32_t batch;              /* messages in one turn */
	uint32_t tasks;              /* of an actor */
	uint32_t task_stack;         /* bytes of each */
	uint32_t blocking;           /* their jobs at a time, of all actors together */
	uint64_t task_grace_ns;      /* for those of an actor that ends */
	bool stop_on_error;          /* OnError=stop */
	const char *state_directory; /* absolute; borrowed for the call; NULL: it has none */
};

/* How an actor ended, for the host. text: borrowed, "" when there is nothing to add. */
struct runtime_end {
	struct troupe_address actor;
	uint32_t version; /* 0: spawned by another actor */
	uint32_t origin;  /* its version, or of a spawned one the version that it comes from */
	const char *type; /* the name of its type; of the plug-in */
	uint32_t instance;
	enum troupe_cause cause;
	int error;         /* negative errno, 0 when normal */
	uint64_t lived_ns; /* of one spawned by another actor, 8 ms more or less */
};

/* A handler that failed. */
struct runtime_failure {
	uint32_t version; /* of the actor, or of the one that it was spawned for */
	uint32_t instance;
	bool is_child;                      /* it was spawned by another actor */
	const char *actor;                  /* as on_log() has it */
	const struct troupe_method *method; /* NULL: it was no message: */
	const char *doing; /* a constant: "a timer", "a reply"; "" with a method */
	const char *task;  /* the task's name, the plug-in's own; NULL: it was none */
	int error;
	const char *detail; /* of -EINVAL, the field that broke its type and how; or "" */
};

/* A unit has come to have too much of the worker's memory (is_short), or has no more. */
struct runtime_memory {
	uint32_t version;
	uint64_t bytes; /* of messages in mailboxes, kept messages and states */
	uint64_t budget;
	bool is_short; /* its mailboxes and its actors' spawning are bounded */
};

/* What the runtime asks of its host. All mandatory unless said. `context` is
 * runtime_config.context. None may call back into the runtime except where said. */
struct runtime_ops {
	/* Pass on an envelope to another process. `data` is a value of `type` in memory form,
	 * to be encoded at once; with NULL and NULL the payload is the e->size bytes at
	 * e->payload (a FAILURE's text, a MOVED's address) or nothing. Borrowed for the call.
	 * 0; -EAGAIN: the link has no credit: the runtime puts the sender on that link's
	 * waiting list (runtime_link_room() wakes it); -EHOSTUNREACH: no such peer now. Only
	 * SEND and CALL may be refused with -EAGAIN. `meaning`: the method or error
	 * that e->hash belongs to, for the LAYOUT envelope; NULL without a hash. */
	int (*forward)(void *context, const struct envelope *e, const struct troupe_type *type,
		       const void *data, const struct envelope_meaning *meaning);
	/* The meaning of a foreign hash that arrived in an envelope from that process: the
	 * type of its payload, and its qualified name; false: unknown. For dispatch when the
	 * hashes differ. */
	bool (*find_layout)(void *context, struct process from, uint64_t hash,
			    const struct troupe_type **ret_type, const char **ret_name);
	/* The address of a unit's actor, for troupe_find(): 0, -EINPROGRESS or -ENOENT. */
	int (*find_name)(void *context, const char *name, struct troupe_address *ret_address);
	/* The same of one that provides an interface, and -ENOTUNIQ. */
	int (*find_provider)(void *context, const char *interface,
			     struct troupe_address *ret_address);
	/* The text of messages, for troupe_call_text(). 0: it is one object; else as
	 * troupe_call_text() has it. */
	int (*check_text)(void *context, const char *text, size_t size);
	/* Make a block of `type` of a text that nobody has checked; size 0: of an empty object.
	 * *ret_block is given (malloc). Negative: as of json_decode(). */
	int (*read_text)(void *context, const struct troupe_type *type, const char *text,
			 size_t size, void **ret_block, size_t *ret_size,
			 struct codec_error *ret_error);
	/* The text of a value that is known to be valid; given (malloc), with a NUL behind.
	 * -EMSGSIZE: it would be longer than LIMIT_MESSAGE_BYTES; -ENOMEM. */
	int (*print_text)(void *context, const struct troupe_type *type, const void *value,
			  char **ret_text, size_t *ret_size);
	/* An actor ended (after its fini). */
	void (*on_end)(void *context, const struct runtime_end *end);
	/* A message was not delivered. Optional. name: of its method, qualified, borrowed; ""
	 * when it is not known. reason: a constant word, "mailbox-full", "no-such-actor"... */
	void (*on_dead_letter)(void *context, struct troupe_address from,
			       struct troupe_address to, const char *name, const char *reason);
	/* troupe_log() of an actor. version: of the actor, or of the one that it was spawned
	 * for. actor: the name of its unit, or of a spawned one's type; it and text are
	 * borrowed. */
	void (*on_log)(void *context, uint32_t version, int priority, const char *actor,
		       const char *text);
	/* Where a task is that waits, for people: "hello.so(rest+0x1c), in ...", the innermost
	 * function first, as much as fits; "" when that is not known. Optional. */
	void (*print_place)(void *context, uint64_t task, char *text, size_t size);
	/* A handler returned a negative value. Optional. Borrowed for the call. */
	void (*on_failure)(void *context, const struct runtime_failure *failure);
	/* Optional. Borrowed for the call, which may be in the middle of a handler. */
	void (*on_memory)(void *context, const struct runtime_memory *memory);
	/* on_reply has been called for all that is at hand: what of it waits to be sent on
	 * together is to be sent, since actors have their turns next. Optional. */
	void (*on_replied)(void *context);
	/* Handlers are about to run, and *runtime_config.watch_sleeps is true. Mandatory with
	 * that. */
	void (*on_busy)(void *context);
};

struct runtime_config {
	struct process process; /* the one that it runs in */
	struct loop *loop;
	struct page *page; /* mapped and writable; tests pass plain memory */
	const struct runtime_ops *ops;
	void *context;
	uint64_t seed; /* of troupe_random() and jitter */
	/* Makes what calls are called in envelopes; no other process may know or guess it. */
	uint64_t secret[2];
	/* Whether whoever watches how long handlers take, in a thread of its own, sleeps while
	 * none runs, and is to be woken by on_busy. NULL: nobody. Outlives the runtime. */
	const atomic_bool *watch_sleeps;
	/* Limits; 0: the default of base/limits.h */
	uint32_t max_actors, max_calls, max_kept_calls, max_timers, max_watches, max_inlets,
		max_tasks, max_belongings;
	/* Bytes that messages and states should take together, see core/budget.h; 0: no
	 * bound */
	uint64_t memory;
};

/* *ret_runtime is given; it starts turning in the loop's work. -ENOMEM; -EINVAL; -EAGAIN: no
 * thread can be made for base/overrun.h. */
int runtime_new(const struct runtime_config *config, struct runtime **ret_runtime);
/* Another budget than runtime_config.memory; 0: no bound. */
void runtime_set_memory(struct runtime *runtime, uint64_t bytes);
/* Ends all actors (fini with SHUTDOWN) and frees all. Not from inside a handler. NULL
 * is fine. */
void runtime_free(struct runtime *runtime);

/* ---- types and units ---- */

/* Build the dispatch table of an actor type. `plugin`: whatever identifies its plug-in;
 * troupe_spawn() works among the types of one plug-in. The table must outlive the runtime,
 * and have been judged by table_check(). -EINVAL with a reason in *ret_why (a constant): ABI or
 * sizes, an interface twice, too many types. -ENOMEM. */
int runtime_type_add(struct runtime *runtime, const struct troupe_actor *table,
		     const void *plugin, const struct runtime_type **ret_type,
		     const char **ret_why);

/* -EEXIST: number in use; -EINVAL; -ENOMEM. */
int runtime_unit_define(struct runtime *runtime, const struct runtime_unit *unit);

/* Give a unit other limits: mailbox, mailbox_bytes, batch, tasks, task_stack, blocking,
 * task_grace_ns and stop_on_error; the rest of `unit` but its number is not looked at. They
 * hold for the actors that live and those that they have spawned, too: what a mailbox holds
 * beyond them stays. -ENOENT. */
int runtime_unit_change(struct runtime *runtime, const struct runtime_unit *unit);

/* Make no more instances of a unit, and let its number go. Its actors, and those that they
 * have spawned, live on until they end. -ENOENT. */
int runtime_unit_forget(struct runtime *runtime, uint32_t number);

/* Make an instance of a unit; init runs at once. config: a value of the type's config type in
 * memory form (copied for the call only), or NULL. Negative: a limit (-ENOMEM, -EAGAIN),
 * -ENOENT (version), or what init returned. */
int runtime_spawn(struct runtime *runtime, uint32_t version, uint32_t instance,
		  const void *config, struct troupe_address *ret_address);

/* Stop an actor: after the message it is at, before those in its mailbox; fini runs, reason
 * SHUTDOWN. Its children end before it, reason PARENT. Where one of them has tasks, the end
 * only begins here: it is there when these have returned, or with task_grace_ns. -ESRCH. */
int runtime_stop(struct runtime *runtime, struct troupe_address actor);

/* Whether an actor keeps calls whose callers wait for it, or one that descends from it and
 * would end with it does; the latter also when it has not come to them yet. Streams that are
 * kept, which may have no end, are not counted. */
bool runtime_owes_answers(struct runtime *runtime, struct troupe_address actor);

/* Stop them all, children before their parents; on_end reports each. Likewise. */
void runtime_stop_all(struct runtime *runtime);

/* ---- calls of clients (of the control socket, through the agent) ---- */

/* A client's side of a call: memory of the caller, init not needed, valid until on_reply
 * was called without `continues` or runtime_client_cancel() returned. A reply of a stream
 * counts as unread until the client has taken it; past LIMIT_CLIENT_UNREAD of them, or
 * LIMIT_STREAM_UNREAD_BYTES, the actor gets -EAGAIN, and on_room when half of that is left. */
struct runtime_client_call {
	/* `reply->data` is of `type` (NULL when there is no data). reply->code: of an
	 * INVALID_PARAMETER, how many bytes of its detail are the field, where ": " and a
	 * reason follow; 0: all of it is. May call runtime functions. */
	void (*on_reply)(struct runtime_client_call *client_call,
			 const struct troupe_reply *reply, const struct troupe_type *type);
	/* An actor has kept the call, and may answer it much later. Perhaps several times,
	 * never after the last reply. Must not call runtime functions. Optional. */
	void (*on_kept)(struct runtime_client_call *client_call);
	uint64_t number; /* for the status page while it is handled; chosen by the caller */
	/* of core/ */
	uint64_t id;
	/* Replies that the client has not taken; to its bytes on_reply adds those of what it
	 * was handed, which it knows. */
	struct window window;
};

/* The `in` type and the descriptor of an actor's method, by name. -ESRCH: no such actor;
 * -ENOPKG: it does not provide the interface; -ENOSYS: not that method. */
int runtime_find_method(struct runtime *runtime, struct troupe_address actor,
			const char *interface, size_t interface_size, const char *method,
			size_t method_size, const struct troupe_method **ret_method);

/* Call. `in`: a value of method->in in memory form, flat or not, which is checked as by
 * codec_size(), with its errors. flags: TROUPE_MORE. deadline_ns: of CLOCK_MONOTONIC,
 * UINT64_MAX for none; after it the call is not run any more, but it does not end before the
 * client cancels it. -EAGAIN: mailbox full; -ESRCH; -ENOMEM. */
int runtime_client_call(struct runtime *runtime, struct troupe_address to,
			const struct troupe_method *method, const void *in,
			uint64_t deadline_ns, uint32_t flags,
			struct runtime_client_call *client_call);
/* Send. client: a number that names the sending client, not 0 and never used again after
 * runtime_client_gone(); 0: nobody, or nobody who is still there. Errors as above. */
int runtime_client_send(struct runtime *runtime, struct troupe_address to,
			const struct troupe_method *method, const void *in, uint64_t client);
/* That client has left: what it sent and an actor keeps is over (on_cancel). */
void runtime_client_gone(struct runtime *runtime, uint64_t client);
/* The client does not wait any more; on_reply will not be called. */
void runtime_client_cancel(struct runtime *runtime, struct runtime_client_call *client_call);
/* The last `count` unread replies of a stream, `bytes` together, have been taken: as many more
 * may follow. Owed for each one that on_reply got. From on_reply, too. */
void runtime_client_taken(struct runtime *runtime, struct runtime_client_call *client_call,
			  uint32_t count, uint64_t bytes);
/* Clients have no room for replies of any call (true), or has room again (false, not from
 * on_reply). They wait meanwhile, and fill their streams' windows. */
void runtime_client_hold(struct runtime *runtime, bool hold);

/* ---- links to other processes ---- */

/* An envelope has come in from process `peer`. The caller has checked that e->from is of that
 * process, unless ENVELOPE_FORWARDED is set: then it may be anything. Payload: wire form,
 * hostile, borrowed. Whatever is wrong with it is answered (calls) or counted as a dead letter
 * (sends). Never fails. */
void runtime_deliver(struct runtime *runtime, struct process peer, const struct envelope *e);

/* The link to that process has room again: wake the senders refused with -EAGAIN. */
void runtime_link_room(struct runtime *runtime, struct process peer);

/* That process is gone, and its last mail has been delivered: calls under way to it end with
 * `status` (ACTOR_DIED for a crash, PEER_DOWN for a lost link); calls from it are dropped, and
 * on_cancel is called. So it is for all earlier incarnations of that worker. */
void runtime_peer_down(struct runtime *runtime, struct process peer, enum troupe_status status);

/* ---- crashes ---- */

/* Whether the fault at that address is a task's that has used up its stack: its name, borrowed,
 * and how many bytes that were. For a signal handler of the runtime's thread. */
bool runtime_find_overflow(const struct runtime *runtime, uintptr_t address,
			   const char **ret_task, size_t *ret_bytes);

/* Whether the process dies since a function of a debug build has returned without ending a
 * scope that it has begun, in which task: both names, borrowed. Likewise. */
bool runtime_find_astray(const struct runtime *runtime, const char **ret_task,
			 const char **ret_function);

/* ---- looking in ---- */

struct runtime_info {
	struct troupe_address address;
	uint32_t version, instance;
	uint32_t origin; /* its version, or of a spawned one the version that it comes from */
	struct troupe_address parent;     /* null: it has none */
	const char *unit_name;            /* "" when spawned by another actor; borrowed */
	const struct troupe_actor *table; /* the plug-in's own */
	uint32_t queued;                  /* messages in the mailbox */
	uint64_t queued_bytes;
	uint64_t handled; /* messages so far */
	uint64_t failed;  /* negative returns so far */
	uint64_t refused; /* messages refused by a full mailbox so far */
	/* How long the handlers of its unit's actors took, as core/slice.h measures; borrowed,
	 * until an actor ends. */
	const struct histogram *times;
	const struct histogram *own_times; /* its own; NULL: none were kept */
};
/* -ESRCH. */
int runtime_info(struct runtime *runtime, struct troupe_address actor,
		 struct runtime_info *ret_info);

/* Go through the actors alive, from slot *at on (start with 0): false when there is none
 * left. */
bool runtime_next(struct runtime *runtime, uint32_t *at, struct runtime_info *ret_info);

/* Whether no actor lives. */
bool runtime_is_empty(const struct runtime *runtime);

#endif

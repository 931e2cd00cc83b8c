/* actor.h - everything a plug-in may call, and the tables it is made of.
 *
 * A plug-in is a shared object that holds one or more actor types. The host makes actors of
 * them, each with a state of its own, and calls their handlers one message at a time, in the
 * one thread of one worker process. Every function here may be called only from that thread,
 * with the `self` that was handed to the handler, and only until the handler returns.
 *
 * Ownership: what goes in is borrowed for the call (messages are copied); what a handler is
 * given (`in`, `config`, replies) is borrowed until it returns, unless troupe_keep() detaches
 * it. Functions return 0 or a negative errno value; ret_x is written only on success. Strict
 * C11, and C++17 (where initializers with designators are an extension that all compilers have;
 * of the language since 20).
 *
 * No handler may block: no sleep, no waiting read, no lock that another thread holds for long.
 * The worker's other actors wait meanwhile.
 *
 * ABI log
 *   1.0  first release
 *   1.1  struct troupe_type may hold steps; nothing changes for source code
 *        troupe_spawn() takes flags, and a child ends with its parent unless TROUPE_DETACHED is
 *        one of them; troupe_stop(); TROUPE_REASON_PARENT; troupe_sender() in a child's init
 *        troupe_find() gives -EINPROGRESS, no longer -ENOENT, between two lives of an actor
 *        a stream that the callee has kept outlives the default deadline
 *        troupe_keep() may return -ENOBUFS
 *        life's on_room gets a call handle
 *        troupe_call_wants_reply(); troupe_call_keep() may return -ENOBUFS, and what it keeps
 *        of a mere send ends
 *        troupe_fail_parameter() takes a reason
 *        troupe_instance() of a spawned actor is that of the unit's actor that it comes from
 *        TROUPE_EXPECTED_MORE and TROUPE_PERMISSION_DENIED, with functions to answer so
 *   2.0  the last break: from here on a plug-in runs on every host of its major version whose
 *        minor version is its own or later. What may change in a minor version: docs/abi.md
 *        each table that is pointed to carries its size (table_size)
 *        struct troupe_entry has one function for all kinds, on_event; on_reply and on_timer
 *        are gone. An event begins with struct troupe_event_head, struct troupe_reply too
 *        notes say what each actor type's table holds: troupe-gen --seal writes them (note.h)
 *        troupe_state_directory()
 *        a reply has a code: what the handler returned that failed; its detail names it no more
 *        enum troupe_cause, which names all ends, is what enum troupe_reason was: a fini names
 *        it so, and PARENT has another number
 *        else nothing changes for source code that uses the macros; headers that troupe-gen
 *        made for 1.x are to be made anew
 *   2.1  calls by name, with JSON text: <troupe/text.h>, entries of kind TROUPE_ENTRY_TEXT
 *        troupe_find_provider()
 *        windows of single streams: TROUPE_WINDOW(), troupe_window_hold(), troupe_window_give()
 *        streams item by item, for tasks: <troupe/items.h>, which generated headers include
 *        watches of descriptors: <troupe/io.h>, entries of kind TROUPE_ENTRY_WATCH
 *        what threads hand to an actor: <troupe/inlet.h>, entries of kind TROUPE_ENTRY_POST
 *        troupe_timer_move()
 *        tasks and scopes: task.h
 *        functions that block, in threads: <troupe/pool.h>; files: <troupe/file.h>
 *        names of hosts: troupe_resolve() in <troupe/names.h>
 *        troupe_stop() gives -EINPROGRESS where the child has tasks
 *        calls, sends and replies that a task waits with: <troupe/await.h>, which generated
 *        headers include; of each method struct X_answer, X_await() and X_put()
 *        troupe_wait_fd(); connections, listeners and datagrams: <troupe/stream.h>
 *        handlers that are tasks: struct troupe_handlers has ways
 *        channels, semaphores and events: <troupe/sync.h>; troupe_for_all(), troupe_race()
 *        child processes: <troupe/child.h>
 *        TLS on streams, "tls:" as a place to connect to: <troupe/tls.h>
 */
#ifndef TROUPE_ACTOR_H
#define TROUPE_ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/address.h>
#include <troupe/note.h>
#include <troupe/type.h>

#ifdef __cplusplus
/* struct troupe_call and troupe_call() share a name, as struct stat and stat() do: in C++ the
 * function is meant unless `struct` is written. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
extern "C" {
#endif

/* The host loads a plug-in whose major number is its own and whose minor number is not above
 * its own. Tables of an older minor version are smaller than its own; docs/abi.md says what may
 * change, and `make check` that nothing else did. */
#define TROUPE_ABI_MAJOR 2
#define TROUPE_ABI_MINOR 1

/* Limits of this header; the run-time limits are in docs/limits.md. */
#define TROUPE_INTERFACES_MAX 8           /* interfaces of an actor type */
#define TROUPE_ENTRIES_MAX    32          /* reply and timer entries of an actor type */
#define TROUPE_NAME_MAX       63          /* bytes of an actor's or actor type's name */
#define TROUPE_MESSAGE_MAX    (16u << 20) /* bytes of one message's block */

#define TROUPE_WARN_UNUSED __attribute__((warn_unused_result))
#define TROUPE_EXPORT      __attribute__((visibility("default")))

/* A member that may be left out of an initializer; g++ warns of those in C++ without a
 * default. */
#ifdef __cplusplus
#define TROUPE_ABSENT      = nullptr
#define TROUPE_ABSENT_ZERO = 0
#else
#define TROUPE_ABSENT
#define TROUPE_ABSENT_ZERO
#endif

#define TROUPE_SECOND_NS 1000000000ull
#define TROUPE_MS_NS     1000000ull

/* One activation of an actor: the handling of one message. Not the actor itself. */
struct troupe_self;

/* -------------------------------------------------------- calls, as the callee sees them
 *
 * A call handle. It is good until the handler returns, and answered at most once with a return
 * or a failure; after troupe_call_keep() it is good until answered, dropped, or until the
 * caller is gone. Generated code wraps it in a type per method (struct hello_greet_call). A
 * handler that returns 0 without having answered or kept its call answers it with NoReply; a
 * negative return answers it with Failed, also a call that this handler has kept, whose handle
 * is used up then. On a message that was sent, not called, answering is a no-op (0).
 */
struct troupe_call {
	uint64_t id;
};

/* A call of one's own that is under way; for troupe_cancel(). id 0: none. */
struct troupe_request {
	uint64_t id;
};

/* A timer of one's own that is running. id 0: none. */
struct troupe_timer {
	uint64_t id;
};

/* How a call ended; each ends in exactly one way. */
enum troupe_status {
	TROUPE_OK = 0,        /* a reply */
	TROUPE_ERROR,         /* an error that the callee's interface declares */
	TROUPE_NO_SUCH_ACTOR, /* there is no actor at that address */
	TROUPE_ACTOR_DIED,    /* the callee, or its whole worker, ended before it answered */
	TROUPE_PEER_DOWN,     /* the link to the callee's process or node is down */
	TROUPE_TIMEOUT,       /* the deadline passed */
	TROUPE_OVERLOADED,    /* the callee's mailbox, or the host, was full */
	TROUPE_CANCELLED,     /* by troupe_cancel() */
	TROUPE_NO_REPLY,      /* the handler returned without an answer and kept no handle */
	TROUPE_FAILED,        /* the handler returned a negative value */
	TROUPE_INVALID_PARAMETER, /* the callee's version of the type does not fit */
	TROUPE_METHOD_NOT_FOUND,  /* the callee does not provide that interface or method */
	TROUPE_METHOD_NOT_IMPLEMENTED, /* it declares the method but has no handler for it */
	TROUPE_EXPECTED_MORE, /* the method answers streams only: call it with TROUPE_MORE */
	TROUPE_PERMISSION_DENIED, /* the callee does not do that for this caller */
	TROUPE_STATUS_COUNT
};

/* What each event begins with. The host's may be larger than the plug-in's SDK knows it; never
 * smaller. */
struct troupe_event_head {
	uint32_t size; /* of the whole event, in bytes */
	uint32_t kind; /* enum troupe_entry_kind: that of the entry it arrives at */
};

/* The event of a reply entry. Generated code turns it into a typed one (struct
 * hello_greet_reply). */
struct troupe_reply {
	struct troupe_event_head head;
	enum troupe_status status;
	int32_t code;     /* FAILED: the negative value that the handler returned; else 0 */
	bool continues;   /* more replies follow; only after TROUPE_MORE */
	const void *data; /* OK: the out struct. ERROR: the error's struct. Else NULL */
	/* ERROR, when the caller's interface knows it. Else NULL */
	const struct troupe_error *error;
	const char *error_name; /* qualified name of the error, NULL when OK */
	/* For a log: the field's path, "items[3].name: a string, found NULL" of what broke a
	 * type...; may be NULL */
	const char *detail;
};

/* ------------------------------------------------------- the tables of an actor type */

/* A handler of one method, untyped; plug-ins write typed ones, see the generated
 * X_HANDLERS(). */
typedef int troupe_handler_fn(struct troupe_self *self, void *state, struct troupe_call call,
			      const void *in);

/* The handlers of one interface, in the order of its methods; made by the generated
 * X_HANDLERS(). */
struct troupe_handlers {
	uint32_t table_size;
	uint32_t n_handlers;
	const struct troupe_interface *interface;
	troupe_handler_fn *const *handlers;
	/* How each is run: three words a method, of which one at most is not NULL, and which
	 * then says: as a handler; as a task (<troupe/task.h>); as a task while whose waits no
	 * message is handled. NULL: all as handlers. Since 2.1. */
	const void *ways TROUPE_ABSENT;
};

/* Kinds of entries, each with its event. */
enum troupe_entry_kind {
	TROUPE_ENTRY_REPLY = 1, /* struct troupe_reply */
	TROUPE_ENTRY_TIMER,     /* struct troupe_event_head, nothing more */
	TROUPE_ENTRY_WATCH,     /* struct troupe_watch_event, of <troupe/io.h> */
	TROUPE_ENTRY_POST,      /* struct troupe_post_event, of <troupe/inlet.h> */
	TROUPE_ENTRY_TEXT = 5,  /* struct troupe_text_reply, of <troupe/text.h> */
};

/* A place where something arrives later: a reply, a timer's tick, a ready descriptor. The
 * runtime stores which of the actor type's entries it is, never the function itself, and 64
 * bits of the plug-in's own. */
struct troupe_entry {
	uint32_t table_size;
	uint32_t kind; /* enum troupe_entry_kind */
	const char *name;
	/* REPLY: the method called */
	const struct troupe_method *method TROUPE_ABSENT;
	/* REPLY: where its errors are declared */
	const struct troupe_interface *interface TROUPE_ABSENT;
	/* event: what the kind says, which begins with a struct troupe_event_head; borrowed
	 * until the function returns. */
	int (*on_event)(struct troupe_self *self, void *state, uint64_t context,
			const void *event);
};

/* Why an actor ended, in one vocabulary for all who are concerned. fini is given NORMAL,
 * SHUTDOWN, FAILED or PARENT: no code of the actor runs in the others. */
enum troupe_cause {
	TROUPE_CAUSE_NORMAL = 1, /* troupe_exit(self, 0) */
	TROUPE_CAUSE_SHUTDOWN,   /* the host or an operator stopped it */
	/* troupe_exit() with an error; or a handler failed, OnError=stop */
	TROUPE_CAUSE_FAILED,
	TROUPE_CAUSE_CRASHED,       /* it took its worker's process along */
	TROUPE_CAUSE_COLLATERAL,    /* its worker's process ended by another's fault */
	TROUPE_CAUSE_KILLED,        /* the host ended its worker's process because of it */
	TROUPE_CAUSE_PARENT,        /* the actor that spawned it ended */
	TROUPE_CAUSE_UPGRADED,      /* a successor has taken its place */
	TROUPE_CAUSE_NO_SUCH_ACTOR, /* there was none */
	TROUPE_CAUSE_PEER_DOWN,     /* its process or node is unreachable: it may live */
	TROUPE_CAUSE_COUNT
};

/* The life of an actor; each function may be absent. Made by TROUPE_LIFE(). */
struct troupe_life {
	uint32_t table_size;
	uint32_t reserved TROUPE_ABSENT_ZERO; /* 0 */
	/* The actor begins: state is zeroed; config is the typed [Config] section, or what
	 * troupe_spawn() was given, or NULL for an actor type without config. A negative return
	 * refuses: the actor never was, fini is not called. */
	int (*init)(struct troupe_self *self, void *state, const void *config);
	/* The actor ends, for whatever reason but a crash of its worker. Free what state holds.
	 * It may still send and answer; nothing can arrive any more, so that calls, timers and
	 * troupe_spawn() get -EINVAL. */
	void (*fini)(struct troupe_self *self, void *state, enum troupe_cause cause);
	/* What was refused with -EAGAIN has room again; try again now. After troupe_send(),
	 * troupe_call() or troupe_forward(): `where` is the receiver, call.id is 0. After
	 * troupe_reply(): `call` is the handle of the stream as it was kept (0: it was not),
	 * and `where` its caller, the null address when that is a client. When the stream has
	 * ended meanwhile its handle is of no use any more. Each address and each stream that
	 * was refused in between gets its own call. */
	int (*on_room)(struct troupe_self *self, void *state, struct troupe_address where,
		       struct troupe_call call);
	/* Nobody waits for the answer to this kept call any more: the caller cancelled, timed
	 * out or is gone; of a message that was only sent see troupe_call_keep(). The handle
	 * has already been dropped. */
	int (*on_cancel)(struct troupe_self *self, void *state, struct troupe_call call);
};

/* An actor type. Define it with TROUPE_ACTOR(); it must be const and must outlive the process.
 * The host reads it from the plug-in's file before it runs any code: what it points to must be
 * constant too, and of the plug-in itself. */
struct troupe_actor {
	uint16_t
		abi_major; /* TROUPE_ABI fills these four; the two numbers stay here for ever */
	uint16_t abi_minor;
	uint32_t table_size;
	const char *name;
	/* one line for people, of at most 255 bytes; may be NULL */
	const char *description TROUPE_ABSENT;
	/* Bytes of state, zeroed for each actor, aligned to 16; at most 1 MiB. */
	size_t state_size;
	/* generated X_config_type; NULL: takes no configuration */
	const struct troupe_type *config TROUPE_ABSENT;
	const struct troupe_life *life TROUPE_ABSENT; /* may be NULL */
	/* Both NULL-terminated unless full. Pointers, so that what they point to may grow. */
	const struct troupe_handlers *interfaces[TROUPE_INTERFACES_MAX];
	const struct troupe_entry *entries[TROUPE_ENTRIES_MAX];
};

/* Define an actor type, one per name and plug-in:
 *
 *   TROUPE_ACTOR(hello) = {
 *           TROUPE_ABI(hello),
 *           .state_size = sizeof(struct greeter),
 *           .interfaces = {&greeter_hello},
 *   };
 */
#define TROUPE_ACTOR(id)                                                                       \
	TROUPE_NOTE_ACTOR(id, TROUPE_ABI_MAJOR, TROUPE_ABI_MINOR)                              \
	TROUPE_ACTOR_DECLARE(id);                                                              \
	const struct troupe_actor troupe_actor_##id

/* Declare an actor type that another file of the same plug-in defines (for troupe_spawn()). */
#ifdef __cplusplus
#define TROUPE_ACTOR_DECLARE(id)                                                               \
	extern "C" TROUPE_EXPORT const struct troupe_actor troupe_actor_##id
#else
#define TROUPE_ACTOR_DECLARE(id)                                                               \
	extern TROUPE_EXPORT const struct troupe_actor troupe_actor_##id
#endif

#define TROUPE_ABI(id)                                                                         \
	.abi_major = TROUPE_ABI_MAJOR, .abi_minor = TROUPE_ABI_MINOR,                          \
	.table_size = sizeof(struct troupe_actor), .name = #id

/* The address of an actor type's table. */
#define TROUPE_ACTOR_TABLE(id) (&troupe_actor_##id)

/* Define the life of actors whose state is state_type and whose configuration is config_type
 * (the generated struct, or void), as a const named `table`, from typed functions:
 *
 *   static int greeter_init(struct troupe_self *self, struct greeter *me,
 *                           const struct hello_config *config);
 *   TROUPE_LIFE(greeter_life, struct greeter, struct hello_config, .init = greeter_init)
 */
#define TROUPE_LIFE(table, state_type, config_type, ...)                                       \
	struct table##_typed {                                                                 \
		int (*init)(struct troupe_self *, state_type *,                                \
			    const config_type *) TROUPE_ABSENT;                                \
		void (*fini)(struct troupe_self *, state_type *,                               \
			     enum troupe_cause) TROUPE_ABSENT;                                 \
		int (*on_room)(struct troupe_self *, state_type *, struct troupe_address,      \
			       struct troupe_call) TROUPE_ABSENT;                              \
		int (*on_cancel)(struct troupe_self *, state_type *,                           \
				 struct troupe_call) TROUPE_ABSENT;                            \
	};                                                                                     \
	static const struct table##_typed table##_functions = {__VA_ARGS__};                   \
	static int table##_init(struct troupe_self *self, void *state, const void *config)     \
	{                                                                                      \
		if (!table##_functions.init)                                                   \
			return 0;                                                              \
		return table##_functions.init(self, (state_type *)state,                       \
					      (const config_type *)config);                    \
	}                                                                                      \
	static void table##_fini(struct troupe_self *self, void *state,                        \
				 enum troupe_cause cause)                                      \
	{                                                                                      \
		if (table##_functions.fini)                                                    \
			table##_functions.fini(self, (state_type *)state, cause);              \
	}                                                                                      \
	static int table##_on_room(struct troupe_self *self, void *state,                      \
				   struct troupe_address where, struct troupe_call call)       \
	{                                                                                      \
		if (!table##_functions.on_room)                                                \
			return 0;                                                              \
		return table##_functions.on_room(self, (state_type *)state, where, call);      \
	}                                                                                      \
	static int table##_on_cancel(struct troupe_self *self, void *state,                    \
				     struct troupe_call call)                                  \
	{                                                                                      \
		if (!table##_functions.on_cancel)                                              \
			return 0;                                                              \
		return table##_functions.on_cancel(self, (state_type *)state, call);           \
	}                                                                                      \
	static const struct troupe_life table = {                                              \
		.table_size = sizeof(struct troupe_life),                                      \
		.init = table##_init,                                                          \
		.fini = table##_fini,                                                          \
		.on_room = table##_on_room,                                                    \
		.on_cancel = table##_on_cancel,                                                \
	};

/* Define a timer entry named FUNCTION_entry, for troupe_timer_start() and the .entries table:
 *
 *   static int on_tick(struct troupe_self *self, struct me *me, uint64_t context);
 *   TROUPE_TIMER(on_tick, struct me)
 */
#define TROUPE_TIMER(function, state_type)                                                     \
	static int function##_thunk(struct troupe_self *self, void *state, uint64_t context,   \
				    const void *event)                                         \
	{                                                                                      \
		(void)event;                                                                   \
		return function(self, (state_type *)state, context);                           \
	}                                                                                      \
	static const struct troupe_entry function##_entry = {                                  \
		.table_size = sizeof(struct troupe_entry),                                     \
		.kind = TROUPE_ENTRY_TIMER,                                                    \
		.name = #function,                                                             \
		.on_event = function##_thunk,                                                  \
	};

/* ------------------------------------------------------------------ who and where
 *
 * None of these fails. */

struct troupe_address troupe_address(const struct troupe_self *self); /* one's own */
/* Its place in its pool: 0.. Of one that another actor spawned: that of the unit's actor that
 * it comes from. */
uint32_t troupe_instance(const struct troupe_self *self);
uint64_t troupe_random(struct troupe_self *self); /* uniform; not for secrets */

/* Its unit's name; "" when it has none. */
const char *troupe_name(const struct troupe_self *self);

/* The directory that is its unit's own, for what must survive a restart: an absolute path,
 * valid as long as the actor lives. NULL: the unit does not have StateDirectory=yes. All actors
 * of a pool and all children have their unit's. The host has made it (0700) before the unit
 * started, and never removes it or anything in it. Works in init, handlers and fini. */
const char *troupe_state_directory(const struct troupe_self *self);

/* CLOCK_MONOTONIC, at most about a millisecond old, however long the handler has been running:
 * two looks in one handler may differ. It costs next to nothing. What is started now, a call or
 * a timer, counts from it. */
uint64_t troupe_now_ns(struct troupe_self *self);

/* The sender of the message being handled; the null address when it came from a client (of
 * the control socket) or from a timer. In the init of a child: its parent. */
struct troupe_address troupe_sender(const struct troupe_self *self);

/* The actor that a unit's name denotes at this moment; for a pool the next of its actors that
 * run, in turn. -EINPROGRESS: none runs now, but one will: it is being started, or waits to be
 * started again after a failure; ask again in a timer. -ENOENT: there is no such unit, or it
 * was stopped, has ended or was given up. -EINVAL: not a valid name. */
int troupe_find(struct troupe_self *self, const char *name,
		struct troupe_address *ret_address) TROUPE_WARN_UNUSED;

/* Address from and to its text form (see address.h). text must hold TROUPE_ADDRESS_TEXT bytes.
 * -EINVAL: not an address. These two may be called from any thread. */
void troupe_address_print(struct troupe_address address, char *text);
int troupe_address_parse(const char *text,
			 struct troupe_address *ret_address) TROUPE_WARN_UNUSED;

/* ------------------------------------------------------------------ sending and calling
 *
 * Generated wrappers: X_METHOD_send(), X_METHOD_call(). They copy the message before returning.
 *
 * -EAGAIN: the receiver's mailbox (in another worker: the link to it) is full, or its unit
 * holds
 *          too much of this worker's memory. Nothing was sent; life's on_room will be called,
 *          once, when there is room.
 * -ESRCH:  no such actor (known at once only within the worker).
 * -EINVAL: the message breaks its type: a NULL string, bad UTF-8, an enum out of range, a
 * number that
 *          is not finite, a map out of order; or the entry is not in the actor type's table.
 * -EMSGSIZE: over TROUPE_MESSAGE_MAX, or more than the receiver's MailboxBytes= ever hold.
 * -ENOMEM: no memory, or the worker's limit of calls under way, or this unit's share of it.
 */

/* Send without an answer: at most once, in order with everything else sent to the same
 * actor. */
int troupe_send(struct troupe_self *self, struct troupe_address to,
		const struct troupe_method *method, const void *in) TROUPE_WARN_UNUSED;

#define TROUPE_MORE 1u /* flag: ask for a stream of replies */

/* The same flag, and the stream gets a window: at most `replies` (1 to 1,024) that this actor
 * has not taken, 1 MiB together and the one that passes it. Who replies waits then, wherever he
 * is. Without one, and beside it, there is the one window of all streams that an actor reads
 * (1,024 and 1 MiB), in which replies count that lie in its mailbox. Since ABI 2.1. */
#define TROUPE_WINDOW_MAX 1024u
#define TROUPE_WINDOW(replies)                                                                 \
	(TROUPE_MORE | 2u | ((replies) < 0xffffu ? (uint32_t)(replies) : 0xffffu) << 16)

/* Call: exactly one reply arrives at `entry`, with `context`, by timeout_ns from now at the
 * latest (then: TROUPE_TIMEOUT). With TROUPE_MORE: replies with `continues` set, then exactly
 * one without; the timeout holds for the first one. timeout_ns 0: the default of 45 s, which of
 * a stream ends already when the callee has kept the call: a subscription may be quiet for any
 * time. Its end is then a reply, the callee's death, or troupe_cancel().
 * ret_request may be NULL. When the call fails at once (negative return), no reply arrives. */
int troupe_call(struct troupe_self *self, struct troupe_address to,
		const struct troupe_method *method, const void *in,
		const struct troupe_entry *entry, uint64_t context, uint64_t timeout_ns,
		uint32_t flags, struct troupe_request *ret_request) TROUPE_WARN_UNUSED;

/* End a call of one's own: its entry gets TROUPE_CANCELLED, and nothing after that; the
 * callee gets on_cancel if it keeps the call. -ESRCH: it has ended already (its reply may be
 * waiting in the mailbox). */
int troupe_cancel(struct troupe_self *self, struct troupe_request request);

/* The reply being handled, which `continues`, is not taken yet: what becomes of it has to wait.
 * It counts in its stream's window, when the handler has returned, until it is given back. What
 * is not held is taken when its handler returns. -EINVAL: no such reply is being handled, or
 * its call has no window (TROUPE_WINDOW). Since ABI 2.1. */
int troupe_window_hold(struct troupe_self *self);

/* Take `count` of the replies to a call that are held: as many more may follow. Which of them
 * they are does not matter, but each counts as their average of bytes then. -ESRCH: the call
 * has ended; -EINVAL: not so many are held. Since ABI 2.1. */
int troupe_window_give(struct troupe_self *self, struct troupe_request request, uint32_t count);

/* Hand the message being handled on to another actor, call handle and deadline included: its
 * answer goes straight to the caller. Errors as for troupe_send(), and -EINVAL: there is no
 * message (init, timers, replies); -EALREADY: its call was answered or kept, or it was
 * forwarded before. On error the message is still here. */
int troupe_forward(struct troupe_self *self, struct troupe_address to) TROUPE_WARN_UNUSED;

/* ------------------------------------------------------------------ answering
 *
 * Generated wrappers: X_METHOD_return(), X_METHOD_reply(), X_METHOD_fail_ERROR(). They return 0
 * also when the caller is gone or the message was only sent: there is nothing to do about it.
 * -EALREADY: this handle was answered or dropped before. -EINVAL, -EMSGSIZE: as for send; the
 * call is still open then. Returning these values from a handler is the common style:
 * `return hello_greet_return(self, call, &out);`
 */

/* The one answer, or the last of a stream. */
int troupe_return(struct troupe_self *self, struct troupe_call call,
		  const struct troupe_method *method, const void *out);

/* One reply of a stream; more follow. -EAGAIN: the caller has too many unread replies, or its
 * window for this stream is full (TROUPE_WINDOW); on_room follows with the handle when half of
 * that is free. -EPROTOTYPE: the caller asked for one reply only. To a caller who
 * is gone it is 0 each time: who replies until there is no room asks troupe_call_wants_reply(),
 * too. */
int troupe_reply(struct troupe_self *self, struct troupe_call call,
		 const struct troupe_method *method, const void *out) TROUPE_WARN_UNUSED;

/* Answer with an error of the interface; data: its struct. */
int troupe_fail(struct troupe_self *self, struct troupe_call call,
		const struct troupe_error *error, const void *data);

/* Answer with TROUPE_INVALID_PARAMETER, the name of the field at fault, and what is wrong with
 * its value, for people ("must be 1 to 1000"; NULL: nothing to add). Varlink clients see
 * org.varlink.service.InvalidParameter, with the reason as `reason`; a caller in C has "FIELD:
 * REASON" as the reply's detail. -EINVAL: field is NULL, or one is not UTF-8; -EMSGSIZE. */
int troupe_fail_parameter(struct troupe_self *self, struct troupe_call call, const char *field,
			  const char *reason);

/* Answer with TROUPE_EXPECTED_MORE: the method answers in a stream, and the caller asked for
 * one reply (org.varlink.service.ExpectedMore). With TROUPE_PERMISSION_DENIED: it will not be
 * done (org.varlink.service.PermissionDenied). */
int troupe_fail_expected_more(struct troupe_self *self, struct troupe_call call);
int troupe_fail_permission_denied(struct troupe_self *self, struct troupe_call call);

/* For generated code: the method has no handler. */
int troupe_fail_not_implemented(struct troupe_self *self, struct troupe_call call);

/* Whether the caller asked for a stream. */
bool troupe_call_wants_more(struct troupe_self *self, struct troupe_call call);

/* Whether a caller waits for an answer: none does after a mere send (of a client: a call with
 * `oneway`), nor when the caller is gone. Answering is harmless nevertheless. */
bool troupe_call_wants_reply(struct troupe_self *self, struct troupe_call call);

/* Keep the handle beyond this activation; *call becomes the handle to keep. Of a stream it
 * reports to the caller that the call was accepted: a deadline that is only the default
 * ends. -ENOMEM: the worker's limit of kept calls, or this unit's share of it, is reached.
 *
 * A message that was only sent can be kept as well, though no caller waits for it: answering
 * does nothing. on_cancel follows after 45 s, or when the client that sent it closes its
 * connection.
 * -ENOBUFS: 64 such messages of that connection are being kept already. Who means to do the
 * work whatever becomes of the sender needs no handle: ask troupe_call_wants_reply(). */
int troupe_call_keep(struct troupe_self *self, struct troupe_call *call) TROUPE_WARN_UNUSED;

/* Give a kept handle up without an answer: the caller gets NoReply. -ESRCH: not open. */
int troupe_call_drop(struct troupe_self *self, struct troupe_call call);

/* ------------------------------------------------------------------ keeping messages */

struct troupe_kept;

/* Detach the message being handled: `in` stays valid after the handler returns, until
 * troupe_release(). No copy is made. A dying actor releases all it kept. What is kept has left
 * the mailbox, and has the mailbox's bounds once more, for itself: an actor keeps at most
 * Mailbox= messages, of MailboxBytes= together. -ENOBUFS: it keeps that much already, or its
 * unit holds too much of the worker's memory (WorkerMemory= of trouped.conf); -EINVAL: there is
 * no message (init, timers, replies); -EALREADY: kept before; -ENOMEM: a limit of the
 * worker. */
int troupe_keep(struct troupe_self *self, struct troupe_kept **ret_kept) TROUPE_WARN_UNUSED;

/* The block of a kept message: the `in` of its handler. */
const void *troupe_kept_in(const struct troupe_kept *kept);

/* Let go of a kept message. NULL is fine. */
void troupe_release(struct troupe_self *self, struct troupe_kept *kept);

/* ------------------------------------------------------------------ timers
 *
 * Ticks meet no mailbox bound. A periodic timer that the actor cannot keep up with skips ticks;
 * it never queues more than one. -EINVAL: not a timer entry of this actor type; -ENOMEM: the
 * worker's limit of timers, or this unit's share of it.
 */

/* Call `entry` with `context` after delay_ns (0: after the messages now queued), then each
 * period_ns if that is not 0. ret_timer may be NULL. */
int troupe_timer_start(struct troupe_self *self, const struct troupe_entry *entry,
		       uint64_t delay_ns, uint64_t period_ns, uint64_t context,
		       struct troupe_timer *ret_timer) TROUPE_WARN_UNUSED;

/* Let its next tick come after delay_ns from now (0: at once), sooner or later than it would
 * have; a period goes on from there. A tick that is due already and has not arrived is the one
 * that is moved; it keeps its place among the messages if the new time has come when they get
 * there. -ESRCH: not running, as one without period is from its tick on. Since ABI 2.1. */
int troupe_timer_move(struct troupe_self *self, struct troupe_timer timer, uint64_t delay_ns);

/* Stop it: no tick arrives any more, not even one that is already due. -ESRCH: not running. */
int troupe_timer_stop(struct troupe_self *self, struct troupe_timer timer);

/* ------------------------------------------------------------------ lives */

#define TROUPE_DETACHED 1u /* flag: outlive the actor that spawns it */

/* Make an actor of a type of this plug-in, in this worker. config: its typed configuration
 * (copied), or NULL where the type takes none. Its init runs before the call returns. It has
 * the limits of this actor's unit (Mailbox=, MailboxBytes=, Batch=, OnError=stop).
 *
 * It is a child of this actor: when this one ends, for whatever reason, its children end before
 * its own fini, the one spawned last first, and before each of them its own children
 * (TROUPE_CAUSE_PARENT). With TROUPE_DETACHED in `flags` it has no parent: it lives until it
 * ends by itself, until an operator stops it by its address, or with its worker.
 *
 * -ENOMEM, -EAGAIN: a limit of the worker, or this unit's share of it; -EINVAL: not a table of
 * this plug-in, config breaks its type, an unknown flag, or in fini; or what init returned. */
int troupe_spawn(struct troupe_self *self, const struct troupe_actor *actor, const void *config,
		 uint32_t flags, struct troupe_address *ret_address) TROUPE_WARN_UNUSED;

/* End a child of this actor at once, with TROUPE_CAUSE_SHUTDOWN, and its children before it:
 * their fini functions have run when this returns. What its mailbox still holds, messages of
 * this actor among them, is answered with ActorDied or counted as dead letters. -EINPROGRESS:
 * it or a child of it has tasks (task.h), and ends as soon as these have returned. -ESRCH: it
 * has ended already; -EPERM: it is not a child of this actor, or was spawned detached. */
int troupe_stop(struct troupe_self *self, struct troupe_address child);

/* End this actor, and its children before it, when the handler has returned: error 0 normally,
 * a negative errno value as a failure. What its mailbox still holds is answered with ActorDied
 * or counted as dead letters. */
void troupe_exit(struct troupe_self *self, int error);

/* ------------------------------------------------------------------ log lines */

/* Write a line to the daemon's log, with the actor's name. priority: as in syslog, 3 error, 4
 * warning, 6 information, 7 debug. Cut at 2,000 bytes. The lines of a unit are limited:
 * LogRateLimitBurst=. */
void troupe_log(struct troupe_self *self, int priority, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif

#endif

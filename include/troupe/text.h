/* text.h - calls by name whose parameters and answers are JSON text, for plug-ins that do not
 * know the callee's interface when they are built: gateways, servers of other protocols.
 *
 * The callee cannot tell such a call from a typed one. Its worker reads the parameters by the
 * callee's own descriptors, as those of clients of the control socket are read; what it
 * answers, a value of any type, arrives as text. The functions here may be called as those of
 * actor.h; TROUPE_MORE, troupe_cancel(), deadlines, forwarding and all ends are the same, too.
 */
#ifndef TROUPE_TEXT_H
#define TROUPE_TEXT_H

#include <troupe/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The event of a TROUPE_ENTRY_TEXT entry. All it points to is borrowed until the function
 * returns. */
struct troupe_text_reply {
	struct troupe_event_head head;
	enum troupe_status status;
	int32_t code;   /* FAILED: the negative value that the handler returned; else 0 */
	bool continues; /* more replies follow; only after TROUPE_MORE */
	/* OK: what the method returns. ERROR: the error's parameters. A JSON object, compact,
	 * of `size` bytes, and a NUL. Else NULL. */
	const char *json;
	size_t size;
	/* Qualified name of the error, "io.troupe.hello.NameTooLong"; NULL when OK. */
	const char *error_name;
	/* INVALID_PARAMETER: the path of the field at fault, then perhaps ": " and what is
	 * wrong with it. Else for a log; may be NULL. */
	const char *detail;
};

/* Define a text entry named FUNCTION_entry, for troupe_call_text() and the .entries table:
 *
 *   static int on_answer(struct troupe_self *self, struct me *me, uint64_t context,
 *                        const struct troupe_text_reply *reply);
 *   TROUPE_TEXT(on_answer, struct me)
 */
#define TROUPE_TEXT(function, state_type)                                                      \
	static int function##_thunk(struct troupe_self *self, void *state, uint64_t context,   \
				    const void *event)                                         \
	{                                                                                      \
		return function(self, (state_type *)state, context,                            \
				(const struct troupe_text_reply *)event);                      \
	}                                                                                      \
	static const struct troupe_entry function##_entry = {                                  \
		.table_size = sizeof(struct troupe_entry),                                     \
		.kind = TROUPE_ENTRY_TEXT,                                                     \
		.name = #function,                                                             \
		.on_event = function##_thunk,                                                  \
	};

/* Call a method by its qualified name, "io.troupe.hello.Greet". json: its parameters, a JSON
 * object of `size` bytes, which need no NUL, copied before this returns; NULL and 0: none, as
 * {}. Exactly one reply arrives at `entry`, with `context`, by timeout_ns from now at the
 * latest; timeout_ns, flags and ret_request: as for troupe_call().
 *
 * Whether the method exists and the parameters are of its type only the callee's worker knows:
 * it answers METHOD_NOT_FOUND, and INVALID_PARAMETER with the field's path. An answer whose
 * text is longer than TROUPE_MESSAGE_MAX ends the call with FAILED, of code -EMSGSIZE.
 *
 * -EINVAL: `method` is not a qualified name, or longer than 255 bytes; the text is no JSON
 *          object, in UTF-8; `entry` is no text entry of the actor type; an unknown flag; in
 *          fini
 * -E2BIG:  the text is nested deeper than 64 levels, or has more than a million values
 * -EMSGSIZE: it is longer than about TROUPE_MESSAGE_MAX; or what it makes, than the receiver's
 *          MailboxBytes= ever hold
 * -EAGAIN: the receiver's mailbox (in another worker: the link to it) is full, or its unit
 *          holds too much of this worker's memory; life's on_room will be called, once
 * -ESRCH:  no such actor (known at once only within the worker)
 * -ENOMEM: no memory, or the worker's limit of calls under way, or this unit's share of it
 *
 * When the call fails at once (negative return), no reply arrives. */
int troupe_call_text(struct troupe_self *self, struct troupe_address to, const char *method,
		     const char *json, size_t size, const struct troupe_entry *entry,
		     uint64_t context, uint64_t timeout_ns, uint32_t flags,
		     struct troupe_request *ret_request) TROUPE_WARN_UNUSED;

/* The actor that provides an interface at this moment, found as the control socket finds one
 * for a client's direct call: of the only unit that provides the interface, or of the one with
 * Default=yes; for a pool the next of its actors that run, in turn. It costs about as much as
 * troupe_find(), and follows restarts, stops and reloads as that does: ask before each call
 * rather than keep the address.
 *
 * -EINPROGRESS: none of its actors runs now, but one will; ask again in a timer. -ENOENT: no
 * unit provides the interface, or those that do were stopped, have ended or were given up.
 * -ENOTUNIQ: several units provide it, and not exactly one has Default=yes. -EINVAL: not a
 * valid name of an interface. */
int troupe_find_provider(struct troupe_self *self, const char *interface,
			 struct troupe_address *ret_address) TROUPE_WARN_UNUSED;

#ifdef __cplusplus
}
#endif

#endif

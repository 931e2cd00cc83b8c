/* call_text.h - the two ends of a call whose caller knows no types: its text becomes the
 * callee's message, and what is answered becomes text.
 *
 * Between them such a call is as any other: neither the callee nor a process that the call is
 * forwarded to knows that it is none. How text is written is the host's to know: runtime_ops.
 * One runtime, one thread.
 */
#ifndef CORE_CALL_TEXT_H
#define CORE_CALL_TEXT_H

#include "core/inside.h"
#include "proto/text_call.h"

struct call;
struct troupe_text_reply;

/* Why a text is no message of the callee. */
struct text_refusal {
	struct call_end end; /* its detail is this one's, or NULL */
	char detail[sizeof(struct codec_error) + 16];
};

/* The CALL that a text, of which nothing has been checked, means to an actor of that type: its
 * block, hash and descriptor are set. NULL: *ret_refusal. */
struct message *call_text_read(struct runtime *runtime, const struct runtime_type *type,
			       const struct text_call *text, struct text_refusal *ret_refusal);

/* What is answered, as a TEXT that has yet to get `from` and its flags: a value that is known
 * to be valid, of an error of that name, or (NULL) of a reply. -ENOBUFS: its text is longer
 * than a message may be, and call_text_too_long is the call's end; -ENOMEM. */
int call_text_print(struct runtime *runtime, const struct call *call, const char *error_name,
		    const struct troupe_type *type, const void *value,
		    struct message **ret_message);

extern const struct call_end call_text_too_long;

/* The event of a TEXT; borrowed. */
void call_text_event(const struct message *message, struct troupe_text_reply *ret_event);

#endif

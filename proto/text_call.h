/* text_call.h - a call by name whose parameters are JSON text, as it crosses between two
 * workers: a value of one type that both know.
 *
 * Pure, any thread.
 */
#ifndef PROTO_TEXT_CALL_H
#define PROTO_TEXT_CALL_H

#include "proto/envelope.h"
#include <stddef.h>
#include <troupe/type.h>

#define TEXT_CALL_NAME_MAX ENVELOPE_NAME_MAX /* bytes of a method's qualified name */
/* Bytes of its parameters: with the name they make one block. */
#define TEXT_CALL_MAX (CODEC_BLOCK_MAX - 1024u)

struct text_call {
	const char *method; /* "io.troupe.hello.Greet" */
	/* JSON text, nothing of which has been checked; empty: none */
	struct troupe_binary parameters;
};

extern const struct troupe_type text_call_type;

/* Bytes of the interface's name in a qualified one, "io.troupe.hello" of the above; the
 * method's begins after the dot that follows. 0: it is none, or too long. */
size_t text_call_interface(const char *method);

#endif

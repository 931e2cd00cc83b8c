/* message.h - what a client's message on a WebSocket says. */
#ifndef HTTPSERVER_MESSAGE_H
#define HTTPSERVER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

struct message {
	const char *method; /* within the text, without a NUL */
	size_t method_size;
	const char *parameters; /* JSON text within the text; NULL: none */
	size_t parameters_size;
	bool more;
};

/* Read it. Only its frame is judged, not what the parameters hold. False: it is not
 * {"method": TEXT, "parameters": OBJECT, "more": BOOL} in any order, the last two optional. */
bool message_read(const char *text, size_t size, struct message *ret_message);

#endif

/* handshake.h - whether a request asks for a WebSocket, and what it is answered with (RFC 6455,
 * section 4.2). Looks at headers alone. */
#ifndef HTTPSERVER_HANDSHAKE_H
#define HTTPSERVER_HANDSHAKE_H

#include "exchange.h"

#define HANDSHAKE_KEY 64 /* bytes for Sec-WebSocket-Accept */

/* The status of its answer: 101, and *ret_accepted is what Sec-WebSocket-Accept says; 426: it
 * is none, or of another version; 400: a wrong one; 403: by a page of another site; 500: the
 * key could not be hashed. */
unsigned handshake_judge(const struct exchange *exchange,
			 char ret_accepted[static HANDSHAKE_KEY]);

#endif

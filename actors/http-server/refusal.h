/* refusal.h - answers written past libmicrohttpd, where it has none or a wrong one: each is the
 * last of its connection. */
#ifndef HTTPSERVER_REFUSAL_H
#define HTTPSERVER_REFUSAL_H

#include "server.h"

/* Answer the request that is being received with a status and no body (whether its verb is HEAD
 * is not known), and end the connection. Nothing of an answer may have been written. */
void refusal_write(struct server *server, struct peer *peer, unsigned status);

/* libmicrohttpd logs this line. When it refuses a request by it whose header is complete, it
 * would write the head of its answer twice (0.9 goes on as with a request that it has taken):
 * the answer is written here, and libmicrohttpd finds its socket shut. Its log is the only
 * place where it calls before it writes. */
void refusal_on_log(struct server *server, const char *line);

#endif

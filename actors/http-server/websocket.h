/* websocket.h - calls over a WebSocket: messages as Varlink has them, in text frames.
 *
 * {"method": "io.example.Hello.Greet", "parameters": {...}, "more": true} is answered with
 * {"parameters": {...}, "continues": true} or {"error": ..., "parameters": ...}. Calls of one
 * WebSocket are made one after the other, and answered in that order. The exchange that asked
 * for it lasts as long as the WebSocket does. */
#ifndef HTTPSERVER_WEBSOCKET_H
#define HTTPSERVER_WEBSOCKET_H

#include "exchange.h"
#include <troupe/text.h>

/* Whether this build has WebSockets (it takes wslay); without, the rest does nothing. */
bool websocket_is_built(void);

/* Answer a GET of WebSocket=: with the handshake, or with why there is none. */
void websocket_serve(struct exchange *exchange);

/* A reply to its call; an error for it. */
void websocket_add(struct exchange *exchange, const struct troupe_text_reply *reply);
void websocket_add_error(struct exchange *exchange, const char *name, const char *parameters);

/* Its exchange ends. Of others it does nothing. */
void websocket_end(struct exchange *exchange);

/* The server ends: so does each WebSocket, as going away. */
void websockets_stop(struct server *server);

/* Ping them, and let go of those that have been silent for two pings. */
void websockets_sweep(struct server *server);
uint64_t websockets_due_ns(const struct server *server);

int websocket_on_ready(struct troupe_self *self, struct server *server, uint64_t context,
		       const struct troupe_watch_event *event);

#endif

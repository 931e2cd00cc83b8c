/* call.h - a request that calls an actor's method. */
#ifndef HTTPSERVER_CALL_H
#define HTTPSERVER_CALL_H

#include "exchange.h"
#include <troupe/text.h>

/* Call it with the exchange's body, or answer at once why not. */
void call_begin(struct exchange *exchange, const char *method);

/* Its client is gone, or has been told something else: the call is cancelled, what still
 * arrives of it is passed over. Without a call it does nothing. */
void call_forget(struct exchange *exchange);

/* The reply being handled stays in its stream's window, since its reader is behind; when he has
 * taken enough, all that are held are given back. Of a call that is over they do nothing. */
void call_hold(struct exchange *exchange);
void call_take(struct exchange *exchange);

/* The exchange that a reply with this context is for; NULL: it has been forgotten. */
struct exchange *call_find(struct server *server, uint64_t context);

/* An answer that ends its call; a status of HTTP for it, and its text: given, or NULL: no
 * memory. */
unsigned call_status(const struct troupe_text_reply *reply);
char *call_error_text(const struct troupe_text_reply *reply);

int call_on_answer(struct troupe_self *self, struct server *server, uint64_t context,
		   const struct troupe_text_reply *reply);

/* All tickets, in init and fini. */
int calls_init(struct server *server);
void calls_fini(struct server *server);

#endif

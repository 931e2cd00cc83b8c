/* websocket_none.c - in place of websocket.c where wslay is missing. */
#include "websocket.h"

bool websocket_is_built(void)
{
	return false;
}

void websocket_serve(struct exchange *exchange)
{
	exchange_answer(exchange, 501, NULL);
}

void websocket_add(struct exchange *exchange, const struct troupe_text_reply *reply)
{
	(void)exchange;
	(void)reply;
}

void websocket_add_error(struct exchange *exchange, const char *name, const char *parameters)
{
	(void)exchange;
	(void)name;
	(void)parameters;
}

void websocket_end(struct exchange *exchange)
{
	(void)exchange;
}

void websockets_stop(struct server *server)
{
	(void)server;
}

void websockets_sweep(struct server *server)
{
	(void)server;
}

uint64_t websockets_due_ns(const struct server *server)
{
	(void)server;
	return UINT64_MAX;
}

int websocket_on_ready(struct troupe_self *self, struct server *server, uint64_t context,
		       const struct troupe_watch_event *event)
{
	(void)self;
	(void)server;
	(void)context;
	(void)event;
	return 0;
}

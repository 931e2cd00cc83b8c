/* leavers.h - clients that left in a request, or behind one, and were not heard.
 *
 * libmicrohttpd's epoll is edge-triggered: an end that comes together with the last bytes is of
 * their event, and is not read when it reads fewer bytes than it has room for. */
#ifndef HTTPSERVER_LEAVERS_H
#define HTTPSERVER_LEAVERS_H

#include <stdint.h>

struct server;

/* Once a second: end the connections whose client has said all, and waits for no answer. */
void leavers_sweep(struct server *server);

/* When to look next; UINT64_MAX: there is nobody to look at. */
uint64_t leavers_due_ns(const struct server *server);

#endif

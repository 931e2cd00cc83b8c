/* chunks.h - bodies in chunks, and those of them that stand still.
 *
 * libmicrohttpd gathers a line between two chunks in its buffer. Where the line does not fit it
 * reads no more, closes nothing, and asks to be run again at once, for ever. It does not say
 * so: what is seen here is that it was run again and again and gave nothing of a body. */
#ifndef HTTPSERVER_CHUNKS_H
#define HTTPSERVER_CHUNKS_H

#include <stdbool.h>

struct server;
struct peer;

/* A body in chunks is awaited from it; something of it has come; it is complete, or given up
 * (also when none was awaited). */
void chunks_begin(struct server *server, struct peer *peer);
void chunks_move(struct server *server, struct peer *peer);
void chunks_end(struct server *server, struct peer *peer);

/* libmicrohttpd has run, and asks to be run at once. Returns whether it should rest first, as
 * it may be a body that stands still for which it asks. Those are refused of which something
 * lies unread all the time. */
bool chunks_stand_still(struct server *server);

#endif

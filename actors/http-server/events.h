/* events.h - streams of replies as server-sent events.
 *
 * Each reply is an event with its parameters; "event: end" follows the last one, "event: error"
 * has the body that an answer of that error would have. Until the first reply is there, for a
 * second at most, the answer is not begun, so that what fails at once has a status. What a
 * reader has not taken is kept, up to StreamBuffer=; then the actor that streams waits, for
 * ReaderTimeoutMs= at most. */
#ifndef HTTPSERVER_EVENTS_H
#define HTTPSERVER_EVENTS_H

#include "exchange.h"
#include <troupe/text.h>

/* Its call has been made. */
void events_begin(struct exchange *exchange);

void events_add(struct exchange *exchange, const struct troupe_text_reply *reply);

/* Its call is over: from now on a reader that leaves is found when it is written to. */
void events_unwatch(struct exchange *exchange);

/* The exchange ends: it is no stream any more. Of others it does nothing. */
void events_end(struct exchange *exchange);

/* The server ends: so does each stream. */
void events_stop(struct server *server);

/* Begin the answers that have waited long enough; comments for those that are quiet. */
void events_sweep(struct server *server);
uint64_t events_due_ns(const struct server *server);

/* A reader's connection has something to read, which is its end or another request. */
int events_on_reader(struct troupe_self *self, struct server *server, uint64_t context,
		     const struct troupe_watch_event *event);

#endif

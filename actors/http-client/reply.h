/* reply.h - what callers get: answers, pieces of streams, and errors.
 *
 * These take what a request holds, and answer its call; the request is still there afterwards.
 */
#ifndef HTTP_CLIENT_REPLY_H
#define HTTP_CLIENT_REPLY_H

#include "request.h"

/* The whole answer: of Get and Request, the response; of Fetch what is left, and the tail. */
void reply_answer(struct request *request);

/* Of Fetch: what has come. 0, also when nothing has; -EAGAIN: the reader has no room. */
int reply_piece(struct request *request);

/* Answer a call with a declared error; call.id 0: nobody waits. */
void reply_bad_url(struct client *client, struct troupe_call call, const char *url,
		   const char *reason);
void reply_busy(struct client *client, struct troupe_call call, enum http_client_busy_what what,
		int64_t limit);

void reply_refused(struct request *request, const char *url, const char *reason);
void reply_cannot_resolve(struct request *request, const char *reason);
void reply_cannot_connect(struct request *request, const char *reason);
void reply_tls_failed(struct request *request, const char *reason);
void reply_timed_out(struct request *request, enum http_client_phase phase, uint64_t after_ns);
void reply_too_large(struct request *request, enum http_client_too_large_what what,
		     uint64_t limit);
void reply_too_many_redirects(struct request *request, const char *location);
void reply_bad_answer(struct request *request, const char *reason);

#endif

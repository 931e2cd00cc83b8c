/* outcome.h - what becomes of a request: it is answered, follows a redirect, is tried again, or
 * fails.
 */
#ifndef HTTP_CLIENT_OUTCOME_H
#define HTTP_CLIENT_OUTCOME_H

#include "request.h"

/* The headers of its answer are complete. Negative: cut the transfer short. */
int outcome_decide(struct request *request);

/* Curl is done with it, and has let go of it: answer it and end it, or set it going again. */
void outcome_follow(struct request *request, CURLcode code);

#endif

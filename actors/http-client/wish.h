/* wish.h - what a call asks for, checked: nothing that it says can change the framing of a
 * request, or whom it is sent to. */
#ifndef HTTP_CLIENT_WISH_H
#define HTTP_CLIENT_WISH_H

#include "request.h"

/* Fill in a request, all but its URL. 1: done; 0: a parameter will not do, and the call has
 * been answered so; -ENOMEM. On failure headers may be set. */
int wish_read(struct client *client, const struct wish *wish, struct request *request,
	      struct troupe_call call);

#endif

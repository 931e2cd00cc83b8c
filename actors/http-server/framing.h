/* framing.h - whether a request is framed in the one way that nobody can read differently.
 *
 * A server behind a proxy must not see another end of a request than the proxy does, or what
 * one client sends becomes the request of another. libmicrohttpd finds the frame; here is
 * refused what it takes and others may take for something else. */
#ifndef HTTPSERVER_FRAMING_H
#define HTTPSERVER_FRAMING_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>

/* Where a request's target lay when its line was read; NULL: not noted. */
struct framing_target {
	const char *text;
	size_t size;
};

/* Judge a request whose header is complete. Returns NULL, or why it is refused: borrowed, for
 * people. *ret_has_body: a length or an encoding was given. *ret_length: 0 without one. */
const char *framing_judge(struct MHD_Connection *connection, const char *verb,
			  const char *version, struct framing_target target, bool *ret_has_body,
			  unsigned long long *ret_length);

#endif

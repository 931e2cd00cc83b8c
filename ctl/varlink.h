/* varlink.h - a connection to a Varlink service: many calls under way, replies in their order.
 *
 * Belongs to one loop and one thread. Calls are memory of the caller, good until their last
 * reply or until varlink_free(). What the service sends is not trusted to be well-formed.
 */
#ifndef CTL_VARLINK_H
#define CTL_VARLINK_H

#include "base/list.h"
#include "base/loop.h"
#include "proto/json.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VARLINK_REPLY_MAX (48u << 20) /* bytes of one reply; a service's are smaller */

struct varlink;

struct varlink_reply {
	/* 0; or why none comes: -ECONNRESET, -ETIMEDOUT, -EBADMSG, -ENOBUFS, -ENOMEM */
	int failure;
	const char *error;           /* qualified name, [A-Za-z0-9._-]+; NULL: none. Borrowed */
	struct json_span parameters; /* text of an object; borrowed */
	bool continues;              /* more replies follow */
};

struct varlink_call {
	/* Called once, and for each reply before the last of a call with `more`. May use the
	 * client, not free it. */
	void (*on_reply)(struct varlink_call *call, const struct varlink_reply *reply);
	struct list link; /* of the client */
	uint64_t deadline_ns;
};

/* Connect to a Unix socket, waiting at most timeout_ns for a place in its queue. *ret_client is
 * given. -ENOENT, -ECONNREFUSED, -EACCES..., -ENAMETOOLONG, -EAGAIN: the queue stayed full. */
int varlink_connect(struct loop *loop, const char *path, uint64_t timeout_ns,
		    struct varlink **ret_client);

/* Take over a connected socket. On failure fd is closed. */
int varlink_new(struct loop *loop, int fd, struct varlink **ret_client);

/* Open calls get no reply any more. NULL is fine. */
void varlink_free(struct varlink *client);

#define VARLINK_MORE   1u
#define VARLINK_ONEWAY 2u /* `call` is NULL: nothing comes back */

/* Put a call into the output. parameters: text of an object, of size 0 for none. If no reply,
 * of several the first, has come within timeout_ns from now (0: no limit), the call ends with
 * -ETIMEDOUT; deadlines must not come before those of earlier calls. The connection goes on,
 * for the service may have had the same deadline, and its answer be on the way: only when that
 * is not there a second later is the connection given up. -ENOTCONN: it is broken, nothing was
 * queued; -ENOMEM. */
int varlink_call(struct varlink *client, struct varlink_call *call, const char *method,
		 const char *parameters, size_t size, unsigned flags, uint64_t timeout_ns);

/* Write what was put in; what the socket does not take follows from the loop. */
void varlink_flush(struct varlink *client);

/* Whether the connection has failed; that has been reported to every open call then. */
bool varlink_is_broken(const struct varlink *client);

/* Bytes waiting to be written. */
size_t varlink_unwritten(const struct varlink *client);

#endif

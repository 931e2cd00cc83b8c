/* server.h - a Varlink service on a stream socket: framing, dispatch, introspection, levels,
 * limits.
 *
 * A server belongs to one loop and one thread. It knows no process and no actor: the host
 * registers services, whose methods get typed input and answer through a control_call; whatever
 * no service provides goes to the host's `on_foreign` as raw text. org.varlink.service is the
 * server's own.
 *
 * A connection's replies leave in the order of its calls, while up to LIMIT_PIPELINED of them
 * are being worked on; then no more is taken in. A call with `more` holds those behind it until
 * its last reply. Half-closed connections still get their replies; a closed one cancels its
 * calls, but those marked `oneway`, for which no client waits. Users are served in turn, and
 * the connections of each, with bounded bytes and time: a turn takes on no more calls after a
 * millisecond, a pass of the loop gives no more turns after five.
 *
 * A frame that is no call (not JSON, too deep, too large, no method) is answered, after the
 * replies before it, with InvalidParameter that says what is wrong, and ends the connection. A
 * client that does not read its replies is not read from. Past a limit on held bytes the
 * connection that holds most of them is closed. None of the host's functions may free the
 * server.
 */
#ifndef CONTROL_SERVER_H
#define CONTROL_SERVER_H

#include "base/loop.h"
#include "proto/json.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <troupe/type.h>

struct control_server;

/* What a caller may do; each includes those before it. */
enum control_level {
	CONTROL_NOTHING, /* not even connect */
	CONTROL_OBSERVE,
	CONTROL_CALL,
	CONTROL_MANAGE,
	CONTROL_DEPLOY
};

/* Who is at the other end, from the kernel, as of connect(2). */
struct control_peer {
	uid_t uid;
	gid_t gid;
	pid_t pid;
	const gid_t *groups; /* supplementary; borrowed */
	size_t n_groups;
};

/* A method as a client names it: "INTERFACE.METHOD", NUL-terminated. Borrowed. */
struct control_name {
	const char *text;
	size_t interface; /* bytes of INTERFACE, to the last dot */
};

/* One call of one client. Lives until it was answered for the last time, or on_gone was called;
 * never touch it after that. */
struct control_call {
	void *user; /* the host's own */
	/* The client is gone, or the server is closing: no client waits. Set by the host if it
	 * wants that reported; if it is NULL the call must still be answered, unless the server
	 * was freed. Called from the loop and from control_server_free() only, never from
	 * inside an answer, this call's or another's. */
	void (*on_gone)(struct control_call *call);
	/* A reply got -EAGAIN, and the client has read enough since that one would be taken
	 * now: once for each -EAGAIN, from the loop only. Set by the host if it wants that
	 * reported. */
	void (*on_room)(struct control_call *call);
	bool more;   /* the client takes several replies */
	bool oneway; /* no reply is sent; answering is still required, and ends the call */
	/* Set by the host: what control_call_reply_text() is given goes into a reply's
	 * `parameters` as its member `parameters`. */
	bool wraps;
	/* The number of its connection, never used twice; 0: that is closed. */
	uint64_t client;
	const struct control_peer *peer; /* borrowed */
	enum control_level level;        /* of this peer, as of this call */
};

struct control_method {
	const struct troupe_method *method; /* NULL entry ends the table */
	/* CONTROL_OBSERVE: it has no effect; called oneway it is not run at all. */
	enum control_level level; /* from CONTROL_MANAGE on, each request is audited */
	/* in: borrowed. Must answer the call, now or later. */
	void (*handle)(void *context, struct control_call *call, const void *in);
	bool needs_more; /* ExpectedMore unless the client asked for it */
};

struct control_service {
	const struct troupe_interface *interface;
	/* A method of the interface that is missing here is MethodNotImplemented. */
	const struct control_method *methods;
};

struct control_ops {
	/* The level of a peer; asked for each connection and each call. Mandatory. */
	enum control_level (*level_of)(void *context, const struct control_peer *peer);
	/* A call of an interface that no service provides. `parameters`: borrowed, raw text of
	 * an object that has been scanned; size 0: none. Must answer. Optional: else
	 * InterfaceNotFound. */
	void (*on_foreign)(void *context, struct control_call *call, struct control_name method,
			   struct json_span parameters);
	/* For GetInfo: further interfaces; call `add(list, name)` for each. Optional. */
	void (*list_interfaces)(void *context, void (*add)(void *list, const char *name),
				void *list);
	/* For GetInterfaceDescription: the IDL text, borrowed until the next call of the host;
	 * NULL: no such. Optional. */
	const char *(*describe_interface)(void *context, const char *name);
	/* A method of CONTROL_MANAGE or more was asked for: allowed or refused. `method` is the
	 * qualified name, `target` the parameter "name", "" when there is none. Optional. */
	void (*audit)(void *context, const struct control_peer *peer, const char *method,
		      const char *target, bool allowed);
	/* Trouble worth a log line: "too many connections"..., rate-limited by the server.
	 * Optional. */
	void (*on_trouble)(void *context, const char *text);
	/* What clients have sent has been taken on, as far as it is in a pass of the loop: what
	 * was begun for several of their calls together may go on. Optional. */
	void (*on_served)(void *context);
	/* The connection of that number is closed; none of its calls is left but those marked
	 * oneway. marks: as control_call_mark() has set them. Optional. */
	void (*on_left)(void *context, uint64_t client, uint64_t marks);
};

/* How many there may be: of all, of one uid, and beyond `all` for root and our own uid: users
 * that fill the others do not keep out whoever must put things right. 0: no limit. */
struct control_quota {
	size_t all, uid, kept;
};

/* Something of the host's that open calls take up, and of which no user may have all. */
struct control_share {
	struct control_quota calls, bytes;
};
#define CONTROL_SHARES_MAX 8

struct control_config {
	struct loop *loop;
	/* NULL-terminated; borrowed for the server's life */
	const struct control_service *const *services;
	const struct control_ops *ops;
	void *context;
	/* GetInfo; borrowed for the server's life */
	const char *vendor, *product, *version, *url;
	/* Limits; 0: those of base/limits.h */
	size_t frame_max, held_uid, held_all;
	unsigned connections, connections_uid, connections_kept; /* a control_quota */
	/* Of the host, by number; borrowed for the server's life. NULL: none. */
	const struct control_share *shares;
};

/* *ret_server is given. -ENOMEM. */
int control_server_new(const struct control_config *config, struct control_server **ret_server);
/* Closes everything; on_gone of each open call. NULL is fine. */
void control_server_free(struct control_server *server);

/* Serve a listening socket (taken, on failure too); several are fine. is_shared: others hold it
 * too, and clients that wait there when the server ends are theirs. */
int control_server_listen(struct control_server *server, int fd, bool is_shared);
/* Listen no more at the socket that control_server_listen() took as `fd`, and close it. */
void control_server_unlisten(struct control_server *server, int fd);
/* Serve a connection (taken, on failure too); for tests and socketpairs. -EACCES: its level is
 * CONTROL_NOTHING; -ENFILE, -EUSERS: too many connections, in all or of that uid. */
int control_server_adopt(struct control_server *server, int fd);
/* Accept nothing new but who waits already, take on what clients have written so far and
 * nothing that comes later, let what is being answered finish; `on_drained`, from the loop,
 * when all is written: the host answers all calls, and need not wait for those who do not
 * read. It may free the server. */
void control_server_drain(struct control_server *server, void (*on_drained)(void *context),
			  void *context);
unsigned control_server_connections(const struct control_server *server);

/* The call takes up one of a share from now until it has ended, and `bytes` of it; whatever it
 * had taken up before is given back first. -EUSERS: its user has too much of that; -ENFILE: all
 * together have; then it takes up nothing. The call may have lost its connection. */
int control_call_claim(struct control_call *call, unsigned share, size_t bytes);

/* Set bits, whose meaning is the host's, in the marks of the call's connection, if that is open
 * still. Returns its number; 0: it is closed. */
uint64_t control_call_mark(struct control_call *call, uint64_t bits);

/* Which file a socket is, whatever lies at its path later. */
struct control_place {
	dev_t device;
	ino_t inode;
};

/* Make a listening Unix socket at `path`: mode 0666, does not block; stale ones (no process
 * listens) are replaced, live ones refused. Of several that do so at once for one path, one
 * succeeds: a file beside it, PATH.lock, is locked meanwhile. -EADDRINUSE: live, or another is
 * at it; -ENAMETOOLONG; -EEXIST: something else than a socket is there; other errno values.
 * ret_place may be NULL. */
int control_listen(const char *path, int *ret_fd, struct control_place *ret_place);

/* Remove the socket, unless its path is another's by now. */
void control_unlink(const char *path, const struct control_place *place);

/* ---- answering: each consumes the call unless `continues` ---- */

/* out: a value of the method's out type. `continues` only when call->more; a failure with it
 * has sent nothing, and the call goes on: -EAGAIN: the client has more than a megabyte unread:
 * drop or hold the reply; on_room follows. Without it the call is over in any case: a failure
 * has answered it with an internal error. -EINVAL: out breaks its type; -EMSGSIZE: its text is
 * over 32 MiB; -ENOMEM. */
int control_call_reply(struct control_call *call, const struct troupe_method *method,
		       const void *out, bool continues);
/* The same with JSON text of an object, which the caller has scanned or printed (size 0: {},
 * but not where the call wraps). */
int control_call_reply_text(struct control_call *call, const char *parameters, size_t size,
			    bool continues);
/* An error with its data. */
void control_call_fail(struct control_call *call, const struct troupe_error *error,
		       const void *data);
/* Failed: there is no memory for it. */
void control_call_no_memory(struct control_call *call);
/* An error by name with JSON text ("" for none), scanned or printed as well. */
void control_call_fail_text(struct control_call *call, const char *error,
			    const char *parameters, size_t size);
/* org.varlink.service errors; the names are borrowed. `field` and `reason` are UTF-8, for
 * people ("must be ..."); field "": the whole message is at fault. */
void control_call_invalid_parameter(struct control_call *call, const char *field,
				    const char *reason);
void control_call_method_not_found(struct control_call *call, const char *method);
/* interface: `size` bytes, which need not be NUL-terminated. */
void control_call_interface_not_found(struct control_call *call, const char *interface,
				      size_t size);
void control_call_permission_denied(struct control_call *call);

#endif

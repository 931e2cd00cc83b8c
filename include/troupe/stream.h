/* stream.h - connections and listeners, datagrams: what tasks read and write without blocking
 * their worker.
 *
 * A connection is read and written as if it blocked, by one task or by several; meanwhile the
 * actor goes on with its messages and other tasks. What is marked TROUPE_AWAIT may suspend the
 * task, see <troupe/task.h>; of all that holds:
 *
 *   -ECANCELED, -ETIMEDOUT  its scope is cancelled, or its time is up: nothing else. When the
 *                           kernel gives up a silent host (its ETIMEDOUT) that is -EHOSTUNREACH
 *   -ECONNABORTED           the stream or listener was closed meanwhile, by another task
 *   -ESRCH                  it is no stream or listener of this actor: closed, or never was
 *   -EDEADLK                not in a task
 *
 * All that an actor has opened is its own, and is closed when it ends: after its tasks and its
 * fini. No buffer grows without a bound, and a stream has none while nothing lies in it.
 *
 * A place is a text:
 *
 *   "tcp:127.0.0.1:80"  "tcp:[::1]:0"      a port of 0, to listen on: any that is free
 *   "unix:/run/x"       "unix:@abstract"
 *   "tls:example.org:443"  TCP, and TLS over it: see <troupe/tls.h>, and the errors there
 *   "udp:[::]:514"      for troupe_datagram_open() and troupe_endpoint_of()
 *   "socket:web"        to listen, or for troupe_datagram_open(): a socket that the daemon has
 *                       handed to the unit, by a name that its Sockets= has. "socket:web:2":
 *                       the second one of that name and type. Every actor of the unit may take
 *                       it, in whatever worker, also at a time
 *
 * All functions here are of the actor's thread, as those of actor.h. Since ABI 2.1.
 */
#ifndef TROUPE_STREAM_H
#define TROUPE_STREAM_H

#include <sys/socket.h>
#include <sys/types.h>
#include <troupe/task.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TROUPE_PLACE_MAX 128u /* bytes of the text of any place, with the NUL */

#define TROUPE_STREAM_BUFFER     (64u << 10) /* of input: troupe_limit()'s default */
#define TROUPE_STREAM_BUFFER_MAX (16u << 20)

/* Both ways: TCP, Unix, a pipe or terminal that was adopted. id 0: none. */
struct troupe_stream {
	uint64_t id;
};

struct troupe_listener {
	uint64_t id;
};

/* ------------------------------------------------------------------ connecting */

/* Connect to a place, which may name its host ("tcp:example.org:25"): then it is looked up (see
 * <troupe/names.h>, and the errors there), and up to 8 of its addresses are tried, those of
 * IPv6 and IPv4 by turns: each one when the one before has failed or was silent for 250 ms,
 * beside those that are still silent, for 5 s each but the last. The first that answers is it;
 * errors are those of the last. At "tls:" TLS is agreed on, too, as by troupe_start_tls() with
 * the name of that place. -EINVAL: no such place; -ECONNREFUSED, -ENOENT, -EHOSTUNREACH and
 * other errors of connect(2); -EMFILE, -ENFILE, -ENOMEM, -ENOSPC: limits; -EOPNOTSUPP: a kind
 * of place that is no stream.
 *
 * There is no limit of time but that of the scope, and 10 s for TLS; the kernel gives up a
 * silent host after two minutes. */
TROUPE_AWAIT int troupe_connect(struct troupe_self *self, const char *place,
				struct troupe_stream *ret_stream) TROUPE_WARN_UNUSED;

/* Make a descriptor that is open a stream: a socket of streams, a pipe, a terminal. It is
 * taken, closed on each failure, too; and is non-blocking from now on, also for others who have
 * its file open. -EPERM: a file that never waits (a regular one, a directory): there is no use
 * in a stream; -EBADF; -EEXIST: it is a stream's, a listener's or a datagram socket's already,
 * which keeps it: this alone does not close it; -ENOMEM, -ENOSPC, -EMFILE: limits. */
int troupe_adopt(struct troupe_self *self, int fd,
		 struct troupe_stream *ret_stream) TROUPE_WARN_UNUSED;

/* The other way: the stream is gone, and its descriptor, non-blocking, is the caller's. -EBUSY:
 * a task is at work on it, or bytes that it has read ahead are not taken. -EBADF: somebody has
 * closed its descriptor; the stream is gone all the same. -ESRCH. */
int troupe_detach(struct troupe_self *self, struct troupe_stream stream,
		  int *ret_fd) TROUPE_WARN_UNUSED;

/* Never fails, never waits; of one that is closed: nothing; of one whose descriptor somebody
 * else has closed, nothing happens to whatever has its number since. What the kernel has taken
 * it still sends. */
void troupe_close(struct troupe_self *self, struct troupe_stream stream);

/* Half-close: nothing more comes from us, the other side reads its end, and reading goes on.
 * -EBUSY: a task is writing; -ENOTSOCK: a pipe or terminal: close it; -EPERM: a "socket:",
 * which is others', too; -ENOTCONN; -ESRCH. Over TLS also -EPIPE: after a write that was cut
 * short; -EMFILE, -ENFILE, -ENOMEM, -ENOSPC: limits, when the kernel has no room for the end;
 * and the errors of writes. */
int troupe_finish(struct troupe_self *self, struct troupe_stream stream);

/* idle_ns: a read or write in which no byte moves for so long returns -ETIME; 0: no limit, as
 * at first. buffer: what troupe_read_until() may hold, in bytes, up to TROUPE_STREAM_BUFFER_MAX
 * (-EINVAL); 0: TROUPE_STREAM_BUFFER, as at first. Holds from the next read or write on.
 * -ESRCH. */
int troupe_limit(struct troupe_self *self, struct troupe_stream stream, uint64_t idle_ns,
		 size_t buffer);

/* The place at the other end; "unix:" where it has no name. -ENOTCONN; -ENOTSOCK; -ESRCH. */
int troupe_peer(struct troupe_self *self, struct troupe_stream stream,
		char ret_place[TROUPE_PLACE_MAX]);

/* ------------------------------------------------------------------ reading and writing
 *
 * One task reads at a time, and one writes; others wait for their turn, first come, first
 * served. Reading and writing do not wait for one another.
 */

/* Read what there is, `size` bytes at most: how many; 0: the end. -ECONNRESET and other errors
 * of read(2); -ETIME: see troupe_limit(). -EINVAL: size is 0. */
TROUPE_AWAIT ssize_t troupe_read(struct troupe_self *self, struct troupe_stream from,
				 void *buffer, size_t size);

/* Read up to and with the first `mark`, a text that is not empty: the length of all that, which
 * *ret_text points to. No NUL follows. It is borrowed: until the next read of this stream, or
 * its close, by whatever task.
 *
 * 0: the end, and nothing before it; -ENODATA: the end came before the mark; -EMSGSIZE: `most`
 * bytes without it. What has come is still there after each error, for the next read. -EINVAL:
 * no mark, `most` is 0 or more than the stream's buffer; -ENOMEM; else as troupe_read(). */
TROUPE_AWAIT ssize_t troupe_read_until(struct troupe_self *self, struct troupe_stream from,
				       const char *mark, size_t most, const char **ret_text);

/* Write all of it, from where it lies. 0, when the kernel has it: a slow reader at the other
 * end is waited for here, and nowhere else.
 *
 * -EPIPE, -ECONNRESET and other errors of write(2); -ETIME: see troupe_limit(). When part of it
 * has been written, by an error or a cancellation, what others would write after it makes no
 * sense: each write gives -EPIPE from then on. */
TROUPE_AWAIT int troupe_write(struct troupe_self *self, struct troupe_stream to,
			      const void *data, size_t size);

/* Write `size` bytes of a regular file from `offset` on, without copying them (over TLS they
 * are read and encrypted): how many, which is less when the file ends before. Its position does
 * not move. What is not in the page cache is waited for by the whole worker. Errors as
 * troupe_write() has them, and those of sendfile(2); over TLS those of pread(2). */
TROUPE_AWAIT ssize_t troupe_send_file(struct troupe_self *self, struct troupe_stream to, int fd,
				      off_t offset, size_t size);

/* ------------------------------------------------------------------ listening */

/* Listen at a place; for "tls:" there is troupe_tls_listen(). A path whose socket nobody
 * listens on any more is taken over, and goes when the listener is closed. -EINVAL: no such
 * place; -EADDRINUSE, -EACCES and other errors of bind(2); -EMFILE, -ENFILE, -ENOMEM, -ENOSPC:
 * limits; -EOPNOTSUPP: not for streams. In fini: of no use.
 *
 * A "socket:" stays open when the listener is closed, when the actor ends and when the worker
 * dies: whoever connects meanwhile waits in its backlog, until somebody accepts there again.
 * -ENOENT: its unit has no such socket, which is logged. */
int troupe_listen(struct troupe_self *self, const char *place,
		  struct troupe_listener *ret_listener) TROUPE_WARN_UNUSED;

/* Where it listens: with the port that it has got. -ESRCH. */
int troupe_listener_place(struct troupe_self *self, struct troupe_listener listener,
			  char ret_place[TROUPE_PLACE_MAX]);

/* Nobody connects any more; connections that were accepted stay. Of one that is closed:
 * nothing. */
void troupe_listener_close(struct troupe_self *self, struct troupe_listener listener);

/* What each connection will need beside its own task and descriptor: `tasks` that its task is
 * to start, and `descriptors` that it is to open, to connect to another place, say. While
 * Tasks= or the process has not that many left, none is accepted: it waits in the kernel's
 * backlog, not for what it needs. Both are 0 until then; holds from the next connection on.
 *
 * Tasks are looked at by troupe_serve() alone, and kept: its connections' tasks may start their
 * first `tasks` others whatever else the actor starts meanwhile. Descriptors are kept until the
 * connection's task begins, or troupe_accept() returns: one that waits before it opens them,
 * for the name of a host, say, may find them taken.
 *
 * -ESRCH; -EINVAL: more than TROUPE_RESERVE_TASKS_MAX or TROUPE_RESERVE_DESCRIPTORS_MAX. */
#define TROUPE_RESERVE_TASKS_MAX       64u
#define TROUPE_RESERVE_DESCRIPTORS_MAX 8u
int troupe_listener_reserve(struct troupe_self *self, struct troupe_listener listener,
			    unsigned tasks, unsigned descriptors) TROUPE_WARN_UNUSED;

/* For libraries that want a descriptor: a new one of a "socket:", of `type` (SOCK_STREAM: it
 * listens; SOCK_DGRAM), close-on-exec and non-blocking. It is the caller's: close it. Its
 * options and shutdown(2) are to be left alone: the socket is others', too, and a library that
 * shuts down what it was given to listen at (libmicrohttpd does) ends it for all of them until
 * the daemon is started anew. Errors as of troupe_listen(). */
int troupe_socket(struct troupe_self *self, const char *place, int type,
		  int *ret_fd) TROUPE_WARN_UNUSED;

/* Wait for a connection. One task accepts at a time, others wait for their turn. While the
 * process has no descriptor left, or the worker or this unit has reached another limit, that is
 * logged once and tried again each 100 ms: such errors are not returned. */
TROUPE_AWAIT int troupe_accept(struct troupe_self *self, struct troupe_listener listener,
			       struct troupe_stream *ret_stream) TROUPE_WARN_UNUSED;

/* Start a task for each connection: its arg is a struct troupe_stream, which is closed when the
 * task returns; `shared` is handed on. `limit` of them at a time (and no more than Tasks=
 * allows, which is logged once); more wait in the kernel's backlog. One whose task starts
 * others needs troupe_listener_reserve(), or these may be refused. What one of them returns
 * concerns its own connection alone: an error is logged, unless it only says that the
 * connection has ended or was idle.
 *
 * 0: the listener was closed, and all of them have returned. Cancelled: they are cancelled,
 * too, and have returned. -EINVAL: no entry, or limit is 0; else as troupe_accept(). */
TROUPE_AWAIT int troupe_serve(struct troupe_self *self, struct troupe_listener listener,
			      const struct troupe_task_entry *entry, void *shared,
			      size_t limit);

/* ------------------------------------------------------------------ datagrams */

/* A place as the kernel knows it. */
struct troupe_endpoint {
	uint32_t size; /* of the address; 0: none, a sender without a name */
	uint32_t reserved;
	struct sockaddr_storage address;
};

/* -EINVAL: no such place. */
int troupe_endpoint_of(const char *place, struct troupe_endpoint *ret_endpoint);

/* Its text. `is_datagram`: "udp:" instead of "tcp:". */
void troupe_endpoint_place(const struct troupe_endpoint *endpoint, bool is_datagram,
			   char ret_place[TROUPE_PLACE_MAX]);

/* Open a socket of datagrams at a place ("udp:127.0.0.1:0", "unix:/run/x"), for
 * troupe_receive(), troupe_send_to(), troupe_limit() and troupe_close(). At a path it takes
 * over a socket that nobody has any more, and its file stays when it is closed. Of a "socket:"
 * that several actors read each datagram goes to one of them. Errors as of troupe_listen(). */
int troupe_datagram_open(struct troupe_self *self, const char *place,
			 struct troupe_stream *ret_stream) TROUPE_WARN_UNUSED;

/* Where it is: with the port that it has got. -ESRCH. */
int troupe_datagram_place(struct troupe_self *self, struct troupe_stream stream,
			  char ret_place[TROUPE_PLACE_MAX]);

/* Wait for one: its length, which may be 0. -EMSGSIZE: it was longer than `size`: what fits is
 * there, the rest is lost. ret_from may be NULL. -EINVAL: not of datagrams; -ETIME. */
TROUPE_AWAIT ssize_t troupe_receive(struct troupe_self *self, struct troupe_stream stream,
				    void *buffer, size_t size,
				    struct troupe_endpoint *ret_from);

/* Send one. 0, when the kernel has it: whether it arrives is another matter. -EMSGSIZE: too
 * long for one; -ECONNREFUSED, -EHOSTUNREACH and other errors of sendto(2), which may be those
 * of an earlier one; -EINVAL: not of datagrams; -ETIME. */
TROUPE_AWAIT int troupe_send_to(struct troupe_self *self, struct troupe_stream stream,
				const void *data, size_t size,
				const struct troupe_endpoint *to);

#ifdef __cplusplus
}
#endif

#endif

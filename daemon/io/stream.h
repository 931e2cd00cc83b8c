/* stream.h - connections of actors, and sockets of datagrams: see <troupe/stream.h>.
 *
 * Its input lies in the kernel until a task reads; only what troupe_read_until() has read ahead
 * lies here, and when that is nothing it takes no memory. Belongs to an actor. One thread.
 */
#ifndef IO_STREAM_H
#define IO_STREAM_H

#include "base/buffer.h"
#include "io/port.h"
#include <troupe/stream.h>

struct tls;

struct stream {
	struct port port;
	struct tls *tls; /* NULL: it is plain */
	struct buffer input;
	size_t lent; /* of the input: a task works with it until the next read */
	uint64_t idle_ns;
	void *host;       /* who is to close it: see io/serve.c; NULL: nobody */
	bool has_scratch; /* the input lies in that of struct io */
	bool is_socket;
	bool is_datagram;
	bool is_shared; /* its socket is others', too */
	bool is_whole;  /* a read that finds less than it asks for has found all */
	bool is_torn;   /* part of what was to be written has been */
};

extern const struct belonging_kind stream_kind;

struct place;
/* Where streams are connected or listened for, or datagrams sent. -EINVAL: it is no place, or
 * has a name where an address is wanted, which is logged; -EOPNOTSUPP: it is one of the
 * others. */
int stream_place(const struct troupe_self *self, const char *text, bool for_datagrams,
		 struct place *ret_place);

static inline struct stream *stream_of(struct port *port)
{
	return container_of(port, struct stream, port);
}

/* NULL: no such stream of the actor. */
static inline struct stream *stream_find(const struct troupe_self *self, uint64_t id)
{
	struct belonging *belonging = belonging_find(self, id, &stream_kind);

	return belonging ? container_of(belonging, struct stream, port.belonging) : NULL;
}

/* The same, also of "tls:", which may not be for datagrams. */
int stream_place_or_tls(const struct troupe_self *self, const char *text,
			struct place *ret_place);

/* A stream on a non-blocking descriptor, which is taken, closed on failure, too, but for
 * -EEXIST: it has a port, which keeps it. *ret_stream is the actor's. */
int stream_open(struct troupe_self *self, int fd, struct stream **ret_stream);

void stream_close(struct runtime *runtime, struct stream *stream);

/* The input has been taken as far as it was lent; when it is empty its memory goes. */
void stream_settle(struct runtime *runtime, struct stream *stream);

/* Make room for more input: where it goes, and for how much. NULL: no memory. */
void *stream_reserve(struct runtime *runtime, struct stream *stream, size_t size);

#endif

/* channel.h - typed notices over a SOCK_SEQPACKET socket: what master and worker talk through.
 *
 * A notice is the input of one method of io.troupe.Worker; packet.h says how notices lie in
 * packets. A block of over PACKET_INLINE bytes travels as a sealed memfd. What arrives is
 * hostile: it is checked in full (codec_decode) before a handler sees it, and descriptors
 * nobody asked for are closed. A channel belongs to one loop and is used in its thread.
 */
#ifndef PROTO_CHANNEL_H
#define PROTO_CHANNEL_H

#include "base/loop.h"
#include "proto/json.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/type.h>

#define CHANNEL_QUEUE (64u << 20) /* default limit of bytes waiting to be sent */

struct channel;

/* One kind of notice that this end takes. `in` is borrowed, and may be overwritten. */
struct channel_handler {
	const struct troupe_method *method;
	void (*handle)(void *context, const void *in);
};

struct channel_config {
	struct loop *loop;
	int fd;                                 /* taken */
	const struct channel_handler *handlers; /* borrowed for the channel's life */
	size_t n_handlers;
	/* The channel is of no more use: the peer closed it (0), or broke the protocol
	 * (-EBADMSG), or did not read (-ENOBUFS), or errno. Called once, from the loop, never
	 * from inside channel_send(); channel_free() is fine in it. */
	void (*on_closed)(void *context, int error);
	/* Optional: what waited to be sent has all been sent. From the loop only; not to call
	 * channel_free(). */
	void (*on_flushed)(void *context);
	/* Optional: whether a notice is to be handled, which is dropped else. */
	bool (*admits)(void *context, const struct troupe_method *method);
	void *context;
	size_t queue_limit; /* 0: CHANNEL_QUEUE */
};

/* *ret_channel is given. -ENOMEM. On failure fd is closed. */
int channel_new(const struct channel_config *config, struct channel **ret_channel);
/* Also from inside a handler of this channel. NULL is fine. */
void channel_free(struct channel *channel);

/* For a handler: the descriptor that came with its notice, or -1. Taken over by take_fd(), else
 * it is closed afterwards. */
int *channel_fd(struct channel *channel);

/* Send, or queue when the socket is full; order is kept. `fd`: a descriptor to go along
 * (borrowed, duplicated if queued), or -1. -EINVAL: `in` breaks its type; -EMSGSIZE; -ENOMEM;
 * -EMFILE: a large block or a queued descriptor needs one more than there are; nothing was
 * sent. -ENOTCONN: the peer has gone, or has not read for so long that the queue is full;
 * on_closed() reports that, if it has not yet. */
int channel_send(struct channel *channel, const struct troupe_method *method, const void *in,
		 int fd);

/* The same without a descriptor, but it may wait for others that are to follow at once, in
 * order: until channel_flush(), which the caller owes before the loop goes on, the next
 * channel_send(), or the end of what this channel's handlers do in one pass. */
int channel_send_soon(struct channel *channel, const struct troupe_method *method,
		      const void *in);

/* The same, and the last member of the input, a binary that is empty in `in`, becomes the JSON
 * text of a value of `type` (valid as for json_print()), which is printed where it is sent
 * from. *ret_size: bytes of that text. */
int channel_send_json(struct channel *channel, const struct troupe_method *method,
		      const void *in, const struct troupe_type *type, const void *value,
		      size_t *ret_size);

/* Send what waits for others. -ENOTCONN; -ENOMEM: nothing was sent, and it is tried again
 * later. */
int channel_flush(struct channel *channel);

/* For a process that is about to end, from a signal handler of the thread that uses the
 * channel: send what waits for others. Takes no memory and no lock, and changes nothing, so it
 * is to be called once. Nothing is sent when the signal came in the midst of that, when the
 * socket is full, or has not taken what was sent before. */
void channel_send_last(const struct channel *channel);

/* Bytes that wait to be sent. */
size_t channel_backlog(const struct channel *channel);

/* Whether nothing waits to be sent. */
bool channel_is_flushed(const struct channel *channel);

/* Whether the peer has read all that was sent. */
bool channel_is_read(const struct channel *channel);

#endif

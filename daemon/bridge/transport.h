/* transport.h - how frames get from process to process: each has an inbox, and an outbox for
 * every peer.
 *
 * A table of operations, so that the links need not know what carries them: nanomsg in a worker
 * (nanomsg.h), memory in their tests. A frame is memory of the transport's own kind; an outbox
 * takes it as it is, without a copy. Frames from one process to another arrive in order, at
 * most once; frames may be lost when either ends. Used in the thread of the loop that watches
 * the descriptors.
 */
#ifndef BRIDGE_TRANSPORT_H
#define BRIDGE_TRANSPORT_H

#include <stddef.h>

struct inbox;  /* of the transport */
struct outbox; /* likewise */

/* All are mandatory. `context`: transport.context. */
struct transport_ops {
	/* *ret_inbox is given; others can send to `path` from now on. -ENAMETOOLONG,
	 * -EADDRINUSE, -EMFILE... */
	int (*inbox_open)(void *context, const char *path, struct inbox **ret_inbox);
	/* Its path has vanished: others are to find it there again. Those who send to it
	 * already go on. -ENOENT: there is no such directory; -EADDRINUSE... */
	int (*inbox_publish)(struct inbox *inbox);
	/* Readable as long as frames wait (level-triggered); never read from it. Borrowed. */
	int (*inbox_fd)(struct inbox *inbox);
	/* *ret_frame is given: frame_free() it. -EAGAIN: none waits. Other errors: the inbox is
	 * of no more use. */
	int (*inbox_receive)(struct inbox *inbox, void **ret_frame, size_t *ret_size);
	/* Frames not received are lost, and nothing of the inbox stays behind. NULL is fine. */
	void (*inbox_close)(struct inbox *inbox);

	/* *ret_outbox is given. Connects by itself, now or when the inbox appears. */
	int (*outbox_open)(void *context, const char *path, struct outbox **ret_outbox);
	/* Readable (not writable) as long as a send would succeed; never read from it.
	 * Borrowed. */
	int (*outbox_fd)(struct outbox *outbox);
	/* The frame is taken on success only. -EAGAIN: not connected, or no room. */
	int (*outbox_send)(struct outbox *outbox, void *frame);
	/* Frames that have not been received may be lost. NULL is fine. */
	void (*outbox_close)(struct outbox *outbox);

	/* `frame`, or a new one for NULL, made `size` bytes long; as many as fit of those that
	 * were there are kept. Aligned to 8. NULL: there is no memory, and it is as it was. */
	void *(*frame_resize)(void *context, void *frame, size_t size);
	void (*frame_free)(void *frame); /* NULL is fine */
};

struct transport {
	const struct transport_ops *ops;
	void *context;
};

#endif

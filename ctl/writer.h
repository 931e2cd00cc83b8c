/* writer.h - output to a descriptor that may take it slowly, without ever waiting for it.
 *
 * Memory of the caller. Standard output is shared with other processes, so it is not made
 * non-blocking: what can block is written in pieces that fit when the loop says that there is
 * room.
 */
#ifndef CTL_WRITER_H
#define CTL_WRITER_H

#include "base/buffer.h"
#include "base/loop.h"
#include <stdbool.h>

struct writer {
	struct loop_io io;
	struct buffer buffer;
	bool regular; /* a file: takes all at once */
	int error;    /* of write(2), negative; nothing more is written then */
};

/* fd: borrowed. */
void writer_init(struct writer *writer, struct loop *loop, int fd);
void writer_fini(struct writer *writer);

/* Put bytes in. -ENOMEM. */
int writer_put(struct writer *writer, const void *data, size_t size);

/* Begin to write what was put in. */
void writer_flush(struct writer *writer);

static inline size_t writer_unwritten(const struct writer *writer)
{
	return writer->error ? 0 : buffer_size(&writer->buffer);
}

#endif

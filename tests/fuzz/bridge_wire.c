/* bridge_wire.c - a transport that lets the fuzzer play all peers. */
#include "tests/fuzz/bridge_host.h"

#include "base/check.h"
#include "base/cleanup.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct frame {
	size_t size;
	_Alignas(16) unsigned char bytes[];
};

struct outbox {
	struct host *host;
	uint64_t expected; /* number of the next envelope */
};

static int open_inbox(void *context, const char *path, struct inbox **ret_inbox)
{
	(void)path;
	*ret_inbox = &((struct host *)context)->inbox;
	return 0;
}

static int get_inbox_fd(struct inbox *inbox)
{
	(void)inbox;
	return -1;
}

static int receive_frame(struct inbox *inbox, void **ret_frame, size_t *ret_size)
{
	struct frame *frame;

	if (inbox->n == 0)
		return -EAGAIN;
	frame = inbox->frames[inbox->first];
	inbox->first = (inbox->first + 1) % FRAMES;
	inbox->n--;
	*ret_frame = frame->bytes;
	*ret_size = frame->size;
	return 0;
}

static void free_frame(void *bytes)
{
	if (bytes)
		free(container_of(bytes, struct frame, bytes));
}

static void close_inbox(struct inbox *inbox)
{
	void *bytes;
	size_t size;

	while (receive_frame(inbox, &bytes, &size) == 0)
		free_frame(bytes);
}

static int open_outbox(void *context, const char *path, struct outbox **ret_outbox)
{
	struct outbox *outbox = calloc(1, sizeof(*outbox));

	(void)path;
	check(outbox);
	*outbox = (struct outbox){.host = context, .expected = 1};
	*ret_outbox = outbox;
	return 0;
}

static int get_outbox_fd(struct outbox *outbox)
{
	(void)outbox;
	return -1;
}

static int send_frame(struct outbox *outbox, void *bytes)
{
	struct host *host = outbox->host;
	struct frame *frame = container_of(bytes, struct frame, bytes);
	struct envelope_reader reader;
	struct envelope envelope;
	int r;

	if (host->room == 0)
		return -EAGAIN;
	host->room--;
	check(envelope_reader_init(&reader, bytes, frame->size) == 0);
	check(process_equal(reader.from, us));
	check(reader.sequence == outbox->expected);
	while ((r = envelope_reader_next(&reader, &envelope)) > 0)
		if (envelope.kind == ENVELOPE_CALL)
			host->calls[host->n_calls++ % ARRAY_LEN(host->calls)] = envelope.call;
	check(r == 0);
	outbox->expected = reader.sequence;
	free_frame(bytes);
	return 0;
}

static void close_outbox(struct outbox *outbox)
{
	free(outbox);
}

static void *resize_frame(void *context, void *bytes, size_t size)
{
	struct frame *old = bytes ? container_of(bytes, struct frame, bytes) : NULL;
	struct frame *frame = aligned_alloc(16, (sizeof(*frame) + size + 15) / 16 * 16);

	(void)context;
	check(frame);
	frame->size = size;
	if (old)
		memcpy(frame->bytes, old->bytes, old->size < size ? old->size : size);
	free(old);
	return frame->bytes;
}

static int publish_inbox(struct inbox *inbox)
{
	(void)inbox;
	return 0;
}

const struct transport_ops wire_ops = {
	.inbox_open = open_inbox,
	.inbox_publish = publish_inbox,
	.inbox_fd = get_inbox_fd,
	.inbox_receive = receive_frame,
	.inbox_close = close_inbox,
	.outbox_open = open_outbox,
	.outbox_fd = get_outbox_fd,
	.outbox_send = send_frame,
	.outbox_close = close_outbox,
	.frame_resize = resize_frame,
	.frame_free = free_frame,
};

void wire_put(struct host *host, const void *data, size_t size)
{
	void *bytes;

	if (host->inbox.n == FRAMES)
		return;
	bytes = resize_frame(NULL, NULL, size);
	if (size > 0)
		memcpy(bytes, data, size);
	host->inbox.frames[(host->inbox.first + host->inbox.n++) % FRAMES] =
		container_of(bytes, struct frame, bytes);
}

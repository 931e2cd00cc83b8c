/* memory.c - inboxes and outboxes in one process. */
#include "memory.h"

#include "base/cleanup.h"
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

void memory_init(struct memory *memory)
{
	*memory = (struct memory){.room = 1000};
	list_init(&memory->outboxes);
}

static struct frame *frame_of(void *data)
{
	return container_of(data, struct frame, data);
}

struct inbox *memory_find_inbox(struct memory *memory, const char *path)
{
	for (size_t i = 0; i < MEMORY_INBOXES; i++)
		if (memory->inboxes[i] && strcmp(memory->inboxes[i]->path, path) == 0)
			return memory->inboxes[i];
	return NULL;
}

static void set_ready(int fd, bool ready)
{
	eventfd_t value;

	if (ready)
		eventfd_write(fd, 1);
	else
		(void)eventfd_read(fd, &value);
}

void memory_update(struct memory *memory)
{
	for (size_t i = 0; i < MEMORY_INBOXES; i++)
		if (memory->inboxes[i])
			set_ready(memory->inboxes[i]->fd, memory->inboxes[i]->count > 0);
	list_foreach (at, &memory->outboxes) {
		struct outbox *outbox = container_of(at, struct outbox, link);
		struct inbox *inbox = memory_find_inbox(memory, outbox->path);

		set_ready(outbox->fd, inbox && inbox->count < inbox->room);
	}
}

static int inbox_open(void *context, const char *path, struct inbox **ret_inbox)
{
	struct memory *memory = context;
	struct inbox *inbox = calloc(1, sizeof(*inbox));
	size_t i = 0;

	if (!inbox)
		return -ENOMEM;
	while (memory->inboxes[i])
		i++;
	memory->inboxes[i] = inbox;
	inbox->memory = memory;
	inbox->room = memory->room;
	snprintf(inbox->path, sizeof(inbox->path), "%s", path);
	inbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	list_init(&inbox->frames);
	memory_update(memory);
	*ret_inbox = inbox;
	return 0;
}

static int inbox_fd(struct inbox *inbox)
{
	return inbox->fd;
}

static bool is_first_of_sender(const struct inbox *inbox, const struct frame *frame)
{
	list_foreach (at, &inbox->frames) {
		const struct frame *other = container_of(at, struct frame, link);

		if (other->sender == frame->sender)
			return other == frame;
	}
	return false;
}

/* The first frame, or that of any sender, by lot. */
static struct frame *pick_frame(struct inbox *inbox)
{
	struct frame *picked = list_first(&inbox->frames, struct frame, link);
	uint64_t n = 0;

	if (!inbox->memory->random)
		return picked;
	list_foreach (at, &inbox->frames) {
		struct frame *frame = container_of(at, struct frame, link);

		if (is_first_of_sender(inbox, frame) &&
		    random_below(inbox->memory->random, ++n) == 0)
			picked = frame;
	}
	return picked;
}

static int inbox_receive(struct inbox *inbox, void **ret_frame, size_t *ret_size)
{
	struct frame *frame;

	if (list_is_empty(&inbox->frames))
		return -EAGAIN;
	frame = pick_frame(inbox);
	list_remove(&frame->link);
	inbox->count--;
	memory_update(inbox->memory);
	*ret_frame = frame->data;
	*ret_size = frame->size;
	return 0;
}

/* Paths are names here: they do not vanish. */
static int inbox_publish(struct inbox *inbox)
{
	(void)inbox;
	return 0;
}

static void inbox_close(struct inbox *inbox)
{
	for (size_t i = 0; i < MEMORY_INBOXES; i++)
		if (inbox->memory->inboxes[i] == inbox)
			inbox->memory->inboxes[i] = NULL;
	list_foreach_safe (at, &inbox->frames)
		free(container_of(at, struct frame, link));
	close(inbox->fd);
	memory_update(inbox->memory);
	free(inbox);
}

static int outbox_open(void *context, const char *path, struct outbox **ret_outbox)
{
	struct memory *memory = context;
	struct outbox *outbox;

	if (memory->is_short)
		return -EMFILE;
	outbox = calloc(1, sizeof(*outbox));
	if (!outbox)
		return -ENOMEM;
	outbox->memory = memory;
	outbox->number = ++memory->opened;
	snprintf(outbox->path, sizeof(outbox->path), "%s", path);
	outbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	list_append(&memory->outboxes, &outbox->link);
	memory_update(memory);
	*ret_outbox = outbox;
	return 0;
}

static int outbox_fd(struct outbox *outbox)
{
	return outbox->fd;
}

static int outbox_send(struct outbox *outbox, void *data)
{
	struct inbox *inbox = memory_find_inbox(outbox->memory, outbox->path);
	struct frame *frame = frame_of(data);

	if (!inbox || inbox->count >= inbox->room)
		return -EAGAIN;
	if (inbox->refuse > 0) {
		inbox->refuse--;
		return -EIO;
	}
	if (inbox->swallow > 0) {
		inbox->swallow--;
		free(frame);
		return 0;
	}
	frame->sender = outbox->number;
	list_append(&inbox->frames, &frame->link);
	inbox->count++;
	memory_update(outbox->memory);
	return 0;
}

static void outbox_close(struct outbox *outbox)
{
	list_remove(&outbox->link);
	close(outbox->fd);
	free(outbox);
}

static void *frame_resize(void *context, void *data, size_t size)
{
	struct frame *frame = realloc(data ? frame_of(data) : NULL, sizeof(*frame) + size);

	(void)context;
	if (!frame)
		return NULL;
	list_init(&frame->link);
	frame->sender = 0;
	frame->size = size;
	return frame->data;
}

static void frame_free(void *data)
{
	if (data)
		free(frame_of(data));
}

const struct transport_ops memory_ops = {
	inbox_open, inbox_publish, inbox_fd,     inbox_receive, inbox_close, outbox_open,
	outbox_fd,  outbox_send,   outbox_close, frame_resize,  frame_free,
};

void memory_put(struct inbox *inbox, const void *data, size_t size)
{
	void *frame = frame_resize(NULL, NULL, size);

	if (size > 0)
		memcpy(frame, data, size);
	list_append(&inbox->frames, &frame_of(frame)->link);
	inbox->count++;
	memory_update(inbox->memory);
}

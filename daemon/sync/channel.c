/* channel.c - items that tasks hand to one another, the first put being the first got.
 *
 * Who waits to put one waits because it is full, and who waits to get one because it is empty:
 * an item that comes in goes straight to the first who waits for one, and room that comes to be
 * is filled by the first who waits for that, on the spot. So there are never both items and
 * getters, nor both room and putters, whoever was cancelled in between.
 */
#include "sync/primitive.h"

#include <errno.h>
#include <string.h>
#include <troupe/sync.h>

struct channel {
	struct primitive primitive; /* waiters: those who get */
	struct list *putters;       /* struct task */
	uint32_t item_size, capacity;
	uint32_t first, count;
	bool is_closed; /* and not empty */
	unsigned char items[];
};

static uint64_t count_bytes(struct belonging *belonging)
{
	const struct channel *channel =
		container_of(belonging, struct channel, primitive.belonging);

	return (uint64_t)channel->count * channel->item_size;
}

static const struct belonging_kind channel_kind = {
	.name = "channel", .on_gone = primitive_on_gone, .count_bytes = count_bytes};

int troupe_channel_open(struct troupe_self *self, size_t item_size, size_t capacity,
			struct troupe_channel *ret_channel)
{
	struct primitive *primitive;
	struct channel *channel;
	int rc;

	if (item_size == 0 || item_size > LIMIT_CHANNEL_ITEM ||
	    capacity > LIMIT_CHANNEL_BYTES / item_size)
		return -EINVAL;
	rc = primitive_open(self, sizeof(*channel) + item_size * capacity, &channel_kind,
			    &primitive);
	if (rc < 0)
		return rc;
	channel = container_of(primitive, struct channel, primitive);
	channel->putters = NULL;
	channel->item_size = (uint32_t)item_size;
	channel->capacity = (uint32_t)capacity;
	channel->first = channel->count = 0;
	channel->is_closed = false;
	ret_channel->id = primitive->belonging.id;
	return 0;
}

static struct channel *find(const struct troupe_self *self, struct troupe_channel handle)
{
	struct primitive *primitive = primitive_find(self, handle.id, &channel_kind);

	return primitive ? container_of(primitive, struct channel, primitive) : NULL;
}

static unsigned char *place(struct channel *channel, uint32_t n)
{
	uint32_t at = channel->first + n;

	if (at >= channel->capacity)
		at -= channel->capacity;
	return channel->items + (size_t)at * channel->item_size;
}

static void append(struct channel *channel, const void *item)
{
	memcpy(place(channel, channel->count), item, channel->item_size);
	channel->count++;
}

/* Hand an item in. False: there is no room for it. */
static bool take_in(struct runtime *runtime, struct channel *channel, const void *item)
{
	struct task *getter = primitive_first(channel->primitive.waiters);

	if (getter) {
		memcpy(getter->item, item, channel->item_size);
		task_wake(runtime, getter, 1);
		return true;
	}
	if (channel->count == channel->capacity)
		return false;
	append(channel, item);
	return true;
}

/* Hand the first item out. False: there is none. */
static bool give_out(struct runtime *runtime, struct channel *channel, void *item)
{
	struct task *putter = primitive_first(channel->putters);

	if (channel->count == 0) { /* whoever puts one where there is no room at all */
		if (!putter)
			return false;
		memcpy(item, putter->item, channel->item_size);
		task_wake(runtime, putter, 0);
		return true;
	}
	memcpy(item, place(channel, 0), channel->item_size);
	channel->first = channel->first + 1 == channel->capacity ? 0 : channel->first + 1;
	channel->count--;
	if (putter) {
		append(channel, putter->item);
		task_wake(runtime, putter, 0);
	} else if (channel->is_closed && channel->count == 0) {
		primitive_close(runtime, &channel->primitive);
	}
	return true;
}

/* ------------------------------------------------------------------ put */

int troupe_try_put(struct troupe_self *self, struct troupe_channel to, const void *item)
{
	struct channel *channel = find(self, to);

	if (!channel)
		return primitive_missing(self, to.id);
	if (channel->is_closed)
		return -EPIPE;
	return take_in(self->runtime, channel, item) ? 0 : -EAGAIN;
}

int troupe_put(struct troupe_self *self, struct troupe_channel to, const void *item)
{
	struct channel *channel;
	struct task *task;
	int rc = pause_enter(self, &task);

	if (rc < 0)
		return rc;
	channel = find(self, to);
	if (!channel)
		return primitive_missing(self, to.id);
	if (channel->is_closed)
		return -EPIPE;
	if (take_in(self->runtime, channel, item))
		return pause_ready(task, 0);
	task->item = (void *)(uintptr_t)item; /* which is only read */
	task->waits_for = "put";
	return pause_wait_in(task, &channel->putters);
}

/* ------------------------------------------------------------------ get */

/* 0: it was closed, and is empty. */
static int missing_to_get(const struct troupe_self *self, struct troupe_channel from)
{
	int rc = primitive_missing(self, from.id);

	return rc == -EPIPE ? 0 : rc;
}

int troupe_try_get(struct troupe_self *self, struct troupe_channel from, void *ret_item)
{
	struct channel *channel = find(self, from);

	if (!channel)
		return missing_to_get(self, from);
	return give_out(self->runtime, channel, ret_item) ? 1 : -EAGAIN;
}

int troupe_get(struct troupe_self *self, struct troupe_channel from, void *ret_item)
{
	struct channel *channel;
	struct task *task;
	int rc = pause_enter(self, &task);

	if (rc < 0)
		return rc;
	channel = find(self, from);
	if (!channel)
		return missing_to_get(self, from);
	if (give_out(self->runtime, channel, ret_item))
		return pause_ready(task, 1);
	task->item = ret_item;
	task->waits_for = "get";
	return pause_wait_in(task, &channel->primitive.waiters);
}

/* ------------------------------------------------------------------ close */

void troupe_channel_close(struct troupe_self *self, struct troupe_channel handle)
{
	struct runtime *runtime = self->runtime;
	struct channel *channel = find(self, handle);

	if (!channel)
		return;
	channel->is_closed = true;
	task_wake_all(runtime, &channel->putters, -EPIPE);
	task_wake_all(runtime, &channel->primitive.waiters, 0);
	if (channel->count == 0)
		primitive_close(runtime, &channel->primitive);
}

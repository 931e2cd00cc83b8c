/* event.c - something that has happened, for all tasks that wait for it. While it is set nobody
 * waits. */
#include "sync/primitive.h"

#include <troupe/sync.h>

struct event {
	struct primitive primitive;
	bool is_set;
};

static const struct belonging_kind event_kind = {.name = "event", .on_gone = primitive_on_gone};

static struct event *find(const struct troupe_self *self, struct troupe_event handle)
{
	struct primitive *primitive = primitive_find(self, handle.id, &event_kind);

	return primitive ? container_of(primitive, struct event, primitive) : NULL;
}

int troupe_event_open(struct troupe_self *self, struct troupe_event *ret_event)
{
	struct primitive *primitive;
	int rc = primitive_open(self, sizeof(struct event), &event_kind, &primitive);

	if (rc < 0)
		return rc;
	container_of(primitive, struct event, primitive)->is_set = false;
	ret_event->id = primitive->belonging.id;
	return 0;
}

int troupe_event_wait(struct troupe_self *self, struct troupe_event handle)
{
	struct event *event;
	struct task *task;
	int rc = pause_enter(self, &task);

	if (rc < 0)
		return rc;
	event = find(self, handle);
	if (!event)
		return primitive_missing(self, handle.id);
	if (event->is_set)
		return pause_ready(task, 0);
	task->waits_for = "event";
	return pause_wait_in(task, &event->primitive.waiters);
}

int troupe_event_set(struct troupe_self *self, struct troupe_event handle)
{
	struct event *event = find(self, handle);

	if (!event)
		return primitive_missing(self, handle.id);
	event->is_set = true;
	task_wake_all(self->runtime, &event->primitive.waiters, 0);
	return 0;
}

int troupe_event_clear(struct troupe_self *self, struct troupe_event handle)
{
	struct event *event = find(self, handle);

	if (!event)
		return primitive_missing(self, handle.id);
	event->is_set = false;
	return 0;
}

void troupe_event_close(struct troupe_self *self, struct troupe_event handle)
{
	struct event *event = find(self, handle);

	if (event)
		primitive_close(self->runtime, &event->primitive);
}

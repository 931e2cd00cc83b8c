#include "master/pending.h"

#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include <stdlib.h>

static void on_gone(struct control_call *client)
{
	struct pending *pending = client->user;

	if (pending->ops->on_gone)
		pending->ops->on_gone(pending);
	pending_free(pending);
}

static void on_room(struct control_call *client)
{
	struct pending *pending = client->user;

	pending->ops->on_room(pending);
}

static void on_late(struct loop_timer *timer)
{
	struct pending *pending = container_of(timer, struct pending, timer);

	pending->ops->on_late(pending);
}

void *pending_new(const struct pending_ops *ops, struct master *master,
		  struct control_call *client, struct list *list, size_t bytes)
{
	struct pending *pending = NULL;

	if (ops->share == SHARE_CLAIMED || control_call_claim(client, ops->share, bytes) == 0)
		pending = calloc(1, ops->size);
	if (!pending) {
		control_call_fail(client, &api_overloaded_error, &(struct api_overloaded){0});
		return NULL;
	}
	pending->ops = ops;
	pending->master = master;
	pending->client = client;
	loop_timer_init(&pending->timer, master->loop, on_late);
	list_append(list, &pending->link);
	client->user = pending;
	client->on_gone = on_gone;
	client->on_room = ops->on_room ? on_room : NULL;
	return pending;
}

void pending_free(struct pending *pending)
{
	list_remove(&pending->link);
	loop_timer_stop(&pending->timer);
	if (pending->ops->fini)
		pending->ops->fini(pending);
	free(pending);
}

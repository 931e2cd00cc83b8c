#include "clients/pending.h"

#include "base/buffer.h"
#include "clients/errors.h"
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

	/* Whose answer may be there already. */
	if (!pending->ops->is_for_worker || !master_slept_over(pending->master, timer))
		pending->ops->on_late(pending);
}

void *pending_new(const struct pending_ops *ops, struct master *master,
		  struct control_call *client, struct list *list, size_t bytes)
{
	struct pending *pending = NULL;

	if (ops->share == SHARE_CLAIMED || control_call_claim(client, ops->share, bytes) == 0)
		pending = calloc(1, ops->size);
	if (!pending) {
		control_overloaded(client);
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

void pending_overload(struct pending *pending)
{
	control_overloaded(pending->client);
	pending_free(pending);
}

void pending_time_out(struct pending *pending)
{
	control_call_fail(pending->client, &api_timeout_error, &(struct api_timeout){0});
	pending_free(pending);
}

struct pending *pending_next(struct list *list, uid_t last)
{
	list_each (struct pending, pending, list, link)
		if (pending->client->peer->uid != last)
			return pending;
	return pending_at(list->next);
}

void pending_reply(struct pending *pending, const struct buffer *text)
{
	(void)control_call_reply_text(pending->client, (const char *)buffer_data(text),
				      buffer_size(text), false);
	pending_free(pending);
}

void pending_refuse_all(struct list *list)
{
	list_each (struct pending, pending, list, link) {
		(void)control_refuses(pending->master, pending->client);
		pending_free(pending);
	}
}

#include "master/held.h"

#include "base/clock.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "master/shares.h"
#include <errno.h>
#include <string.h>

#define RETRY_NS (10 * CLOCK_MS_NS)

struct held_reply {
	struct list link;
	size_t size, weight;
	char text[]; /* NUL-terminated */
};

struct held {
	struct master *master;
	struct control_call *client;
	struct list replies;
	size_t bytes;
	struct loop_timer timer;
	held_taken *on_taken;
	void *context;
	unsigned taken; /* replies not reported to on_taken yet */
	size_t taken_weight;
	/* The last one */
	bool is_finished;
	char *error; /* NULL: a reply */
	char *text;  /* NULL: there was no memory for it */
	size_t size;
};

static void drop_first(struct held *held)
{
	struct held_reply *first = list_first(&held->replies, struct held_reply, link);

	held->bytes -= first->size;
	list_remove(&first->link);
	free(first);
}

void held_free(struct held *held)
{
	if (!held)
		return;
	while (!list_is_empty(&held->replies))
		drop_first(held);
	loop_timer_stop(&held->timer);
	free(held->error);
	free(held->text);
	free(held);
}

static void on_gone(struct control_call *client)
{
	held_free(client->user);
}

/* All replies but the last one are sent. */
static void answer_last(struct held *held)
{
	struct control_call *client = held->client;

	client->on_gone = NULL;
	client->user = NULL;
	if (!held->text)
		control_call_fail(client, &api_overloaded_error, &(struct api_overloaded){0});
	else if (held->error)
		control_call_fail_text(client, held->error, held->text, held->size);
	else
		(void)control_call_reply_text(client, held->text, held->size, false);
	held_free(held);
}

static void retry_later(struct held *held)
{
	if (!held->timer.started)
		loop_timer_start(&held->timer, RETRY_NS);
}

static void take(struct held *held, size_t weight)
{
	held->taken++;
	held->taken_weight += weight;
}

static void tell_taken(struct held *held)
{
	if (held->is_finished || (held->taken < LIMIT_CLIENT_UNREAD / 4 &&
				  held->taken_weight < LIMIT_STREAM_UNREAD_BYTES / 4))
		return;
	if (held->on_taken(held->context, held->taken, held->taken_weight) < 0) {
		retry_later(held);
		return;
	}
	held->taken = 0;
	held->taken_weight = 0;
}

/* Send what the client takes. The held may be gone on return. */
static void flush(struct held *held)
{
	size_t before = held->bytes;

	while (!list_is_empty(&held->replies)) {
		const struct held_reply *first =
			list_first(&held->replies, struct held_reply, link);
		int r = control_call_reply_text(held->client, first->text, first->size, true);

		if (r == -EAGAIN) {
			/* The server has no callback for when the client has read. */
			retry_later(held);
			break;
		}
		take(held, first->weight);
		drop_first(held);
	}
	/* What is less than before fits. */
	if (held->bytes < before)
		(void)control_call_claim(held->client, SHARE_STREAMS, held->bytes);
	if (held->is_finished && list_is_empty(&held->replies))
		answer_last(held);
	else
		tell_taken(held);
}

static void on_timer(struct loop_timer *timer)
{
	flush(container_of(timer, struct held, timer));
}

int held_new(struct master *master, struct control_call *client, held_taken *on_taken,
	     void *context, struct held **ret_held)
{
	struct held *held = calloc(1, sizeof(*held));

	if (!held)
		return -ENOMEM;
	held->master = master;
	held->client = client;
	held->on_taken = on_taken;
	held->context = context;
	list_init(&held->replies);
	loop_timer_init(&held->timer, master->loop, on_timer);
	*ret_held = held;
	return 0;
}

int held_add(struct held *held, const char *text, size_t size, size_t weight)
{
	struct held_reply *reply;

	if (list_is_empty(&held->replies)) {
		int r = control_call_reply_text(held->client, text, size, true);

		if (r == 0) {
			take(held, weight);
			tell_taken(held);
		}
		if (r != -EAGAIN)
			return r;
	}
	if (held->bytes + size > LIMIT_STREAM_HELD ||
	    control_call_claim(held->client, SHARE_STREAMS, held->bytes + size) < 0)
		return -ENOBUFS;
	reply = malloc(sizeof(*reply) + size + 1);
	if (!reply)
		return -ENOMEM;
	reply->size = size;
	reply->weight = weight;
	memcpy(reply->text, text, size);
	reply->text[size] = '\0';
	list_append(&held->replies, &reply->link);
	held->bytes += size;
	retry_later(held);
	return 0;
}

void held_finish(struct held *held, const char *error, const char *text, size_t size)
{
	held->is_finished = true;
	held->client->user = held;
	held->client->on_gone = on_gone;
	held->error = error ? strdup(error) : NULL;
	if (!error || held->error)
		held->text = strndup(text, size);
	held->size = size;
	loop_timer_stop(&held->timer);
	flush(held);
}

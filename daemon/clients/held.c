#include "clients/held.h"

#include "base/limits.h"
#include "clients/errors.h"
#include "clients/shares.h"
#include "io.troupe.Control.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct held_reply {
	struct list link;
	size_t size;
	bool is_last;
	const char *error; /* of the last one, behind the text; NULL: it is no error */
	char text[];       /* NUL-terminated */
};

static struct held_reply *first_of(const struct held *held)
{
	return list_first(&held->replies, struct held_reply, link);
}

static void drop_first(struct held *held)
{
	struct held_reply *first = first_of(held);

	list_remove(&first->link);
	free(first);
}

void held_init(struct held *held, struct control_call *client)
{
	*held = (struct held){.client = client};
	list_init(&held->replies);
}

void held_fini(struct held *held)
{
	while (!list_is_empty(&held->replies))
		drop_first(held);
}

static void count_taken(struct held *held, size_t size)
{
	held->taken++;
	held->taken_bytes += size;
}

bool held_has_taken_much(const struct held *held)
{
	return held->taken >= LIMIT_CLIENT_UNREAD / 4 ||
	       held->taken_bytes >= LIMIT_STREAM_UNREAD_BYTES / 4;
}

/* NULL: no memory. */
static struct held_reply *append(struct held *held, const char *error, const char *text,
				 size_t size)
{
	size_t error_size = error ? strlen(error) + 1 : 0;
	struct held_reply *reply = malloc(sizeof(*reply) + size + 1 + error_size);

	if (!reply)
		return NULL;
	*reply = (struct held_reply){.size = size};
	memcpy(reply->text, text, size);
	reply->text[size] = '\0';
	if (error)
		reply->error = memcpy(reply->text + size + 1, error, error_size);
	list_append(&held->replies, &reply->link);
	return reply;
}

int held_add(struct held *held, const char *text, size_t size)
{
	struct held_reply *reply;

	if (list_is_empty(&held->replies)) {
		int r = control_call_reply_text(held->client, text, size, true);

		if (r == 0)
			count_taken(held, size);
		if (r != -EAGAIN)
			return r;
	}
	if (held->bytes + size > LIMIT_STREAM_HELD ||
	    control_call_claim(held->client, SHARE_STREAMS, held->bytes + size) < 0)
		return -ENOBUFS;
	reply = append(held, NULL, text, size);
	if (!reply)
		return -ENOMEM;
	held->bytes += size;
	return 0;
}

static void answer(struct held *held, const char *error, const char *text, size_t size)
{
	if (error)
		control_call_fail_text(held->client, error, text, size);
	else
		(void)control_call_reply_text(held->client, text, size, false);
}

bool held_finish(struct held *held, const char *error, const char *text, size_t size)
{
	struct held_reply *reply;

	if (list_is_empty(&held->replies)) {
		answer(held, error, text, size);
		return true;
	}
	reply = append(held, error, text, size);
	if (!reply) {
		control_overloaded(held->client);
		return true;
	}
	reply->is_last = true;
	return false;
}

bool held_flush(struct held *held)
{
	size_t before = held->bytes;

	while (!list_is_empty(&held->replies)) {
		const struct held_reply *first = first_of(held);

		if (first->is_last) {
			answer(held, first->error, first->text, first->size);
			return true;
		}
		if (control_call_reply_text(held->client, first->text, first->size, true) ==
		    -EAGAIN)
			break;
		count_taken(held, first->size);
		held->bytes -= first->size;
		drop_first(held);
	}
	/* What is less than before fits. */
	if (held->bytes < before)
		(void)control_call_claim(held->client, SHARE_STREAMS, held->bytes);
	return false;
}

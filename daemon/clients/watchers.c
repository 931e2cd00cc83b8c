#include "clients/watchers.h"

#include "base/clock.h"
#include "clients/errors.h"
#include "clients/pending.h"
#include "master/master.h"
#include "proto/json.h"
#include <errno.h>
#include <stdlib.h>

#define FLUSH_NS (2 * CLOCK_MS_NS) /* of one pass of the loop */
#define BURST    64u               /* events for one watcher before it is another's turn */

struct watcher {
	struct pending pending;
	struct watchers *watchers;
	uint64_t next; /* the event that it is sent next */
	int64_t lost;  /* events that it has missed, not reported to it yet */
	bool is_full;  /* it did not read: not before there is room */
};

static struct watcher *watcher_of(struct pending *pending)
{
	return container_of(pending, struct watcher, pending);
}

static struct watchers_event *event_at(struct watchers *watchers, uint64_t number)
{
	return &watchers->ring[number % LIMIT_WATCH_EVENTS];
}

/* ---- the ring */

static void drop_first(struct watchers *watchers)
{
	struct watchers_event *event = event_at(watchers, watchers->first++);

	watchers->bytes -= event->size;
	free(event->text);
	*event = (struct watchers_event){0};
}

static void drop_all(struct watchers *watchers)
{
	while (watchers->first < watchers->next)
		drop_first(watchers);
}

/* Free the events that all watchers were sent. */
static void drop_sent(struct watchers *watchers)
{
	uint64_t sent = watchers->next;

	list_each (struct watcher, watcher, &watchers->list, pending.link)
		if (watcher->next < sent)
			sent = watcher->next;
	while (watchers->first < sent)
		drop_first(watchers);
}

void watchers_put(struct watchers *watchers, const struct api_watch_out *event)
{
	struct api_watch_out stamped = *event;
	struct watchers_event *place;
	size_t size = 0;
	char *text = NULL; /* without memory for it: that one is lost */

	if (list_is_empty(&watchers->list))
		return;
	stamped.timeMs = clock_unix_ms();
	(void)json_encode(api_watch_method.out, &stamped, &text, &size);
	while (watchers->first < watchers->next &&
	       (watchers->next - watchers->first >= LIMIT_WATCH_EVENTS ||
		watchers->bytes + size > LIMIT_WATCH_BYTES))
		drop_first(watchers);
	place = event_at(watchers, watchers->next++);
	*place = (struct watchers_event){.text = text, .size = size};
	watchers->bytes += size;
	master_flush_soon(watchers->master);
}

/* ---- a watcher */

static void on_room(struct pending *pending)
{
	watcher_of(pending)->is_full = false;
	master_flush_soon(pending->master);
}

/* The link is out of the list. */
static void fini(struct pending *pending)
{
	struct watchers *watchers = watcher_of(pending)->watchers;

	if (list_is_empty(&watchers->list))
		drop_all(watchers);
}

static const struct pending_ops ops = {
	.size = sizeof(struct watcher),
	.share = SHARE_WATCHERS,
	.on_room = on_room,
	.fini = fini,
};

void watchers_add(struct watchers *watchers, struct control_call *call)
{
	struct api_watch_out first = {.timeMs = clock_unix_ms(),
				      .event = API_WATCH_OUT_EVENT_WATCHING};
	struct watcher *watcher;

	if (!watchers->ring)
		watchers->ring = calloc(LIMIT_WATCH_EVENTS, sizeof(*watchers->ring));
	if (!watchers->ring) {
		control_overloaded(call);
		return;
	}
	watcher = pending_new(&ops, watchers->master, call, &watchers->list, 0);
	if (!watcher)
		return;
	watcher->watchers = watchers;
	watcher->next = watchers->next;
	if (control_call_reply(call, &api_watch_method, &first, true) < 0)
		watcher->lost++;
}

/* The number of lost events is sent before the next event, or the gap would be in the wrong
 * place. false: it was not sent: the client does not read, or there is no memory just now. */
static bool send_lost(struct watcher *watcher)
{
	struct watchers *watchers = watcher->watchers;
	struct api_watch_out lost = {
		.timeMs = clock_unix_ms(),
		.event = API_WATCH_OUT_EVENT_LOST,
		.count = &watcher->lost,
	};
	int r;

	if (watcher->next < watchers->first) {
		watcher->lost += (int64_t)(watchers->first - watcher->next);
		watcher->next = watchers->first;
	}
	if (watcher->lost == 0)
		return true;
	r = control_call_reply(watcher->pending.client, &api_watch_method, &lost, true);
	watcher->is_full = r == -EAGAIN;
	if (r == 0)
		watcher->lost = 0;
	return r == 0;
}

static bool is_behind(const struct watcher *watcher)
{
	return watcher->next < watcher->watchers->next || watcher->lost > 0;
}

/* Up to `most` events. */
static void send_some(struct watcher *watcher, unsigned most)
{
	struct watchers *watchers = watcher->watchers;

	for (; most > 0 && is_behind(watcher); most--) {
		const struct watchers_event *event;

		if (!send_lost(watcher) || watcher->next == watchers->next)
			return;
		event = event_at(watchers, watcher->next);
		if (!event->text) {
			watcher->lost++;
		} else if (control_call_reply_text(watcher->pending.client, event->text,
						   event->size, true) < 0) {
			watcher->is_full = true;
			return;
		}
		watcher->next++;
	}
}

bool watchers_flush(struct watchers *watchers)
{
	struct loop *loop = watchers->master->loop;
	uint64_t end;
	unsigned idle = 0, n = 0;

	if (list_is_empty(&watchers->list))
		return false;
	list_foreach (at, &watchers->list)
		n++;
	end = loop_clock_ns(loop) + FLUSH_NS;
	/* Until a whole round had nothing to do. */
	while (idle < n) {
		struct list *link = watchers->list.next;
		struct watcher *watcher = watcher_of(pending_at(link));

		list_remove(link);
		list_append(&watchers->list, link);
		if (watcher->is_full || !is_behind(watcher)) {
			idle++;
			continue;
		}
		idle = 0;
		send_some(watcher, BURST);
		if (loop_clock_ns(loop) >= end)
			break;
	}
	drop_sent(watchers);
	return idle < n;
}

void watchers_end(struct watchers *watchers)
{
	struct api_watch_out last = {.timeMs = clock_unix_ms(),
				     .event = API_WATCH_OUT_EVENT_STOPPING};

	list_each (struct watcher, watcher, &watchers->list, pending.link) {
		send_some(watcher, LIMIT_WATCH_EVENTS);
		(void)control_call_reply(watcher->pending.client, &api_watch_method, &last,
					 false);
		pending_free(&watcher->pending);
	}
}

/* ---- life */

void watchers_init(struct watchers *watchers, struct master *master)
{
	*watchers = (struct watchers){.master = master};
	list_init(&watchers->list);
}

void watchers_fini(struct watchers *watchers)
{
	if (watchers->ring)
		drop_all(watchers);
	free(watchers->ring);
	watchers->ring = NULL;
}

bool watchers_any(const struct watchers *watchers)
{
	return !list_is_empty(&watchers->list);
}

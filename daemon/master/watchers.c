#include "master/watchers.h"

#include "base/clock.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "master/shares.h"
#include "proto/json.h"
#include <stdlib.h>
#include <time.h>

#define FLUSH_NS (2 * CLOCK_MS_NS) /* of one pass of the loop */
#define BURST    64u               /* events for one watcher before it is another's turn */
#define RETRY_NS (20 * CLOCK_MS_NS)

struct watcher {
	struct list link;
	struct watchers *watchers;
	struct control_call *call;
	uint64_t next; /* the event that it is sent next */
	int64_t lost;  /* events that it has missed, not reported to it yet */
	bool is_full;  /* it did not read: not before the retry */
};

static int64_t unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
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
static void drop_heard(struct watchers *watchers)
{
	uint64_t heard = watchers->next;

	list_foreach (at, &watchers->list) {
		const struct watcher *watcher = container_of(at, struct watcher, link);

		if (watcher->next < heard)
			heard = watcher->next;
	}
	while (watchers->first < heard)
		drop_first(watchers);
}

/* NULL: there is no memory for it. */
static char *encode(const struct api_watch_out *event, size_t *ret_size)
{
	struct api_watch_out copy = *event;
	char *text = NULL;

	copy.timeMs = unix_ms();
	*ret_size = 0;
	return json_encode(api_watch_method.out, &copy, &text, ret_size) == 0 ? text : NULL;
}

void watchers_put(struct watchers *watchers, const struct api_watch_out *event)
{
	struct watchers_event *place;
	size_t size;
	char *text;

	if (list_is_empty(&watchers->list))
		return;
	text = encode(event, &size);
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

static void free_watcher(struct watcher *watcher)
{
	list_remove(&watcher->link);
	free(watcher);
}

static void on_gone(struct control_call *call)
{
	struct watcher *watcher = call->user;
	struct watchers *watchers = watcher->watchers;

	free_watcher(watcher);
	if (list_is_empty(&watchers->list))
		drop_all(watchers);
}

void watchers_add(struct watchers *watchers, struct control_call *call,
		  const struct api_watch_out *begin)
{
	struct watcher *watcher = control_call_claim(call, SHARE_WATCHERS, 0) == 0
					  ? calloc(1, sizeof(*watcher))
					  : NULL;
	struct api_watch_out first = *begin;

	if (watcher && !watchers->ring)
		watchers->ring = calloc(LIMIT_WATCH_EVENTS, sizeof(*watchers->ring));
	if (!watcher || !watchers->ring) {
		free(watcher);
		control_call_fail(call, &api_overloaded_error, &(struct api_overloaded){0});
		return;
	}
	watcher->watchers = watchers;
	watcher->call = call;
	watcher->next = watchers->next;
	list_append(&watchers->list, &watcher->link);
	call->user = watcher;
	call->on_gone = on_gone;
	first.timeMs = unix_ms();
	if (control_call_reply(call, &api_watch_method, &first, true) < 0)
		watcher->lost++;
}

/* The number of lost events is sent before the next event, or the gap would be in the wrong
 * place. false: the client does not read. */
static bool send_lost(struct watcher *watcher)
{
	struct watchers *watchers = watcher->watchers;
	struct api_watch_out lost = {
		.timeMs = unix_ms(),
		.event = API_WATCH_OUT_EVENT_LOST,
		.count = &watcher->lost,
	};

	if (watcher->next < watchers->first) {
		watcher->lost += (int64_t)(watchers->first - watcher->next);
		watcher->next = watchers->first;
	}
	if (watcher->lost == 0)
		return true;
	if (control_call_reply(watcher->call, &api_watch_method, &lost, true) < 0)
		return false;
	watcher->lost = 0;
	return true;
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

		if (!send_lost(watcher)) {
			watcher->is_full = true;
			return;
		}
		if (watcher->next == watchers->next)
			return;
		event = event_at(watchers, watcher->next);
		if (!event->text) {
			watcher->lost++;
		} else if (control_call_reply_text(watcher->call, event->text, event->size,
						   true) < 0) {
			watcher->is_full = true;
			return;
		}
		watcher->next++;
	}
}

static void on_retry(struct loop_timer *timer)
{
	struct watchers *watchers = container_of(timer, struct watchers, retry);

	list_foreach (at, &watchers->list)
		container_of(at, struct watcher, link)->is_full = false;
	master_flush_soon(watchers->master);
}

bool watchers_flush(struct watchers *watchers)
{
	struct loop *loop = watchers->master->loop;
	uint64_t end;
	unsigned idle = 0, n = 0;
	bool is_any_full = false;

	if (list_is_empty(&watchers->list))
		return false;
	list_foreach (at, &watchers->list)
		n++;
	end = loop_clock_ns(loop) + FLUSH_NS;
	/* Until a whole round had nothing to do. */
	while (idle < n) {
		struct watcher *watcher = list_first(&watchers->list, struct watcher, link);

		list_remove(&watcher->link);
		list_append(&watchers->list, &watcher->link);
		if (watcher->is_full || !is_behind(watcher)) {
			idle++;
			continue;
		}
		idle = 0;
		send_some(watcher, BURST);
		if (loop_clock_ns(loop) >= end)
			break;
	}
	list_foreach (at, &watchers->list)
		is_any_full |= container_of(at, struct watcher, link)->is_full;
	if (is_any_full && !watchers->retry.started)
		loop_timer_start(&watchers->retry, RETRY_NS);
	drop_heard(watchers);
	return idle < n;
}

void watchers_end(struct watchers *watchers, const struct api_watch_out *last)
{
	struct api_watch_out reply = *last;

	reply.timeMs = unix_ms();
	while (!list_is_empty(&watchers->list)) {
		struct watcher *watcher = list_first(&watchers->list, struct watcher, link);
		struct control_call *call = watcher->call;

		send_some(watcher, LIMIT_WATCH_EVENTS);
		call->on_gone = NULL;
		free_watcher(watcher);
		(void)control_call_reply(call, &api_watch_method, &reply, false);
	}
	drop_all(watchers);
}

/* ---- life */

void watchers_init(struct watchers *watchers, struct master *master)
{
	*watchers = (struct watchers){.master = master};
	list_init(&watchers->list);
	loop_timer_init(&watchers->retry, master->loop, on_retry);
}

void watchers_fini(struct watchers *watchers)
{
	loop_timer_stop(&watchers->retry);
	if (watchers->ring)
		drop_all(watchers);
	free(watchers->ring);
	watchers->ring = NULL;
}

bool watchers_any(const struct watchers *watchers)
{
	return !list_is_empty(&watchers->list);
}

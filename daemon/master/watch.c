#include "master/watch.h"

#include "base/cleanup.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "master/unit.h"
#include "master/worker.h"
#include <time.h>

struct watcher {
	struct list link;
	struct master *master;
	struct control_call *call;
	int64_t lost;
};

static int64_t unix_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void watch_init(struct watchers *watchers)
{
	list_init(&watchers->list);
	watchers->n = 0;
}

static void free_watcher(struct watcher *watcher)
{
	list_remove(&watcher->link);
	watcher->master->watchers.n--;
	free(watcher);
}

static void on_gone(struct control_call *call)
{
	free_watcher(call->user);
}

/* What was lost is told before what comes next, or the gap would be in the wrong place. */
static bool tell_lost(struct watcher *watcher)
{
	struct api_watch_out lost = {
		.timeMs = unix_ms(),
		.event = API_WATCH_OUT_EVENT_LOST,
		.count = &watcher->lost,
	};

	if (watcher->lost == 0)
		return true;
	if (control_call_reply(watcher->call, &api_watch_method, &lost, true) < 0)
		return false;
	watcher->lost = 0;
	return true;
}

static void tell_all(struct master *master, struct api_watch_out *event)
{
	event->timeMs = unix_ms();
	list_foreach_safe (at, &master->watchers.list) {
		struct watcher *watcher = container_of(at, struct watcher, link);

		if (!tell_lost(watcher) ||
		    control_call_reply(watcher->call, &api_watch_method, event, true) < 0)
			watcher->lost++;
	}
}

void watch_begin(struct master *master, struct control_call *call)
{
	struct api_watch_out event = {.timeMs = unix_ms(),
				      .event = API_WATCH_OUT_EVENT_WATCHING};
	struct watcher *watcher = calloc(1, sizeof(*watcher));

	if (!watcher) {
		control_call_fail(call, &api_overloaded_error, &(struct api_overloaded){0});
		return;
	}
	watcher->master = master;
	watcher->call = call;
	list_append(&master->watchers.list, &watcher->link);
	master->watchers.n++;
	call->user = watcher;
	call->on_gone = on_gone;
	if (control_call_reply(call, &api_watch_method, &event, true) < 0)
		watcher->lost++;
}

void watch_end(struct master *master)
{
	struct api_watch_out event = {.timeMs = unix_ms(),
				      .event = API_WATCH_OUT_EVENT_STOPPING};

	while (!list_is_empty(&master->watchers.list)) {
		struct watcher *watcher =
			list_first(&master->watchers.list, struct watcher, link);
		struct control_call *call = watcher->call;

		call->on_gone = NULL;
		free_watcher(watcher);
		(void)control_call_reply(call, &api_watch_method, &event, false);
	}
}

void watch_tick(struct master *master)
{
	list_foreach_safe (at, &master->watchers.list)
		(void)tell_lost(container_of(at, struct watcher, link));
}

void watch_worker_started(struct master *master, const struct worker *worker)
{
	tell_all(master, &(struct api_watch_out){
				 .event = API_WATCH_OUT_EVENT_WORKER_STARTED,
				 .worker = &(int64_t){worker->number},
				 .count = &(int64_t){worker->incarnation},
			 });
}

void watch_worker_died(struct master *master, const struct worker *worker, const char *text)
{
	tell_all(master, &(struct api_watch_out){
				 .event = API_WATCH_OUT_EVENT_WORKER_DIED,
				 .worker = &(int64_t){worker->number},
				 .text = text,
			 });
}

void watch_unit_state(struct master *master, const struct unit *unit)
{
	enum api_state state = (enum api_state)unit_state(unit);

	tell_all(master, &(struct api_watch_out){
				 .event = API_WATCH_OUT_EVENT_UNIT_STATE,
				 .unit = unit->file.name,
				 .state = &state,
				 .text = unit->reason,
			 });
}

void watch_actor(struct master *master, const struct instance *instance, const char *text)
{
	enum api_state state = (enum api_state)instance_shown(instance);
	bool started = instance->state == INSTANCE_RUNNING;

	tell_all(master,
		 &(struct api_watch_out){
			 .event = started ? API_WATCH_OUT_EVENT_ACTOR_STARTED
					  : API_WATCH_OUT_EVENT_ACTOR_ENDED,
			 .worker =
				 instance->worker ? &(int64_t){instance->worker->number} : NULL,
			 .unit = instance->unit->file.name,
			 .instance = &(int64_t){instance->number},
			 .state = &state,
			 .text = text,
		 });
}

void watch_reloaded(struct master *master, const char *text)
{
	tell_all(master,
		 &(struct api_watch_out){.event = API_WATCH_OUT_EVENT_RELOADED, .text = text});
}

void watch_dead_letters(struct master *master, const struct worker *worker,
			const struct watch_letters *letters)
{
	tell_all(master, &(struct api_watch_out){
				 .event = API_WATCH_OUT_EVENT_DEAD_LETTERS,
				 .worker = &(int64_t){worker->number},
				 .text = letters->text,
				 .count = &(int64_t){letters->count},
				 .sender = letters->from[0] ? letters->from : NULL,
				 .receiver = letters->to[0] ? letters->to : NULL,
				 .method = letters->method[0] ? letters->method : NULL,
				 .reason = letters->reason[0] ? letters->reason : NULL,
			 });
}

/* watch.c - what happens, in the words of io.troupe.Control. */
#include "master/watch.h"

#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "master/unit.h"
#include "master/worker.h"

void watch_begin(struct master *master, struct control_call *call)
{
	watchers_add(&master->watchers, call,
		     &(struct api_watch_out){.event = API_WATCH_OUT_EVENT_WATCHING});
}

void watch_end(struct master *master)
{
	watchers_end(&master->watchers,
		     &(struct api_watch_out){.event = API_WATCH_OUT_EVENT_STOPPING});
}

void watch_worker_started(struct master *master, const struct worker *worker)
{
	watchers_put(&master->watchers, &(struct api_watch_out){
						.event = API_WATCH_OUT_EVENT_WORKER_STARTED,
						.worker = &(int64_t){worker->number},
						.count = &(int64_t){worker->incarnation},
					});
}

void watch_worker_died(struct master *master, const struct worker *worker, const char *text)
{
	watchers_put(&master->watchers, &(struct api_watch_out){
						.event = API_WATCH_OUT_EVENT_WORKER_DIED,
						.worker = &(int64_t){worker->number},
						.text = text,
					});
}

void watch_unit_state(struct master *master, const struct unit *unit)
{
	enum api_state state = (enum api_state)unit_shown(unit);

	watchers_put(&master->watchers, &(struct api_watch_out){
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

	watchers_put(&master->watchers,
		     &(struct api_watch_out){
			     .event = started ? API_WATCH_OUT_EVENT_ACTOR_STARTED
					      : API_WATCH_OUT_EVENT_ACTOR_ENDED,
			     .worker = instance->worker ? &(int64_t){instance->worker->number}
							: NULL,
			     .unit = instance->unit->file.name,
			     .instance = &(int64_t){instance->number},
			     .state = &state,
			     .text = text,
		     });
}

void watch_stall(struct master *master, const struct worker *worker,
		 const struct instance *instance, const char *text)
{
	watchers_put(&master->watchers,
		     &(struct api_watch_out){
			     .event = text ? API_WATCH_OUT_EVENT_STALLED
					   : API_WATCH_OUT_EVENT_RESUMED,
			     .worker = &(int64_t){worker->number},
			     .unit = instance ? instance->unit->file.name : NULL,
			     .instance = instance ? &(int64_t){instance->number} : NULL,
			     .text = text,
		     });
}

void watch_reloaded(struct master *master, const char *text)
{
	watchers_put(
		&master->watchers,
		&(struct api_watch_out){.event = API_WATCH_OUT_EVENT_RELOADED, .text = text});
}

void watch_dead_letters(struct master *master, const struct worker *worker,
			const struct watch_letters *letters)
{
	watchers_put(&master->watchers,
		     &(struct api_watch_out){
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

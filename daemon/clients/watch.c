/* watch.c - what happens, in the words of io.troupe.Control. */
#include "clients/watch.h"

#include "proto/cause.h"

void watch_begin(struct watchers *watchers, struct control_call *call)
{
	watchers_add(watchers, call,
		     &(struct api_watch_out){.event = API_WATCH_OUT_EVENT_WATCHING});
}

void watch_end(struct watchers *watchers)
{
	watchers_end(watchers, &(struct api_watch_out){.event = API_WATCH_OUT_EVENT_STOPPING});
}

void watch_worker_started(struct watchers *watchers, struct process process)
{
	watchers_put(watchers, &(struct api_watch_out){
				       .event = API_WATCH_OUT_EVENT_WORKER_STARTED,
				       .worker = &(int64_t){process.worker},
				       .count = &(int64_t){process.incarnation},
			       });
}

void watch_worker_died(struct watchers *watchers, unsigned worker, const char *text)
{
	watchers_put(watchers, &(struct api_watch_out){
				       .event = API_WATCH_OUT_EVENT_WORKER_DIED,
				       .worker = &(int64_t){worker},
				       .text = text,
			       });
}

void watch_unit_state(struct watchers *watchers, const char *unit, enum api_state state,
		      const char *reason)
{
	watchers_put(watchers, &(struct api_watch_out){
				       .event = API_WATCH_OUT_EVENT_UNIT_STATE,
				       .unit = unit,
				       .state = &state,
				       .text = reason,
			       });
}

void watch_actor(struct watchers *watchers, const struct watch_actor *actor)
{
	watchers_put(watchers,
		     &(struct api_watch_out){
			     .event = actor->cause ? API_WATCH_OUT_EVENT_ACTOR_ENDED
						   : API_WATCH_OUT_EVENT_ACTOR_STARTED,
			     .worker = actor->worker ? &(int64_t){actor->worker} : NULL,
			     .unit = actor->unit,
			     .instance = &(int64_t){actor->instance},
			     .state = &(enum api_state){actor->state},
			     .cause = actor->cause ? cause_name(actor->cause) : NULL,
			     .text = actor->text,
		     });
}

void watch_stall(struct watchers *watchers, unsigned worker, const char *unit,
		 unsigned instance, const char *text)
{
	watchers_put(watchers, &(struct api_watch_out){
				       .event = text ? API_WATCH_OUT_EVENT_STALLED
						     : API_WATCH_OUT_EVENT_RESUMED,
				       .worker = &(int64_t){worker},
				       .unit = unit,
				       .instance = unit ? &(int64_t){instance} : NULL,
				       .text = text,
			       });
}

void watch_reloaded(struct watchers *watchers, const char *text)
{
	watchers_put(watchers, &(struct api_watch_out){.event = API_WATCH_OUT_EVENT_RELOADED,
						       .text = text});
}

void watch_dead_letters(struct watchers *watchers, unsigned worker,
			const struct watch_letters *letters)
{
	watchers_put(watchers, &(struct api_watch_out){
				       .event = API_WATCH_OUT_EVENT_DEAD_LETTERS,
				       .worker = &(int64_t){worker},
				       .text = letters->text,
				       .count = &(int64_t){letters->count},
				       .sender = letters->from[0] ? letters->from : NULL,
				       .receiver = letters->to[0] ? letters->to : NULL,
				       .method = letters->method[0] ? letters->method : NULL,
				       .reason = letters->reason[0] ? letters->reason : NULL,
			       });
}

/* verb_watch.c - what happens, as it happens. */
#include "base/cleanup.h"
#include "ctl/fail.h"
#include "ctl/show.h"
#include "ctl/verbs.h"
#include "proto/json.h"

static enum table_colour event_colour(const struct api_watch_out *event)
{
	switch (event->event) {
	case API_WATCH_OUT_EVENT_WORKER_DIED:
	case API_WATCH_OUT_EVENT_STALLED:
		return TABLE_BAD;
	case API_WATCH_OUT_EVENT_DEAD_LETTERS:
	case API_WATCH_OUT_EVENT_LOST:
	case API_WATCH_OUT_EVENT_STOPPING:
		return TABLE_WARN;
	case API_WATCH_OUT_EVENT_UNIT_STATE:
		return event->state ? show_state_colour(*event->state) : TABLE_PLAIN;
	default:
		return TABLE_PLAIN;
	}
}

static int on_event(struct ctl *ctl, const struct answer *answer, void *context)
{
	cleanup_free void *out = NULL;
	const struct api_watch_out *event;
	struct codec_error error = {0};
	char when[32];
	size_t size;

	(void)context;
	if (option_is_given(&ctl->options, OPTION_JSON)) {
		fprintf(ctl->out, "%s\n", answer->parameters);
		fflush(ctl->out);
		return STATUS_OK;
	}
	if (json_decode(&api_watch_out_type, answer->parameters, answer->size, &out, &size,
			&error) < 0)
		return fail_foreign(ctl, "io.troupe.Control.Watch", &error);
	event = out;
	show_time(event->timeMs, when, sizeof(when));
	show_print(ctl, "%s  ", when);
	show_coloured(ctl, event_colour(event), api_watch_out_event_type.names[event->event]);
	if (event->worker)
		show_print(ctl, " worker %lld", (long long)*event->worker);
	if (event->unit)
		show_print(ctl, " %s", event->unit);
	if (event->instance)
		show_print(ctl, "/%lld", (long long)*event->instance);
	if (event->state)
		show_print(ctl, " %s", show_state(*event->state));
	if (event->count)
		show_print(ctl,
			   event->event == API_WATCH_OUT_EVENT_WORKER_STARTED
				   ? " (incarnation %lld)"
				   : " (%lld)",
			   (long long)*event->count);
	if (event->text)
		show_print(ctl, ": %s", event->text);
	show_print(ctl, "\n");
	fflush(ctl->out);
	return STATUS_OK;
}

int verb_watch(struct ctl *ctl, char **arguments, int n)
{
	(void)arguments;
	(void)n;
	return ctl_stream(ctl, "io.troupe.Control.Watch", "", on_event, NULL);
}

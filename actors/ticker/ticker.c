/* ticker.c - ticks for whoever watches: kept calls, streams of replies, and one timer for
 * all of them.
 *
 * Watchers are few, so they stand in a list; the one timer is set to the earliest of their
 * next ticks.
 */
#include "ticker.varlink.h"
#include <errno.h>
#include <stdlib.h>
#include <troupe/actor.h>

#define PERIOD_MIN_DEFAULT_MS 10
#define PERIOD_MAX_MS         (24 * 3600 * 1000ll)
#define WATCHERS_MAX          1000

struct watcher {
	struct watcher *next;
	struct ticker_watch_call call;
	uint64_t period_ns;
	uint64_t due_ns;
	int64_t tick;   /* of the next reply */
	int64_t last;   /* the tick to end with; 0: none */
	int64_t missed; /* since the last reply that the watcher took */
	bool stream;
};

struct clock {
	struct watcher *watchers;
	int64_t n_watchers;
	int64_t period_min_ms;
	struct troupe_timer timer; /* for the earliest due_ns; id 0: not running */
};

static int on_due(struct troupe_self *self, struct clock *me, uint64_t context);
TROUPE_TIMER(on_due, struct clock)

/* Set the timer to the watcher who is due first. */
static int set_timer(struct troupe_self *self, struct clock *me)
{
	uint64_t now_ns = troupe_now_ns(self), first_ns = UINT64_MAX;

	if (me->timer.id) {
		troupe_timer_stop(self, me->timer);
		me->timer = (struct troupe_timer){0};
	}
	if (!me->watchers)
		return 0;
	for (const struct watcher *watcher = me->watchers; watcher; watcher = watcher->next)
		if (watcher->due_ns < first_ns)
			first_ns = watcher->due_ns;
	return troupe_timer_start(self, &on_due_entry,
				  first_ns > now_ns ? first_ns - now_ns : 0, 0, 0, &me->timer);
}

/* Give a watcher its tick. Returns whether that was its last one. */
static bool tick(struct troupe_self *self, struct watcher *watcher)
{
	struct ticker_watch_out out = {.tick = watcher->tick, .missed = watcher->missed};

	if (!watcher->stream || watcher->tick == watcher->last) {
		/* It fails only when nobody waits any more. */
		(void)ticker_watch_return(self, watcher->call, &out);
		return true;
	}
	/* A watcher who does not read in time misses ticks; nobody else waits for it. */
	if (ticker_watch_reply(self, watcher->call, &out) < 0)
		watcher->missed++;
	else
		watcher->missed = 0;
	watcher->tick++;
	return false;
}

static int on_due(struct troupe_self *self, struct clock *me, uint64_t context)
{
	uint64_t now_ns = troupe_now_ns(self);

	(void)context;
	me->timer = (struct troupe_timer){0};
	for (struct watcher **place = &me->watchers, *watcher; (watcher = *place);) {
		if (watcher->due_ns > now_ns) {
			place = &watcher->next;
			continue;
		}
		if (tick(self, watcher)) {
			*place = watcher->next;
			free(watcher);
			me->n_watchers--;
			continue;
		}
		/* In step with the start, however late this tick was; ticks that are over
		 * already are missed. */
		uint64_t late = (now_ns - watcher->due_ns) / watcher->period_ns;
		watcher->due_ns += (late + 1) * watcher->period_ns;
		watcher->missed += (int64_t)late;
		place = &watcher->next;
	}
	return set_timer(self, me);
}

static int on_watch(struct troupe_self *self, struct clock *me, struct ticker_watch_call call,
		    const struct ticker_watch *in)
{
	/* Ticks that nobody would get: a oneway Watch takes no watcher's place. */
	if (!ticker_watch_wants_reply(self, call))
		return 0;
	if (in->periodMs < me->period_min_ms || in->periodMs > PERIOD_MAX_MS)
		return ticker_watch_fail_bad_period(
			self, call,
			&(struct ticker_bad_period){.minMs = me->period_min_ms,
						    .maxMs = PERIOD_MAX_MS});
	if (in->count && *in->count < 1)
		return ticker_watch_fail_parameter(self, call, "count", "must be at least 1");
	if (me->n_watchers == WATCHERS_MAX)
		return ticker_watch_fail_too_many_watchers(
			self, call, &(struct ticker_too_many_watchers){.limit = WATCHERS_MAX});

	struct watcher *watcher = calloc(1, sizeof(*watcher));
	if (!watcher)
		return -ENOMEM;
	int r = ticker_watch_keep(self, &call);
	if (r < 0) {
		free(watcher);
		return r;
	}
	*watcher = (struct watcher){
		.next = me->watchers,
		.call = call,
		.period_ns = (uint64_t)in->periodMs * TROUPE_MS_NS,
		.tick = 1,
		.last = in->count ? *in->count : 0,
		.stream = ticker_watch_wants_more(self, call),
	};
	watcher->due_ns = troupe_now_ns(self) + watcher->period_ns;
	me->watchers = watcher;
	me->n_watchers++;
	return set_timer(self, me);
}

static int on_watchers(struct troupe_self *self, struct clock *me,
		       struct ticker_watchers_call call, const struct ticker_watchers *in)
{
	(void)in;
	return ticker_watchers_return(self, call,
				      &(struct ticker_watchers_out){.count = me->n_watchers});
}

/* A watcher is gone: without this, its ticks would go nowhere for ever. */
static int on_cancel(struct troupe_self *self, struct clock *me, struct troupe_call call)
{
	for (struct watcher **place = &me->watchers, *watcher; (watcher = *place);
	     place = &watcher->next) {
		if (watcher->call.call.id != call.id)
			continue;
		*place = watcher->next;
		free(watcher);
		me->n_watchers--;
		return set_timer(self, me);
	}
	return 0;
}

static int clock_init(struct troupe_self *self, struct clock *me,
		      const struct ticker_config *config)
{
	me->period_min_ms = PERIOD_MIN_DEFAULT_MS;
	if (!config || !config->periodMinMs)
		return 0;
	if (*config->periodMinMs < 1 || *config->periodMinMs > PERIOD_MAX_MS) {
		troupe_log(self, 3, "periodMinMs must be from 1 to %lld", PERIOD_MAX_MS);
		return -EINVAL;
	}
	me->period_min_ms = *config->periodMinMs;
	return 0;
}

static void clock_fini(struct troupe_self *self, struct clock *me, enum troupe_cause cause)
{
	(void)self;
	(void)cause;
	while (me->watchers) {
		struct watcher *next = me->watchers->next;

		free(me->watchers);
		me->watchers = next;
	}
}

TICKER_HANDLERS(clock_ticker, struct clock, .watch = on_watch, .watchers = on_watchers)
TROUPE_LIFE(clock_life, struct clock, struct ticker_config, .init = clock_init,
	    .fini = clock_fini, .on_cancel = on_cancel)

TROUPE_ACTOR(ticker) = {
	TROUPE_ABI(ticker),
	.description = "Ticks for whoever watches: a stream of replies.",
	.state_size = sizeof(struct clock),
	.config = &ticker_config_type,
	.life = &clock_life,
	.interfaces = {&clock_ticker},
	.entries = {&on_due_entry},
};

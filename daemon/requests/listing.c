#include "requests/listing.h"

#include "base/array.h"
#include "base/check.h"
#include "base/clock.h"
#include "clients/pending.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "proto/arena.h"
#include "requests/control_handlers.h"
#include "requests/describe.h"
#include "units/unit.h"
#include <errno.h>

#define SLOW_NS CLOCK_MS_NS         /* what takes that long to make is kept */
#define KEEP_NS (100 * CLOCK_MS_NS) /* but no longer than that */

/* A call that is to be answered: as a question to a worker it may have to wait, and no user
 * shall have all that may. */
static const struct pending_ops ops = {
	.size = sizeof(struct pending),
	.share = SHARE_INQUIRIES,
};

static uint64_t now(const struct listing *listing)
{
	return loop_clock_ns(listing->master->loop);
}

/* ---- making it */

static void free_names(struct listing *listing)
{
	texts_free(listing->names, listing->n_names);
	listing->names = NULL;
	listing->n_names = 0;
}

static void forget(struct listing *listing)
{
	buffer_fini(&listing->text);
	unit_text_fini(&listing->unit);
	free_names(listing);
	listing->is_making = listing->is_made = false;
}

static int begin(struct listing *listing)
{
	static const char head[] = "{\"units\":[";
	struct master *master = listing->master;

	forget(listing);
	listing->is_making = true;
	listing->n_changes = master->n_changes;
	listing->begun_ns = now(listing);
	listing->worked_ns = 0;
	listing->at = 0;
	listing->budget = LIMIT_LISTED_INSTANCES;
	units_foreach (unit, master)
		if (texts_add(&listing->names, &listing->n_names, unit->name) < 0)
			return -ENOMEM;
	texts_sort((void *)listing->names, listing->n_names);
	return buffer_append(&listing->text, head, sizeof(head) - 1);
}

/* The next unit that is still there, as far as its instances. */
static int begin_unit(struct listing *listing)
{
	const char *name = listing->names[listing->at++];
	const struct unit *unit = unit_find(listing->master, name);
	struct api_unit value;
	struct arena arena;
	unsigned n;
	int r;

	if (!unit)
		return 0;
	n = unit->n_instances < listing->budget ? unit->n_instances : listing->budget;
	listing->budget -= n;
	arena_init(&arena);
	r = describe_unit(&arena, unit, &value) ? 0 : -ENOMEM;
	/* Behind the head there is another one. */
	if (r == 0 && buffer_data(&listing->text)[buffer_size(&listing->text) - 1] != '[')
		r = buffer_append(&listing->text, ",", 1);
	if (r == 0)
		r = unit_text_begin(&listing->unit, &api_unit_type, &value, name, n,
				    &listing->text);
	arena_fini(&arena);
	return r;
}

/* 1: it is made. 0: not yet. */
static int go_on(struct listing *listing, uint64_t until_ns)
{
	int r = 0;

	do {
		if (listing->unit.text)
			r = unit_text_go_on(&listing->unit, listing->master, until_ns,
					    &listing->text);
		else if (listing->at < listing->n_names)
			r = begin_unit(listing);
		else
			break;
	} while (r >= 0 && now(listing) < until_ns);
	if (r < 0 || listing->unit.text || listing->at < listing->n_names)
		return r < 0 ? r : 0;
	free_names(listing);
	listing->is_making = false;
	listing->is_made = true;
	r = buffer_append(&listing->text, "]}", 2);
	return r < 0 ? r : 1;
}

/* ---- giving it */

static void fail_all(struct listing *listing)
{
	list_each (struct pending, pending, &listing->waiting, link)
		pending_overload(pending);
}

static void answer(struct listing *listing, uint64_t until_ns)
{
	do {
		struct pending *asker;

		if (list_is_empty(&listing->waiting))
			return;
		asker = pending_next(&listing->waiting, listing->last);
		listing->last = asker->client->peer->uid;
		pending_reply(asker, &listing->text);
	} while (now(listing) < until_ns);
}

static bool is_fresh(const struct listing *listing)
{
	return listing->n_changes == listing->master->n_changes &&
	       now(listing) - listing->begun_ns < KEEP_NS;
}

/* Whoever came later is next. */
static int begin_next(struct listing *listing)
{
	while (!list_is_empty(&listing->later)) {
		struct list *link = listing->later.next;

		list_remove(link);
		list_append(&listing->waiting, link);
	}
	return begin(listing);
}

static void work(struct listing *listing)
{
	uint64_t begun = now(listing), until_ns = begun + LISTING_NS;
	int r = 0;

	if (!listing->is_making && list_is_empty(&listing->waiting) &&
	    !list_is_empty(&listing->later))
		r = begin_next(listing);
	if (r == 0 && listing->is_making) {
		r = go_on(listing, until_ns);
		listing->worked_ns += now(listing) - begun;
	}
	if (r < 0) {
		forget(listing);
		fail_all(listing);
	} else if (listing->is_made) {
		answer(listing, until_ns);
	}
	if (listing->is_making || !list_is_empty(&listing->waiting) ||
	    !list_is_empty(&listing->later))
		loop_timer_start(&listing->timer, 0);
	else if (listing->is_made && (listing->worked_ns < SLOW_NS || !is_fresh(listing)))
		forget(listing);
}

static void on_timer(struct loop_timer *timer)
{
	work(container_of(timer, struct listing, timer));
}

/* ---- as others see it */

void listing_init(struct listing *listing, struct master *master)
{
	*listing = (struct listing){.master = master};
	list_init(&listing->waiting);
	list_init(&listing->later);
	loop_timer_init(&listing->timer, master->loop, on_timer);
	buffer_init(&listing->text, SIZE_MAX);
}

void listing_fini(struct listing *listing)
{
	if (!listing->master) /* never begun */
		return;
	check(list_is_empty(&listing->waiting) && list_is_empty(&listing->later));
	loop_timer_stop(&listing->timer);
	forget(listing);
}

void listing_tick(struct master *master)
{
	struct listing *listing = master->listing;

	if (listing->is_made && list_is_empty(&listing->waiting) && !is_fresh(listing))
		forget(listing);
}

void control_on_list(void *context, struct control_call *call, const void *in)
{
	struct master *master = context;
	struct listing *listing = master->listing;
	bool is_idle = !listing->is_making && list_is_empty(&listing->waiting) &&
		       list_is_empty(&listing->later);
	bool is_in_time = (listing->is_making || listing->is_made) && is_fresh(listing);

	(void)in;
	/* One that is small is made, and sent, at once. */
	if (pending_new(&ops, master, call, is_in_time ? &listing->waiting : &listing->later,
			0) &&
	    is_idle)
		work(listing);
}

#include "master/listing.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "io.troupe.Control.varlink.h"
#include "master/describe.h"
#include "master/master.h"
#include "master/unit.h"
#include "proto/json.h"
#include <stdlib.h>
#include <string.h>

#define SLOW_NS CLOCK_MS_NS         /* what takes that long to make is kept */
#define KEEP_NS (100 * CLOCK_MS_NS) /* but no longer than that */

static int compare_units(const void *a, const void *b)
{
	return strcmp(((const struct api_unit *)a)->name, ((const struct api_unit *)b)->name);
}

/* *ret_text is given. */
static int make(struct master *master, char **ret_text, size_t *ret_size)
{
	unsigned n = HASH_CNT(by_name, master->units_by_name), budget = LIMIT_LISTED_INSTANCES;
	cleanup_free struct api_unit *units = calloc(n + 1, sizeof(*units));
	struct api_list_out out = {.units = {.items = units}};
	struct unit *unit, *next;
	struct arena arena;
	bool fits = units;
	int r = -ENOMEM;

	arena_init(&arena);
	HASH_ITER (by_name, master->units_by_name, unit, next)
		if (fits)
			fits = describe_unit(&arena, unit, &budget, &units[out.units.count++]);
	if (fits) {
		qsort(units, out.units.count, sizeof(*units), compare_units);
		r = json_encode(api_list_method.out, &out, ret_text, ret_size);
	}
	arena_fini(&arena);
	return r;
}

static void forget(struct listing *listing)
{
	free(listing->text);
	listing->text = NULL;
	listing->size = 0;
}

void listing_tick(struct master *master)
{
	if (master->listing.text &&
	    loop_clock_ns(master->loop) - master->listing.made_ns >= KEEP_NS)
		forget(&master->listing);
}

void listing_reply(struct master *master, struct control_call *call)
{
	struct listing *listing = &master->listing;
	uint64_t begin = loop_clock_ns(master->loop);
	bool is_kept = true;

	listing_tick(master);
	if (listing->n_changes != master->n_changes)
		forget(listing);
	if (!listing->text) {
		if (make(master, &listing->text, &listing->size) < 0) {
			describe_fail(call);
			return;
		}
		listing->made_ns = loop_clock_ns(master->loop);
		listing->n_changes = master->n_changes;
		is_kept = listing->made_ns - begin >= SLOW_NS;
	}
	(void)control_call_reply_text(call, listing->text, listing->size, false);
	if (!is_kept)
		forget(listing);
}

void listing_fini(struct listing *listing)
{
	forget(listing);
}

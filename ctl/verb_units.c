/* verb_units.c - units, one and all. */
#include "base/cleanup.h"
#include "ctl/actors.h"
#include "ctl/show.h"
#include "ctl/verbs.h"
#include <string.h>

static int show_units(struct ctl *ctl, const void *out)
{
	const struct api_unit_array *units = &((const struct api_list_out *)out)->units;
	struct table table = {
		.headers = {"UNIT", "STATE", ">RUNNING", ">RESTARTS", "ACTOR TYPE", "PLUG-IN"}};

	for (size_t i = 0; i < units->count; i++) {
		const struct api_unit *unit = &units->items[i];
		char running[32];

		show_running(unit, running, sizeof(running));
		table_add(&table, TABLE_PLAIN, "%s", unit->name);
		table_add(&table, show_state_colour(unit->state), "%s",
			  show_state(unit->state));
		table_add(&table, TABLE_PLAIN, "%s", running);
		table_add(&table, unit->restarts ? TABLE_WARN : TABLE_PLAIN, "%lld",
			  (long long)unit->restarts);
		table_add(&table, TABLE_PLAIN, "%s", unit->actorType);
		table_add(&table, TABLE_FAINT, "%s", unit->plugin);
	}
	show_table(ctl, &table);
	table_fini(&table);
	for (size_t i = 0; i < units->count; i++)
		if ((units->items[i].state == API_STATE_FAILED ||
		     units->items[i].state == API_STATE_BACKOFF) &&
		    units->items[i].reason)
			show_print(ctl, "%s %s: %s\n", units->items[i].name,
				   show_state(units->items[i].state), units->items[i].reason);
	for (size_t i = 0; i < units->count; i++)
		if (units->items[i].stall) {
			show_print(ctl, "%s", units->items[i].name);
			show_stall(ctl, " stalled: ", units->items[i].stall, "\n");
		}
	return STATUS_OK;
}

int verb_list(struct ctl *ctl, char **arguments, int n)
{
	return ctl_show_each(ctl, &api_list_method, arguments, n, show_units);
}

static int compare_instances(const void *a, const void *b)
{
	const struct api_actor *one = a, *other = b;
	int64_t x = one->instance ? *one->instance : -1;
	int64_t y = other->instance ? *other->instance : -1;

	return (x > y) - (x < y);
}

/* The daemon sends them in the order in which its workers answered. */
static int show_actors(struct ctl *ctl, const struct api_actor_array *actors)
{
	cleanup_free struct api_actor *sorted =
		reallocarray(NULL, actors->count, sizeof(*sorted));
	struct table table;

	if (!sorted)
		return ctl_fail(ctl, STATUS_FAILED, "out of memory");
	memcpy(sorted, actors->items, actors->count * sizeof(*sorted));
	qsort(sorted, actors->count, sizeof(*sorted), compare_instances);
	actors_table_init(&table);
	for (size_t i = 0; i < actors->count; i++)
		actors_table_add(&table, &sorted[i]);
	fputc('\n', ctl->out);
	show_table(ctl, &table);
	table_fini(&table);
	for (size_t i = 0; i < actors->count; i++)
		show_owned(ctl, &sorted[i]);
	/* of one alone the unit's line says it */
	for (size_t i = 0; actors->count > 1 && i < actors->count; i++)
		show_times(ctl, &sorted[i]);
	return STATUS_OK;
}

int verb_show(struct ctl *ctl, char **arguments, int n)
{
	int status = STATUS_OK;

	for (int i = 0; i < n; i++) {
		cleanup_free void *reply = NULL;
		const struct api_describe_out *out;
		int r = ctl_ask_typed(ctl, &api_describe_method,
				      &(struct api_describe){.name = arguments[i]}, &reply);

		status = r != STATUS_OK ? r : status;
		if (r != STATUS_OK || !reply)
			continue;
		out = reply;
		if (i > 0)
			fputc('\n', ctl->out);
		show_unit(ctl, &out->unit);
		if (out->actors.count > 0 && show_actors(ctl, &out->actors) != STATUS_OK)
			status = STATUS_FAILED;
		show_silent(ctl, &out->silent, "the counters of its actors are left out");
	}
	return status;
}

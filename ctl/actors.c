/* actors.c - actors alive. */
#include "ctl/actors.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "ctl/fail.h"
#include "ctl/show.h"
#include "ctl/suggestions.h"
#include "ctl/terminal.h"
#include "ctl/verbs.h"
#include "proto/address.h"
#include "proto/json.h"

#define TOGETHER 10000u /* cells */

void actors_table_init(struct table *table)
{
	*table =
		(struct table){.headers = {"ADDRESS", "UNIT", "PARENT", "ACTOR TYPE", ">QUEUED",
					   ">BYTES", ">HANDLED", ">FAILED", ">REFUSED"}};
}

void actors_table_add(struct table *table, const struct api_actor *actor)
{
	char address[TROUPE_ADDRESS_TEXT], parent[TROUPE_ADDRESS_TEXT] = "-", bytes[32];

	address_print(actor->address, address);
	if (actor->parent)
		address_print(*actor->parent, parent);
	terminal_print_bytes(actor->queuedBytes, bytes, sizeof(bytes));
	table_add(table, TABLE_PLAIN, "%s", address);
	if (actor->unit && actor->instance)
		table_add(table, TABLE_PLAIN, "%s/%lld", actor->unit,
			  (long long)*actor->instance);
	else
		table_add(table, TABLE_FAINT, "%s", actor->unit ? actor->unit : "-");
	table_add(table, TABLE_FAINT, "%s", parent);
	table_add(table, TABLE_PLAIN, "%s", actor->actorType);
	table_add(table, TABLE_PLAIN, "%lld", (long long)actor->queued);
	table_add(table, TABLE_PLAIN, "%s", bytes);
	table_add(table, TABLE_PLAIN, "%lld", (long long)actor->handled);
	table_add(table, actor->failed ? TABLE_WARN : TABLE_PLAIN, "%lld",
		  (long long)actor->failed);
	table_add(table, actor->refused ? TABLE_WARN : TABLE_PLAIN, "%lld",
		  (long long)actor->refused);
}

struct actors_walk {
	int (*on_batch)(struct ctl *ctl, const struct api_actor_array *actors,
			const struct answer *answer, void *context);
	void *context;
	bool begun;
};

static int on_reply(struct ctl *ctl, const struct answer *answer, void *context)
{
	struct actors_walk *walk = context;
	cleanup_free void *out = NULL;
	const struct api_actor_array *actors;
	const struct api_int_array *silent;
	struct codec_error error = {0};
	size_t size;
	bool first = !walk->begun;

	if (json_decode(&api_actors_out_type, answer->parameters, answer->size, &out, &size,
			&error) < 0)
		return fail_foreign(ctl, "io.troupe.Control.Actors", &error);
	actors = &((const struct api_actors_out *)out)->actors;
	silent = &((const struct api_actors_out *)out)->silent;
	walk->begun = true;
	if (!option_is_given(&ctl->options, OPTION_JSON))
		show_silent(ctl, silent, "its actors are left out");
	/* The last reply may only say that it is the last. */
	if (actors->count == 0 && silent->count == 0 && !first)
		return STATUS_OK;
	return walk->on_batch(ctl, actors, answer, walk->context);
}

int actors_for_each(struct ctl *ctl, uint64_t worker,
		    int (*on_batch)(struct ctl *ctl, const struct api_actor_array *actors,
				    const struct answer *answer, void *context),
		    void *context)
{
	struct actors_walk walk = {.on_batch = on_batch, .context = context};
	char parameters[64] = "";

	if (worker > 0)
		snprintf(parameters, sizeof(parameters), "{\"worker\":%llu}",
			 (unsigned long long)worker);
	return ctl_stream(ctl, "io.troupe.Control.Actors", parameters, on_reply, &walk);
}

static int print_batch(struct ctl *ctl, const struct api_actor_array *actors,
		       const struct answer *answer, void *context)
{
	struct table *table = context;

	if (option_is_given(&ctl->options, OPTION_JSON)) {
		ctl_print_json(ctl, answer->parameters, answer->size);
		return STATUS_OK;
	}
	for (size_t i = 0; i < actors->count; i++)
		actors_table_add(table, &actors->items[i]);
	/* The columns of what is shown together are alike. */
	if (table->count > TOGETHER)
		show_table(ctl, table);
	return STATUS_OK;
}

/* That there is one of that number; who asked learns which there are. */
static int check_worker(struct ctl *ctl, uint64_t number)
{
	cleanup(suggestions_fini) struct suggestions names = {0};
	cleanup_free void *reply = NULL;
	const struct api_worker_array *workers;
	char text[32];
	int r = ctl_ask_value(ctl, &api_workers_method, &(struct api_workers){0}, &reply);

	if (r != STATUS_OK)
		return r;
	workers = &((const struct api_workers_out *)reply)->workers;
	for (size_t i = 0; i < workers->count; i++) {
		if (workers->items[i].worker == (int64_t)number)
			return STATUS_OK;
		suggestions_add(&names,
				show_int(&workers->items[i].worker, text, sizeof(text)));
	}
	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return suggestions_fail(ctl, STATUS_FAILED, &names, text, "there are",
				"there is no worker %s", text);
}

int verb_actors(struct ctl *ctl, char **arguments, int n)
{
	struct table table;
	uint64_t worker = 0;
	int r;

	if (n > 0 && text_parse_uint(arguments[0], 1, LIMIT_WORKERS, &worker) < 0)
		return ctl_fail(ctl, STATUS_USAGE,
				"%s is no number of a worker; `troupectl workers` shows those "
				"there are",
				arguments[0]);
	/* Programs get the daemon's own error. */
	if (worker > 0 && !option_is_given(&ctl->options, OPTION_JSON)) {
		r = check_worker(ctl, worker);
		if (r != STATUS_OK)
			return r;
	}
	actors_table_init(&table);
	r = actors_for_each(ctl, worker, print_batch, &table);
	if (!option_is_given(&ctl->options, OPTION_JSON) && (r == STATUS_OK || table.count > 0))
		show_table(ctl, &table);
	table_fini(&table);
	return r;
}

/* actors.c - actors alive. */
#include "ctl/actors.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/text.h"
#include "ctl/show.h"
#include "ctl/table.h"
#include "ctl/text.h"
#include "ctl/verbs.h"
#include "proto/address.h"
#include "proto/json.h"

void actors_print(struct ctl *ctl, const struct api_actor_array *actors)
{
	static const char *const headers[] = {"ADDRESS", "UNIT",     "ACTOR TYPE",
					      ">QUEUED", ">BYTES",   ">HANDLED",
					      ">FAILED", ">REFUSED", NULL};
	struct table table;

	table_init(&table, headers);
	for (size_t i = 0; i < actors->count; i++) {
		const struct api_actor *actor = &actors->items[i];
		char address[TROUPE_ADDRESS_TEXT], bytes[32];

		address_print(actor->address, address);
		text_print_bytes(actor->queuedBytes, bytes, sizeof(bytes));
		table_add(&table, TABLE_PLAIN, "%s", address);
		if (actor->unit && actor->instance)
			table_add(&table, TABLE_PLAIN, "%s/%lld", actor->unit,
				  (long long)*actor->instance);
		else
			table_add(&table, TABLE_FAINT, "%s", actor->unit ? actor->unit : "-");
		table_add(&table, TABLE_PLAIN, "%s", actor->actorType);
		table_add(&table, TABLE_PLAIN, "%lld", (long long)actor->queued);
		table_add(&table, TABLE_PLAIN, "%s", bytes);
		table_add(&table, TABLE_PLAIN, "%lld", (long long)actor->handled);
		table_add(&table, actor->failed ? TABLE_WARN : TABLE_PLAIN, "%lld",
			  (long long)actor->failed);
		table_add(&table, actor->refused ? TABLE_WARN : TABLE_PLAIN, "%lld",
			  (long long)actor->refused);
	}
	table_print(&table, ctl->out, ctl->colours);
	table_fini(&table);
}

struct walk {
	int (*on_batch)(struct ctl *ctl, const struct api_actor_array *actors, void *context);
	void *context;
};

static int on_reply(struct ctl *ctl, const struct answer *answer, void *context)
{
	struct walk *walk = context;
	cleanup_free void *out = NULL;
	struct codec_error error = {0};
	size_t size;
	int r = json_decode(&api_actors_out_type, answer->parameters, answer->size, &out, &size,
			    &error);

	if (r < 0)
		return ctl_fail(ctl, STATUS_FAILED,
				"the daemon's answer is not what this troupectl knows (%s: %s)",
				error.path, error.message);
	return walk->on_batch(ctl, &((const struct api_actors_out *)out)->actors,
			      walk->context);
}

int actors_for_each(struct ctl *ctl, const int64_t *worker,
		    int (*on_batch)(struct ctl *ctl, const struct api_actor_array *actors,
				    void *context),
		    void *context)
{
	struct walk walk = {on_batch, context};
	char parameters[64] = "";

	if (worker)
		snprintf(parameters, sizeof(parameters), "{\"worker\":%lld}",
			 (long long)*worker);
	return ctl_stream(ctl, "io.troupe.Control.Actors", parameters, on_reply, &walk);
}

static int print_batch(struct ctl *ctl, const struct api_actor_array *actors, void *context)
{
	(void)context;
	if (actors->count > 0)
		actors_print(ctl, actors);
	return STATUS_OK;
}

static int print_json(struct ctl *ctl, const struct answer *answer, void *context)
{
	(void)context;
	ctl_print_json(ctl, answer->parameters, answer->size);
	return STATUS_OK;
}

int verb_actors(struct ctl *ctl, char **arguments, int n)
{
	uint64_t number;
	int64_t worker;
	char parameters[64] = "";

	if (n > 0 && text_parse_uint(arguments[0], 1, LIMIT_WORKERS, &number) < 0)
		return ctl_fail(ctl, STATUS_USAGE, "%s is no number of a worker", arguments[0]);
	if (n > 0) {
		worker = (int64_t)number;
		snprintf(parameters, sizeof(parameters), "{\"worker\":%lld}",
			 (long long)worker);
	}
	if (option_is_given(&ctl->options, OPTION_JSON))
		return ctl_stream(ctl, "io.troupe.Control.Actors", parameters, print_json,
				  NULL);
	return actors_for_each(ctl, n > 0 ? &worker : NULL, print_batch, NULL);
}

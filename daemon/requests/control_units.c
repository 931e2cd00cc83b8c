/* control_units.c - the units and their actors, to look at; the interfaces that they
 * provide. */
#include "requests/control_handlers.h"
#include "requests/relays.h"

#include "base/cleanup.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "proto/address.h"
#include "requests/inquiry.h"
#include "requests/listing.h"
#include "requests/resolve.h"
#include "units/names.h"
#include "units/unit.h"
#include "units/version.h"
#include <string.h>

void control_on_list(void *context, struct control_call *call, const void *in)
{
	(void)in;
	listing_reply(context, call);
}

void control_on_describe(void *context, struct control_call *call, const void *in)
{
	const struct api_describe *describe = in;
	struct master *master = context;
	struct troupe_address address = {0};
	struct relay_target target;
	struct instance *instance;
	struct unit *unit;

	if (address_parse(describe->name, &address) == 0) {
		if (resolve_name(master, call, describe->name, &target))
			inquiry_describe(master, call, NULL, target.worker, address);
		return;
	}
	unit = resolve_unit(master, call, describe->name, &instance);
	if (!unit)
		return;
	if (instance && instance->state == API_STATE_RUNNING)
		inquiry_describe(master, call, unit, instance->worker, instance->address);
	else
		inquiry_describe(master, call, unit, NULL, (struct troupe_address){0});
}

void control_on_actors(void *context, struct control_call *call, const void *in)
{
	const struct api_actors *actors = in;
	struct master *master = context;
	struct worker *worker = NULL;

	if (actors->worker) {
		if (*actors->worker >= 1 && *actors->worker <= (int64_t)LIMIT_WORKERS)
			worker = master->workers[*actors->worker];
		if (!worker) {
			control_call_invalid_parameter(call, "worker",
						       "there is no such worker");
			return;
		}
	}
	inquiry_actors(master, call, worker);
}

/* ---- introspection */

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether calls of its interfaces are answered, now or when it is back. */
static bool is_callable(const struct unit *unit)
{
	return (unit->n_in[API_STATE_RUNNING] > 0 || names_is_between_lives(unit)) &&
	       unit->version->type;
}

void control_list_interfaces(void *context, void (*add)(void *list, const char *name),
			     void *list)
{
	struct master *master = context;
	cleanup_free const char **names = NULL;
	size_t n = 0;

	units_foreach (unit, master) {
		const struct plugin_actor *type =
			is_callable(unit) ? unit->version->type : NULL;
		const char **grown;

		if (!type || type->n_interfaces == 0)
			continue;
		grown = realloc(names, (n + type->n_interfaces) * sizeof(*grown));
		if (!grown)
			break;
		names = grown;
		memcpy(names + n, type->interfaces, type->n_interfaces * sizeof(*names));
		n += type->n_interfaces;
	}
	if (n > 0)
		qsort(names, n, sizeof(*names), compare_texts);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(names[i - 1], names[i]) != 0)
			add(list, names[i]);
}

const char *control_describe_interface(void *context, const char *name)
{
	struct master *master = context;

	/* Where two units have two versions of it, the one that is called without a name. */
	for (int want_default = 1; want_default >= 0; want_default--)
		units_foreach (unit, master)
			if (is_callable(unit) && unit->file.is_default >= want_default &&
			    unit_provides(unit, name, strlen(name)))
				return deploy_description(unit->version->deployment, name);
	/* Of actors that others spawn: no unit's, but clients may have their addresses. */
	units_foreach (unit, master) {
		const char *text = is_callable(unit)
					   ? deploy_description(unit->version->deployment, name)
					   : NULL;

		if (text)
			return text;
	}
	return NULL;
}

#include "requests/resolve.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "clients/errors.h"
#include "io.troupe.Control.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "proto/address.h"
#include "requests/relays.h"
#include "units/names.h"
#include "units/providers.h"
#include "units/unit.h"
#include <stdlib.h>
#include <string.h>

static enum resolve_outcome fail_state(struct control_call *client, const char *name,
				       const struct unit *unit, enum api_state state)
{
	bool has_reason = state == API_STATE_FAILED || state == API_STATE_BACKOFF;

	control_wrong_state(client, name, api_state_type.names[state],
			    has_reason ? unit->reason : NULL);
	return RESOLVE_NOWHERE;
}

static enum resolve_outcome wait_for(struct unit *unit, struct relay_target *ret_target)
{
	*ret_target = (struct relay_target){.unit = unit};
	return RESOLVE_COMING;
}

static enum resolve_outcome aim_at(struct control_call *client, struct instance *instance,
				   const char *name, struct relay_target *ret_target)
{
	if (instance->state != API_STATE_RUNNING || !worker_is_up(instance->worker)) {
		if (names_is_coming(instance))
			return wait_for(instance->unit, ret_target);
		return fail_state(client, name, instance->unit, instance_shown(instance));
	}
	*ret_target = (struct relay_target){
		.worker = instance->worker,
		.address = instance->address,
		.instance = instance,
		.unit = instance->unit,
		.name = name,
	};
	return RESOLVE_THERE;
}

static enum resolve_outcome aim_at_unit(struct control_call *client, struct unit *unit,
					const char *name, struct relay_target *ret_target)
{
	struct instance *instance = names_pick(unit);

	if (instance)
		return aim_at(client, instance, name, ret_target);
	if (names_is_unit_coming(unit))
		return wait_for(unit, ret_target);
	return fail_state(client, name, unit, unit_state(unit));
}

struct unit *resolve_unit(struct master *master, struct control_call *client, const char *name,
			  struct instance **ret_instance)
{
	struct instance *instance = names_instance(master, name);
	struct unit *unit = instance ? instance->unit : unit_find(master, name);

	if (!unit)
		control_no_such_actor(client, name);
	*ret_instance = instance;
	return unit;
}

enum resolve_outcome resolve_name(struct master *master, struct control_call *client,
				  const char *name, struct relay_target *ret_target)
{
	struct troupe_address address;
	struct instance *instance;
	struct unit *unit;

	if (address_parse(name, &address) == 0) {
		struct worker *worker = worker_find(master, process_of(address));

		if (!worker || !worker_is_up(worker)) {
			control_no_such_actor(client, name);
			return RESOLVE_NOWHERE;
		}
		*ret_target = (struct relay_target){
			.worker = worker, .address = address, .name = name};
		return RESOLVE_THERE;
	}
	unit = resolve_unit(master, client, name, &instance);
	if (!unit)
		return RESOLVE_NOWHERE;
	return instance ? aim_at(client, instance, name, ret_target)
			: aim_at_unit(client, unit, name, ret_target);
}

static void fail_ambiguous(struct master *master, struct control_call *client,
			   struct control_name method, unsigned n_candidates)
{
	cleanup_free const char **names = calloc(n_candidates, sizeof(*names));
	cleanup_free char *interface = strndup(method.text, method.interface);
	unsigned n = 0;

	units_foreach (unit, master)
		if (names && n < n_candidates && unit_has_future(unit) &&
		    unit_provides(unit, method.text, method.interface))
			names[n++] = unit->file.name;
	texts_sort(names, n);
	control_call_fail(client, &api_ambiguous_error,
			  &(struct api_ambiguous){.interface = interface ? interface : "",
						  .candidates = {names, n}});
}

enum resolve_outcome resolve_provider(struct master *master, struct control_call *client,
				      struct control_name method,
				      struct relay_target *ret_target)
{
	struct provision found = providers_find(master, method.text, method.interface);

	if (found.unit)
		return aim_at_unit(client, found.unit, found.unit->file.name, ret_target);
	if (found.n > 1)
		fail_ambiguous(master, client, method, found.n);
	else if (found.down)
		return fail_state(client, found.down->file.name, found.down,
				  unit_state(found.down));
	else
		control_call_interface_not_found(client, method.text, method.interface);
	return RESOLVE_NOWHERE;
}

#include "units/activity_print.h"

#include "master/worker.h"
#include "proto/address.h"
#include "units/unit.h"
#include "units/version.h"
#include <stdio.h>

/* While an actor is being started its address is not known; what it spawns then passes for
 * it. */
static bool is_child(const struct instance *instance, struct troupe_address address)
{
	return !troupe_address_is_null(instance->address) && !troupe_address_is_null(address) &&
	       !troupe_address_equal(instance->address, address);
}

static void print_actor(const struct worker *worker, const struct activity *activity,
			const struct instance *instance, struct activity_names *names)
{
	struct troupe_address address = process_address(worker_process(worker));

	address.slot = activity->address.slot;
	address.generation = activity->address.generation;
	names->actor[0] = names->child[0] = '\0';
	if (instance)
		(void)snprintf(names->actor, sizeof(names->actor), "%s/%u",
			       instance->unit->file.name, instance->number);
	else if (!troupe_address_is_null(address))
		address_print(address, names->actor);
	if (instance && is_child(instance, address))
		address_print(address, names->child);
}

struct instance *activity_print(const struct worker *worker, const struct activity *activity,
				struct activity_names *ret_names)
{
	struct instance *instance =
		unit_instance(worker->master, activity->version, activity->instance);
	const char *message = page_doing_words(activity->type_hash);

	if (instance && instance->worker != worker)
		instance = NULL;
	print_actor(worker, activity, instance, ret_names);
	if (!message && instance)
		message =
			deploy_message_name(instance->version->deployment, activity->type_hash);
	if (message)
		(void)snprintf(ret_names->message, sizeof(ret_names->message), "%s", message);
	else
		(void)snprintf(ret_names->message, sizeof(ret_names->message),
			       "message %016llx", (unsigned long long)activity->type_hash);
	return instance;
}

#include "master/activity_print.h"

#include "master/unit.h"
#include "master/version.h"
#include "master/worker.h"
#include <stdio.h>

static void print_address(const struct worker *worker, struct troupe_address address,
			  char *text, size_t size)
{
	(void)snprintf(text, size, "0.%u.%u.%u.%u", worker->number, worker->incarnation,
		       address.slot, address.generation);
}

/* While an actor is being started its address is not known; what it spawns then passes for
 * it. */
static bool is_child(const struct instance *instance, struct troupe_address address)
{
	return instance->address.generation && address.generation &&
	       (instance->address.slot != address.slot ||
		instance->address.generation != address.generation);
}

static void print_actor(const struct worker *worker, const struct activity *activity,
			const struct instance *instance, struct activity_names *names)
{
	names->actor[0] = names->child[0] = '\0';
	if (instance)
		(void)snprintf(names->actor, sizeof(names->actor), "%s/%u",
			       instance->unit->file.name, instance->number);
	else if (activity->address.generation)
		print_address(worker, activity->address, names->actor, sizeof(names->actor));
	if (instance && is_child(instance, activity->address))
		print_address(worker, activity->address, names->child, sizeof(names->child));
}

struct instance *activity_print(const struct worker *worker, const struct activity *activity,
				struct activity_names *ret_names)
{
	struct instance *instance =
		unit_instance(worker->master, activity->unit, activity->instance);
	const char *message = page_doing_words(activity->type_hash);

	if (instance && instance->worker != worker)
		instance = NULL;
	print_actor(worker, activity, instance, ret_names);
	if (!message && instance)
		message = version_message_name(instance->version, activity->type_hash);
	if (message)
		(void)snprintf(ret_names->message, sizeof(ret_names->message), "%s", message);
	else
		(void)snprintf(ret_names->message, sizeof(ret_names->message),
			       "message %016llx", (unsigned long long)activity->type_hash);
	return instance;
}

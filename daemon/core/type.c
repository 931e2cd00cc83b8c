#include "core/type.h"
#include "core/inside.h"
#include "core/self.h"
#include "core/share.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *check_handlers(const struct troupe_handlers *handlers)
{
	const struct troupe_interface *interface = handlers->interface;

	if (!interface || !interface->name || (interface->n_methods && !interface->methods))
		return "an interface is malformed";
	if (handlers->n_handlers != interface->n_methods ||
	    (handlers->n_handlers && !handlers->handlers))
		return "an interface does not have as many handlers as methods";
	for (uint32_t i = 0; i < interface->n_methods; i++) {
		const struct troupe_method *method = interface->methods[i];

		if (!method || !method->interface || !method->name || !method->in ||
		    !method->out || !method->in_hash || !method->out_hash)
			return "a method is malformed";
	}
	return NULL;
}

static const char *check_entry(const struct troupe_entry *entry)
{
	if (entry->kind == TROUPE_ENTRY_TIMER)
		return entry->on_timer ? NULL : "a timer entry has no function";
	if (entry->kind != TROUPE_ENTRY_REPLY)
		return "an entry is of no known kind";
	if (!entry->on_reply || !entry->method || !entry->method->out || !entry->interface)
		return "a reply entry is malformed";
	return NULL;
}

/* Why the table cannot be run; NULL: it can. */
static const char *check_table(const struct troupe_actor *table, uint32_t *ret_methods,
			       uint32_t *ret_entries)
{
	const char *why = NULL;
	uint32_t n, methods = 0;

	if (table->abi_major != TROUPE_ABI_MAJOR || table->abi_minor > TROUPE_ABI_MINOR)
		return "built for another version of the SDK";
	if (table->table_size != sizeof(struct troupe_actor))
		return "the actor's table has another size than the SDK says";
	if (!table->name || !table->name[0] || strlen(table->name) > TROUPE_NAME_MAX)
		return "the actor type's name is absent or too long";
	if (table->state_size > LIMIT_STATE_BYTES)
		return "the state is too large";
	for (n = 0; n < TROUPE_INTERFACES_MAX && table->interfaces[n]; n++) {
		why = check_handlers(table->interfaces[n]);
		if (why)
			return why;
		methods += table->interfaces[n]->n_handlers;
		for (uint32_t i = 0; i < n; i++)
			if (strcmp(table->interfaces[i]->interface->name,
				   table->interfaces[n]->interface->name) == 0)
				return "an interface stands twice";
	}
	for (n = 0; n < TROUPE_ENTRIES_MAX && table->entries[n]; n++) {
		why = check_entry(table->entries[n]);
		if (why)
			return why;
	}
	*ret_methods = methods;
	*ret_entries = n;
	return NULL;
}

static size_t handler_places(const struct runtime_type *type)
{
	return type->mask / sizeof(type->handlers[0]) + 1;
}

static size_t handler_index(const struct runtime_type *type, uint64_t hash)
{
	return (size_t)(type_place(type, hash) - type->handlers);
}

/* How many of the methods would find their place taken, with this shift. */
static uint32_t count_collisions(struct runtime_type *type, uint8_t shift)
{
	const struct troupe_actor *table = type->table;
	uint32_t n_places = (uint32_t)handler_places(type), collisions = 0;

	type->shift = shift;
	for (uint32_t n = 0; n < TROUPE_INTERFACES_MAX && table->interfaces[n]; n++) {
		const struct troupe_interface *interface = table->interfaces[n]->interface;

		for (uint32_t i = 0; i < interface->n_methods; i++) {
			size_t at = handler_index(type, interface->methods[i]->in_hash);

			/* a pad that is not 0 yet marks the place */
			collisions += type->handlers[at].pad != 0;
			type->handlers[at].pad = 1;
		}
	}
	for (uint32_t at = 0; at < n_places; at++)
		type->handlers[at].pad = 0;
	return collisions;
}

/* Any bits of a hash are as good as others, so that among 32 ways to take them there is nearly
 * always one in which a few dozen methods do not collide. */
static void choose_shift(struct runtime_type *type)
{
	uint32_t best = UINT32_MAX;
	uint8_t chosen = 0;

	for (uint8_t shift = 0; shift < 32 && best > 0; shift++) {
		uint32_t collisions = count_collisions(type, shift);

		if (collisions < best) {
			best = collisions;
			chosen = shift;
		}
	}
	type->shift = chosen;
}

/* In place of a handler that the actor does not have; and in empty places, for whoever sends by
 * a descriptor of his own make whose hash is 0. */
static int answer_not_implemented(struct troupe_self *self, void *state,
				  struct troupe_call call, const void *in)
{
	(void)state;
	(void)call;
	(void)in;
	if (self->handler->method)
		self_settle(self, TROUPE_METHOD_NOT_IMPLEMENTED, self->handler->method->name);
	else
		self_settle(self, TROUPE_METHOD_NOT_FOUND, NULL);
	return 0;
}

static void put_handler(struct runtime_type *type, const struct troupe_method *method,
			troupe_handler_fn *handler)
{
	size_t at = handler_index(type, method->in_hash);

	while (type->handlers[at].hash)
		at = (at + 1) % handler_places(type);
	type->handlers[at] =
		(struct type_handler){.hash = method->in_hash,
				      .handler = handler ? handler : answer_not_implemented,
				      .method = method};
}

const struct type_handler *type_find(const struct runtime_type *type, uint64_t hash)
{
	for (size_t at = handler_index(type, hash);; at = (at + 1) % handler_places(type)) {
		const struct type_handler *handler = &type->handlers[at];

		if (handler->hash == hash)
			return handler->method ? handler : NULL;
		if (handler->hash == 0)
			return NULL;
	}
}

int runtime_type_add(struct runtime *runtime, const struct troupe_actor *table,
		     const void *plugin, const struct runtime_type **ret_type,
		     const char **ret_why)
{
	struct runtime_type *type;
	uint32_t methods, entries, size = 4;

	*ret_why = check_table(table, &methods, &entries);
	if (*ret_why)
		return -EINVAL;
	if (runtime->n_types >= LIMIT_ACTOR_TYPES) {
		*ret_why = "too many actor types";
		return -EINVAL;
	}
	while (size < 4 * methods) /* mostly empty: a search ends, and soon */
		size *= 2;
	type = calloc(1, sizeof(*type) + size * sizeof(type->handlers[0]));
	if (!type) {
		*ret_why = "no memory";
		return -ENOMEM;
	}
	type->table = table;
	type->plugin = plugin;
	type->n_entries = entries;
	type->mask = (size - 1) * (uint32_t)sizeof(type->handlers[0]);
	choose_shift(type);
	for (uint32_t at = 0; at < size; at++)
		type->handlers[at].handler = answer_not_implemented;
	for (uint32_t n = 0; n < TROUPE_INTERFACES_MAX && table->interfaces[n]; n++) {
		const struct troupe_handlers *handlers = table->interfaces[n];

		for (uint32_t i = 0; i < handlers->n_handlers; i++)
			put_handler(type, handlers->interface->methods[i],
				    handlers->handlers[i]);
	}
	type->next = runtime->types;
	runtime->types = type;
	runtime->n_types++;
	*ret_type = type;
	return 0;
}

const struct type_handler *type_find_name(const struct runtime_type *type,
					  const char *interface, size_t interface_size,
					  const char *method, bool *ret_interface)
{
	const struct troupe_actor *table = type->table;

	*ret_interface = false;
	for (uint32_t n = 0; n < TROUPE_INTERFACES_MAX && table->interfaces[n]; n++) {
		const struct troupe_interface *known = table->interfaces[n]->interface;

		if (strlen(known->name) != interface_size ||
		    memcmp(known->name, interface, interface_size) != 0)
			continue;
		*ret_interface = true;
		for (uint32_t i = 0; i < known->n_methods; i++)
			if (strcmp(known->methods[i]->name, method) == 0)
				return type_find(type, known->methods[i]->in_hash);
	}
	return NULL;
}

static uint32_t units_of(uint32_t bytes)
{
	return bytes / 16;
}

static void set_limits(struct unit *unit, const struct runtime_unit *config)
{
	unit->mailbox = config->mailbox ? config->mailbox : LIMIT_MAILBOX_DEFAULT;
	unit->mailbox_most = units_of(config->mailbox_bytes ? config->mailbox_bytes
							    : LIMIT_MAILBOX_BYTES_DEFAULT);
	share_bound(unit);
	unit->batch = config->batch ? config->batch : LIMIT_BATCH_DEFAULT;
	unit->stop_on_error = config->stop_on_error;
}

int runtime_unit_change(struct runtime *runtime, const struct runtime_unit *config)
{
	struct unit *unit = unit_find(runtime, config->number);

	if (!unit)
		return -ENOENT;
	set_limits(unit, config);
	for (struct runtime_type *type = runtime->types; type; type = type->next)
		for (struct unit *at = type->spawned; at; at = at->next)
			if (at->origin == config->number)
				set_limits(at, config);
	return 0;
}

int runtime_unit_define(struct runtime *runtime, const struct runtime_unit *config)
{
	struct share *share;
	struct unit *unit;

	if (!config->number || !config->type || !config->name ||
	    strlen(config->name) > TROUPE_NAME_MAX)
		return -EINVAL;
	if (unit_find(runtime, config->number))
		return -EEXIST;
	unit = calloc(1, sizeof(*unit));
	share = calloc(1, sizeof(*share));
	if (!unit || !share) {
		free(unit);
		free(share);
		return -ENOMEM;
	}
	share->n_units = 1;
	share->bound = SHARE_UNBOUNDED;
	*unit = (struct unit){
		.type = config->type,
		.share = share,
		.number = config->number,
		.origin = config->number,
		.next = runtime->units,
	};
	set_limits(unit, config);
	memcpy(unit->name, config->name, strlen(config->name));
	runtime->units = unit;
	index_put(&runtime->units_by_number, &unit->link,
		  index_hash(runtime->secret, config->number, 0));
	return 0;
}

struct unit *unit_find(const struct runtime *runtime, uint32_t number)
{
	uint64_t hash = index_hash(runtime->secret, number, 0);

	for (struct index_link *link = index_bucket(&runtime->units_by_number, hash); link;
	     link = link->next) {
		struct unit *unit = container_of(link, struct unit, link);

		if (unit->number == number)
			return unit;
	}
	return NULL;
}

static uint64_t hash_spawned(const struct runtime *runtime, const struct troupe_actor *table,
			     uint32_t origin)
{
	return index_hash(runtime->secret, (uintptr_t)table, origin);
}

RARE static int make_spawned(struct runtime *runtime, const struct troupe_actor *table,
			     const struct unit *spawner, struct unit **ret_unit)
{
	struct runtime_type *type = runtime->types;
	struct unit *unit;

	while (type && (type->table != table || type->plugin != spawner->type->plugin))
		type = type->next;
	if (!type)
		return -EINVAL;
	unit = calloc(1, sizeof(*unit));
	if (!unit)
		return -ENOMEM;
	*unit = (struct unit){
		.type = type,
		.mailbox = spawner->mailbox,
		.mailbox_units = spawner->mailbox_units,
		.mailbox_most = spawner->mailbox_most,
		.batch = spawner->batch,
		.stop_on_error = spawner->stop_on_error,
		.share = spawner->share,
		.origin = spawner->origin,
		.is_forgotten = spawner->is_forgotten,
		.next = type->spawned,
	};
	unit->share->n_units++;
	type->spawned = unit;
	index_put(&runtime->units_spawned, &unit->link,
		  hash_spawned(runtime, table, spawner->origin));
	*ret_unit = unit;
	return 0;
}

int unit_of_spawned(struct runtime *runtime, const struct troupe_actor *table,
		    const struct unit *spawner, struct unit **ret_unit)
{
	uint64_t hash = hash_spawned(runtime, table, spawner->origin);

	for (struct index_link *link = index_bucket(&runtime->units_spawned, hash); link;
	     link = link->next) {
		struct unit *unit = container_of(link, struct unit, link);

		if (unit->origin == spawner->origin && unit->type->table == table &&
		    unit->type->plugin == spawner->type->plugin) {
			*ret_unit = unit;
			return 0;
		}
	}
	return make_spawned(runtime, table, spawner, ret_unit);
}

static void free_unit(struct unit *unit)
{
	if (--unit->share->n_units == 0)
		free(unit->share);
	free(unit);
}

/* The list that it stands in. */
static struct unit **list_of(struct runtime *runtime, const struct unit *unit)
{
	struct runtime_type *type = runtime->types;

	if (unit->number)
		return &runtime->units;
	while (type != unit->type)
		type = type->next;
	return &type->spawned;
}

RARE void unit_free(struct runtime *runtime, struct unit *unit)
{
	struct unit **at = list_of(runtime, unit);

	while (*at != unit)
		at = &(*at)->next;
	*at = unit->next;
	if (!unit->number)
		index_remove(&runtime->units_spawned, &unit->link);
	free_unit(unit);
}

int runtime_unit_forget(struct runtime *runtime, uint32_t number)
{
	struct unit *unit = unit_find(runtime, number);

	if (!unit)
		return -ENOENT;
	index_remove(&runtime->units_by_number, &unit->link);
	unit->is_forgotten = true;
	if (unit_is_unused(unit))
		unit_free(runtime, unit);
	for (struct runtime_type *type = runtime->types; type; type = type->next)
		for (struct unit *at = type->spawned, *next; at; at = next) {
			next = at->next;
			if (at->origin != number)
				continue;
			at->is_forgotten = true;
			if (unit_is_unused(at))
				unit_free(runtime, at);
		}
	return 0;
}

static void free_units(struct unit *unit)
{
	while (unit) {
		struct unit *next = unit->next;

		free_unit(unit);
		unit = next;
	}
}

void types_free(struct runtime *runtime)
{
	free_units(runtime->units);
	while (runtime->types) {
		struct runtime_type *type = runtime->types;

		runtime->types = type->next;
		free_units(type->spawned);
		free(type);
	}
}

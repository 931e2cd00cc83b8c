#include "core/type.h"
#include "core/inside.h"
#include "proto/abi.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How many methods its interfaces have together. False: one of them stands twice. */
static bool count_methods(const struct troupe_actor *table, uint32_t *ret_methods)
{
	*ret_methods = 0;
	for (uint32_t n = 0; n < TROUPE_INTERFACES_MAX && table->interfaces[n]; n++) {
		*ret_methods += table->interfaces[n]->n_handlers;
		for (uint32_t i = 0; i < n; i++)
			if (strcmp(table->interfaces[i]->interface->name,
				   table->interfaces[n]->interface->name) == 0)
				return false;
	}
	return true;
}

/* The plug-in's tables as this host knows them. Why they cannot be run, a constant text; NULL:
 * they can. What is in them proto/table_check.h has judged. */
static const char *copy_tables(const struct troupe_actor *given, struct runtime_type *type,
			       uint32_t *ret_methods)
{
	struct troupe_actor *table = &type->table;
	const char *why;

	if (!abi_takes(given->abi_major, given->abi_minor))
		return "built for another version of the SDK";
	if (abi_copy(ABI_ACTOR, NULL, given, table, &why) < 0)
		return "the actor's table has another size than the SDK says";
	if (table->life && abi_copy(ABI_LIFE, NULL, table->life, &type->life, &why) < 0)
		return "the actor's life has another size than the SDK says";
	for (; type->n_entries < TROUPE_ENTRIES_MAX && table->entries[type->n_entries];
	     type->n_entries++)
		if (abi_copy(ABI_ENTRY, NULL, table->entries[type->n_entries],
			     &type->entries[type->n_entries], &why) < 0)
			return "an entry has another size than the SDK says";
	return count_methods(table, ret_methods) ? NULL : "an interface stands twice";
}

static size_t count_buckets(const struct runtime_type *type)
{
	return type->mask / sizeof(type->handlers[0]) + 1;
}

static size_t handler_index(const struct runtime_type *type, uint64_t hash)
{
	return (size_t)(type_bucket(type, hash) - type->handlers);
}

/* How many of the methods would find their place taken, with this shift. */
static uint32_t count_collisions(struct runtime_type *type, uint8_t shift)
{
	const struct troupe_actor *table = &type->table;
	uint32_t n_buckets = (uint32_t)count_buckets(type), collisions = 0;

	type->shift = shift;
	for (uint32_t n = 0; n < TROUPE_INTERFACES_MAX && table->interfaces[n]; n++) {
		const struct troupe_interface *interface = table->interfaces[n]->interface;

		for (uint32_t i = 0; i < interface->n_methods; i++) {
			size_t at = handler_index(type, interface->methods[i]->in_hash);

			/* what is not 0 yet marks the place */
			collisions += type->handlers[at].in_hash != 0;
			type->handlers[at].in_hash = 1;
		}
	}
	for (uint32_t at = 0; at < n_buckets; at++)
		type->handlers[at].in_hash = 0;
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

static struct type_handler *put_handler(struct runtime_type *type,
					const struct troupe_method *method,
					troupe_handler_fn *handler)
{
	size_t at = handler_index(type, method->in_hash);

	while (type->handlers[at].method)
		at = (at + 1) % count_buckets(type);
	type->handlers[at].in_hash = method->in_hash;
	type->handlers[at].handler = handler;
	type->handlers[at].method = method;
	if (handler)
		type->handlers[at].hash = method->in_hash;
	return &type->handlers[at];
}

/* ------------------------------------------------------------------ handlers that are tasks */

enum way { WAY_PLAIN, WAY_TASK, WAY_ALONE, WAYS };

/* How method i is handled; -EINVAL: in more than one way. */
static int way_of(const struct troupe_handlers *handlers, uint32_t i)
{
	const uintptr_t *words = (const uintptr_t *)handlers->ways;
	int found = WAY_PLAIN, count = 0;

	for (int way = 0; words && way < WAYS; way++)
		if (words[(size_t)i * WAYS + way]) {
			found = way;
			count++;
		}
	return count > 1 ? -EINVAL : found;
}

/* How many of them are tasks; -EINVAL: one is more than one thing. */
static int count_tasks(const struct troupe_handlers *handlers)
{
	int count = 0;

	for (uint32_t i = 0; i < handlers->n_handlers; i++) {
		int way = way_of(handlers, i);

		if (way < 0)
			return way;
		count += way != WAY_PLAIN;
	}
	return count;
}

/* Whether any of the type's are. */
static int has_tasks(const struct troupe_actor *table)
{
	struct troupe_handlers handlers;
	const char *why;
	int all = 0;

	for (uint32_t n = 0; n < TROUPE_INTERFACES_MAX && table->interfaces[n]; n++) {
		int count = abi_copy(ABI_HANDLERS, NULL, table->interfaces[n], &handlers, &why);

		if (count == 0)
			count = count_tasks(&handlers);
		if (count < 0)
			return count;
		all += count;
	}
	return all > 0;
}

/* In the place of the plug-in's handler comes what sees to how it is run. */
static void serve_handler(const struct type_serving *serving, struct runtime_type *type,
			  struct type_handler *handler, int way)
{
	struct type_way *place = &type->ways[handler - type->handlers];

	if (!handler->handler)
		return;
	*place = (struct type_way){
		.handler = handler->handler,
		.is_alone = way == WAY_ALONE,
		.entry = {.table_size = sizeof(place->entry),
			  .name = handler->method->name,
			  .run = serving->run},
	};
	handler->handler = way == WAY_PLAIN ? serving->plain : serving->task;
}

static void put_handlers(const struct type_serving *serving, struct runtime_type *type,
			 const struct troupe_handlers *given)
{
	struct troupe_handlers handlers;
	const char *why;

	(void)abi_copy(ABI_HANDLERS, NULL, given, &handlers, &why); /* has_tasks() did it */
	for (uint32_t i = 0; i < handlers.n_handlers; i++) {
		struct type_handler *handler =
			put_handler(type, handlers.interface->methods[i], handlers.handlers[i]);

		if (type->ways)
			serve_handler(serving, type, handler, way_of(&handlers, i));
	}
}

const struct type_handler *type_find(const struct runtime_type *type, uint64_t hash)
{
	for (size_t at = handler_index(type, hash);; at = (at + 1) % count_buckets(type)) {
		const struct type_handler *handler = &type->handlers[at];

		if (!handler->method)
			return NULL;
		if (handler->in_hash == hash)
			return handler;
	}
}

int runtime_type_add(struct runtime *runtime, const struct troupe_actor *table,
		     const void *plugin, const struct runtime_type **ret_type,
		     const char **ret_why)
{
	struct runtime_type copies = {.given = table, .plugin = plugin}, *type;
	uint32_t methods = 0, size = 4;
	int tasks;

	*ret_why = copy_tables(table, &copies, &methods);
	if (*ret_why)
		return -EINVAL;
	if (runtime->n_types >= LIMIT_ACTOR_TYPES) {
		*ret_why = "too many actor types";
		return -EINVAL;
	}
	tasks = has_tasks(table);
	if (tasks < 0) {
		*ret_why = "a method has two handlers";
		return -EINVAL;
	}
	while (size < 4 * methods) /* mostly empty: a search ends, and soon */
		size *= 2;
	if (tasks)
		copies.ways = calloc(size, sizeof(copies.ways[0]));
	type = tasks && !copies.ways
		       ? NULL
		       : calloc(1, sizeof(*type) + size * sizeof(type->handlers[0]));
	if (!type) {
		free(copies.ways);
		*ret_why = "no memory";
		return -ENOMEM;
	}
	*type = copies;
	type->mask = (size - 1) * (uint32_t)sizeof(type->handlers[0]);
	choose_shift(type);
	/* 0 belongs to the first place */
	type->handlers[0].hash = (uint64_t)sizeof(type->handlers[0]) << type->shift;
	for (uint32_t n = 0; n < TROUPE_INTERFACES_MAX && table->interfaces[n]; n++)
		put_handlers(runtime->serving, type, table->interfaces[n]);
	type->next = runtime->types;
	runtime->types = type;
	runtime->n_types++;
	*ret_type = type;
	return 0;
}

static bool is_text(const char *name, const char *text, size_t size)
{
	return strlen(name) == size && memcmp(name, text, size) == 0;
}

const struct type_handler *type_find_name(const struct runtime_type *type,
					  const char *interface, size_t interface_size,
					  const char *method, size_t method_size,
					  bool *ret_interface)
{
	const struct troupe_actor *table = &type->table;

	*ret_interface = false;
	for (uint32_t n = 0; n < TROUPE_INTERFACES_MAX && table->interfaces[n]; n++) {
		const struct troupe_interface *known = table->interfaces[n]->interface;

		if (!is_text(known->name, interface, interface_size))
			continue;
		*ret_interface = true;
		for (uint32_t i = 0; i < known->n_methods; i++)
			if (is_text(known->methods[i]->name, method, method_size))
				return type_find(type, known->methods[i]->in_hash);
	}
	return NULL;
}

void types_free(struct runtime *runtime)
{
	while (runtime->types) {
		struct runtime_type *type = runtime->types;

		runtime->types = type->next;
		free(type->ways);
		free(type);
	}
}

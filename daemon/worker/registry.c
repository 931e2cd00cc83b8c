/* registry.c - pools by their names. */
#include "worker/registry.h"

#include "base/hash.h"
#include "base/limits.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct registry_entry {
	UT_hash_handle by_name;
	size_t n_actors;
	size_t turn; /* of the actor that is found next */
	struct offering offering;
	char name[LIMIT_NAME + 1];
	struct troupe_address actors[];
};

void registry_init(struct registry *registry, struct process process)
{
	*registry = (struct registry){.process = process};
}

static void remove_entry(struct registry *registry, struct registry_entry *entry)
{
	HASH_DELETE(by_name, registry->entries, entry);
	offers_remove(&registry->offers, &entry->offering);
	free(entry);
}

void registry_fini(struct registry *registry)
{
	while (registry->entries)
		remove_entry(registry, registry->entries);
}

static struct registry_entry *find_entry(const struct registry *registry, const char *name,
					 size_t size)
{
	struct registry_entry *entry;

	HASH_FIND(by_name, registry->entries, name, size, entry);
	return entry;
}

int registry_set(struct registry *registry, const struct registry_name *given)
{
	const struct troupe_address *actors = given->actors;
	size_t size = strlen(given->name), n_actors = given->n_actors;
	struct registry_entry *before, *entry;
	int r;

	if (size == 0 || size > LIMIT_NAME)
		return -EINVAL;
	before = find_entry(registry, given->name, size);
	if (n_actors == 0 && !given->comes_back) {
		if (before)
			remove_entry(registry, before);
		return 0;
	}
	if (n_actors > LIMIT_INSTANCES ||
	    (!before && HASH_CNT(by_name, registry->entries) == LIMIT_UNITS))
		return -ENOSPC;
	entry = malloc(sizeof(*entry) + n_actors * sizeof(*actors));
	if (!entry)
		return -ENOMEM;
	*entry = (struct registry_entry){.n_actors = n_actors};
	memcpy(entry->name, given->name, size + 1);
	if (n_actors > 0)
		memcpy(entry->actors, actors, n_actors * sizeof(*actors));
	/* A pool that changes goes on where it was. A new one begins at home: what asks for
	 * it first is often alone in asking. */
	if (before)
		entry->turn = before->turn;
	else
		while (entry->turn < n_actors &&
		       !process_equal(process_of(actors[entry->turn]), registry->process))
			entry->turn++;
	r = offers_add(&registry->offers, &entry->offering, entry, given->is_default,
		       given->interfaces, given->n_interfaces);
	if (r < 0) {
		free(entry);
		return r;
	}
	HASH_ADD_KEYPTR(by_name, registry->entries, entry->name, size, entry);
	if (!entry->by_name.tbl) {
		offers_remove(&registry->offers, &entry->offering);
		free(entry);
		return -ENOMEM;
	}
	if (before)
		remove_entry(registry, before);
	return 0;
}

static int take_turn(struct registry_entry *entry, struct troupe_address *ret_address)
{
	if (entry->n_actors == 0)
		return -EINPROGRESS;
	if (entry->turn >= entry->n_actors)
		entry->turn = 0;
	*ret_address = entry->actors[entry->turn++];
	return 0;
}

int registry_find(struct registry *registry, const char *name,
		  struct troupe_address *ret_address)
{
	struct registry_entry *entry = find_entry(registry, name, strlen(name));

	return entry ? take_turn(entry, ret_address) : -ENOENT;
}

int registry_find_provider(struct registry *registry, const char *interface,
			   struct troupe_address *ret_address)
{
	struct registry_entry *entry;
	int r = offers_find(&registry->offers, interface, &entry);

	return r < 0 ? r : take_turn(entry, ret_address);
}

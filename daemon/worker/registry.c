/* registry.c - a hash table from names to pools. */
#include "worker/registry.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include <string.h>

struct registry_entry {
	struct registry_entry *next; /* in the bucket */
	size_t n_actors;
	size_t turn; /* of the actor that is found next */
	char name[LIMIT_NAME + 1];
	struct troupe_address actors[];
};

void registry_init(struct registry *registry, struct process process)
{
	*registry = (struct registry){.process = process};
}

void registry_fini(struct registry *registry)
{
	for (size_t i = 0; i < REGISTRY_BUCKETS; i++)
		for (struct registry_entry *entry = registry->buckets[i], *next; entry;
		     entry = next) {
			next = entry->next;
			free(entry);
		}
	registry_init(registry, registry->process);
}

/* Where the entry's pointer is, or would go. */
static struct registry_entry **find_place(struct registry *registry, const char *name)
{
	struct registry_entry **place;
	uint32_t hash = 2166136261u;

	for (const char *at = name; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	place = &registry->buckets[(hash ^ hash >> 16) % REGISTRY_BUCKETS];
	while (*place && strcmp((*place)->name, name) != 0)
		place = &(*place)->next;
	return place;
}

static void remove_entry(struct registry *registry, struct registry_entry **place)
{
	struct registry_entry *entry = *place;

	if (!entry)
		return;
	*place = entry->next;
	free(entry);
	registry->count--;
}

int registry_set(struct registry *registry, const char *name, bool comes_back,
		 const struct troupe_address *actors, size_t n_actors)
{
	size_t size = strlen(name);
	struct registry_entry **place, *entry;

	if (size == 0 || size > LIMIT_NAME)
		return -EINVAL;
	place = find_place(registry, name);
	if (n_actors == 0 && !comes_back) {
		remove_entry(registry, place);
		return 0;
	}
	if (n_actors > LIMIT_INSTANCES || (!*place && registry->count == LIMIT_UNITS))
		return -ENOSPC;
	entry = malloc(sizeof(*entry) + n_actors * sizeof(*actors));
	if (!entry)
		return -ENOMEM;
	*entry = (struct registry_entry){.n_actors = n_actors};
	memcpy(entry->name, name, size + 1);
	if (n_actors > 0)
		memcpy(entry->actors, actors, n_actors * sizeof(*actors));
	/* A pool that changes goes on where it was. A new one begins at home: what asks for
	 * it first is often alone in asking. */
	if (*place)
		entry->turn = (*place)->turn;
	else
		while (entry->turn < n_actors &&
		       !process_equal(process_of(actors[entry->turn]), registry->process))
			entry->turn++;
	remove_entry(registry, place);
	entry->next = *place;
	*place = entry;
	registry->count++;
	return 0;
}

int registry_find(struct registry *registry, const char *name,
		  struct troupe_address *ret_address)
{
	struct registry_entry *entry = *find_place(registry, name);

	if (!entry)
		return -ENOENT;
	if (entry->n_actors == 0)
		return -EINPROGRESS;
	if (entry->turn >= entry->n_actors)
		entry->turn = 0;
	*ret_address = entry->actors[entry->turn++];
	return 0;
}

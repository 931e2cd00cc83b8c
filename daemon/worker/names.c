/* names.c - a hash table from names to pools. */
#include "worker/names.h"

#include "base/cleanup.h"
#include "base/limits.h"
#include <string.h>

struct names_entry {
	struct names_entry *next; /* in the bucket */
	size_t n_actors;
	size_t turn; /* of the actor that is found next */
	char name[LIMIT_NAME + 1];
	struct troupe_address actors[];
};

void names_init(struct names *names, struct process process)
{
	*names = (struct names){.process = process};
}

void names_fini(struct names *names)
{
	for (size_t i = 0; i < NAMES_BUCKETS; i++)
		for (struct names_entry *entry = names->buckets[i], *next; entry;
		     entry = next) {
			next = entry->next;
			free(entry);
		}
	names_init(names, names->process);
}

/* Where the entry's pointer is, or would go. */
static struct names_entry **find_place(struct names *names, const char *name)
{
	struct names_entry **place;
	uint32_t hash = 2166136261u;

	for (const char *at = name; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	place = &names->buckets[(hash ^ hash >> 16) % NAMES_BUCKETS];
	while (*place && strcmp((*place)->name, name) != 0)
		place = &(*place)->next;
	return place;
}

static void remove_entry(struct names *names, struct names_entry **place)
{
	struct names_entry *entry = *place;

	if (!entry)
		return;
	*place = entry->next;
	free(entry);
	names->count--;
}

int names_set(struct names *names, const char *name, bool comes_back,
	      const struct troupe_address *actors, size_t n_actors)
{
	size_t size = strlen(name);
	struct names_entry **place, *entry;

	if (size == 0 || size > LIMIT_NAME)
		return -EINVAL;
	place = find_place(names, name);
	if (n_actors == 0 && !comes_back) {
		remove_entry(names, place);
		return 0;
	}
	if (n_actors > LIMIT_INSTANCES || (!*place && names->count == LIMIT_UNITS))
		return -ENOSPC;
	entry = malloc(sizeof(*entry) + n_actors * sizeof(*actors));
	if (!entry)
		return -ENOMEM;
	*entry = (struct names_entry){.n_actors = n_actors};
	memcpy(entry->name, name, size + 1);
	if (n_actors > 0)
		memcpy(entry->actors, actors, n_actors * sizeof(*actors));
	/* A pool that changes goes on where it was. A new one begins at home: what asks for
	 * it first is often alone in asking. */
	if (*place)
		entry->turn = (*place)->turn;
	else
		while (entry->turn < n_actors &&
		       !process_equal(process_of(actors[entry->turn]), names->process))
			entry->turn++;
	remove_entry(names, place);
	entry->next = *place;
	*place = entry;
	names->count++;
	return 0;
}

int names_find(struct names *names, const char *name, struct troupe_address *ret_address)
{
	struct names_entry *entry = *find_place(names, name);

	if (!entry)
		return -ENOENT;
	if (entry->n_actors == 0)
		return -EINPROGRESS;
	if (entry->turn >= entry->n_actors)
		entry->turn = 0;
	*ret_address = entry->actors[entry->turn++];
	return 0;
}

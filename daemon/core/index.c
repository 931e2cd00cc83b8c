#include "core/index.h"
#include <errno.h>
#include <stdlib.h>

#define INDEX_START 64

int index_init(struct index *index)
{
	*index = (struct index){.buckets = calloc(INDEX_START, sizeof(struct index_link *)),
				.size = INDEX_START};
	return index->buckets ? 0 : -ENOMEM;
}

void index_fini(struct index *index)
{
	free(index->buckets);
	index->buckets = NULL;
}

static void grow_index(struct index *index)
{
	size_t size = index->size * 2;
	struct index_link **buckets = calloc(size, sizeof(*buckets));

	if (!buckets)
		return;
	for (size_t i = 0; i < index->size; i++) {
		struct index_link *next;

		for (struct index_link *link = index->buckets[i]; link; link = next) {
			struct index_link **bucket = &buckets[link->hash & (size - 1)];

			next = link->next;
			link->next = *bucket;
			*bucket = link;
		}
	}
	free(index->buckets);
	index->buckets = buckets;
	index->size = size;
}

void index_put(struct index *index, struct index_link *link, uint64_t hash)
{
	struct index_link **bucket;

	if (index->count >= index->size)
		grow_index(index);
	bucket = &index->buckets[hash & (index->size - 1)];
	link->hash = hash;
	link->next = *bucket;
	*bucket = link;
	index->count++;
}

void index_remove(struct index *index, struct index_link *link)
{
	struct index_link **at = &index->buckets[link->hash & (index->size - 1)];

	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	link->next = NULL;
	index->count--;
}

struct index_link *index_pop(struct index *index, size_t *at)
{
	struct index_link *link = NULL;

	while (*at < index->size && !(link = index->buckets[*at]))
		(*at)++;
	if (link)
		index_remove(index, link);
	return link;
}

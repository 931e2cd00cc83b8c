/* index.h - records found by a hash of their key; the links live inside the records.
 *
 * Open inside core/: the user computes the hash (index_hash() keeps peers from choosing
 * collisions) and compares keys itself (index_foreach()). Memory of the owner, one
 * thread.
 */
#ifndef CORE_INDEX_H
#define CORE_INDEX_H

#include "base/list.h"
#include <stddef.h>
#include <stdint.h>

struct index_link {
	struct index_link *next;
	uint64_t hash;
};

struct index {
	struct index_link **buckets;
	size_t size; /* a power of two */
	size_t count;
};

/* -ENOMEM */
int index_init(struct index *index);
void index_fini(struct index *index);

/* Cannot fail: when there is no memory to grow, the buckets get longer. */
void index_put(struct index *index, struct index_link *link, uint64_t hash);
void index_remove(struct index *index, struct index_link *link);

/* Take out one, whichever, of those from bucket *at on, which is moved there (start with 0).
 * NULL: there is none. */
struct index_link *index_pop(struct index *index, size_t *at);
#define index_take(index, at, type, member)                                                    \
	({                                                                                     \
		struct index_link *popped_ = index_pop(index, at);                             \
		popped_ ? container_of(popped_, type, member) : NULL;                          \
	})

/* The first link of the bucket that a hash belongs to. */
static inline struct index_link *index_bucket(const struct index *index, uint64_t hash)
{
	return index->buckets[hash & (index->size - 1)];
}

/* Go through the records that may have that hash by `record`, a pointer; `member` is the link
 * in them. The body compares the key. */
#define index_foreach(record, index, hash, member)                                             \
	for (struct index_link *link_ = index_bucket(index, hash);                             \
	     link_ && ((record) = container_of(link_, __typeof__(*(record)), member));         \
	     link_ = link_->next)

/* Mix two words of a key with a secret. */
static inline uint64_t index_hash(uint64_t secret, uint64_t a, uint64_t b)
{
	uint64_t hash = secret ^ a;

	hash = (hash ^ hash >> 30) * 0xbf58476d1ce4e5b9u;
	hash = (hash ^ hash >> 27) + b;
	hash = (hash ^ hash >> 31) * 0x94d049bb133111ebu;
	return hash ^ hash >> 29;
}

#endif

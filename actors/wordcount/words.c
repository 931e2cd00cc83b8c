#include "words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_SIZE_FIRST 1024u
#define CHUNK_BYTES      (64u << 10)

struct words_chunk {
	struct words_chunk *next;
	size_t used;
	size_t room;
	char text[];
};

/* Letters to their lower case, all else to 0: one load a byte instead of branches that text
 * makes hard to predict. */
#define LOWER_FROM(upper, lower, i)                                                            \
	[(upper) + (i)] = (lower) + (i), [(lower) + (i)] = (lower) + (i)
#define LOWER(i) LOWER_FROM('A', 'a', i)
static const unsigned char letters[256] = {
	LOWER(0),  LOWER(1),  LOWER(2),  LOWER(3),  LOWER(4),  LOWER(5),  LOWER(6),
	LOWER(7),  LOWER(8),  LOWER(9),  LOWER(10), LOWER(11), LOWER(12), LOWER(13),
	LOWER(14), LOWER(15), LOWER(16), LOWER(17), LOWER(18), LOWER(19), LOWER(20),
	LOWER(21), LOWER(22), LOWER(23), LOWER(24), LOWER(25),
};

void words_init(struct words *words, uint32_t seed)
{
	*words = (struct words){.seed = seed};
}

void words_fini(struct words *words)
{
	while (words->chunks) {
		struct words_chunk *next = words->chunks->next;

		free(words->chunks);
		words->chunks = next;
	}
	free(words->table);
	free(words->partial);
	words_init(words, words->seed);
}

static uint32_t hash_letter(uint32_t hash, unsigned char letter)
{
	return (hash ^ letter) * 0x01000193u;
}

/* The low bits of the multiplications above know little of the first letters' high bits. */
static size_t place_of(uint32_t hash, size_t size)
{
	hash ^= hash >> 15;
	hash *= 0x2c1b3c6du;
	return (hash ^ hash >> 13) & (size - 1);
}

static int grow_table(struct words *words)
{
	size_t size = words->size ? words->size * 2 : TABLE_SIZE_FIRST;
	struct word *table = calloc(size, sizeof(*table));

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < words->size; i++) {
		const struct word *word = &words->table[i];

		if (!word->text)
			continue;
		size_t place = place_of(word->hash, size);
		while (table[place].text)
			place = (place + 1) & (size - 1);
		table[place] = *word;
	}
	free(words->table);
	words->table = table;
	words->size = size;
	return 0;
}

/* Room for a word's text that stays where it is. */
static char *store_text(struct words *words, const char *text, size_t length)
{
	struct words_chunk *chunk = words->chunks;
	size_t bytes = length + 1;

	if (!chunk || chunk->room - chunk->used < bytes) {
		size_t room = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;

		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		chunk->next = words->chunks;
		chunk->used = 0;
		chunk->room = room;
		words->chunks = chunk;
	}
	char *stored = memcpy(chunk->text + chunk->used, text, length);
	stored[length] = '\0';
	chunk->used += bytes;
	words->text_bytes += bytes;
	return stored;
}

static int count_word(struct words *words, const char *text, size_t length, uint32_t hash,
		      enum words_limit *ret_limit)
{
	if (words->distinct * 2 >= words->size) {
		int r = grow_table(words);

		if (r < 0)
			return r;
	}
	size_t place = place_of(hash, words->size);
	struct word *word;
	for (;; place = (place + 1) & (words->size - 1)) {
		word = &words->table[place];
		if (!word->text)
			break;
		if (word->hash == hash && word->length == length &&
		    memcmp(word->text, text, length) == 0) {
			word->count++;
			words->total++;
			return 0;
		}
	}
	if (words->distinct == WORDS_DISTINCT_MAX ||
	    words->text_bytes + length + 1 > WORDS_TEXT_MAX) {
		*ret_limit = WORDS_DISTINCT;
		return -E2BIG;
	}
	const char *stored = store_text(words, text, length);
	if (!stored)
		return -ENOMEM;
	*word = (struct word){stored, (uint32_t)length, hash, 1};
	words->distinct++;
	words->total++;
	return 0;
}

int words_add(struct words *words, const char *slice, size_t size, enum words_limit *ret_limit)
{
	const unsigned char *at = (const unsigned char *)slice, *end = at + size;

	if (!words->partial) {
		words->partial = malloc(WORDS_LENGTH_MAX);
		if (!words->partial)
			return -ENOMEM;
	}
	words->bytes += size;

	/* The word under way is gathered in `partial` in lower case, wherever slices end. */
	char *gathered = words->partial;
	size_t length = words->partial_length;
	uint32_t hash = words->seed;
	for (size_t i = 0; i < length; i++)
		hash = hash_letter(hash, (unsigned char)gathered[i]);

	for (; at < end; at++) {
		unsigned char letter = letters[*at];

		if (letter) {
			if (length == WORDS_LENGTH_MAX) {
				*ret_limit = WORDS_LENGTH;
				return -E2BIG;
			}
			gathered[length++] = (char)letter;
			hash = hash_letter(hash, letter);
			continue;
		}
		words->lines += *at == '\n';
		if (length == 0)
			continue;
		int r = count_word(words, gathered, length, hash, ret_limit);
		if (r < 0)
			return r;
		length = 0;
		hash = words->seed;
	}
	words->partial_length = length;
	return 0;
}

int words_end(struct words *words, enum words_limit *ret_limit)
{
	uint64_t bytes = words->bytes;
	/* Any byte that is no letter ends the word under way; it is no byte of the text. */
	int r = words_add(words, " ", 1, ret_limit);

	words->bytes = bytes;
	return r;
}

static int compare_words(const void *a, const void *b)
{
	const struct word *one = a, *other = b;

	if (one->count != other->count)
		return one->count < other->count ? 1 : -1;
	return strcmp(one->text, other->text);
}

/* Move the word at `place` of a heap, whose first word is the one to be sorted last, down to
 * where it belongs. */
static void sift_down(struct word *heap, size_t count, size_t place)
{
	for (;;) {
		size_t child = place * 2 + 1;

		if (child >= count)
			return;
		if (child + 1 < count && compare_words(&heap[child + 1], &heap[child]) > 0)
			child++;
		if (compare_words(&heap[place], &heap[child]) >= 0)
			return;
		struct word moved = heap[place];
		heap[place] = heap[child];
		heap[child] = moved;
		place = child;
	}
}

int words_top(const struct words *words, size_t top, struct word **ret_top, size_t *ret_count)
{
	size_t n = 0, taken;

	if (top == 0 || top > words->distinct)
		top = words->distinct;
	struct word *chosen = calloc(top ? top : 1, sizeof(*chosen));
	if (!chosen)
		return -ENOMEM;

	/* Keep the best `top` seen so far in a heap, the worst of them first. */
	for (taken = 0; taken < words->size && n < top; taken++)
		if (words->table[taken].text)
			chosen[n++] = words->table[taken];
	if (n < words->distinct)
		for (size_t i = n / 2; i-- > 0;)
			sift_down(chosen, n, i);
	for (; taken < words->size && n > 0; taken++) {
		const struct word *word = &words->table[taken];

		if (!word->text || compare_words(word, &chosen[0]) >= 0)
			continue;
		chosen[0] = *word;
		sift_down(chosen, n, 0);
	}
	qsort(chosen, n, sizeof(*chosen), compare_words);
	*ret_top = chosen;
	*ret_count = n;
	return 0;
}

/* words.h - the different words of a text that comes in slices, and how often each stands in
 * it.
 *
 * Memory of the caller, init/fini; one thread at a time. The table and the words live on the
 * heap and are freed by words_fini().
 */
#ifndef WORDCOUNT_WORDS_H
#define WORDCOUNT_WORDS_H

#include <stddef.h>
#include <stdint.h>

#define WORDS_DISTINCT_MAX (1u << 18)
#define WORDS_LENGTH_MAX   (64u << 10) /* bytes of one word */
#define WORDS_TEXT_MAX     (64u << 20) /* bytes of all different words, a NUL after each */

struct word {
	const char *text; /* NUL-terminated; NULL: a free place of the table */
	uint32_t length;
	uint32_t hash;
	uint64_t count;
};

struct words_chunk;

struct words {
	uint64_t bytes;
	uint64_t lines; /* newline characters */
	uint64_t total; /* words */
	size_t distinct;

	/* open addressing, a power of two of places, at most half of them taken */
	struct word *table;
	size_t size;
	uint32_t seed;
	struct words_chunk *chunks; /* where the words' texts lie */
	size_t text_bytes;
	char *partial; /* the word that the last slice ended in; made when needed */
	size_t partial_length;
};

/* What a text had too much of. */
enum words_limit { WORDS_NO_LIMIT, WORDS_DISTINCT, WORDS_LENGTH };

/* seed: any number that whoever wrote the text cannot know; it decides the order of the
 * table. */
void words_init(struct words *words, uint32_t seed);
void words_fini(struct words *words);

/* Count the next slice of the text. -E2BIG: a limit, which *ret_limit names; -ENOMEM. After an
 * error only words_fini() makes sense. */
int words_add(struct words *words, const char *slice, size_t size, enum words_limit *ret_limit);

/* The text has ended: count the word that it ended in. Errors as for words_add(). */
int words_end(struct words *words, enum words_limit *ret_limit);

/* The `top` most frequent words (0: all), equally frequent ones in the order of the
 * alphabet. *ret_top is given (malloc), the texts in it are borrowed until words_fini().
 * -ENOMEM. */
int words_top(const struct words *words, size_t top, struct word **ret_top, size_t *ret_count);

#endif

/* tally.h - how often each word was counted, of many counts merged. */
#ifndef CRAWLER_TALLY_H
#define CRAWLER_TALLY_H

#include <stddef.h>
#include <stdint.h>

struct tally_word {
	char *text;
	int64_t count;
};

/* Zero but for the first two: empty. */
struct tally {
	uint64_t seed;            /* not for pages' authors to know */
	size_t distinct_max;      /* more different words are not taken */
	struct tally_word *table; /* of `size`, a power of two; text NULL: free */
	size_t size, distinct;
	int64_t words;
};

/* -ENOMEM, -E2BIG (distinct_max): it was not counted. The text is copied when it is new. */
int tally_add(struct tally *tally, const char *text, int64_t count);

/* The most frequent n, equally frequent ones by their letters; 0: all. The caller frees the
 * array; its texts are the tally's. */
int tally_top(const struct tally *tally, size_t n, struct tally_word **ret_top, size_t *ret_n);

void tally_fini(struct tally *tally);

#endif

#include "tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_SIZE_FIRST 4096u

/* FNV-1a, from a seed. */
static size_t hash(const struct tally *tally, const char *text)
{
	uint64_t hash = tally->seed;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return (size_t)(hash ^ hash >> 32);
}

/* Where it is, or may be put. There is a free place always. */
static struct tally_word *place(const struct tally *tally, const char *text)
{
	size_t at = hash(tally, text) & (tally->size - 1);

	while (tally->table[at].text && strcmp(tally->table[at].text, text) != 0)
		at = (at + 1) & (tally->size - 1);
	return &tally->table[at];
}

static int grow(struct tally *tally)
{
	struct tally larger = *tally;

	larger.size = tally->size ? tally->size * 2 : TABLE_SIZE_FIRST;
	larger.table = calloc(larger.size, sizeof(*larger.table));
	if (!larger.table)
		return -ENOMEM;
	for (size_t i = 0; i < tally->size; i++)
		if (tally->table[i].text)
			*place(&larger, tally->table[i].text) = tally->table[i];
	free(tally->table);
	*tally = larger;
	return 0;
}

int tally_add(struct tally *tally, const char *text, int64_t count)
{
	if (tally->distinct * 2 >= tally->size) {
		int r = grow(tally);

		if (r < 0)
			return r;
	}
	struct tally_word *word = place(tally, text);
	if (!word->text) {
		if (tally->distinct == tally->distinct_max)
			return -E2BIG;
		word->text = strdup(text);
		if (!word->text)
			return -ENOMEM;
		tally->distinct++;
	}
	word->count += count;
	tally->words += count;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct tally_word *one = a, *other = b;

	if (one->count != other->count)
		return one->count < other->count ? 1 : -1;
	return strcmp(one->text, other->text);
}

int tally_top(const struct tally *tally, size_t n, struct tally_word **ret_top, size_t *ret_n)
{
	struct tally_word *all = calloc(tally->distinct ? tally->distinct : 1, sizeof(*all));
	size_t count = 0;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < tally->size; i++)
		if (tally->table[i].text)
			all[count++] = tally->table[i];
	qsort(all, count, sizeof(*all), compare);
	*ret_top = all;
	*ret_n = n && n < count ? n : count;
	return 0;
}

void tally_fini(struct tally *tally)
{
	for (size_t i = 0; i < tally->size; i++)
		free(tally->table[i].text);
	free(tally->table);
	*tally = (struct tally){0};
}

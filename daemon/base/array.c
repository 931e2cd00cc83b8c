#include "base/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void *array_add(void *place, size_t *count, size_t size)
{
	size_t n = *count;
	char *items;

	memcpy(&items, place, sizeof(items)); /* whatever it points to */
	if ((n & (n - 1)) == 0) {
		char *grown = reallocarray(items, n ? 2 * n : 1, size);

		if (!grown)
			return NULL;
		memcpy(place, &grown, sizeof(grown));
		items = grown;
	}
	*count = n + 1;
	return memset(items + n * size, 0, size);
}

int texts_add(char ***texts, size_t *count, const char *text)
{
	char *copy = strdup(text);
	char **item = copy ? array_add(texts, count, sizeof(*item)) : NULL;

	if (!item) {
		free(copy);
		return -ENOMEM;
	}
	*item = copy;
	return 0;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void texts_sort(const char **texts, size_t count)
{
	if (count > 0)
		qsort(texts, count, sizeof(*texts), compare_texts);
}

void texts_free(char **texts, size_t count)
{
	for (size_t i = 0; texts && i < count; i++)
		free(texts[i]);
	free(texts);
}

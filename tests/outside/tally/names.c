#include "names.h"

#include <stdlib.h>
#include <string.h>

int64_t names_add(struct names *names, const char *name)
{
	size_t at = 0;
	int order = 1;

	while (at < names->n && (order = strcmp(names->names[at], name)) < 0)
		at++;
	if (at < names->n && order == 0)
		return ++names->counts[at];
	if (names->n == NAMES_MAX)
		return -1;
	char *copy = strdup(name);
	if (!copy)
		return -1;
	memmove(&names->names[at + 1], &names->names[at], (names->n - at) * sizeof(char *));
	memmove(&names->counts[at + 1], &names->counts[at], (names->n - at) * sizeof(int64_t));
	names->names[at] = copy;
	names->n++;
	return names->counts[at] = 1;
}

void names_fini(struct names *names)
{
	while (names->n > 0)
		free(names->names[--names->n]);
}
